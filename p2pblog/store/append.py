"""Storing what we write ourselves: signed here, on the disk before anybody hears of it.

Spec: `protocol/order.md` for the times that headers get, `protocol/page.md` for what is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import NamedTuple

from p2pblog.protocol import entry, order
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Entry, Incarnation, Kind, TeamId
from p2pblog.protocol.log import Branch, Tip
from p2pblog.protocol.post import Reference
from p2pblog.store import entries, notes
from p2pblog.store.catalog import Log, LogKey
from p2pblog.store.serve import cuts
from p2pblog.store.views import read_all
from p2pblog.store.writing import Run, Writing


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes here: the device's key and the incarnation that its logs are in."""

    key: SigningKey
    incarnation: Incarnation


class Draft(NamedTuple):
    """What is to be appended to the log of its kind.

    `content` is the body, or makes it from the drafts stored before it in the same call: an answer
    to one of them names it. `salt`: 16 random bytes. `not_before`: ms, the time of what it
    answers + 1. `key`: what the client named it, to be found again by `Replica.keyed`. `covered`:
    nobody will be shown it alone, so the signature of a later draft of the call may stand for its
    own (`protocol/page.md`).
    """

    kind: int
    payload_class: int
    content: bytes | Callable[[Sequence[Reference]], bytes]
    salt: bytes
    not_before: int = 0
    key: str = ""
    covered: bool = False


class Appended(NamedTuple):
    """An entry of ours, durable; without a signature where that of a later one covers it."""

    entry: Entry
    arrival: int


def store(writing: Writing, author: Author, drafts: Sequence[Draft]) -> list[Appended]:
    """Sign and store drafts in their order."""
    made: list[Reference] = []
    stored: list[Appended] = []
    for kind, group in groupby(drafts, lambda draft: draft.kind):
        stored += _append(writing, author, kind, list(group), made)
    return stored


def _append(
    writing: Writing, author: Author, kind: Kind, drafts: Sequence[Draft], made: list[Reference]
) -> list[Appended]:
    """Append drafts of one kind as one run, and each to `made` before the next is drawn."""
    log, branch, last = _place(writing, LogKey(author.key.public, author.incarnation, kind))
    run = _drawn(author, drafts, branch.tip, (writing.now, last), made)
    entry.parse_headers([one.header_bytes for one in run])
    run = _signed(author, writing.catalog.team, drafts, run)
    arrival, _ = writing.add(log, branch, _run(run))
    stored = list(map(Appended, run, count(arrival)))
    for one, draft in zip(stored, drafts, strict=True):
        if draft.key:
            notes.keep_key(writing.connection, draft.key, one.arrival, writing.now)
    return stored


def _place(writing: Writing, key: LogKey) -> tuple[Log, Branch, int]:
    """Where a log goes on, and the time of its last entry."""
    log = writing.log(writing.catalog.id_of(key)) or writing.new_log(key)
    if not log.branches:
        return *writing.new_branch(log, None, 1), 0
    if log.id in writing.changed:
        writing.flush()  # what this transaction has appended to it
    return log, log.top, entries.last_time(writing.connection, log, log.top)


def _drawn(
    author: Author,
    drafts: Sequence[Draft],
    tip: Tip,
    times: tuple[int, int],
    made: list[Reference],
) -> list[Entry]:
    """The entries that follow `tip`, unsigned. `times`: now, and that of the tip."""
    now, last = times
    backlink = tip.id
    run: list[Entry] = []
    for seq, draft in enumerate(drafts, tip.seq + 1):
        last = order.writer_time(now, last, draft.not_before)
        content = draft.content if isinstance(draft.content, bytes) else draft.content(made)
        one = entry.drawn(
            author.key.public,
            author.incarnation,
            draft.kind,
            seq=seq,
            backlink=backlink,
            time=last,
            payload_class=draft.payload_class,
            payload=draft.salt + content,
        )
        backlink = one.id
        run.append(one)
        made.append(Reference(last, backlink))
    return run


def _signed(
    author: Author, team: TeamId, drafts: Sequence[Draft], run: Sequence[Entry]
) -> list[Entry]:
    """The same, signed where they are not covered, and at least once a page."""
    due = [draft.kind == Kind.TEAM or not draft.covered for draft in drafts]
    if not all(due):
        for end in cuts([(one.header_bytes, one.payload) for one in run]):
            due[end - 1] = True
    return [
        one._replace(signature=entry.sign(author.key, team, one.header_bytes)) if sign else one
        for one, sign in zip(run, due, strict=True)
    ]


def _run(made: Sequence[Entry]) -> Run:
    headers = [one.header for one in made]
    payloads = [one.payload for one in made]
    return Run(
        [one.id for one in made],
        headers,
        [one.header_bytes for one in made],
        [one.signature or None for one in made],
        payloads,
        read_all(headers, payloads),
    )
