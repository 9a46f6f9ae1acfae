"""The door: found, append, ingest, read, close and open again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from p2pblog.errors import Reason
from p2pblog.protocol.entry import Incarnation
from p2pblog.protocol.log import Outcome
from p2pblog.protocol.operation import Invite, Role
from p2pblog.store.records import PostQuery, TextState
from p2pblog.store.replica import Replica
from tests.store.world import NOW, STORE, World, stored
from tests.support.logs import packed, tip


def test_a_new_store_has_a_team_once_the_founding_is_ingested(tmp_path: Path) -> None:
    world = World(1)
    with Replica.create(tmp_path / "store", world.team_id, STORE) as replica:
        assert replica.team.name == ""
        assert replica.team_with([packed(world.team_log)]).name == "Firm"
        assert replica.team.name == ""
        stored(replica, packed(world.team_log))
        assert replica.team.name == "Firm"
        assert replica.team_id == world.team_id
        assert replica.store_id == STORE


def test_a_start_remembers_what_it_has_proven(tmp_path: Path) -> None:
    world, path = World(5), tmp_path / "store"
    forged = world.operate(
        lambda after: Invite(after, world.keys[1].public, Role.MEMBER, None, NOW * 2, bytes(64))
    )
    world.replica(path).close()
    with Replica.open(path) as replica:
        team, marked = replica.team, [entry.proven for entry in replica.team_entries]
        assert not any(marked)
    with Replica.open(path) as replica:
        assert replica.team == team
        again = {entry.id for entry in replica.team_entries if entry.proven}
        assert again == team.proven
        assert len(again) > 5
        assert replica.team.void[forged.id] is Reason.BAD_PROOF
        assert forged.id not in again


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        made = replica.append(world.author(0), [world.draft("one"), world.draft("two")], NOW)
        assert [a.entry.header.time for a in made] == [NOW, NOW + 1]
        newest, older = replica.posts(PostQuery())
        assert (newest.text, older.text) == ("two", "one")
        assert newest.author == "Anna"
        assert newest.device_name == "desk"
        assert newest.state is TextState.HERE
        assert [post.id for post in replica.by_arrival(0, 10)] == [a.entry.id for a in made]
        assert newest.arrival == made[1].arrival == replica.newest_arrival()


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    world = World(2)
    pages = [packed(world.posts(1, 3))]
    with world.replica(tmp_path / "store", pages) as replica:
        replica.append(world.author(0), [world.draft("one")], NOW)
        before = (replica.posts(PostQuery()), replica.rows(True), replica.rows(False))
        newest, totals = replica.newest_arrival(), replica.totals()
    with Replica.open(tmp_path / "store") as replica:
        assert (replica.posts(PostQuery()), replica.rows(True), replica.rows(False)) == before
        assert (replica.newest_arrival(), replica.totals()) == (newest, totals)
        assert replica.team.name == "Firm"
        (made,) = replica.append(world.author(0), [world.draft("two")], NOW)
        assert made.entry.header.seq == 2
        assert made.arrival == newest + 1


def test_pages_are_stored_once(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 5)
    with world.replica(tmp_path / "store") as replica:
        first, again, overlap = replica.ingest(
            [packed(run[:3]), packed(run[:3]), packed(run[1:])], NOW
        )
        assert (first.outcome, first.stored, first.tip) == (Outcome.STORED, 3, tip(run[2]))
        assert (again.outcome, again.stored, again.arrivals) == (Outcome.KNOWN, 0, None)
        assert (overlap.outcome, overlap.stored, overlap.first_seq) == (Outcome.STORED, 2, 2)
        assert replica.rows(False) == {world.log_id(1): (tip(run[4]),)}
        assert replica.totals().posts == 5


def test_a_gap_stores_nothing(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 4)
    with world.replica(tmp_path / "store") as replica:
        (late,) = replica.ingest([packed(run[2:])], NOW)
        assert (late.outcome, late.reason) == (Outcome.GAP, Reason.GAP)
        assert not replica.rows(False)


def test_a_bad_page_leaves_the_others_alone(tmp_path: Path) -> None:
    world = World(3)
    good, other = world.posts(1, 2), world.posts(2, 2)
    bad = bytearray(packed(other))
    bad[-1] ^= 1
    with world.replica(tmp_path / "store") as replica:
        results = replica.ingest([b"", bytes(bad), packed(good)], NOW)
        assert [r.reason for r in results] == [Reason.MALFORMED, Reason.BAD_SIGNATURE, None]
        assert replica.rows(False) == {world.log_id(1): (tip(good[1]),)}


def test_a_stranger_has_no_posts_here(tmp_path: Path) -> None:
    world = World(2)
    known = World(1)
    assert known.team_id == world.team_id
    with known.replica(tmp_path / "store") as replica:
        page = packed(world.posts(1, 2))
        (refused,) = replica.ingest([page], NOW)
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.UNKNOWN_AUTHOR)
        results = replica.ingest([page, packed(world.team_log)], NOW)
        assert [r.outcome for r in results] == [Outcome.STORED, Outcome.STORED]
        assert replica.posts(PostQuery())[0].author == "Ben"


def test_who_reads_while_new_logs_come_knows_them(tmp_path: Path) -> None:
    world = World(2)
    with world.replica(tmp_path / "store") as replica, ThreadPoolExecutor(1) as pool:
        begun, done = Event(), Event()

        def read() -> int:
            begun.set()
            while not done.is_set():
                replica.posts(PostQuery(limit=1))
            return len(replica.posts(PostQuery(limit=100)))

        reading = pool.submit(read)
        begun.wait()
        try:
            for number in range(60):
                incarnation = Incarnation(number.to_bytes(8, "big"))
                post = world.post(1, None, time=NOW + number, incarnation=incarnation)
                stored(replica, packed([post]))
        finally:
            done.set()
        assert reading.result() == 60
