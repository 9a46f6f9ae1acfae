"""The order of posts and the time of a new one: spec `protocol/order.md`."""

from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol import order
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS, MAX_TIME_MS
from p2pblog.protocol.order import Position
from tests.support.vectors import vectors

TIMES = st.integers(0, MAX_TIME_MS)


def test_vectors_give_the_times_of_writers() -> None:
    for vector in vectors("order", "valid")[0]["writer_times"]:
        time = order.writer_time(vector["now"], vector["last"], vector["not_before"])
        assert time == vector["header_time"], vector


def test_vectors_flag_what_is_ahead() -> None:
    for vector in vectors("order", "valid")[1]["flags"]:
        assert order.is_ahead(vector["time"], vector["now"]) == vector["ahead"], vector


def test_vectors_sort_posts() -> None:
    sorting = vectors("order", "valid")[2]["sorting"]
    posts = [Position(p["time"], EntryId(bytes.fromhex(p["id"]))) for p in sorting["posts"]]
    assert [posts[index] for index in sorting["order"]] == sorted(posts)


def test_the_table_of_the_spec() -> None:
    assert order.writer_time(1_000_000, 0, 0) == 1_000_000
    assert order.writer_time(1_000_000, 1_000_000, 0) == 1_000_001
    assert order.writer_time(1_000_000, 990_000, 1_004_001) == 1_004_001
    assert order.writer_time(1_000_000, 0, 1_600_000) == 1_600_000
    assert order.writer_time(1_000_000, 0, 1_600_001) == 1_000_000
    assert order.writer_time(1_000_000, 99_000_000, 0) == 1_000_000
    assert order.writer_time(1_000_000, 99_000_000, 1_004_001) == 1_004_001


@given(TIMES, TIMES, TIMES)
def test_a_time_is_never_behind_the_clock_nor_far_ahead(
    now: int, last: int, not_before: int
) -> None:
    time = order.writer_time(now, last, not_before)
    assert now <= time <= now + CLOCK_TOLERANCE_MS
    assert not order.is_ahead(time, now)


@given(TIMES, st.integers(0, CLOCK_TOLERANCE_MS - 1), st.integers(0, CLOCK_TOLERANCE_MS))
def test_a_time_follows_the_log_and_what_it_answers(now: int, ahead: int, answers: int) -> None:
    time = order.writer_time(now, now + ahead, now + answers)
    assert time > now + ahead
    assert time >= now + answers
