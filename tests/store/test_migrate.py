"""From version to version, each in a transaction of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from p2pblog.errors import DiskError
from p2pblog.store import migrate
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import World
from tests.support.logs import packed


def next_version(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    scripts = (*migrate.migrations(), script)
    monkeypatch.setattr(migrate, "migrations", lambda: scripts)


def version(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[60:64], "big")


def test_an_older_store_is_brought_to_this_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store"
    world = World(2)
    world.replica(path, [packed(world.posts(1, 3))]).close()
    before = version(path)
    next_version(monkeypatch, "CREATE TABLE marks (x); INSERT INTO marks VALUES (';');")
    with Replica.open(path) as replica:
        assert len(replica.posts(PostQuery())) == 3
        assert version(path) == before + 1
    Replica.open(path).close()


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store"
    World(1).replica(path).close()
    with monkeypatch.context() as patched:
        next_version(patched, "DROP TABLE entries; SELECT nonsense;")
        with pytest.raises(sqlite3.OperationalError):
            Replica.open(path)
    Replica.open(path).close()


def test_an_old_sqlite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "OLDEST_SQLITE", (99, 0, 0))
    with pytest.raises(DiskError, match=r"too old, 99\.0\.0 or newer"):
        World(1).replica(tmp_path / "store")


def test_the_scripts_are_numbered_from_one() -> None:
    assert len(migrate.migrations()) >= 1
    assert all("CREATE TABLE" in script for script in migrate.migrations()[:1])
