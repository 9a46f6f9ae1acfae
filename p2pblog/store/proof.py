"""The proof of a log: all of its entries from the first on that verify, in pages.

The rows come from a store, or from what was found in a damaged one; each is believed only as far as
its chain, its signature and its payload's hash bear it out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from p2pblog.errors import Refused
from p2pblog.protocol import entry, page
from p2pblog.protocol.entry import EntryId, Kind, TeamId
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES
from p2pblog.store import serve
from p2pblog.store.catalog import Log


class Proven(NamedTuple):
    """An entry that is what its log says, with its payload and signature as far as they are."""

    seq: int
    id: EntryId
    header: bytes
    signature: bytes | None
    payload: bytes | None


def walk(
    connection: sqlite3.Connection, team: TeamId, log: Log, branch: int, first: int
) -> Iterator[Proven]:
    """The entries of a branch from `first` on, in order, up to the first that is not whole."""
    before: EntryId | None = None
    due = first
    rows = connection.execute(
        "SELECT seq, header, signature, payload FROM entries WHERE branch = ? AND seq >= ? "
        "ORDER BY seq, payload IS NULL, signature IS NULL",
        (branch, first),
    )
    for seq, *fields in rows:
        if seq < due:
            continue  # another version of one that is proven
        if seq > due:
            return
        proven = _prove(team, log, seq, before, fields)
        if proven is not None:
            yield proven
            before, due = proven.id, due + 1


def _prove(
    team: TeamId, log: Log, seq: int, before: EntryId | None, fields: list[bytes | None]
) -> Proven | None:
    stored, signature, payload = fields
    try:
        raw = log.whole(stored) if isinstance(stored, bytes) else b""
        header = entry.parse_header(raw)
        same_log = (header.device, header.incarnation, header.kind) == log.key
        if not same_log or header.seq != seq or (before and header.backlink != before):
            return None
        payload = _sound_payload(header, payload)
        if log.is_team and (payload is None or signature is None):
            return None
        if signature is not None:
            page.verify(page.pack([raw], [payload], [signature]), team)
    except (Refused, IndexError, TypeError):
        return None
    return Proven(seq, entry.entry_id(raw), raw, signature, payload)


def _sound_payload(header: entry.Header, payload: bytes | None) -> bytes | None:
    """The payload; none where it is not what the header commits to: then it is asked for."""
    if payload is None:
        return None
    try:
        entry.check_payload(header, payload)
    except Refused:
        return None
    return payload


def pages(entries: Iterator[Proven], kind: int) -> Iterator[tuple[bytes, Proven]]:
    """Pages of entries, each with its last one, cut as they are served; what no signature covers is
    left.
    """
    run: list[Proven] = []
    for one in entries:
        run.append(one)
        if len(run) == MAX_PAGE_ENTRIES:
            cut = _cut(run, kind)
            if not cut:
                return
            yield _page(run[:cut], kind)
            run = run[cut:]
    while cut := _cut(run, kind):
        yield _page(run[:cut], kind)
        run = run[cut:]


def _cut(run: list[Proven], kind: int) -> int:
    return serve.cut([_row(one) for one in run], each=kind == Kind.TEAM)


def _page(run: list[Proven], kind: int) -> tuple[bytes, Proven]:
    return serve.packed([_row(one) for one in run], each=kind == Kind.TEAM).page, run[-1]


def _row(one: Proven) -> serve.Row:
    return one.seq, one.header, one.signature, one.payload
