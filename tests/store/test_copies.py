"""A copy is the store at one moment, whatever is written meanwhile; given up it does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pblog.errors import DiskError
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World

MANY = PostQuery(limit=10**6)


@pytest.fixture
def world() -> World:
    return World(2)


@pytest.fixture
def replica(world: World, tmp_path: Path) -> Iterator[Replica]:
    with world.replica(tmp_path / "store") as replica:
        drafts = [world.draft(f"post {number} " + "x" * 4000) for number in range(600)]
        replica.append(world.author(0), drafts, NOW)
        yield replica


def test_a_copy_is_of_one_moment(world: World, replica: Replica, tmp_path: Path) -> None:
    steps = []

    def write_meanwhile(done: int, total: int) -> bool:
        steps.append((done, total))
        replica.append(world.author(0), [world.draft("later " * 800)], NOW)
        return True

    totals = replica.copy_to(tmp_path / "copy", write_meanwhile)
    assert totals is not None
    assert totals.posts == 600
    assert len(steps) > 2
    assert steps[-1][0] == steps[-1][1]
    assert len(replica.posts(MANY)) == 600 + len(steps)
    with Replica.open(tmp_path / "copy") as copy:
        assert len(copy.posts(MANY)) == 600
        assert copy.check() == []
        assert len(copy.search("post", 10**6)) == 600
    assert not (tmp_path / "copy-wal").exists()


def test_a_copy_is_given_up_at_once(replica: Replica, tmp_path: Path) -> None:
    steps = []

    def give_up(done: int, total: int) -> bool:
        steps.append(done)
        return False

    assert replica.copy_to(tmp_path / "copy", give_up) is None
    assert len(steps) == 1
    assert len(replica.posts(MANY)) == 600


def test_a_copy_begins_anew(replica: Replica, tmp_path: Path) -> None:
    assert replica.copy_to(tmp_path / "copy", lambda done, total: True)
    with Replica.open(tmp_path / "copy") as copy:
        assert copy.store_id == replica.store_id
        copy.begin_anew(b"another!")
        assert copy.store_id == b"another!"
    with Replica.open(tmp_path / "copy") as copy:
        assert copy.store_id == b"another!"


def test_a_place_that_can_not_be_written(replica: Replica, tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        replica.copy_to(tmp_path / "nowhere" / "copy", lambda done, total: True)
