"""Any rows are read as they stand, or `Refused`; and any frontier is compared without a fault.

The rows of a frontier go into messages that are read as they were made, each log once, in order.
Two frontiers differ in just the buckets where their rows do, and have one digest when in none.
"""

from collections.abc import Iterator

from p2pblog.protocol import codec, frontier, message
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Row, Tips
from p2pblog.protocol.limits import MAX_MESSAGE, MAX_ROWS
from p2pblog.protocol.log import Tip
from tests.fuzz import TAKEN
from tests.fuzz.material import attempt, from_vectors

ROWS = codec.Many(frontier.ROW, MAX_ROWS)
LONGEST = 8192
KEY = b"k" * 64


def run(data: bytes) -> str:
    value, outcome = attempt(codec.unpack, data, 8192)
    if outcome != TAKEN:
        return outcome
    _, outcome = attempt(ROWS.check, value)
    if outcome != TAKEN or not isinstance(value, tuple):
        return outcome
    rows, outcome = attempt(frontier.parse_rows, value)  # type: ignore[arg-type]  # checked
    if rows is None:
        return outcome
    assert codec.pack(rows) == data
    _compare(_tips(rows), _tips(rows[::2]))
    return TAKEN


def _tips(rows: tuple[Row, ...]) -> Tips:
    """A frontier that would be told so."""
    return {
        LogId(row.log): tuple(Tip(mark.seq, EntryId(mark.id + bytes(20))) for mark in row.tips)
        for row in rows
    }


def _compare(mine: Tips, theirs: Tips) -> None:
    count = frontier.buckets_for(len(mine))
    told = frontier.rows_in(mine, range(count), count)
    parts = list(frontier.parts(told, count))
    assert [row for part in parts for row in part] == told
    for part in parts:
        packed = message.pack(message.Announce(part))
        assert len(packed) <= MAX_MESSAGE
        assert message.parse(packed) == message.Announce(part)
    summaries = [frontier.summary(tips, KEY, count) for tips in (mine, theirs)]
    differ = frontier.differing(*summaries)
    for bucket in range(count):
        rows = [frontier.rows_in(tips, (bucket,), count) for tips in (mine, theirs)]
        same = rows[0] == rows[1]
        assert same == (bucket not in differ)
    assert (not differ) == (frontier.digest(mine, KEY) == frontier.digest(theirs, KEY))


def seeds() -> Iterator[bytes]:
    row = (b"l" * 16, ((1, b"i" * 12), (2, b"j" * 12)))
    yield codec.pack((row,))
    yield codec.pack((row, row))
    yield codec.pack(tuple((bytes([n]) * 16, ((n + 1, bytes([n]) * 12),)) for n in range(20)))
    for data in from_vectors("frontier", "row"):
        yield codec.pack((attempt(codec.unpack, data, 8192)[0],))
