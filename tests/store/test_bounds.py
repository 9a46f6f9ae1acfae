"""Cut-offs: what lies beyond is kept, and neither shown nor served, until it counts again."""

from __future__ import annotations

from pathlib import Path

from p2pblog.errors import Reason
from p2pblog.protocol.entry import Entry, LogId
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.operation import Extend
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.test_views import views_of
from tests.store.world import NOW, World, cut_off, stored
from tests.support.logs import packed, tip

ALL = 10**9


def shown(replica: Replica) -> set[bytes]:
    return {post.id for post in replica.posts(PostQuery())}


def ids(run: list[Entry]) -> set[bytes]:
    return {made.id for made in run}


def test_a_removal_hides_what_is_beyond_its_cut_off(tmp_path: Path) -> None:
    world = World(3)
    run = world.posts(1, 20)
    other = world.posts(2, 2)
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [packed(run), packed(other)]) as replica:
        assert not replica.index_search(100)
        stored(replica, packed([world.remove(1, cut_off(run[11]))]))
        assert shown(replica) == ids(run[:12]) | ids(other)
        assert replica.rows(False)[log] == (tip(run[11]),)
        served = replica.cut_pages(log, None, tip(run[11]), ALL)
        assert [one.entries for one in served] == [12]
        assert replica.payloads([(log, 12, run[11].id), (log, 13, run[12].id)]) == [
            (log, 12, run[11].payload)
        ]
        assert len(replica.search("post", 100)) == 14
        assert replica.channels()[0].posts == 14
        assert replica.totals().entries > 22
        rows = replica.rows(False)
    with Replica.open(tmp_path / "store") as replica:
        assert replica.rows(False) == rows
        assert shown(replica) == ids(run[:12]) | ids(other)
        views_of(replica, check=True)


def test_what_was_written_after_a_removal_is_refused(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 6)
    stray = world.posts(1, 3, after=run[2])
    page = packed([world.remove(1, cut_off(run[3]))])
    with world.replica(tmp_path / "store", [packed(world.team_log[-1:])][:0]) as replica:
        stored(replica, packed(run[:2]))
        refused = replica.ingest([packed(run[2:6]), packed(run[2:4]), packed(stray)], NOW)
        assert [one.reason for one in refused] == [Reason.BEYOND_CUTOFF, None, Reason.BEYOND_CUTOFF]
        assert shown(replica) == ids(run[:4])
        assert replica.rows(False)[world.log_id(1)] == (tip(run[3]),)
        assert replica.ingest([page], NOW)[0].outcome is Outcome.KNOWN


def test_a_removal_in_the_same_batch_goes_first(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 2)
    with world.replica(tmp_path / "store") as replica:
        posts, team = replica.ingest([packed(run), packed([world.remove(1)])], NOW)
        assert (posts.reason, team.outcome) == (Reason.BEYOND_CUTOFF, Outcome.STORED)


def test_an_extension_brings_posts_back(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 10)
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        replica.index_search(100)
        removal = world.remove(1, cut_off(run[3]))
        stored(replica, packed([removal]))
        assert shown(replica) == ids(run[:4])
        extended = world.operate(lambda after: Extend(after, removal.id, (cut_off(run[7]),)))
        stored(replica, packed([extended]))
        assert shown(replica) == ids(run[:8])
        assert replica.rows(False)[log] == (tip(run[7]),)
        assert len(replica.search("post", 100)) == 8
        views_of(replica, check=True)


def test_a_log_cut_at_nothing_is_left_out(tmp_path: Path) -> None:
    world = World(2)
    with world.replica(tmp_path / "store", [packed(world.posts(1, 3))]) as replica:
        stored(replica, packed([world.remove(1)]))
        assert shown(replica) == set()
        assert replica.rows(False) == {}
        assert replica.channels() == []


