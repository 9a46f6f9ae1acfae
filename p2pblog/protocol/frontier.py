"""The frontier: every known log with the tips of its branches, and how two are compared.

First 256 bucket hashes, keyed by the session; then the rows of the buckets that differ. A row
names a tip by height and id: a height alone would let two peers on different branches look in
sync. Nothing about a peer has to be remembered to be correct. Spec: `protocol/frontier.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, NewType

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto
from p2pblog.protocol.codec import Array, Bytes, Many, Uint
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.limits import BUCKETS, MAX_ROW_TIPS, MAX_ROWS, MAX_ROWS_MARKS, MAX_SEQ
from p2pblog.protocol.log import Tip

ShortId = NewType("ShortId", bytes)

SHORT = 12  # bytes of an id in a row: two of one height collide after 2^48 signatures
HASH = 8  # bytes of a bucket's hash: a miss in 2^64, and the next session has another key

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


def bucket(log: LogId) -> int:
    """Which of the 256 buckets a log is in: log ids are hashes, so the first byte is even."""
    return log[0]


def summary(tips: Tips, key: bytes) -> bytes:
    """256 hashes of 8 bytes, one a bucket; zeros for an empty one. `key`: handshake hash."""
    buckets: list[list[bytes]] = [[] for _ in range(BUCKETS)]
    for log in sorted(tips):
        if tips[log]:
            buckets[bucket(log)].append(codec.pack(row(log, tips[log])))
    empty = bytes(HASH)
    return b"".join(
        crypto.blake2b(crypto.BUCKET, key, *rows, size=HASH) if rows else empty for rows in buckets
    )


def digest(tips: Tips, key: bytes) -> bytes:
    """16 bytes: equal where two frontiers are."""
    return crypto.blake2b(crypto.BUCKET, key, summary(tips, key), size=16)


def differing(mine: bytes, theirs: bytes) -> bytes:
    """The numbers of the buckets that differ, a byte each."""
    return bytes(
        index
        for index in range(BUCKETS)
        if mine[index * HASH : (index + 1) * HASH] != theirs[index * HASH : (index + 1) * HASH]
    )


def rows_in(tips: Tips, buckets: bytes) -> list[Row]:
    """The rows of some buckets, sorted by log."""
    wanted = frozenset(buckets)
    return [row(log, tips[log]) for log in sorted(tips) if log[0] in wanted and tips[log]]


def parts(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    """The rows in runs that fit a message each, a bucket in one run where it fits one."""
    while rows:
        fitting, room = 0, MAX_ROWS_MARKS
        while fitting < min(len(rows), MAX_ROWS) and len(rows[fitting].tips) <= room:
            room -= len(rows[fitting].tips)
            fitting += 1
        end = fitting
        while 0 < end < len(rows) and bucket(rows[end].log) == bucket(rows[end - 1].log):
            end -= 1
        yield tuple(rows[: end or fitting])
        rows = rows[end or fitting :]
