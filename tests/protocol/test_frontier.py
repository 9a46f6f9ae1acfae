"""`protocol/frontier.md`: equal frontiers have equal hashes, and what differs is found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Refused
from p2pblog.protocol import codec, frontier
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import HASH, Mark, Row, ShortId, Tips
from p2pblog.protocol.limits import BUCKETS, MAX_MESSAGE, MAX_ROW_TIPS, MAX_ROWS, MAX_SEQ
from p2pblog.protocol.log import Tip
from tests.support.vectors import vectors

KEY = b"k" * 64


def log(first: int, rest: int = 0) -> LogId:
    return LogId(bytes([first]) + rest.to_bytes(15, "big"))


def tip(seq: int, number: int = 0) -> Tip:
    return Tip(seq, EntryId(number.to_bytes(4, "big") * 8))


def summary(tips: Tips, count: int = BUCKETS) -> bytes:
    return frontier.summary(tips, KEY, count)


TIPS = st.dictionaries(
    st.builds(log, st.integers(0, 255), st.integers(0, 3)),
    st.lists(st.builds(tip, st.integers(1, 5), st.integers(0, 2)), max_size=3, unique=True).map(
        tuple
    ),
    max_size=20,
)


@given(TIPS, TIPS, st.sampled_from(sorted(frontier.SIZES)))
def test_the_differing_buckets_are_those_with_differing_rows(
    mine: dict[LogId, tuple[Tip, ...]], theirs: dict[LogId, tuple[Tip, ...]], count: int
) -> None:
    differ = frontier.differing(summary(mine, count), summary(theirs, count))
    ours, others = (set(frontier.rows_in(one, range(count), count)) for one in (mine, theirs))
    assert list(differ) == sorted({frontier.bucket(row.log, count) for row in ours ^ others})
    assert (frontier.digest(mine, KEY) == frontier.digest(theirs, KEY)) == (ours == others)


def test_the_order_of_logs_and_tips_does_not_matter() -> None:
    one = {log(1): (tip(3), tip(2)), log(1, 1): (tip(1),)}
    two = {log(1, 1): (tip(1),), log(1): (tip(2), tip(3))}
    assert summary(one) == summary(two)
    assert frontier.digest(one, KEY) == frontier.digest(two, KEY)


def test_an_empty_bucket_is_zeros() -> None:
    assert summary({}) == bytes(BUCKETS * HASH)
    assert summary({log(7): ()}) == bytes(BUCKETS * HASH)
    made = summary({log(7): (tip(1),)})
    assert made[: 7 * HASH] == bytes(7 * HASH)
    assert made[7 * HASH : 8 * HASH] != bytes(HASH)


def test_a_summary_says_nothing_in_another_session() -> None:
    tips = {log(7): (tip(1),)}
    assert summary(tips) != frontier.summary(tips, b"l" * 64, BUCKETS)
    assert frontier.digest(tips, KEY) != frontier.digest(tips, b"l" * 64)


def test_two_branches_of_one_height_are_told_apart() -> None:
    mine, theirs = summary({log(9): (tip(4, 1),)}), summary({log(9): (tip(4, 2),)})
    assert frontier.differing(mine, theirs) == (9,)


@pytest.mark.parametrize(
    ("logs", "buckets"),
    [(0, 256), (512, 256), (513, 512), (1000, 512), (1025, 1024), (4096, 2048), (10**6, 2048)],
)
def test_a_bucket_for_two_logs(logs: int, buckets: int) -> None:
    assert frontier.buckets_for(logs) == buckets
    assert frontier.buckets_of(bytes(buckets * HASH)) == buckets


def test_buckets_go_by_the_first_bits() -> None:
    assert [frontier.bucket(log(first), 256) for first in (0, 1, 255)] == [0, 1, 255]
    assert [frontier.bucket(log(first), 512) for first in (0, 1, 255)] == [0, 2, 510]
    assert frontier.bucket(LogId(b"\xff" * 16), 2048) == 2047


def test_no_other_number_of_buckets() -> None:
    for size in (0, 256, 128 * HASH, 300 * HASH, 4096 * HASH, 256 * HASH + 1):
        with pytest.raises(Refused):
            frontier.buckets_of(bytes(size))


def test_a_row_names_the_highest_tips() -> None:
    made = frontier.row(log(1), [tip(seq) for seq in range(1, MAX_ROW_TIPS + 3)])
    assert [mark.seq for mark in made.tips] == list(range(3, MAX_ROW_TIPS + 3))
    assert frontier.parse_row(made) == made
    frontier.ROW.check(codec.unpack(codec.pack(made), 4096))


def test_only_the_rows_of_the_named_buckets() -> None:
    tips = {log(3): (tip(1),), log(2, 9): (tip(2),), log(2, 1): (tip(3),), log(4): ()}
    rows = frontier.rows_in(tips, (2, 4, 5), BUCKETS)
    assert rows == [
        Row(log(2, 1), (Mark(3, ShortId(bytes(12))),)),
        Row(log(2, 9), (Mark(2, ShortId(bytes(12))),)),
    ]


def rows(counts: list[int], marks: int) -> list[Row]:
    mark = Mark(MAX_SEQ, ShortId(b"i" * 12))
    return [
        Row(log(index, number), (mark,) * marks)
        for index, count in enumerate(counts)
        for number in range(count)
    ]


@given(st.lists(st.integers(0, 900), max_size=8), st.sampled_from([0, 1, 4, 64]))
def test_rows_are_parted_into_messages(counts: list[int], marks: int) -> None:
    made = rows(counts, marks)
    parted = list(frontier.parts(made))
    assert [row for part in parted for row in part] == made
    for part in parted:
        assert 0 < len(part) <= MAX_ROWS
        assert len(codec.pack(part)) < MAX_MESSAGE - 1024


def test_a_bucket_stays_in_one_message_where_it_fits() -> None:
    parted = list(frontier.parts(rows([1500, 1500, 400], 1)))
    assert [len(part) for part in parted] == [1500, 1900]
    assert [len(part) for part in frontier.parts(rows([10, 4500, 10], 0))] == [10, 2000, 2000, 510]


def told(logs: list[Any]) -> dict[LogId, tuple[Tip, ...]]:
    return {
        LogId(bytes.fromhex(name)): tuple(Tip(seq, EntryId(bytes.fromhex(at))) for seq, at in tips)
        for name, tips in logs
    }


@pytest.mark.parametrize("vector", vectors("frontier", "valid"), ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    key = bytes.fromhex(vector["key"])
    if "differing" in vector:
        mine, theirs = (
            frontier.summary(told(vector[side]), key, BUCKETS) for side in ("mine", "theirs")
        )
        assert list(frontier.differing(mine, theirs)) == vector["differing"]
        return
    tips, count = told(vector["logs"]), vector["buckets"]
    assert frontier.summary(tips, key, count).hex() == vector["summary"]
    assert frontier.digest(tips, key).hex() == vector["digest"]
    rows = frontier.rows_in(tips, range(count), count)
    assert [codec.pack(made).hex() for made in rows] == vector["rows"]


@pytest.mark.parametrize("vector", vectors("frontier", "invalid"), ids=lambda v: v["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        codec.decode(frontier.ROW, bytes.fromhex(vector["row"]), 4096)
    assert caught.value.reason == vector["reason"]
