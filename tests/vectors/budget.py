"""Allowances: at first, as days pass, and by a person's word."""

import random
from typing import Any

from p2pblog.protocol import budget
from p2pblog.protocol.budget import DAY_MS, Allowance

NOW = 1_784_203_200_000
KNOWN_FOR = (-DAY_MS, 0, DAY_MS - 1, DAY_MS, 3 * DAY_MS, 31 * DAY_MS, 1000 * DAY_MS)
LATER = (-1, 0, DAY_MS - 1, DAY_MS, 2 * DAY_MS + 5, 1000 * DAY_MS)


def _told(allowance: Allowance) -> dict[str, int]:
    return {"left": allowance.left, "since": allowance.since}


def _refill(before: Allowance, now: int, team: bool) -> dict[str, Any]:
    after = budget.refilled(before, now, team=team)
    return {"team": team, "before": _told(before), "now": now, **_told(after)}


def make(_: random.Random) -> dict[str, Any]:
    firsts: list[dict[str, Any]] = [
        {"team": team, "known_for": known_for, "now": NOW}
        | _told(budget.first(known_for, NOW, team=team))
        for team in (True, False)
        for known_for in KNOWN_FOR
    ]
    refills = [
        _refill(Allowance(left, NOW), NOW + later, team)
        for team in (True, False)
        for left in (-5000, 0, 1, budget.a_day(team=team), 40 * budget.a_day(team=team))
        for later in LATER
    ]
    grants = [
        {"team": team, "now": NOW} | _told(budget.granted(NOW, team=team)) for team in (True, False)
    ]
    valid = [{"first": firsts}, {"refilled": refills}, {"granted": grants}]
    return {"module": "budget", "valid": valid, "invalid": []}
