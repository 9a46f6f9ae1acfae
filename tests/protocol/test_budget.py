"""`protocol/budget.md`: what is taken of a device in a day."""

from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol import budget
from p2pblog.protocol.budget import DAY_MS, Allowance
from p2pblog.protocol.limits import BUDGET_DAYS, FIRST_DAYS
from tests.support.logs import LogMaker
from tests.support.vectors import vectors

TIMES = st.integers(0, 2**48)
FIRSTS, REFILLS, GRANTS = vectors("budget", "valid")


def test_vectors_at_first() -> None:
    for vector in FIRSTS["first"]:
        made = budget.first(vector["known_for"], vector["now"], team=vector["team"])
        assert made == (vector["left"], vector["since"]), vector


def test_vectors_as_days_pass() -> None:
    for vector in REFILLS["refilled"]:
        before = Allowance(**vector["before"])
        made = budget.refilled(before, vector["now"], team=vector["team"])
        assert made == (vector["left"], vector["since"]), vector


def test_vectors_by_a_persons_word() -> None:
    for vector in GRANTS["granted"]:
        made = budget.granted(vector["now"], team=vector["team"])
        assert made == (vector["left"], vector["since"]), vector


@given(st.integers(-(2**40), 2**40), TIMES, TIMES, st.booleans())
def test_a_pause_ends_after_a_day_and_a_flood_never_gets_more_than_its_days(
    left: int, since: int, now: int, team: bool
) -> None:
    before = Allowance(left, since)
    after = budget.refilled(before, now, team=team)
    assert after.left >= left
    assert after.left <= max(left, BUDGET_DAYS * budget.a_day(team=team))
    assert not budget.refilled(after, after.since + DAY_MS, team=team).is_paused
    assert budget.refilled(after, now, team=team) == after


@given(TIMES, TIMES, st.booleans())
def test_whoever_is_met_first_has_its_days(known_for: int, now: int, team: bool) -> None:
    days = budget.first(known_for, now, team=team).left // budget.a_day(team=team)
    assert BUDGET_DAYS <= days <= (BUDGET_DAYS if team else FIRST_DAYS)


def test_an_entry_costs_its_payload_wherever_that_is() -> None:
    made = LogMaker().next(None)
    assert made.payload is not None
    due = len(made.header_bytes) + len(made.signature) + len(made.payload)
    assert budget.cost(made.header, made.header_bytes) == due
