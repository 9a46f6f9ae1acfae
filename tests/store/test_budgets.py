"""What is taken of a device in a day, whatever its incarnations, and kept over restarts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from p2pblog.errors import Reason
from p2pblog.protocol import budget, page
from p2pblog.protocol.budget import DAY_MS
from p2pblog.protocol.entry import Entry, Incarnation
from p2pblog.protocol.limits import BUDGET_DAYS
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World

A_DAY = 2000  # bytes: some eight posts
REASONS = (None, Reason.PAUSED)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A team; each of its devices was admitted long before the flood."""
    monkeypatch.setattr(budget, "POSTS_BUDGET", A_DAY)
    monkeypatch.setattr(budget, "FIRST_DAYS", BUDGET_DAYS)
    return World()


def posts(world: World, device: int, count: int, begun: bytes = b"incarn 1") -> list[Entry]:
    run: list[Entry] = []
    for _ in range(count):
        before = run[-1] if run else None
        run.append(world.post(device, before, "buy this", incarnation=Incarnation(begun)))
    return run


def taken(replica: Replica, run: Sequence[Entry], now: int, *, bare: bool = False) -> int:
    """How many of a run are taken, one a page."""
    results = []
    for one in run:
        payload = None if bare else one.payload
        results += replica.ingest([page.pack([one.header_bytes], [payload], [one.signature])], now)
    assert {result.reason for result in results} <= {*REASONS, Reason.GAP}
    return sum(result.stored for result in results)


def test_a_flood_is_paused_and_goes_on_by_days(world: World, tmp_path: Path) -> None:
    run = posts(world, 1, 60)
    with world.replica(tmp_path / "store.db") as replica:
        at_once = taken(replica, run, NOW)
        assert 0 < at_once < 30
        assert [one.device for one in replica.paused(NOW)] == [world.keys[1].public]
        assert taken(replica, run, NOW + DAY_MS - 1) == 0
        later = taken(replica, run, NOW + DAY_MS)
        assert 0 < later < at_once
        assert replica.paused(NOW + 3 * DAY_MS) == ()


def test_further_incarnations_bring_nothing_more(world: World, tmp_path: Path) -> None:
    with world.replica(tmp_path / "store.db") as replica:
        taken(replica, posts(world, 1, 60), NOW)
        assert taken(replica, posts(world, 1, 5, b"another!"), NOW) == 0
        assert taken(replica, posts(world, 2, 5), NOW) == 5


def test_payloads_count_that_are_kept_back(world: World, tmp_path: Path) -> None:
    run = posts(world, 1, 60)
    with world.replica(tmp_path / "one") as one, world.replica(tmp_path / "two") as two:
        assert taken(one, run, NOW) == taken(two, run, NOW, bare=True)


def test_it_is_kept_over_a_restart(world: World, tmp_path: Path) -> None:
    run, path = posts(world, 1, 60), tmp_path / "store.db"
    with world.replica(path) as replica:
        taken(replica, run, NOW)
    with Replica.open(path) as replica:
        assert replica.paused(NOW)
        assert taken(replica, run, NOW) == 0


def test_a_persons_word_takes_more(world: World, tmp_path: Path) -> None:
    run = posts(world, 1, 60)
    with world.replica(tmp_path / "store.db") as replica:
        taken(replica, run, NOW)
        replica.grant([world.keys[1].public], NOW)
        assert not replica.paused(NOW)
        assert taken(replica, run, NOW) > 0


def test_our_own_posts_are_never_paused(world: World, tmp_path: Path) -> None:
    with world.replica(tmp_path / "store.db") as replica:
        replica.spare(world.keys[1].public)
        assert taken(replica, posts(world, 1, 60), NOW) == 60
