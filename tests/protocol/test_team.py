"""`protocol/team.md`: the team is a pure function of a set of entries."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.errors import Reason
from p2pblog.protocol import page
from p2pblog.protocol.ancestry import arrange, places
from p2pblog.protocol.entry import Incarnation, Kind, TeamId
from p2pblog.protocol.operation import (
    Policy,
    Role,
)
from p2pblog.protocol.team import Action, entries_of, evaluate
from tests.support.cases import check
from tests.support.effort import effort
from tests.support.histories import random_team
from tests.support.team_machine import TeamMachine, is_allowed
from tests.support.teams import TeamBuilder
from tests.support.vectors import vectors

SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("vector", vectors("team", "valid"), ids=lambda v: v["name"])
def test_teams(vector: dict[str, Any]) -> None:
    check(vector)


@pytest.mark.parametrize("vector", vectors("team", "invalid"), ids=lambda v: v["name"])
def test_teams_with_void_entries(vector: dict[str, Any]) -> None:
    check(vector)


@given(SEEDS, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_order_and_repetition_do_not_matter(seed: int, steps: int) -> None:
    made = random_team(seed, steps)
    entries = made.team_entries()
    shuffled = entries + entries[::2]
    random.Random(seed).shuffle(shuffled)
    assert evaluate(shuffled, made.id) == made.team()


@given(SEEDS, st.integers(0, 60), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_what_was_proven_needs_no_second_look(seed: int, steps: int, share: float) -> None:
    """What a part of a history has proven holds in the whole of it."""
    made = random_team(seed, steps)
    chance = random.Random(seed)
    entries = made.team_entries()
    part = [entry for entry in entries if chance.random() < share]
    proven = evaluate(part, made.id).proven
    marked = [entry._replace(proven=entry.id in proven) for entry in entries]
    assert evaluate(marked, made.id) == made.team()


@given(SEEDS, st.integers(0, 60), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_any_part_of_a_history_is_a_team(seed: int, steps: int, share: float) -> None:
    made = random_team(seed, steps)
    chance = random.Random(seed)
    part = [entry for entry in made.team_entries() if chance.random() < share]
    team = evaluate(part, made.id)
    assert team.pending + len(arrange(part).entries) == len(part)
    assert team.void.keys() <= {entry.id for entry in part}
    assert [member.founder for member in team.members.values()][1:].count(True) == 0


@given(SEEDS, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_what_has_effect_was_allowed_by_its_ancestors(seed: int, steps: int) -> None:
    made = random_team(seed, steps)
    ancestry = arrange(made.team_entries())
    team = made.team()
    for place, entry in enumerate(ancestry.entries):
        if entry.id not in team.void and TeamId(entry.id) != made.id:
            known = [ancestry.entries[other] for other in places(ancestry.ancestors[place])]
            assert is_allowed(evaluate(known, made.id), entry), entry


@given(SEEDS, st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_somebody_is_in_charge_while_somebody_is_there(seed: int, steps: int) -> None:
    team = random_team(seed, steps).team()
    assert bool(team.in_charge) == bool(team.present_members())
    assert all(
        team.members[device.member].present for device in team.devices.values() if device.active
    )


def test_a_team_without_its_founding_is_empty() -> None:
    team = evaluate([], TeamId(bytes(32)))
    assert (team.members, team.heads, team.name) == ({}, (), "")


def test_what_each_may() -> None:
    b = TeamBuilder()
    ana = b.found(policy=Policy(Role.ADMIN))
    bea, eve = b.join(ana), b.actor("Eve")
    gone = b.join(ana, "Cyd")
    b.remove(ana, gone)
    team = b.team()
    actions: tuple[Action, ...] = ("post", "admit", "invite", "moderate", "admin")
    assert [team.may(ana.device, action) for action in actions] == [True] * 5
    assert [team.may(bea.device, action) for action in actions] == [True, True, False, False, False]
    assert not any(team.may(who.device, action) for who in (eve, gone) for action in actions)
    assert team.is_cut(gone.device)
    assert not team.is_cut(eve.device)


def test_bounds_of_logs() -> None:
    b = TeamBuilder()
    ana = b.found()
    bea, eve = b.join(ana), b.actor("Eve")
    b.rename(bea, bea, "Bo")
    b.remove(ana, bea, b.cut_offs(bea))
    team = b.team()
    assert team.cutoff(ana.device, ana.incarnation, Kind.POSTS) is None
    assert team.cutoff(bea.device, bea.incarnation, Kind.TEAM) == 1
    assert team.cutoff(bea.device, bea.incarnation, Kind.POSTS) == 0
    assert team.cutoff(bea.device, Incarnation(bytes(8)), Kind.TEAM) == 0
    assert team.cutoff(eve.device, eve.incarnation, Kind.POSTS) == 0


def test_pages_of_a_team() -> None:
    b = TeamBuilder()
    b.join(b.found())
    pages = [page.verify(data, b.id) for data in b.pages()]
    entries = [entry for one in pages for entry in entries_of(one)]
    assert evaluate(entries, b.id) == b.team()


def test_more_heads_than_an_operation_names() -> None:
    b = TeamBuilder()
    ana = b.found()
    known = b.entries[-1:]
    for _ in range(70):
        ana.log, ana.incarnation = [], Incarnation(b.rng.randbytes(8))
        b.rename(ana, ana, "Ana", after=known)
    heads = b.team().heads
    assert len(heads) == 64
    assert list(heads) == sorted(heads)


def test_a_later_operation_is_kept_and_has_no_effect() -> None:
    b = TeamBuilder()
    ana = b.found()
    before = b.team()
    made = b.act(ana, b"\x93\x63\x90\xc0")
    after = b.team()
    assert after.void == {made.id: Reason.NEEDS_NEWER_VERSION}
    assert after.members == before.members


MachineTest = TeamMachine.TestCase
MachineTest.settings = effort(25, 100, steps=40)
