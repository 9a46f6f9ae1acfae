"""Rows of the entries table: ids at heights, signed places, common ancestors.

An entry's id is the hash of its header and not a column: an index on random ids would halve the
rate of ingest. Everything is found by branch and seq, or by arrival. Of a header, what all headers
of its log share is left out of the row, and put back when it is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType

from p2pblog.protocol import entry
from p2pblog.protocol.entry import EntryId, Header
from p2pblog.protocol.limits import MAX_MARKS
from p2pblog.protocol.log import Branch, Tip, locator_heights
from p2pblog.store import bulk
from p2pblog.store.catalog import Log, squeezed

_VALUES = "column1, column2, column3, column4, nullif(column5, ''), nullif(column6, '')"


def header_at(connection: sqlite3.Connection, log: Log, branch: Branch, seq: int) -> bytes | None:
    """The header's bytes at a height of a branch; None above its tip."""
    if not 1 <= seq <= branch.tip.seq:
        return None
    row: tuple[bytes] | None = connection.execute(
        "SELECT header FROM entries WHERE branch = ? AND seq = ?",
        (log.carrier(branch, seq).number, seq),
    ).fetchone()
    return log.whole(row[0]) if row else None


def id_at(connection: sqlite3.Connection, log: Log, branch: Branch, seq: int) -> EntryId | None:
    """The id at a height of a branch; None above its tip."""
    if seq == branch.tip.seq:
        return branch.tip.id
    header = header_at(connection, log, branch, seq)
    return None if header is None else entry.entry_id(header)


def last_time(connection: sqlite3.Connection, log: Log, branch: Branch) -> int:
    """The header time of a branch's tip, ms."""
    header = header_at(connection, log, branch, branch.tip.seq)
    assert header is not None
    return Header(*entry.parse_header(header)).time


def holder(connection: sqlite3.Connection, log: Log, mark: tuple[int, bytes]) -> Branch | None:
    """A branch that holds the entry at this height whose id starts so."""
    seq, start = mark
    seen: set[int] = set()
    for branch in log.branches:
        carrier = log.carrier(branch, seq).number
        if seq > branch.tip.seq or carrier in seen:
            continue
        seen.add(carrier)
        found = id_at(connection, log, branch, seq)
        if found is not None and found.startswith(start):
            return branch
    return None


def common(
    connection: sqlite3.Connection, log: Log, branch: Branch, marks: Iterable[tuple[int, bytes]]
) -> Tip | None:
    """The highest of `marks` (height, start of an id) that is on this branch."""
    for seq, start in sorted(marks, reverse=True):
        found = id_at(connection, log, branch, seq)
        if found is not None and found.startswith(start):
            return Tip(seq, found)
    return None


def locator(connection: sqlite3.Connection, log: Log) -> list[Tip]:
    """Ids at tip, -1, -2, -4 ... 1 of each branch, the highest tips first, at most 64."""
    found: dict[Tip, None] = {}
    for branch in sorted(log.branches, key=lambda branch: branch.tip, reverse=True):
        for height in locator_heights(branch.tip.seq):
            here = id_at(connection, log, branch, height)
            assert here is not None
            found[Tip(height, here)] = None
    return list(found)[:MAX_MARKS]


def parting(log: Log, one: Branch, other: Branch) -> int:
    """The height up to which two branches are the same."""
    height = min(one.tip.seq, other.tip.seq)
    while height and log.carrier(one, height) != log.carrier(other, height):
        height = max(log.carrier(one, height).first, log.carrier(other, height).first) - 1
    return height


def provable(connection: sqlite3.Connection, log: Log) -> tuple[Mapping[int, int], tuple[Tip, ...]]:
    """Of a log: how much of each branch can be passed on, and the tips of what can be.

    A way can be passed on up to its highest signature within the log's bounds, and a branch as far
    as such a way leads through it. So both follow from what is signed, not from how ways are
    stored as branches: all who hold the same signatures name the same tips.
    """
    ends = _signed_ends(connection, log)
    branches = {branch.number: branch for branch in log.branches}
    through = dict.fromkeys(branches, 0)  # up to where the ways to others' ends lead
    for number, end in ends.items():
        branch, height = branches[number], end.seq
        while branch.parent is not None:
            height = min(height, branch.first - 1)
            branch = branches[branch.parent]
            through[branch.number] = max(through[branch.number], height)
    tips = tuple(end for number, end in ends.items() if end.seq > through[number])
    heights = {**through, **{n: max(end.seq, through[n]) for n, end in ends.items()}}
    return MappingProxyType(heights), tips


def _signed_ends(connection: sqlite3.Connection, log: Log) -> dict[int, Tip]:
    """By branch, the highest entry of its own within its bound whose own signature is held."""
    ends: dict[int, Tip] = {}
    for branch in log.branches:
        bound = log.standing(branch.number)
        if bound >= branch.tip.seq:
            ends[branch.number] = branch.tip  # what is stored of a branch ends in a signature
            continue
        row = connection.execute(
            "SELECT seq, header FROM entries WHERE branch = ? AND seq <= ? "
            "AND signature IS NOT NULL ORDER BY seq DESC LIMIT 1",
            (branch.number, bound),
        ).fetchone()
        if row:
            ends[branch.number] = Tip(row[0], entry.entry_id(log.whole(row[1])))
    return ends


def rows(
    arrival: int,
    branch: int,
    first: int,
    headers: Sequence[bytes],
    signatures: Sequence[bytes | None],
    payloads: Sequence[bytes | None],
) -> Iterator[tuple[object, ...]]:
    """Rows for `insert`, with arrivals and seqs from the given ones on."""
    count = len(headers)
    return zip(
        range(arrival, arrival + count),
        repeat(branch, count),
        range(first, first + count),
        map(bytearray, squeezed(headers)),
        map(_blob, signatures),
        map(_blob, payloads),
        strict=True,
    )


def _blob(data: bytes | None) -> bytearray | str:
    return bulk.NULL if data is None else bytearray(data)


def insert(connection: sqlite3.Connection, made: Sequence[tuple[object, ...]]) -> None:
    """Add rows."""
    bulk.insert(connection, "entries", _VALUES, made)


def sizes_with(log: Log, branch: int, more: int) -> MappingProxyType[int, int]:
    """The branches' sizes with `more` bytes on one of them."""
    return MappingProxyType({**log.sizes, branch: log.sizes.get(branch, 0) + more})
