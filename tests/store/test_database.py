"""The file: what is refused, and how the disk's faults are told."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from p2pblog.errors import CantWrite, DiskError, StoreTooNew
from p2pblog.store import migrate
from p2pblog.store.database import SMALL_WAL, Database
from p2pblog.store.faults import unreadable
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World
from tests.support.logs import packed


def run(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_newer_store_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "store"
    World(1).replica(path).close()
    run(path, f"PRAGMA user_version = {len(migrate.migrations()) + 1}")
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    with pytest.raises(StoreTooNew, match="newer p2pblog") as caught:
        Replica.open(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before
    assert caught.value.hint


def test_a_store_is_marked_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "store"
    World(1).replica(path).close()
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == len(migrate.migrations())
    assert header[68:72] == b"p2pb"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"", "no SQLite file"), (b"text" * 100, "no SQLite file")],
)
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "store"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DiskError, match=message):
        Replica.open(path)


def test_a_store_that_may_not_be_read_needs_no_repair() -> None:
    denied = unreadable("store a", PermissionError(13, "Permission denied"))
    assert str(denied) == (
        "store a: Permission denied: check its permissions and those of its folder"
    )
    assert "doctor --repair" in str(unreadable("store a", FileNotFoundError(2, "No such file")))


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store"
    run(path, "CREATE TABLE mine (x)")
    with pytest.raises(DiskError, match="another program"):
        Replica.open(path)


def test_a_store_is_not_made_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.write_text("precious")
    with pytest.raises(DiskError, match="exists"):
        World(1).replica(path)
    assert path.read_text() == "precious"


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store"
    world = World(2)
    world.replica(path, [packed(world.posts(1, 100))]).close()
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(DiskError, match="damaged"), Replica.open(path) as replica:
        replica.posts(PostQuery())


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="folder"):
        World(1).replica(tmp_path / "nowhere" / "store")


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        database: Database = replica._database
        with database.writing() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 40}")
        done: list[bytes] = []

        def fill() -> None:
            for _ in range(100):
                made = replica.append(world.author(0), [world.draft("x" * 4000)], NOW)
                done.extend(one.entry.id for one in made)

        with pytest.raises(CantWrite, match="disk is full"):
            fill()
        assert [post.id for post in replica.by_arrival(0, 100)] == done
        with database.writing() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        (made_again,) = replica.append(world.author(0), [world.draft("again")], NOW)
        assert made_again.entry.header.seq == len(done) + 1
    with Replica.open(tmp_path / "store") as replica:
        assert len(replica.posts(PostQuery(limit=200))) == len(done) + 1


def test_a_lock_of_another_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2pblog.store.database.BUSY_MS", 1)
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        other = sqlite3.connect(tmp_path / "store", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DiskError, match="locked"):
            replica.append(world.author(0), [world.draft("x")], NOW)
        other.execute("ROLLBACK")
        other.close()
        replica.append(world.author(0), [world.draft("x")], NOW)


def test_a_wrong_statement_is_a_bug(tmp_path: Path) -> None:
    with (
        World(1).replica(tmp_path / "store") as replica,
        pytest.raises(sqlite3.OperationalError),
        replica._database.reading() as connection,
    ):
        connection.execute("SELECT nonsense")


def test_readers_on_other_threads_see_whole_states(tmp_path: Path) -> None:
    world = World(1)
    seen: list[int] = []
    with world.replica(tmp_path / "store") as replica:
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                seen.append(len(replica.posts(PostQuery(limit=1000))))
                replica.search("post", 5)
                assert replica.cut_pages(
                    world.log_id(0), None, replica.rows(False)[world.log_id(0)][0], 10**6
                )

        replica.append(world.author(0), [world.draft("post")], NOW)
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(30):
            replica.append(world.author(0), [world.draft("post"), world.draft("post")], NOW)
        stop.set()
        for thread in threads:
            thread.join()
        assert len(replica.posts(PostQuery(limit=1000))) == 61
    assert all(count % 2 == 1 for count in seen)


def test_the_wal_is_copied_back(tmp_path: Path) -> None:
    world = World(2)
    with world.replica(tmp_path / "store") as replica:
        run = world.posts(1, 5)
        for made in run:
            replica.ingest([packed([made])], NOW)
            replica.posts(PostQuery())
        with replica._database.writing() as connection:
            pass
        with replica._database.alone():
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        assert (tmp_path / "store-wal").stat().st_size == 0


def test_at_rest_a_long_log_gives_its_room_back(tmp_path: Path) -> None:
    path = tmp_path / "store"
    log = Path(f"{path}-wal")
    database = Database.create(path)
    with database.writing() as connection:
        connection.execute("CREATE TABLE large (data)")
        connection.execute("INSERT INTO large VALUES (zeroblob(?))", (2 * SMALL_WAL,))
    with database.snapshot() as reader:
        reader.execute("SELECT count(*) FROM large").fetchone()
        database.rest()  # somebody reads: it does not wait
        assert log.stat().st_size > SMALL_WAL
    database.rest()
    assert log.stat().st_size == 0
    with database.writing() as connection:
        connection.execute("INSERT INTO large VALUES (1)")
    database.rest()
    assert 0 < log.stat().st_size <= SMALL_WAL  # little may stay
    database.close()
