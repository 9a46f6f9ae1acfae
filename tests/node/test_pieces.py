"""In pieces a message says what it says whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.node.pieces import PIECE, pieces
from p2pblog.protocol import message
from p2pblog.protocol.effects import Job
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Announce, Have, Message, Rows, Scope
from tests.protocol.test_comparison import Still

TIPS = st.integers(0, 64)
Cut = Callable[[Message | None], Iterable[Message | None]]


def rows_of(counts: list[int]) -> tuple[Row, ...]:
    """A row with so many tips for each."""
    mark = Mark(1, ShortId(bytes(12)))
    return tuple(
        Row(LogId(at.to_bytes(16, "big")), (mark,) * count) for at, count in enumerate(counts)
    )


@given(st.lists(TIPS, max_size=200))
def test_rows_come_in_order_few_at_a_time(counts: list[int]) -> None:
    rows = rows_of(counts)
    parts = [part for part in pieces(Have(rows, True)) if isinstance(part, Have)]
    assert tuple(row for part in parts for row in part.rows) == rows
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert all(sum(1 + len(row.tips) for row in part.rows) <= PIECE for part in parts)


@given(st.lists(TIPS, max_size=200), st.booleans())
def test_hops_stay_with_their_rows(counts: list[int], told: bool) -> None:
    rows = rows_of(counts)
    hops = bytes(at % 256 for at in range(len(rows))) if told else b""
    parts = [part for part in pieces(Announce(rows, hops)) if isinstance(part, Announce)]
    found = [pair for part in parts for pair in zip(part.rows, part.hops, strict=False)]
    assert found == list(zip(rows, hops, strict=False))
    assert tuple(row for part in parts for row in part.rows) == rows


@pytest.mark.parametrize("last", [True, False])
def test_buckets_are_complete_with_their_last_row(last: bool) -> None:
    whole = Rows(1, (3, 5), rows_of([4] * 1000), True, last)
    *before, final = [part for part in pieces(whole) if isinstance(part, Rows)]
    assert len(before) > 1
    assert not any(part.buckets or part.last for part in before)
    assert final.buckets == whole.buckets
    assert final.last is last


def test_anything_else_stays_whole() -> None:
    for one in (None, message.Done(1), message.Offer(1, 1)):
        assert list(pieces(one)) == [one]


def compared(cut: Cut) -> tuple[Sequence[Job], Sequence[Job], list[Row]]:
    """What each of two sides is to send, and what one asked for, where much differs."""
    rng = random.Random("pieces")
    tips = {LogId(rng.randbytes(16)): (Tip(7, EntryId(rng.randbytes(32))),) for _ in range(3000)}
    logs = list(tips)
    one, other = (
        Still({log: tips[log] for log in part}, []) for part in (logs[:2000], logs[1000:])
    )
    mine, theirs = one.comparison(initiator=True), other.comparison(initiator=False)
    theirs.begin(Scope.POSTS)
    (buckets,) = other.said()
    assert isinstance(buckets, message.Buckets)
    mine.on_buckets(buckets, 0.0)
    for rows in (piece for said in one.said() for piece in cut(said)):
        assert isinstance(rows, Rows)
        theirs.on_rows(rows, 0.0)
    asked = [have for said in other.said() for have in cut(said) if isinstance(have, Have)]
    for have in asked:
        mine.on_have(have)
    return mine.jobs, theirs.jobs, [row for have in asked for row in have.rows]


def test_a_comparison_comes_to_the_same() -> None:
    whole = compared(lambda said: (said,))
    assert compared(pieces) == whole
    assert all(whole)
