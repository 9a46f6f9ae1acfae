"""Ends of logs, what is held beyond them, and profiles."""

from __future__ import annotations

from pathlib import Path

from p2pblog.protocol.entry import Entry, Incarnation, Kind, PayloadClass
from p2pblog.protocol.operation import CutOff, Extend
from p2pblog.protocol.post import PICTURES, Profile
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World, cut_off, made, stored
from tests.support.logs import packed

ALL = 10**9


def profile(world: World, number: int, before: Entry | None, about: str, time: int) -> Entry:
    body = Profile(about, ("pumps",), PICTURES[0] + b"x").pack()
    return raw_profile(world, number, before, body, time)


def raw_profile(world: World, number: int, before: Entry | None, body: bytes, time: int) -> Entry:
    return made(
        world.keys[number],
        world.team_id,
        before,
        body,
        payload_class=PayloadClass.PROFILE,
        time=time,
        rng=world.rng,
    )


def about(replica: Replica, world: World, *numbers: int) -> str | None:
    found = replica.profile([world.keys[number].public for number in numbers])
    return found and found[1].about


def test_ends_name_every_log_with_its_own_signature(tmp_path: Path) -> None:
    world = World(3)
    run, other = world.posts(1, 7), world.posts(2, 2)
    again = [world.post(1, None, incarnation=Incarnation(b"\1" * 8))]
    keys = [key.public for key in world.keys]
    with world.replica(tmp_path / "store", [packed(r) for r in (run, other, again)]) as replica:
        due = [cut_off(run[-1]), cut_off(again[-1])]
        assert replica.ends(keys[1:2]) == sorted(due)
        assert replica.ends(keys[1:]) == sorted([*due, cut_off(other[-1])])
        assert replica.ends(keys[:1]) == [cut_off(world.team_log[-1])]
        assert replica.ends([]) == []


def test_the_end_of_a_cut_log_is_where_it_is_cut(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 9)
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        stored(replica, packed([world.remove(1, cut_off(run[4]))]))
        assert replica.ends([world.keys[1].public]) == [cut_off(run[4])]


def test_of_branches_the_highest_is_the_end(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 9)
    fork = world.posts(1, 2, after=run[3])
    with world.replica(tmp_path / "store", [packed(run), packed(fork)]) as replica:
        assert replica.ends([world.keys[1].public]) == [cut_off(run[-1])]


def test_what_is_held_beyond_a_cut_off_can_be_extended_to(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 9)
    fork = world.posts(1, 7, after=run[2])
    again = [world.post(1, None, incarnation=Incarnation(b"\1" * 8))]
    device = world.keys[1].public
    pages = [packed(run), packed(fork), packed(again)]
    with world.replica(tmp_path / "store", pages) as replica:
        assert replica.beyond(device) == []
        removal = world.remove(1, cut_off(run[4]))
        stored(replica, packed([removal]))
        first, second = sorted(replica.beyond(device), key=lambda one: -one.entries)
        assert (first.upto, first.entries) == (cut_off(run[-1]), 4)
        assert (second.upto, second.entries) == (cut_off(again[-1]), 1)
        assert first.first < first.last == run[-1].header.time
        cuts = tuple(one.upto for one in replica.beyond(device))
        stored(replica, packed([world.operate(lambda after: Extend(after, removal.id, cuts))]))
        assert replica.beyond(device) == []
        assert len(replica.by_arrival(0, 100)) == 10


def test_nothing_can_be_proposed_while_the_tip_is_not_here(tmp_path: Path) -> None:
    world = World(2)
    run = world.posts(1, 9)
    stray = world.posts(1, 9, after=run[2])
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        stored(replica, packed([world.remove(1, cut_off(stray[1]))]))
        assert replica.beyond(world.keys[1].public) == []


def test_the_last_profile_by_any_device_is_the_members(tmp_path: Path) -> None:
    world = World(3)
    one = [profile(world, 1, None, "first", NOW)]
    one.append(profile(world, 1, one[-1], "third", NOW + 3))
    two = [profile(world, 2, None, "second", NOW + 2)]
    with world.replica(tmp_path / "store", [packed(one)]) as replica:
        assert about(replica, world, 1, 2) == "third"
        assert about(replica, world, 2) is None
        stored(replica, packed(two))
        assert (about(replica, world, 1, 2), about(replica, world, 2)) == ("third", "second")
        assert replica.by_arrival(0, 10) == []
        assert replica.totals().posts == 0
        replica.rebuild_views()
        assert (about(replica, world, 1, 2), about(replica, world, 2)) == ("third", "second")


def test_a_profile_that_can_not_be_read_is_passed_over(tmp_path: Path) -> None:
    world = World(2)
    run = [profile(world, 1, None, "good", NOW)]
    run.append(raw_profile(world, 1, run[-1], b"nonsense", NOW + 1))
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        assert about(replica, world, 1) == "good"


def test_a_profile_beyond_the_cut_off_does_not_count(tmp_path: Path) -> None:
    world = World(2)
    run = [profile(world, 1, None, "before", NOW), *world.posts(1, 0)]
    run.append(profile(world, 1, run[-1], "after", NOW + 1))
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        removal = world.remove(1, cut_off(run[0]))
        stored(replica, packed([removal]))
        assert about(replica, world, 1) == "before"
        cuts: tuple[CutOff, ...] = (cut_off(run[1]),)
        stored(replica, packed([world.operate(lambda after: Extend(after, removal.id, cuts))]))
        assert about(replica, world, 1) == "after"


def test_a_profile_whose_payload_comes_later(tmp_path: Path) -> None:
    world = World(2)
    run = [profile(world, 1, None, "first", NOW)]
    run.append(profile(world, 1, run[-1], "later", NOW + 1))
    bare = [run[0], run[1]._replace(payload=None)]
    with world.replica(tmp_path / "store", [packed(bare)]) as replica:
        assert about(replica, world, 1) == "first"
        payload = run[1].payload
        assert payload is not None
        assert replica.fill([(world.log_id(1, Kind.POSTS), 2, payload)], NOW) == [True]
        assert about(replica, world, 1) == "later"
        assert replica.by_arrival(0, 10) == []
