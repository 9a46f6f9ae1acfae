"""The frontier: every known log with the tips of its branches, and how two are compared.

First a hash for every bucket of logs, keyed by the session; then the rows of those that differ.
A row names a tip by height and id: a height alone would let two peers on different branches look
in sync. Nothing about a peer has to be remembered to be correct. Spec: `protocol/frontier.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, NewType

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto
from p2pblog.protocol.codec import Array, Bytes, Many, Uint
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.limits import (
    BUCKETS,
    MAX_BUCKETS,
    MAX_ROW_TIPS,
    MAX_ROWS,
    MAX_ROWS_MARKS,
    MAX_SEQ,
)
from p2pblog.protocol.log import Tip

ShortId = NewType("ShortId", bytes)

SHORT = 12  # bytes of an id in a row: two of one height collide after 2^48 signatures
HASH = 5  # bytes of a bucket's hash: a miss in 2^40, and the next session has another key
SIZES = frozenset(1 << bits for bits in range(8, 12))  # of a summary, in buckets

MARK = Array("mark", (("seq", Uint(MAX_SEQ, 1)), ("id", Bytes(SHORT))))
ROW = Array("row", (("log", Bytes(16)), ("tips", Many(MARK, MAX_ROW_TIPS))))


class Mark(NamedTuple):
    """A tip as a row names it: height, and the first 12 bytes of the id."""

    seq: int
    id: ShortId


class Row(NamedTuple):
    """A log and its marks; none where the log is not here."""

    log: LogId
    tips: tuple[Mark, ...]


Tips = Mapping[LogId, tuple[Tip, ...]]


def short(entry: EntryId) -> ShortId:
    """The start of an id, as rows carry it."""
    return ShortId(entry[:SHORT])


def row(log: LogId, tips: Iterable[Tip]) -> Row:
    """The row of a log, its marks sorted."""
    marks = sorted(Mark(tip.seq, short(tip.id)) for tip in tips)
    return Row(log, tuple(marks[-MAX_ROW_TIPS:]))


def parse_row(value: tuple[bytes, tuple[tuple[int, bytes], ...]]) -> Row:
    """A row from a checked value."""
    log, tips = value
    return Row(LogId(log), tuple(Mark(seq, ShortId(start)) for seq, start in tips))


def parse_rows(values: Sequence[tuple[bytes, tuple[tuple[int, bytes], ...]]]) -> tuple[Row, ...]:
    """The rows of one message from a checked value. Raises `Refused` BAD_VALUE.

    Each log once and `MAX_ROWS_MARKS` in all: every mark is a look into the store.
    """
    rows = tuple(map(parse_row, values))
    if len({row.log for row in rows}) < len(rows):
        raise Refused(Reason.BAD_VALUE, "a log named twice")
    if sum(len(row.tips) for row in rows) > MAX_ROWS_MARKS:
        raise Refused(Reason.BAD_VALUE, "too many tips")
    return rows


def buckets_for(logs: int) -> int:
    """How many buckets the summary of so many logs has: one for two, a power of two."""
    count = BUCKETS
    while count < MAX_BUCKETS and 2 * count < logs:
        count *= 2
    return count


def buckets_of(summary: bytes) -> int:
    """How many buckets a summary has. Raises `Refused` BAD_VALUE where none can have so many."""
    count, rest = divmod(len(summary), HASH)
    if rest or count not in SIZES:
        raise Refused(Reason.BAD_VALUE, f"a summary of {len(summary)} bytes")
    return count


def bucket(log: LogId, count: int) -> int:
    """Which of `count` buckets a log is in: log ids are hashes, so their first bits are even."""
    return int.from_bytes(log[:2], "big") * count >> 16


def summary(tips: Tips, key: bytes, count: int) -> bytes:
    """A hash of 5 bytes for each of `count` buckets; zeros for an empty one. `key`: handshake."""
    buckets: dict[int, list[bytes]] = {}
    for log in sorted(tips):
        if tips[log]:
            packed = codec.pack(row(log, tips[log]))
            buckets.setdefault(bucket(log, count), []).append(packed)
    found = bytearray(count * HASH)
    for number, rows in buckets.items():
        place = number * HASH
        found[place : place + HASH] = crypto.blake2b(crypto.BUCKET, key, *rows, size=HASH)
    return bytes(found)


def digest(tips: Tips, key: bytes) -> bytes:
    """16 bytes: equal where two frontiers are."""
    rows = (codec.pack(row(log, tips[log])) for log in sorted(tips) if tips[log])
    return crypto.blake2b(crypto.BUCKET, key, *rows, size=16)


def differing(mine: bytes, theirs: bytes) -> tuple[int, ...]:
    """The numbers of the buckets that differ in two summaries of one size."""
    return tuple(
        place // HASH
        for place in range(0, len(theirs), HASH)
        if mine[place : place + HASH] != theirs[place : place + HASH]
    )


def rows_in(tips: Tips, buckets: Collection[int], count: int) -> list[Row]:
    """The rows of some of `count` buckets, sorted by log."""
    wanted = frozenset(buckets)
    return [
        row(log, tips[log]) for log in sorted(tips) if bucket(log, count) in wanted and tips[log]
    ]


def parts(rows: Sequence[Row], count: int = BUCKETS) -> Iterator[tuple[Row, ...]]:
    """The rows in runs that fit a message each, a bucket in one run where it fits one."""
    while rows:
        fitting, room = 0, MAX_ROWS_MARKS
        while fitting < min(len(rows), MAX_ROWS) and len(rows[fitting].tips) <= room:
            room -= len(rows[fitting].tips)
            fitting += 1
        end = fitting
        while 0 < end < len(rows) and _together(rows[end - 1], rows[end], count):
            end -= 1
        yield tuple(rows[: end or fitting])
        rows = rows[end or fitting :]


def _together(one: Row, other: Row, count: int) -> bool:
    return bucket(one.log, count) == bucket(other.log, count)
