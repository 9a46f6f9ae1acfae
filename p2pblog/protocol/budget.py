"""How much of a device's entries is taken in at a time: a log that floods is paused.

What is left out for a while is no less valid: a budget delays, here and for a time, and never
rejects. It counts what a device makes this machine hold, by this machine's own clock, for logs of
kind team and all others apart. Spec: `protocol/budget.md`.
"""

from __future__ import annotations

from typing import NamedTuple

from p2pblog.protocol.entry import Header
from p2pblog.protocol.limits import BUDGET_DAYS, FIRST_DAYS, POSTS_BUDGET, TEAM_BUDGET

DAY_MS = 24 * 3600 * 1000
SIGNATURE = 64  # bytes, which every entry may bear


class Allowance(NamedTuple):
    """How many bytes are still taken, and since when (ms) a day is counted; paused at 0."""

    left: int
    since: int

    @property
    def is_paused(self) -> bool:
        """Whether nothing more is taken before the day is over."""
        return self.left <= 0


def a_day(*, team: bool) -> int:
    """Bytes of one device."""
    return TEAM_BUDGET if team else POSTS_BUDGET


def first(known_for: int, now: int, *, team: bool) -> Allowance:
    """Of a device that nothing is here of yet, and that was admitted so long ago (ms)."""
    most = BUDGET_DAYS if team else FIRST_DAYS
    days = min(most, max(BUDGET_DAYS, known_for // DAY_MS + 1))
    return Allowance(days * a_day(team=team), now)


def refilled(known: Allowance, now: int, *, team: bool) -> Allowance:
    """With what the days since have brought; a clock that was put back starts the day anew."""
    if now < known.since:
        return Allowance(known.left, now)
    days = (now - known.since) // DAY_MS
    if not days:
        return known
    most = max(known.left, BUDGET_DAYS * a_day(team=team))
    left = min(most, max(known.left, 0) + days * a_day(team=team))
    return Allowance(left, known.since + days * DAY_MS)


def granted(now: int, *, team: bool) -> Allowance:
    """By a person's word."""
    return Allowance(BUDGET_DAYS * a_day(team=team), now)


def cost(header: Header, raw: bytes) -> int:
    """Bytes that an entry is going to take, its payload included, wherever that is by now."""
    return len(raw) + SIGNATURE + header.payload_size
