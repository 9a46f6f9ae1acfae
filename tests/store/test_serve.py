"""Pages cut for others: each ends in a held signature and fits the limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.protocol import page
from p2pblog.protocol.entry import Entry, Kind
from p2pblog.protocol.limits import MAX_PAGE_BYTES, MAX_PAGE_ENTRIES
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.page import Page
from p2pblog.store import salvage
from p2pblog.store.replica import Draft, Replica, Served
from tests.store.world import NOW, STORE, World, stored
from tests.support.logs import packed, tip

ALL = 10**9


def opened(served: list[Served], world: World) -> list[Page]:
    pages = [page.verify(one.page, world.team_id) for one in served]
    for one, read in zip(served, pages, strict=True):
        assert one.entries == len(read.ids)
        assert one.first_seq == read.headers[0].seq
        assert one.last == Tip(read.headers[-1].seq, read.ids[-1])
        sizes = (*map(len, read.raw), *(len(payload or b"") for payload in read.payloads))
        assert one.size == sum(sizes)
    return pages


def ids(pages: list[Page]) -> list[bytes]:
    return [name for one in pages for name in one.ids]


@pytest.mark.parametrize("cuts", [[600], [512, 600], [1, 2, 3, 500, 600], [88, 600]])
def test_pages_hold_the_whole_log(tmp_path: Path, cuts: list[int]) -> None:
    world = World(2)
    run = world.posts(1, 600)
    starts = [0, *cuts[:-1]]
    parts = [
        packed(run[low : min(high, low + 512)]) for low, high in zip(starts, cuts, strict=True)
    ]
    if cuts == [600]:
        parts.append(packed(run[512:]))
    with world.replica(tmp_path / "store", parts) as replica:
        served = replica.cut_pages(world.log_id(1), None, tip(run[-1]), ALL)
        assert ids(opened(served, world)) == [made.id for made in run]
        again = world.replica(tmp_path / "other", [one.page for one in served])
        with again:
            assert again.rows(False) == replica.rows(False)


def test_pages_start_where_they_are_asked_to_and_stop_at_a_size(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 40)
    with world.replica(tmp_path / "store", [packed([made]) for made in run]) as replica:
        log = world.log_id(1)
        (one,) = replica.cut_pages(log, tip(run[9]), tip(run[19]), ALL)
        assert ids(opened([one], world)) == [made.id for made in run[10:20]]
        assert len(replica.cut_pages(log, None, tip(run[-1]), 1)) == 1
        assert replica.cut_pages(log, tip(run[-1]), tip(run[-1]), ALL) == []
        assert replica.cut_pages(log, Tip(3, run[0].id), tip(run[-1]), ALL) == []
        assert replica.lag(log, tip(run[9]), tip(run[19]))[0] == 10
        assert replica.lag(log, None, tip(run[-1])) == (40, sum(map(size, run)))


def size(made: Entry) -> int:
    return len(made.header_bytes) + len(made.signature) + len(made.payload or b"")


def test_large_posts_fill_pages_to_the_limit(tmp_path: Path) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        drafts = [world.draft("x" * 15_000) for _ in range(40)]
        made = [one.entry for one in replica.append(world.author(0), drafts, NOW)]
        served = replica.cut_pages(world.log_id(0), None, tip(made[-1]), ALL)
        assert ids(opened(served, world)) == [one.id for one in made]
        assert [len(one.page) <= MAX_PAGE_BYTES for one in served] == [True] * 3
        assert served[0].entries == 17


@pytest.mark.parametrize(("count", "letters", "signed"), [(1200, 10, 3), (40, 15_000, 3)])
def test_posts_that_nobody_sees_alone_are_signed_once_a_page(
    tmp_path: Path, count: int, letters: int, signed: int
) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        one = [world.draft("signed")]
        rest = [world.draft("x" * letters, covered=True) for _ in range(count)]
        made = [one.entry for one in replica.append(world.author(0), one + rest, NOW)]
        assert made[0].signature
        assert made[-1].signature
        assert sum(bool(entry.signature) for entry in made) == 1 + signed
        served = replica.cut_pages(world.log_id(0), None, tip(made[-1]), ALL)
        assert ids(opened(served, world)) == [one.id for one in made]
        with world.replica(tmp_path / "other", [one.page for one in served]) as other:
            assert other.rows(False) == replica.rows(False)


@pytest.mark.parametrize("letters", [10, 400, 600, 15_000])
def test_what_is_signed_once_a_page_comes_back_in_a_repair(tmp_path: Path, letters: int) -> None:
    world = World(1)
    store, new = tmp_path / "store", tmp_path / "new"
    with world.replica(store) as replica:
        for _ in range(2):
            rest = [world.draft("x" * letters, covered=True) for _ in range(512)]
            replica.append(world.author(0), rest, NOW)
        rows = replica.rows(False)
    assert salvage.salvage(store, new, world.team_id, STORE, (), NOW, lambda *_: None) == []
    with Replica.open(new) as replica:
        assert replica.rows(False) == rows
        assert replica.totals().wanted == 0


def test_operations_are_signed_whatever_covers_them(tmp_path: Path) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        draft = Draft(Kind.TEAM, 99, b"?", bytes(16), covered=True)
        made = replica.append(world.author(0), [draft, draft, world.draft("post")], NOW)
        assert all(one.entry.signature for one in made)


def test_team_pages_carry_every_signature(tmp_path: Path) -> None:
    world = World(10)
    with world.replica(tmp_path / "store") as replica:
        (log,) = replica.rows(True)
        served = replica.cut_pages(log, None, replica.rows(True)[log][0], ALL)
        (read,) = opened(served, world)
        assert len(read.signatures) == len(world.team_log)


def test_both_branches_of_a_fork_are_served(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 700)
    branch = world.posts(1, 500, after=trunk[599])
    pages = [packed(trunk[:512]), packed(trunk[512:]), packed(branch)]
    with world.replica(tmp_path / "store", pages) as replica:
        log = world.log_id(1)
        assert replica.rows(False) == {log: (tip(trunk[-1]), tip(branch[-1]))}
        for end, way in ((trunk, trunk), (branch, trunk[:600] + branch)):
            fresh = tmp_path / f"{end[-1].id.hex()}"
            with world.replica(fresh) as other:
                after = None
                while not other.holds(log, tip(end[-1])):
                    served = replica.cut_pages(log, after, tip(end[-1]), 1)
                    assert max(one.entries for one in served) <= MAX_PAGE_ENTRIES
                    stored(other, *(one.page for one in served))
                    after = served[-1].last
                for at in (0, 511, 599, 600, 699):
                    assert other.id_at(log, tip(end[-1]), at + 1) == way[at].id


def test_a_page_that_outgrew_its_limit_goes_without_its_last_payloads(tmp_path: Path) -> None:
    world = World(2)
    run = [world.post(1, None, "x" * 15_000)]
    for _ in range(19):
        run.append(world.post(1, run[-1], "x" * 15_000))
    bare = page.pack([m.header_bytes for m in run], [None] * 20, [run[-1].signature])
    with world.replica(tmp_path / "store", [bare]) as replica:
        log = world.log_id(1)
        items = [(log, made.header.seq, made.payload or b"") for made in run]
        assert replica.fill(items, NOW) == [True] * 20
        (one,) = replica.cut_pages(log, None, tip(run[-1]), ALL)
        (read,) = opened([one], world)
        assert sum(payload is not None for payload in read.payloads) == 17
        with world.replica(tmp_path / "other", [one.page]) as other:
            assert [want.seq for want in other.wants(100)] == [20, 19, 18]


def test_places_are_found_by_marks(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 100)
    branch = world.posts(1, 50, after=trunk[79])
    with world.replica(tmp_path / "store", [packed(trunk), packed(branch)]) as replica:
        log = world.log_id(1)
        marks = replica.locator(log)
        assert marks[0] == tip(branch[-1])
        assert tip(trunk[-1]) in marks
        assert tip(trunk[0]) in marks
        assert len(marks) == len(set(marks)) <= 64
        assert replica.locate(log, [(3, trunk[2].id[:12]), (90, branch[9].id), (99, b"x")]) == tip(
            branch[9]
        )
        assert replica.locate(log, [(99, b"x")]) is None
        assert replica.holds(log, (100, trunk[99].id[:12]))
        assert not replica.holds(log, (131, trunk[99].id))
        assert replica.tip(replica.log_key(log) or (b"", b"", 0)) == tip(branch[-1])  # type: ignore[arg-type]  # no such key
        assert [one.first for one in replica.branches(log)] == [1, 81]


def test_nothing_is_served_of_a_log_that_is_not_here(tmp_path: Path) -> None:
    world = World(2)
    (made,) = world.posts(1, 1)
    log = world.log_id(1)
    with world.replica(tmp_path / "store") as replica:
        assert replica.cut_pages(log, None, tip(made), ALL) == []
        assert replica.lag(log, None, tip(made)) == (0, 0)
        assert replica.locator(log) == []
        assert replica.locate(log, [tip(made)]) is None
        assert replica.id_at(log, tip(made), 1) is None
        assert replica.log_key(log) is None
        assert replica.payloads([(log, 1, made.id)]) == []


def test_at_most_four_branches_of_a_posts_log_are_kept(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 3)
    forks = [packed([world.post(1, run[0], f"fork {n}")]) for n in range(5)]
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        outcomes = [result.outcome for result in replica.ingest(forks, NOW)]
        assert outcomes == [Outcome.FORK] * 3 + [Outcome.REFUSED] * 2
        assert len(replica.rows(False)[world.log_id(1)]) == 4
