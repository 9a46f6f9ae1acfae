"""Times as people write and read them, in the local time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from p2pblog.errors import UsageError

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN: Final = re.compile(r"(\d{1,6})\s*([smhdw])")
CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)")
TAKES: Final = "2h, 3d, yesterday, mon, 14:00, 2026-11-20, '2026-11-20 14:00' or RFC 3339"


def parse_when(text: str, now: datetime) -> datetime:
    """A moment in UTC. `now` is the local time without a zone; a span is so long before it."""
    try:
        return _moment(" ".join(text.lower().split()), now).astimezone(UTC)
    except (OverflowError, ValueError, OSError) as e:
        raise UsageError(f"{text!r} is out of range") from e


def _moment(text: str, now: datetime) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "now":
        return now
    if span := SPAN.fullmatch(text):
        return now - _span(span)
    day, _, clock = text.partition(" ")
    if CLOCK.fullmatch(day) and not clock:
        day, clock = "today", day
    if (start := _day(day, midnight)) is not None:
        return _at(start, clock, text)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as e:
        raise UsageError(f"{text!r} is not a time", f"Write {TAKES}.") from e


def _day(word: str, midnight: datetime) -> datetime | None:
    if word in ("today", "yesterday"):
        return midnight - timedelta(days=word == "yesterday")
    if len(word) >= 3 and word[:3] in DAYS and _weekday(word[:3]).startswith(word):
        return midnight - timedelta(days=(midnight.weekday() - DAYS.index(word[:3])) % 7)
    return None


def _weekday(short: str) -> str:
    return {"tue": "tuesday", "wed": "wednesday", "thu": "thursday", "sat": "saturday"}.get(
        short, short + "day"
    )


def _at(day: datetime, clock: str, text: str) -> datetime:
    if not clock:
        return day
    found = CLOCK.fullmatch(clock)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise UsageError(f"{text!r} is not a time", f"Write {TAKES}.")
    return day.replace(hour=int(found[1]), minute=int(found[2]))


def _span(found: re.Match[str]) -> timedelta:
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def parse_span(text: str) -> timedelta:
    """A length of time: 90s, 10m, 24h, 7d, 2w."""
    found = SPAN.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{text!r} is not a length of time", "Write 90s, 10m, 24h, 7d or 2w.")
    return _span(found)


def rfc3339(moment: datetime) -> str:
    """A moment as the API takes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_api(text: str) -> datetime:
    """A moment of the API, in UTC."""
    return datetime.fromisoformat(text)


def show(text: str, now: datetime | None = None) -> str:
    """A moment of the API in local time; with `now` (local) short and relative to it."""
    moment = from_api(text).astimezone().replace(tzinfo=None)
    if now is None:
        return f"{moment:%Y-%m-%d %H:%M}"
    age = now - moment
    if timedelta(0) <= age < timedelta(minutes=1):
        return "just now"
    if timedelta(0) <= age < timedelta(hours=1):
        return f"{age.seconds // 60} min ago"
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    if timedelta(0) <= age < timedelta(days=6):
        return f"{moment:%a %H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}"


def show_span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {unit}{'s' * (number != 1)}"
    return "less than a minute"