def test_a_cut_off_on_one_branch_hides_the_other_from_where_they_part(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 8)
    branch = [world.post(1, trunk[3], "other")]
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [packed(trunk), packed(branch)]) as replica:
        stored(replica, packed([world.remove(1, cut_off(trunk[5]))]))
        assert shown(replica) == ids(trunk[:6])
        assert replica.rows(False)[log] == (tip(trunk[5]),)


def test_while_the_named_tip_is_missing_what_is_below_it_counts(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 6)
    stray = world.posts(1, 4, after=trunk[1])
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [packed(trunk[:2] + stray)]) as replica:
        stored(replica, packed([world.remove(1, cut_off(trunk[4]))]))
        assert shown(replica) == ids(trunk[:2] + stray[:2])
        stored(replica, packed(trunk[2:5]))
        assert shown(replica) == ids(trunk[:5])
        assert replica.rows(False)[log] == (tip(trunk[4]),)
        views_of(replica, check=True)


def test_a_false_signature_in_a_cut_off_is_not_kept(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 6)
    cut = cut_off(run[3])._replace(signature=bytes(64))
    pages = [packed(run[:2]), packed(run[2:])]
    with world.replica(tmp_path / "store", pages) as replica:
        stored(replica, packed([world.remove(1, cut)]))
        assert shown(replica) == ids(run[:4])
        assert replica.rows(False)[world.log_id(1)] == (Tip(2, run[1].id),)


def test_a_known_page_shows_how_far_a_cut_log_can_be_proved(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 12)
    fork = world.posts(1, 6, after=run[3])
    log = world.log_id(1)
    with world.replica(tmp_path / "store", [packed(run[:5]), packed(run[5:])]) as replica:
        stored(replica, packed([world.remove(1, cut_off(fork[-1]))]))  # at seq 10 of that branch
        assert replica.rows(False)[log] == (tip(run[4]),)
        (known,) = replica.ingest([packed(run[5:8])], NOW)
        assert known.outcome is Outcome.KNOWN
        assert replica.rows(False)[log] == (tip(run[7]),)
        size = replica.totals().size
        replica.ingest([packed(run[5:8])], NOW)
        assert replica.totals().size == size


def test_what_leads_to_another_tip_is_none_however_branches_are_stored(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 6)
    fork = world.posts(1, 4, after=trunk[2])
    pages = [packed(trunk[:2]), packed(trunk), packed(trunk[:3] + fork)]
    other = [pages[0], pages[2], pages[1]]
    with (
        world.replica(tmp_path / "one", pages) as one,
        world.replica(tmp_path / "other", other) as two,
    ):
        removal = packed([world.remove(1, cut_off(fork[2]))])
        for replica in (one, two):
            stored(replica, removal)
            assert replica.rows(False)[world.log_id(1)] == (tip(fork[2]),)


def test_stores_with_other_signatures_of_parted_ways_come_to_name_the_same(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 9)
    fork = world.posts(1, 6, after=trunk[3])
    nowhere = world.posts(1, 9, after=trunk[0])[-1]  # at seq 10, with neither of the two
    log = world.log_id(1)
    one = [packed(trunk[:6]), packed(trunk[6:]), packed(fork[:5])]
    two = [packed(trunk[:4] + fork[:2]), packed(fork[2:]), packed(trunk[4:8])]
    with (
        world.replica(tmp_path / "one", one) as first,
        world.replica(tmp_path / "two", two) as other,
    ):
        removal = packed([world.remove(1, cut_off(nowhere))])
        for replica in (first, other):
            stored(replica, removal)
        assert set(first.rows(False)[log]) == {tip(trunk[8]), tip(fork[4])}
        assert set(other.rows(False)[log]) == {tip(trunk[7]), tip(fork[1])}
        give(log, first, other)
        give(log, other, first)
        for replica in (first, other):
            assert set(replica.rows(False)[log]) == {tip(trunk[8]), tip(fork[4])}


def give(log: LogId, source: Replica, target: Replica) -> None:
    """All that one can pass on of a log."""
    for end in source.rows(False)[log]:
        target.ingest([one.page for one in source.cut_pages(log, None, end, ALL)], NOW)
