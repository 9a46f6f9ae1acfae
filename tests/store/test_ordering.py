"""Posts in order of time and channel: whatever waits is read as if it stood there already."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from p2pblog.protocol.operation import Extend
from p2pblog.store import migrate, ordering
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.test_views import some_of_everything, views_of
from tests.store.world import NOW, World, cut_off, stored
from tests.support.logs import packed

FAR = 10**6


def bulk_from(monkeypatch: pytest.MonkeyPatch, entries: int, enough: int = FAR) -> None:
    monkeypatch.setattr(ordering, "BULK", entries)
    monkeypatch.setattr(ordering, "ENOUGH", enough)


def waiting(path: Path) -> int:
    """How many posts wait; all others stand in order, and nothing else does."""
    with sqlite3.connect(path) as connection:
        posts = connection.execute(
            "SELECT channel, time, arrival, arrival <= (SELECT ordered FROM store) FROM posts"
        ).fetchall()
        inside = [row[:3] for row in posts if row[3]]
        by_time = connection.execute("SELECT time, arrival FROM by_time").fetchall()
        by_channel = connection.execute("SELECT * FROM by_channel").fetchall()
    connection.close()
    assert by_time == sorted(row[1:] for row in inside)
    assert by_channel == sorted(inside)
    return len(posts) - len(inside)


def test_what_waits_is_read_as_if_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(3)
    pages = some_of_everything(world)
    with world.replica(tmp_path / "plain", pages) as replica:
        plain = views_of(replica)
    bulk_from(monkeypatch, 1)
    with world.replica(tmp_path / "store", pages) as replica:
        assert waiting(tmp_path / "store") == len(plain["posts"]) > 5
        assert views_of(replica) == plain
        views_of(replica, check=True)


def test_little_takes_in_all_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, path = World(3), tmp_path / "store"
    bulk_from(monkeypatch, 4)
    run = world.posts(1, 9)
    with world.replica(path, [packed(run[:4])]) as replica:
        stored(replica, packed(run[4:8]))
        assert waiting(path) == 8
        stored(replica, packed(run[8:]))
        assert waiting(path) == 0


def test_much_takes_in_all_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, path = World(3), tmp_path / "store"
    run = world.posts(1, 9)
    with world.replica(path) as replica:
        bulk_from(monkeypatch, 1, enough=9)
        for first, left in ((0, 4), (4, 8), (8, 0)):
            stored(replica, packed(run[first : first + 4]))
            assert waiting(path) == left


def test_a_rest_takes_in_all_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, path = World(3), tmp_path / "store"
    bulk_from(monkeypatch, 1)
    world.replica(path, [packed(world.posts(1, 4))]).close()
    assert waiting(path) == 4
    with Replica.open(path) as replica:
        assert len(replica.posts(PostQuery())) == 4
        replica.rest()
        assert waiting(path) == 0
        assert len(replica.posts(PostQuery())) == 4


def test_hidden_and_shown_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, path = World(3), tmp_path / "store"
    run, other = world.posts(1, 9), world.posts(2, 3)
    with world.replica(path, [packed(run[:6])]) as replica:
        bulk_from(monkeypatch, 1)
        stored(replica, packed(other))
        removal = world.remove(1, cut_off(run[3]))
        stored(replica, packed([removal]))
        waiting(path)
        assert {post.id for post in replica.posts(PostQuery())} == {
            made.id for made in (*run[:4], *other)
        }
        cuts = (cut_off(run[5]),)
        stored(replica, packed([world.operate(lambda after: Extend(after, removal.id, cuts))]))
        waiting(path)
        assert len(replica.posts(PostQuery())) == 9
        replica.append(world.author(0), [world.draft("own", key="k")], NOW)
        waiting(path)
        views_of(replica, check=True)


def test_a_store_from_before_gets_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, scripts = tmp_path / "store", migrate.migrations()
    rows = [(n, 1000 - 7 * n % 13, bytes([n]), 1, n % 3, None) for n in range(1, 20)]
    connection = sqlite3.connect(path, isolation_level=None)
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "migrations", lambda: scripts[:3])
        migrate.create(connection, path)
    connection.execute("INSERT INTO store VALUES (x'', x'', 0, 0, 0, 0, 0)")
    connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?)", rows)
    migrate.upgrade(connection, path)
    connection.close()
    assert waiting(path) == 0
