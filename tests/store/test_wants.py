"""Payloads that are missing: listed, shown as missing, filled in by whatever way they come."""

from __future__ import annotations

from pathlib import Path

from p2pblog.protocol import page, wants
from p2pblog.protocol.entry import Entry
from p2pblog.protocol.frontier import short
from p2pblog.protocol.log import Outcome
from p2pblog.protocol.message import Missing
from p2pblog.store.records import PostQuery, TextState
from tests.store.world import NOW, World, cut_off, stored
from tests.support.logs import packed


def without(run: list[Entry], *seqs: int) -> bytes:
    payloads = [None if made.header.seq in seqs else made.payload for made in run]
    return page.pack([made.header_bytes for made in run], payloads, [run[-1].signature])


def test_what_is_missing_is_wanted_and_shown_as_missing(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 4)
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [without(run, 2, 3)]) as replica:
        assert replica.wants(10) == [(log, 3, run[2].id), (log, 2, run[1].id)]
        assert replica.wants(1, skip=1) == [(log, 2, run[1].id)]
        assert replica.totals().wanted == 2
        states = [post.state for post in replica.posts(PostQuery())]
        assert states.count(TextState.MISSING) == 2
        assert [view.id for view in replica.find(run[1].id.hex()[:8])] == [run[1].id]
        asked = [(log, made.header.seq, made.id[:12]) for made in run]
        assert replica.payloads(asked) == [(log, 1, run[0].payload), (log, 4, run[3].payload)]


def test_a_payload_that_comes_is_new_to_readers(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 4)
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [without(run, 2, 3)]) as replica:
        replica.index_search(100)
        newest, size = replica.newest_arrival(), replica.totals().size
        wrong, right = (log, 2, run[2].payload or b""), (log, 3, run[2].payload or b"")
        assert replica.fill([wrong, right, right, (log, 9, b"")], NOW) == [
            False,
            True,
            False,
            False,
        ]
        (post,) = replica.by_arrival(newest, 10)
        assert (post.id, post.text) == (run[2].id, "post 1 3")
        assert [found.id for found in replica.search("post", 10)] == [
            run[2].id,
            run[3].id,
            run[0].id,
        ]
        totals = replica.totals()
        assert (totals.posts, totals.wanted) == (4, 1)
        assert totals.size == size + len(run[2].payload or b"")
        assert replica.channels()[0].posts == 3


def test_a_known_page_fills_what_is_missing(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 6)
    with world.replica(tmp_path / "store", [without(run[:4], 2, 3)]) as replica:
        (longer,) = replica.ingest([without(run, 3)], NOW)
        assert (longer.outcome, longer.stored, longer.filled) == (Outcome.STORED, 2, 1)
        (known,) = replica.ingest([packed(run)], NOW)
        assert (known.outcome, known.stored, known.filled) == (Outcome.KNOWN, 0, 1)
        assert replica.wants(10) == []
        assert replica.totals().wanted == 0
        assert {post.state for post in replica.posts(PostQuery())} == {TextState.HERE}
        arrivals = [post.arrival for post in replica.by_arrival(0, 10)]
        assert len(set(arrivals)) == 6


def test_the_hash_of_what_is_missing_is_that_of_what_can_be_passed_on(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 9)
    log = world.log_id(1)
    elsewhere = world.posts(1, 4, after=run[3])[-1]  # at seq 8, on a branch that is not here
    pages = [without(run[:5], 2, 3), without(run[5:], 6, 8)]
    with world.replica(tmp_path / "store", pages) as replica:

        def due(*seqs: int) -> bytes | None:
            return wants.digest(Missing(log, n, short(run[n - 1].id)) for n in seqs)

        assert replica.missing() == due(2, 3, 6, 8)
        stored(replica, packed([world.remove(1, cut_off(elsewhere))]))
        assert [want.seq for want in replica.wants(10)] == [6, 3, 2]  # 6 is here, and not proved
        assert replica.missing() == due(2, 3)
        replica.ingest([packed(run[5:7])], NOW)
        assert replica.missing() == due(2, 3)
        replica.fill([(log, 2, run[1].payload or b"")], NOW)
        assert replica.missing() == due(3)
        replica.fill([(log, 3, run[2].payload or b"")], NOW)
        assert replica.missing() is None
