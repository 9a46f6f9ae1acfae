"""Cut-offs: how far the logs of those who were removed count, and what is shown of them.

What lies beyond stays in the store, but is not served, not in the frontier and not in the views; a
cut-off that is raised, or falls, brings it back.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

from p2pblog.errors import Refused
from p2pblog.protocol import entry
from p2pblog.protocol.entry import TeamId
from p2pblog.protocol.log import Branch
from p2pblog.protocol.operation import CutOff
from p2pblog.protocol.page import Page
from p2pblog.store import catalog, entries, ordering, search, timeline, views
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import Log
from p2pblog.store.writing import Writing

_Row = tuple[int, bytes, bytes | None]  # arrival, header, payload


def load(connection: sqlite3.Connection, team: TeamId) -> list[Log]:
    """Every log that is stored, with what the frontier says of it."""
    return [
        _with_tips(connection, log) if log.bounds else log for log in catalog.load(connection, team)
    ]


def _with_tips(connection: sqlite3.Connection, log: Log) -> Log:
    """The log with what the frontier says of it, by its bounds and the signatures held."""
    proved, tips = entries.provable(connection, log)
    return replace(log, tips=tips, proved=proved)


def judge(writing: Writing) -> Authority:
    """What the team allows with the entries of this transaction; logs are cut accordingly."""
    if writing.team_entries:
        more, writing.team_entries = writing.team_entries, []
        writing.authority = writing.authority.with_more(more, writing.catalog.team)
        for log in {**writing.catalog.by_id, **writing.changed}.values():
            _rebound(writing, log)
    return writing.authority


def settle(writing: Writing) -> None:
    """Judge, and cut the logs that this transaction changed; call before `Writing.finish`."""
    judge(writing)
    for log in list(writing.changed.values()):
        _rebound(writing, log)


def _hide(connection: sqlite3.Connection, rows: list[_Row]) -> None:
    shown = timeline.at(connection, [row[0] for row in rows])
    (cursor,) = connection.execute("SELECT indexed FROM store").fetchone()
    search.delete(connection, [row for row in shown if row[0] <= cursor])
    connection.executemany("DELETE FROM posts WHERE arrival = ?", [(row[0],) for row in shown])
    connection.executemany("DELETE FROM profiles WHERE arrival = ?", [(row[0],) for row in rows])
    for row in shown:
        post = views.readable(views.POST, row[6]) if row[4] != views.UNREADABLE else None
        if post is not None and post.source is not None:
            connection.execute(
                "DELETE FROM origins WHERE origin = ? AND arrival = ?",
                (post.source.origin, row[0]),
            )
    ordering.take_in(connection)
    connection.executemany(
        "UPDATE channels SET posts = posts - ?2, newest = ifnull("
        "(SELECT max(time) FROM by_channel WHERE channel = ?1), 0) WHERE channel = ?1",
        Counter(row[4] for row in shown).items(),
    )
    connection.execute("UPDATE store SET posts = posts - ?", (len(shown),))


def _rebound(writing: Writing, log: Log) -> None:
    """Bring a log's bounds, and what is shown of it, in line with its cut-off."""
    cut = writing.authority.cut_off(log.key)
    if cut is None and not log.bounds:
        return
    writing.flush()
    holder = entries.holder(writing.connection, log, (cut.seq, cut.tip)) if cut else None
    if cut and holder:
        _keep_signature(writing, log, holder, cut)
    bounds = _bounds(log, holder, cut)
    for branch in log.branches:
        number, tip = branch.number, branch.tip.seq
        old = min(tip, log.bounds.get(number, 0 if log.bounds else tip))
        new = min(tip, bounds.get(number, tip))
        _move(writing, log, number, old, new)
        writing.connection.execute(
            "UPDATE branches SET bound = ? WHERE branch = ?", (bounds.get(number), number)
        )
    log = replace(log, bounds=MappingProxyType(bounds))
    writing.changed[log.id] = _with_tips(writing.connection, log)


def _bounds(log: Log, holder: Branch | None, cut: CutOff | None) -> dict[int, int]:
    """How far each branch stands: what leads to the entry that the cut-off names.

    While that entry is not here, what is below its height.
    """
    if cut is None:
        return {}
    if cut.seq == 0 or holder is None:
        return {branch.number: max(0, cut.seq - 1) for branch in log.branches}
    return {
        branch.number: min(cut.seq, entries.parting(log, branch, holder)) for branch in log.branches
    }


def _keep_signature(writing: Writing, log: Log, holder: Branch, cut: CutOff) -> None:
    """Pages have to end where the log is cut: keep the signature that the cut-off gives."""
    header = entries.header_at(writing.connection, log, holder, cut.seq)
    assert header is not None
    try:
        entry.check_signature(writing.catalog.team, log.key.device, header, cut.signature)
    except Refused:
        return
    _sign(writing, log, holder, cut.seq, cut.signature)


def learn_signature(writing: Writing, log: Log, branch: Branch, page: Page) -> None:
    """Of a page that is known, keep the signature at its end, if the log is cut.

    What can be passed on of a log that is cut ends at a signature: of two who hold the same
    entries, the one that has a higher signature gives it to the other.
    """
    if not log.bounds:
        return
    if _sign(writing, log, branch, page.headers[-1].seq, page.signatures[-1]):
        writing.changed[log.id] = log  # `settle` looks again how far it stands


def _sign(writing: Writing, log: Log, branch: Branch, seq: int, signature: bytes) -> int:
    """Store a verified signature with its entry, unless it has one; how many were stored."""
    writing.flush()
    kept = writing.connection.execute(
        "UPDATE entries SET signature = ? WHERE branch = ? AND seq = ? AND signature IS NULL",
        (signature, log.carrier(branch, seq).number, seq),
    ).rowcount
    writing.size += kept * len(signature)
    return kept


def _move(writing: Writing, log: Log, branch: int, old: int, new: int) -> None:
    """Show or hide the rows of a branch between two heights."""
    if old == new:
        return
    writing.moved = True
    rows = writing.connection.execute(
        "SELECT arrival, header, payload FROM entries "
        "WHERE branch = ? AND seq > ? AND seq <= ? ORDER BY arrival",
        (branch, min(old, new), max(old, new)),
    ).fetchall()
    if new < old:
        _hide(writing.connection, rows)
        return
    for arrival, stored, payload in rows:
        raw = log.whole(stored)
        header = entry.parse_header(raw)
        post = views.readable(header.payload_class, payload)
        writing.sheet.add(log, arrival, [entry.entry_id(raw)], [header], [payload], [post])
    writing.flush()
    ordering.put_back(writing.connection, [row[0] for row in rows])
    (cursor,) = writing.connection.execute("SELECT indexed FROM store").fetchone()
    arrivals = [row[0] for row in rows if row[0] <= cursor]
    search.insert(writing.connection, timeline.at(writing.connection, arrivals))
