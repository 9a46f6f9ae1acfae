"""`protocol/seniority.md`."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.protocol import history
from p2pblog.protocol.operation import Role
from tests.support.cases import check
from tests.support.histories import random_team
from tests.support.teams import TeamBuilder
from tests.support.vectors import vectors


@pytest.mark.parametrize("vector", vectors("seniority", "valid"), ids=lambda v: v["name"])
def test_cases(vector: dict[str, Any]) -> None:
    check(vector)


@pytest.mark.parametrize("vector", vectors("seniority", "invalid"), ids=lambda v: v["name"])
def test_cases_with_void_entries(vector: dict[str, Any]) -> None:
    check(vector)


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_the_short_way_gives_what_the_walk_gives(seed: int, steps: int) -> None:
    made = random_team(seed, steps)
    judged = history.evaluate(made.team_entries(), made.id)
    seniority = judged.facts.seniority
    for known in (*judged.ancestry.ancestors, judged.ancestry.everything):
        assert seniority.standing(known) == seniority.walk(known & seniority.items)


@given(st.integers(0, 2**32), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_a_circle_of_removals_has_one_outcome(seed: int, count: int) -> None:
    b = TeamBuilder(random.Random(seed))
    ana = b.found()
    admins = [b.join(ana, f"N{number}", Role.ADMIN) for number in range(count)]
    known = b.entries[-1:]
    circle = list(enumerate(admins))
    b.rng.shuffle(circle)
    for number, admin in circle:
        b.remove(admin, admins[(number + 1) % count], after=known)
    left = [member.name for member in b.team().present_members()]
    # each senior's act stands unless the one just before it, more senior, stood and cut it
    stand = [True]
    for number in range(1, count):
        stand.append(not stand[number - 1])
    removed = {(number + 1) % count for number in range(count) if stand[number]}
    assert left == ["Ana", *(f"N{n}" for n in range(count) if n not in removed)]
