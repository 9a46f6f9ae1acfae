"""Full-text search: an index that follows the arrivals, and questions to it.

Indexing waits until the writer is idle, and goes by a cursor: it costs as much as all the rest of
ingest. The index holds no text, only its words; a post is taken out by giving its old values.
Besides the text it holds, as tokens, the start of the id, the log and the channel, so that short
ids and filters are looked up in it too: there is no other index on ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from p2pblog.protocol.entry import PayloadClass
from p2pblog.store import bulk, question, timeline
from p2pblog.store.authority import Authority
from p2pblog.store.backlog import ID_DIGITS, Backlog, Document, document
from p2pblog.store.catalog import Catalog
from p2pblog.store.question import Term
from p2pblog.store.views import START, UNREADABLE, readable

MIN_SOUGHT = 3  # letters: with two there are hundreds of words, and to find that out takes 10 ms
MAX_WORDS = 100  # that a prefix stands for: to find them and to ask for them takes some 15 ms
_WORDS = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, search, instance)"
_BEGINNING = """WITH RECURSIVE found (word) AS (
    SELECT (SELECT term FROM words WHERE term >= ?1 AND term < ?2 LIMIT 1) UNION ALL
    SELECT (SELECT term FROM words WHERE term >= word || char(1) AND term < ?2 LIMIT 1)
    FROM found WHERE word IS NOT NULL
) SELECT word FROM found WHERE word IS NOT NULL LIMIT ?3"""  # from word to word, each one seek


def _documents(rows: Iterable[timeline.Row]) -> list[Document]:
    """What stands in the index; nothing for a post whose text is still wanted."""
    found = []
    for arrival, _, start, log, channel, _, payload in rows:
        post = None if channel == UNREADABLE else readable(PayloadClass.POST, payload)
        if payload is not None:
            found.append(document(arrival, start, log, channel, post))
    return found


def index(connection: sqlite3.Connection, backlog: Backlog, limit: int) -> bool:
    """Index the next `limit` posts; whether more are left. Within a write transaction."""
    (cursor,) = connection.execute("SELECT indexed FROM store").fetchone()
    kept = backlog.after(cursor, limit)
    if kept is None:
        rows = timeline.by_arrival(connection, cursor, limit)
        kept = _documents(rows), rows[-1][0] if rows else cursor
        more = len(rows) == limit
    else:
        more = len(kept[0]) == limit
    _insert(connection, kept[0])
    connection.execute("UPDATE store SET indexed = ?", (kept[1],))
    return more


def _insert(connection: sqlite3.Connection, documents: Sequence[Document]) -> None:
    values = "column1, column2, column3, column4"
    bulk.insert(connection, "search (rowid, text, source, meta)", values, documents)


def insert(connection: sqlite3.Connection, rows: Sequence[timeline.Row]) -> None:
    """Put posts into the index."""
    _insert(connection, _documents(rows))


def delete(connection: sqlite3.Connection, rows: Sequence[timeline.Row]) -> None:
    """Take posts out of the index; they must have been in it with just these values."""
    connection.executemany(
        "INSERT INTO search (search, rowid, text, source, meta) VALUES ('delete', ?, ?, ?, ?)",
        _documents(rows),
    )


def clear(connection: sqlite3.Connection) -> None:
    """Empty the index."""
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    connection.execute("UPDATE store SET indexed = 0")


def behind(connection: sqlite3.Connection) -> bool:
    """Whether there are posts that the index does not hold yet."""
    row = connection.execute(
        "SELECT 1 FROM posts WHERE arrival > (SELECT indexed FROM store) LIMIT 1"
    ).fetchone()
    return row is not None


def ask(
    connection: sqlite3.Connection,
    catalog: Catalog,
    authority: Authority,
    text: str,
    limit: int,
    before: int | None,
) -> list[timeline.Row]:
    """The posts that a question finds, the newest arrival first, below number `before`."""
    terms = question.parse(text)
    if not terms:
        return []
    conditions = [_condition(connection, catalog, authority, term) for term in terms]
    positive = [c for c, term in zip(conditions, terms, strict=True) if not term.negative]
    negative = [c for c, term in zip(conditions, terms, strict=True) if term.negative]
    match = question.match(positive or [_anything(connection, terms)], negative)
    found = connection.execute(
        "SELECT rowid FROM search WHERE search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
        (match, 2**62 if before is None else before, limit),
    ).fetchall()
    return timeline.at(connection, [arrival for (arrival,) in found])


def _condition(
    connection: sqlite3.Connection, catalog: Catalog, authority: Authority, term: Term
) -> str:
    if term.field == "in":
        return _tokens([f"ch{number}" for number in _channels(connection, term)])
    if term.field == "from":
        logs = [
            f"lg{number}"
            for device in authority.devices_of(term.text)
            for number in catalog.of_device.get(device, ())
        ]
        source = question.in_column("source", term.text, term.prefix)
        return question.any_of([_tokens(logs), source])
    words = _beginning(connection, term.text.lower()) if term.prefix else None
    if words:
        return question.any_of([question.in_column("text", word) for word in words])
    return question.in_column("text", term.text, term.prefix)


def _beginning(connection: sqlite3.Connection, start: str) -> list[str] | None:
    """The words of the index that begin so; None where they are many, or not to be told so.

    Of words, FTS5 reads as many places as are asked for; of a prefix first all places of all words.
    """
    if len(start) < MIN_SOUGHT or not (start.isascii() and start.isalnum()):
        return None  # too many, or the index may have it in another form, or as several words
    connection.execute(_WORDS)
    bounds = (start, start + chr(0x10FFFF), MAX_WORDS + 1)
    words = [word for (word,) in connection.execute(_BEGINNING, bounds)]
    return words if len(words) <= MAX_WORDS else None


def _channels(connection: sqlite3.Connection, term: Term) -> list[int]:
    """The numbers of the channels that are called so; letter case does not matter."""
    rows = connection.execute(
        "SELECT channel FROM channels WHERE name = ?1 OR lower(name) = lower(?1)",
        (term.text.removeprefix("#"),),
    )
    return [number for (number,) in rows]


def _anything(connection: sqlite3.Connection, terms: Sequence[Term]) -> str:
    """Every post but those of channels that are left out: channels are fewer than logs."""
    rows = connection.execute("SELECT channel FROM channels")
    numbers = {UNREADABLE, *(number for (number,) in rows)}
    for term in terms:
        if term.negative and term.field == "in":
            numbers.difference_update(_channels(connection, term))
    return _tokens([f"ch{number}" for number in sorted(numbers)])


def _tokens(tokens: list[str]) -> str:
    """Any of these tokens; one that no post has stands for none of them."""
    return question.any_of([question.in_column("meta", token) for token in tokens or ["none"]])


def find(connection: sqlite3.Connection, prefix: str) -> list[timeline.Row]:
    """Posts whose id starts so, as far as the view knows it: indexed, not yet indexed, wanted."""
    digits = prefix[: 2 * START]
    low = bytes.fromhex(digits.ljust(2 * START, "0"))
    high = bytes.fromhex(digits.ljust(2 * START, "f"))
    match = question.in_column("meta", f"x{prefix[:ID_DIGITS]}", prefix=True)
    rows = connection.execute(
        "SELECT rowid FROM search WHERE search MATCH ? UNION SELECT arrival FROM posts "
        "WHERE arrival > (SELECT indexed FROM store) AND start BETWEEN ? AND ? UNION "
        "SELECT arrival FROM wants",
        (match, low, high),
    ).fetchall()
    every = timeline.at(connection, [arrival for (arrival,) in rows])
    return [row for row in every if low <= row[2] <= high]
