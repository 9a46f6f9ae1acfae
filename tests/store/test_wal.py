"""A write-ahead log with flipped bytes: told where it has lost what was synced, and only there."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from p2pblog.errors import DiskError
from p2pblog.store import salvage, wal
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, STORE, World

FRAME = 24 + wal.PAGE
POSTS = 15


def crashed(folder: Path, world: World) -> Path:
    """A store and its log as a crash leaves them, after so many commits."""
    with world.replica(folder / "live") as replica:
        replica._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(POSTS):
            replica.append(world.author(0), [world.draft(f"post {number}")], NOW)
        return copy(folder / "live")


def copy(store: Path) -> Path:
    """What a kill would leave of a store that is in use."""
    for end in ("", "-wal"):
        shutil.copy(f"{store}{end}", store.with_name(f"crashed{end}"))
    return store.with_name("crashed")


def log_of(store: Path) -> Path:
    return store.with_name(f"{store.name}-wal")


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def count(store: Path) -> int:
    with Replica.open(store) as replica:
        return len(replica.posts(PostQuery(limit=1000)))


def commits(log: Path) -> list[int]:
    """Where the frames that end a transaction begin."""
    data = log.read_bytes()
    starts = range(32, len(data), FRAME)
    return [start for start in starts if data[start + 4 : start + 8] != bytes(4)]


def test_a_whole_log_is_read(tmp_path: Path) -> None:
    assert count(crashed(tmp_path, World(1))) == POSTS


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_flipped_bit_is_told_and_what_is_whole_comes_back(tmp_path: Path, share: float) -> None:
    world = World(1)
    store = crashed(tmp_path, world)
    log = log_of(store)
    last_but_two = commits(log)[-3]
    flip(log, 32 + int(share * (last_but_two - 32)) + random.Random(share).randrange(FRAME))
    before = log.read_bytes()
    with pytest.raises(DiskError, match=r"write-ahead log is damaged.*doctor --repair"):
        Replica.open(store)
    assert log.read_bytes() == before
    new = tmp_path / "new"
    salvage.salvage(store, new, world.team_id, STORE, (), NOW, lambda *_: None)
    assert count(new) == POSTS


def test_a_damaged_head_is_told(tmp_path: Path) -> None:
    store = crashed(tmp_path, World(1))
    flip(log_of(store), 20)
    with pytest.raises(DiskError, match="write-ahead log is damaged"):
        Replica.open(store)


def test_a_log_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    store = crashed(tmp_path, World(1))
    log_of(store).unlink()
    log_of(store).mkdir()
    with pytest.raises(DiskError, match=r"write-ahead log: .*doctor --repair"):
        Replica.open(store)


def test_what_a_power_cut_leaves_is_no_damage(tmp_path: Path) -> None:
    store = crashed(tmp_path, World(1))
    log = log_of(store)
    last = commits(log)[-2] + FRAME  # the last transaction was not synced: any part may be missing
    whole = log.read_bytes()
    for place in random.Random(1).sample(range(last, len(whole)), 4):
        for torn in (whole[:place], whole[:place] + bytes(len(whole) - place)):
            log.write_bytes(torn)
            wal.check(store)
        log.write_bytes(whole)
        flip(log, place)
        wal.check(store)
    assert count(store) == POSTS - 1


def begun_anew(folder: Path) -> Path:
    """A log whose first frames are of one commit, and the others of the round before."""
    world = World(1)
    with world.replica(folder / "live") as replica:
        for number in range(POSTS):
            replica.append(world.author(0), [world.draft(f"post {number}")], NOW)
        replica._database._writer.execute("PRAGMA wal_checkpoint(RESTART)")
        replica.append(world.author(0), [world.draft("over the first frames")], NOW)
        return copy(folder / "live")


def test_frames_of_an_earlier_round_are_no_damage(tmp_path: Path) -> None:
    assert count(begun_anew(tmp_path)) == POSTS + 1


def test_a_power_cut_in_the_first_transaction_of_a_round_is_no_damage(tmp_path: Path) -> None:
    """Behind what is torn stand the frames of the round before, whole as they were."""
    store = begun_anew(tmp_path)
    flip(log_of(store), 32 + FRAME // 2)
    assert count(store) == POSTS


def test_what_a_killed_daemon_left_is_synced_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could take a commit that was told to others and written on from."""
    store = crashed(tmp_path, World(1))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    log = log_of(store).stat().st_ino
    with Replica.open(store):
        assert synced == [log]
