"""Storing what we write ourselves: signed here, on the disk before anybody hears of it.

Spec: `protocol/order.md` for the times that headers get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from p2pblog.protocol import entry, order
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Entry, Incarnation
from p2pblog.protocol.log import Tip
from p2pblog.store import entries, notes
from p2pblog.store.catalog import LogKey
from p2pblog.store.views import readable
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
    for draft in drafts:
        content = draft.content if isinstance(draft.content, bytes) else draft.content(made)
        made.append(_append(writing, author, draft, content, times))
    return made


def _append(
    writing: Writing, author: Author, draft: Draft, content: bytes, times: dict[int, int]
) -> Appended:
    key = LogKey(author.key.public, author.incarnation, draft.kind)
    log = writing.log(writing.catalog.id_of(key)) or writing.new_log(key)
    if log.branches:
        branch = log.top
        tip, last = branch.tip, times.get(draft.kind, -1)
        if last < 0:
            last = entries.last_time(writing.connection, log, branch)
    else:
        log, branch = writing.new_branch(log, None, 1)
        tip, last = Tip(0, NO_BACKLINK), 0
    times[draft.kind] = order.writer_time(writing.now, last, draft.not_before)
    made = entry.make(
        author.key,
        writing.catalog.team,
        author.incarnation,
        draft.kind,
        seq=tip.seq + 1,
        backlink=tip.id,
        time=times[draft.kind],
        payload_class=draft.payload_class,
        salt=draft.salt,
        content=content,
    )
    post = readable(draft.payload_class, made.payload)
    run = Run(
        *([made.id], [made.header], [made.header_bytes]),
        *([made.signature], [made.payload], [post]),
    )
    arrival, _ = writing.add(log, branch, run)
    if draft.key:
        notes.keep_key(writing.connection, draft.key, arrival, writing.now)
    return Appended(made, arrival)
