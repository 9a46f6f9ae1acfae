"""Whole teams on virtual time: how well it spreads in calm, and that nothing is lost in storms.

A failure names its seed: `python -m tests.simulation --nodes N --seed S --storm SECONDS --liars L`
repeats it. Larger ones run on demand by the same command.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2pblog.protocol.limits import MESH_SIZE
from p2pblog.store.replica import Draft, Replica
from tests.simulation import calm, growth
from tests.simulation.__main__ import stormy
from tests.simulation.calm import Figures
from tests.simulation.disk import Crashed, Disk, read
from tests.simulation.memory import largest
from tests.simulation.office import Office
from tests.simulation.storm import Storm
from tests.store.world import NOW, World

ROOT = Path(__file__).parents[2]
MAX_REDUNDANCY = 0.10  # copies received per entry, less one
MAX_RATIO = 1.5  # of the hops to the last device, to the fewest possible
MAX_CONTROL = 1500  # bytes a device and post: three times what 24 devices need, the most of all
MAX_SESSION = 64 * 1024  # bytes of a session's own state with 100 devices: eight times the usual
MAX_HISTORY = 2048  # bytes that it may grow by with the length of history: marks and timers


@contextmanager
def office(folder: Path, nodes: int, seed: int) -> Iterator[Office]:
    made = Office(folder, nodes, seed)
    calm.settle(made)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: what a disk loses is simulated, and syncs are many."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def check(figures: Figures) -> None:
    assert figures.missed == 0, figures
    assert figures.redundancy < MAX_REDUNDANCY, figures
    assert figures.ratio < MAX_RATIO, figures
    assert figures.control_bytes < MAX_CONTROL, figures
    assert figures.session_bytes < MAX_SESSION, figures


def weather(folder: Path, nodes: int, seed: int, seconds: float, liars: int) -> None:
    storm = Storm(stormy(folder, nodes, seed, liars))
    storm.blow(seconds)
    wrong = storm.reckon()
    command = f"--nodes {nodes} --seed {seed} --storm {seconds} --liars {liars}"
    assert wrong == [], f"python -m tests.simulation {command}"


# -- calm -------------------------------------------------------------------------------------


def test_a_calm_mesh_spreads_each_post_by_one_hop_and_once(folder: Path) -> None:
    with office(folder, 5, 1) as team:
        figures = calm.measure(team, 10)
        check(figures)
        assert (figures.redundancy, figures.ratio_max) == (0.0, 1.0)
        assert team.are_equal()


def test_a_team_beyond_a_mesh_has_few_links_and_short_trees(folder: Path) -> None:
    with office(folder, MESH_SIZE + 2, 2) as team:
        figures = calm.measure(team, 12, team.devices[:3])
        check(figures)
        assert figures.links < MESH_SIZE / 2
        assert team.are_equal()


@pytest.mark.slow
@pytest.mark.parametrize(("nodes", "posts", "rest"), [(20, 40, 60.0), (100, 40, 200.0)])
def test_calm(folder: Path, nodes: int, posts: int, rest: float) -> None:
    with office(folder, nodes, nodes) as team:
        check(calm.measure(team, posts, team.devices[:8]))
        team.clock.run(rest)  # in a large team a third of the devices change a link meanwhile
        check(calm.measure(team, posts // 2, team.devices[4:12]))
        assert team.are_equal()


@pytest.mark.slow
def test_what_a_session_holds_does_not_grow_with_history(folder: Path) -> None:
    with office(folder, 4, 3) as team:
        calm.measure(team, 8)
        short = largest(team)
        for number in range(400):
            team.devices[number % 3].post()
            team.clock.run(0.05)
        team.clock.run(5.0)
        assert team.are_equal()
        assert largest(team) < short + MAX_HISTORY


# -- storms -----------------------------------------------------------------------------------


def test_nothing_is_lost_in_a_storm(folder: Path) -> None:
    weather(folder, 5, 1, 40.0, liars=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("nodes", "seed", "seconds", "liars"),
    [*((5, seed, 120.0, 1) for seed in range(10, 14)), (20, 20, 60.0, 3), (100, 100, 20.0, 5)],
)
def test_nothing_is_lost_in_storms(
    folder: Path, nodes: int, seed: int, seconds: float, liars: int
) -> None:
    weather(folder, nodes, seed, seconds, liars)


@pytest.mark.slow
def test_halves_of_a_large_team_find_together_again(folder: Path) -> None:
    """Each half has links enough of its own: only rotation brings them together."""
    with office(folder, 40, 6) as team:
        halves = [range(20), range(20, 40)]
        team.network.part(halves)
        for device in (team.devices[0], team.devices[20]):
            device.post("in one half")
        team.clock.run(300.0)
        across = [len([d for d in team.live_links(one) if d.number >= 20]) for one in team.devices]
        assert sum(across[:20]) == 0
        assert not team.are_equal()
        team.network.heal()
        assert team.clock.run_until(team.are_equal, 600.0)


@pytest.mark.slow
def test_a_seed_says_all() -> None:
    """Also what is hashed differently in another process happens alike."""
    command = ["-m", "tests.simulation", "--nodes", "6", "--seed", "5", "--storm", "30"]
    told = [
        subprocess.run(
            [sys.executable, *command, "--liars", "1"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            check=True,
            capture_output=True,
        ).stdout
        for number in (1, 2)
    ]
    assert told[0] == told[1]
    assert json.loads(told[0])["acknowledged"] > 0


# -- growth -----------------------------------------------------------------------------------


def test_a_catch_up_brings_each_entry_once() -> None:
    _, caught = growth.of_a_post(5, 1, 1)
    assert caught["redundancy"] < MAX_REDUNDANCY
    assert growth.of_a_session(1000)["rows_bytes"] < 1000


# -- the disk ---------------------------------------------------------------------------------


def test_a_disk_that_loses_power_keeps_what_was_synced_and_no_half_of_the_rest(
    folder: Path,
) -> None:
    """At every statement of a transaction, before and after it."""
    world = World(1)
    world.replica(folder / "image").close()
    kept = set()
    for statement in range(1, 18, 2):
        for after in (False, True):
            disk = Disk(folder / f"{statement}{after}", random.Random(statement), fused=True)
            disk.put(read(folder / "image"))
            replica = disk.open()
            replica.append(world.author(0), [world.draft("first " + "x" * 9000)], NOW)
            disk.light(statement, after=after)
            drafts = [world.draft(f"{number} " + "x" * 9000) for number in range(20)]
            crashed = _crashes(replica, world, drafts)
            if crashed:
                disk.lose_power()
                replica = disk.open()
            (tip,) = replica.rows(False)[world.log_id(0)]
            assert tip.seq in (1, 21)
            kept.add((crashed, tip.seq))
            assert replica.totals().posts == tip.seq
            replica.close()
    assert {(True, 1), (False, 21)} <= kept


def _crashes(replica: Replica, world: World, drafts: list[Draft]) -> bool:
    try:
        replica.append(world.author(0), drafts, NOW)
    except Crashed:
        return True
    return False
