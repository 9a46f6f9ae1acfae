"""Reading: places in time, filters, arrivals, short ids, threads."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol.entry import Entry
from p2pblog.protocol.post import Reference, Source
from p2pblog.store import ordering
from p2pblog.store.records import PostQuery, PostView
from tests.store.world import NOW, World, stored
from tests.support.logs import START, packed


def texts(posts: list[PostView]) -> list[str]:
    return [post.text for post in posts]


def logs_with_ties(world: World) -> list[list[Entry]]:
    """Three logs whose posts share times."""
    logs: list[list[Entry]] = []
    for number in range(3):
        log: list[Entry] = []
        for seq in range(8):
            channel = ("general", "dev")[seq % 2]
            time = START + 1000 * (seq // 2)
            before = log[-1] if log else None
            log.append(world.post(number, before, f"{number} {seq}", channel=channel, time=time))
        logs.append(log)
    return logs


@pytest.mark.parametrize("waiting", [0, 1, 3])
def test_every_way_of_asking_gives_what_sorting_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    """Also of the posts of so many logs that wait for their place in the order."""
    world = World(3)
    logs = logs_with_ties(world)
    every = sorted(
        (made for log in logs for made in log), key=lambda e: (e.header.time, e.id), reverse=True
    )
    places = [(made.header.time, made.id) for made in every]
    dev = {made.id for log in logs for made in log[1::2]}
    pages = [packed(log) for log in logs]
    with world.replica(tmp_path / "store", pages[waiting:]) as replica:
        monkeypatch.setattr(ordering, "BULK", 1)
        stored(replica, *pages[:waiting])

        @given(
            st.sampled_from([None, "general", "dev", "none"]),
            st.none() | st.frozensets(st.integers(0, 2)),
            st.none() | st.integers(START - 1, START + 4001),
            st.none() | st.integers(START - 1, START + 4001),
            st.none() | st.sampled_from(places),
            st.none() | st.sampled_from(places),
            st.integers(1, 30),
        )
        def check(
            channel: str | None,
            by: frozenset[int] | None,
            since: int | None,
            until: int | None,
            before: tuple[int, bytes] | None,
            after: tuple[int, bytes] | None,
            limit: int,
        ) -> None:
            devices = None if by is None else frozenset(world.keys[n].public for n in by)
            wanted = [
                made.id
                for made in every
                if (channel is None or (channel == "dev") == (made.id in dev))
                and channel != "none"
                and (devices is None or made.header.device in devices)
                and (since is None or made.header.time >= since)
                and (until is None or made.header.time < until)
                and (before is None or (made.header.time, made.id) < before)
                and (after is None or (made.header.time, made.id) > after)
            ]
            wanted = wanted[:limit] if after is None else wanted[-limit:]
            query = PostQuery(channel, devices, since, until, before, after, limit)  # type: ignore[arg-type]  # places hold ids
            assert [post.id for post in replica.posts(query)] == wanted

        check()


def test_arrivals_come_in_pages(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 5)
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        first = replica.by_arrival(0, 2)
        rest = replica.by_arrival(first[-1].arrival, 10)
        assert [post.id for post in first + rest] == [made.id for made in run]
        assert replica.by_arrival(rest[-1].arrival, 10) == []


def test_short_ids_are_found_indexed_or_not(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 30)
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        for _ in range(2):
            for made in run:
                for digits in (4, 6, 7, 24, 25, 64):
                    found = replica.find(made.id.hex()[:digits].upper())
                    assert made.id in [post.id for post in found]
                    assert all(post.id.hex().startswith(made.id.hex()[:digits]) for post in found)
            replica.index_search(20)
        for nothing in ("", "abc", "xyzw", '"', "0" * 65, "ab*c", "a b c"):
            assert replica.find(nothing) == []


def test_threads_nest_whatever_the_times_say(tmp_path: Path) -> None:
    world = World(3)
    root = world.post(0, None, "root", time=START + 5000)
    early = world.post(1, None, "early answer", reply=root, time=START + 1000)
    late = world.post(2, None, "late answer", reply=root, time=START + 9000)
    deep = world.post(1, early, "deep answer", reply=late, time=START + 2000)
    other = world.post(2, late, "no answer", time=START + 9001)
    pages = [packed([root]), packed([early, deep]), packed([late, other])]
    with world.replica(tmp_path / "store", pages) as replica:
        thread = ["root", "early answer", "late answer", "deep answer"]
        for post in replica.posts(PostQuery()):
            expected = ["no answer"] if post.text == "no answer" else thread
            assert texts(replica.thread(post)) == expected


def test_a_thread_without_its_root_starts_at_what_is_here(tmp_path: Path) -> None:
    world = World(3)
    root = world.post(2, None, "root")
    answer = world.post(0, None, "answer", reply=root)
    below = world.post(1, None, "below", reply=answer)
    with world.replica(tmp_path / "store", [packed([answer]), packed([below])]) as replica:
        (post,) = replica.find(below.id.hex())
        assert texts(replica.thread(post)) == ["answer", "below"]


def test_a_long_chain_of_answers(tmp_path: Path) -> None:
    world = World(1)
    with world.replica(tmp_path / "store") as replica:
        log: list[Entry] = []
        for _ in range(600):
            log.append(world.post(0, log[-1] if log else None, reply=log[-1] if log else None))
        replica.ingest([packed(log[:512]), packed(log[512:])], NOW)
        (post,) = replica.find(log[300].id.hex())
        assert [one.id for one in replica.thread(post)] == [made.id for made in log]


def test_an_import_knows_what_is_here(tmp_path: Path) -> None:
    world = World(3)
    source = Source("Old Hand", START, "line 1")
    one = world.post(1, None, "first", source=source)
    again = world.post(2, None, "second", source=source)
    with world.replica(tmp_path / "store", [packed([one]), packed([again])]) as replica:
        known = replica.imported(["line 1", "line 2"])
        assert known == {"line 1": Reference(one.header.time, one.id)}
        assert replica.imported([]) == {}
