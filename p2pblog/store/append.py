"""Storing what we write ourselves: signed here, on the disk before anybody hears of it.

Spec: `protocol/order.md` for the times that headers get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from p2pblog.protocol import entry, order
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Entry, Incarnation, Kind
from p2pblog.protocol.log import Tip
from p2pblog.store import entries, notes
from p2pblog.store.catalog import LogKey
from p2pblog.store.views import read_all
from p2pblog.store.writing import Run, Writing


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes here: the device's key and the incarnation that its logs are in."""

    key: SigningKey
    incarnation: Incarnation


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be appended to the log of its kind.

    `content` is the body, or makes it from the drafts stored before it in the same call: an answer
    to one of them names its id. `salt`: 16 random bytes. `not_before`: ms, the time of what it
    answers + 1. `key`: what the client named it, to be found again by `Replica.keyed`.
    """

    kind: int
    payload_class: int
    content: bytes | Callable[[Sequence[Appended]], bytes]
    salt: bytes
    not_before: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry of ours, durable."""

    entry: Entry
    arrival: int


def store(writing: Writing, author: Author, drafts: Sequence[Draft]) -> list[Appended]:
    """Sign and store drafts in their order."""
    made: list[Appended] = []
    times: dict[int, int] = {}
    for kind, group in groupby(drafts, lambda draft: draft.kind):
        _append(writing, author, kind, list(group), made, times)
    return made


def _append(
    writing: Writing,
    author: Author,
    kind: Kind,
    drafts: Sequence[Draft],
    made: list[Appended],
    times: dict[int, int],
) -> None:
    """Append drafts of one kind as one run, and each to `made` before the next is made."""
    key = LogKey(author.key.public, author.incarnation, kind)
    log = writing.log(writing.catalog.id_of(key)) or writing.new_log(key)
    if log.branches:
        branch = log.top
        tip, last = branch.tip, times.get(kind, -1)
        if last < 0:
            last = entries.last_time(writing.connection, log, branch)
    else:
        log, branch = writing.new_branch(log, None, 1)
        tip, last = Tip(0, NO_BACKLINK), 0
    run: list[Entry] = []
    for arrival, draft in enumerate(drafts, writing.next_arrival):
        last = order.writer_time(writing.now, last, draft.not_before)
        content = draft.content if isinstance(draft.content, bytes) else draft.content(made)
        run.append(_made(writing, author, draft, tip, last, content))
        tip = Tip(tip.seq + 1, run[-1].id)
        made.append(Appended(run[-1], arrival))
    times[kind] = last
    writing.add(log, branch, _run(run))
    for one, draft in zip(made[-len(drafts) :], drafts, strict=True):
        if draft.key:
            notes.keep_key(writing.connection, draft.key, one.arrival, writing.now)


def _made(
    writing: Writing, author: Author, draft: Draft, tip: Tip, time: int, content: bytes
) -> Entry:
    return entry.make(
        author.key,
        writing.catalog.team,
        author.incarnation,
        draft.kind,
        seq=tip.seq + 1,
        backlink=tip.id,
        time=time,
        payload_class=draft.payload_class,
        salt=draft.salt,
        content=content,
    )


def _run(made: Sequence[Entry]) -> Run:
    headers = [one.header for one in made]
    payloads = [one.payload for one in made]
    return Run(
        [one.id for one in made],
        headers,
        [one.header_bytes for one in made],
        [one.signature for one in made],
        payloads,
        read_all(headers, payloads),
    )
