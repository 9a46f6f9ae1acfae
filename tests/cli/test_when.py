"""Times as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from p2pblog.cli import when
from p2pblog.errors import UsageError

NOW = datetime(2026, 11, 24, 15, 30)  # a Tuesday in Berlin, UTC+1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-24T14:30"),
        ("2h", "2026-11-24T12:30"),
        ("90m", "2026-11-24T13:00"),
        ("3d", "2026-11-21T14:30"),
        ("1w", "2026-11-17T14:30"),
        ("today", "2026-11-23T23:00"),
        ("Yesterday", "2026-11-22T23:00"),
        ("yesterday 14:00", "2026-11-23T13:00"),
        ("14:00", "2026-11-24T13:00"),
        ("mon 9:05", "2026-11-23T08:05"),
        ("wednesday", "2026-11-17T23:00"),
        ("tue", "2026-11-23T23:00"),
        ("2026-11-20", "2026-11-19T23:00"),
        ("2026-11-20 14:00", "2026-11-20T13:00"),
        ("2026-07-20", "2026-07-19T22:00"),  # summer time
        ("2026-11-20T14:00:00Z", "2026-11-20T14:00"),
        ("2026-11-20T14:00:00-05:00", "2026-11-20T19:00"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert when.parse_when(text, NOW) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "yesterday 25:00", "today x", "mo", "-2h", "24:00", "m"]
)
def test_what_is_no_moment_says_what_is(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        when.parse_when(text, NOW)
    assert "yesterday" in caught.value.hint


@pytest.mark.parametrize("text", ["999999w", "0001-01-01"])
def test_moments_outside_of_the_calendar(text: str) -> None:
    with pytest.raises(UsageError):
        when.parse_when(text, NOW)


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("24h", 24), ("2W", 336)])
def test_spans(text: str, hours: float) -> None:
    assert when.parse_span(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "0h", "5", "h", "1.5h", "-1h"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(UsageError, match="not a length of time"):
        when.parse_span(text)


def test_rfc3339_is_utc_with_milliseconds() -> None:
    assert when.rfc3339(when.parse_when("2026-11-20 14:00", NOW)) == "2026-11-20T13:00:00.000Z"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-11-24T14:29:30.000Z", "just now"),
        ("2026-11-24T14:02:00.000Z", "28 min ago"),
        ("2026-11-24T08:02:00.000Z", "09:02"),
        ("2026-11-22T08:02:00.000Z", "Sun 09:02"),
        ("2026-11-02T08:02:00.000Z", "2026-11-02 09:02"),
        ("2026-11-24T15:02:00.000Z", "16:02"),
        ("2027-11-24T15:02:00.000Z", "2027-11-24 16:02"),
    ],
)
def test_times_are_short_on_a_terminal(moment: str, shown: str) -> None:
    assert when.show(moment, NOW) == shown


def test_times_are_whole_elsewhere() -> None:
    assert when.show("2026-11-24T14:29:30.000Z") == "2026-11-24 15:29"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(5, "less than a minute"), (90, "2 minutes"), (3600, "1 hour"), (604799, "7 days")],
)
def test_spans_are_shown_in_their_largest_unit(seconds: float, shown: str) -> None:
    assert when.show_span(seconds) == shown
