"""`protocol/live.md`: what is new reaches the peer at once, and what was missed in the end."""

from typing import Any

import pytest

from p2pblog.protocol import message
from p2pblog.protocol.effects import Standing
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.limits import ANTI_ENTROPY_INTERVAL
from p2pblog.protocol.session import Phase
from tests.support.dialogues import pages_played, reason_of
from tests.support.logs import packed
from tests.support.pair import LATENCY, End, Node, World, connect
from tests.support.replicas import ADMIT, Replica, team_of
from tests.support.vectors import vectors


def two() -> tuple[World, Node, Node]:
    world = World()
    one, other = Replica(1), Replica(2)
    team_of(one, other)
    return world, world.node(one), world.node(other)


def live(world: World, one: Node, other: Node) -> tuple[End, End]:
    ends = connect(one, other)
    world.run(1)
    assert [end.session.phase for end in ends] == [Phase.LIVE, Phase.LIVE]
    return ends


def test_a_new_post_is_pushed_and_acknowledged() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    made = one.write()
    world.run(1)
    assert other.received[made.id] == 1
    assert one.replica.snapshot() == other.replica.snapshot()
    assert listener.kinds()[-1] == "Announce"
    assert dialler.session.link.has(one.replica.log_id(), 1)


def test_posts_written_on_both_sides_at_once() -> None:
    world, one, other = two()
    live(world, one, other)
    for _ in range(5):
        one.write()
        other.write()
        world.run(0.01)
    world.run(2)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert set(one.received.values()) == set(other.received.values()) == {1}


def test_a_push_that_was_lost_is_found_by_anti_entropy() -> None:
    world, one, other = two()
    dialler, _ = live(world, one, other)
    one.replica.write_many(3)
    world.run(ANTI_ENTROPY_INTERVAL + 2)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert "Digest" in dialler.kinds()
    assert dialler.kinds().count("Hello") == 1


def test_equal_frontiers_cost_two_digests_in_each_interval() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    before = len(dialler.wire) + len(listener.wire)
    world.run(10 * ANTI_ENTROPY_INTERVAL)
    assert len(dialler.wire) + len(listener.wire) - before == 20
    assert {end.session.phase for end in (dialler, listener)} == {Phase.LIVE}


def test_a_live_page_over_a_gap_starts_one_pull() -> None:
    world, one, other = two()
    _, listener = live(world, one, other)
    one.replica.write_many(4)
    for _ in range(3):
        one.write()
    world.run(1)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert listener.kinds().count("Have") <= 3


def test_a_team_operation_while_live_is_told() -> None:
    world, one, other = two()
    live(world, one, other)
    third = world.node(Replica(3))
    one.operate(ADMIT, third)
    world.run(1)
    assert other.replica.standing(third.replica.device) is Standing.MEMBER


def test_a_page_by_an_unknown_author_makes_it_look_at_the_team_again() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    third = Replica(3)
    one.replica.operate(ADMIT, third)
    third.write_many(1)
    page = packed(third.logs[third.log_id()].ways[0])
    one.replica.ingest(page)
    dialler.send(message.pack(message.PageMessage(page, live=True)))
    world.run(1)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert "Buckets" in listener.kinds()


def test_a_stored_log_is_announced_to_who_connects_later() -> None:
    """What is stored while the two still greet is not lost until anti-entropy."""
    world, one, other = two()
    connect(one, other)
    world.run(LATENCY / 2)
    one.write()
    other.write()
    world.run(1)
    assert one.replica.snapshot() == other.replica.snapshot()


def test_kinds_of_later_versions_replicate_as_posts_do() -> None:
    world, one, other = two()
    one.replica.write(kind=Kind(1))
    one.replica.write(kind=9)
    live(world, one, other)
    assert one.replica.snapshot() == other.replica.snapshot()


# -- vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("live", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    assert reason_of(vector) == vector["reason"]


@pytest.mark.parametrize("vector", vectors("live", "valid"), ids=lambda vector: vector["name"])
def test_the_pages_of_a_dialogue_make_both_sides_equal(vector: dict[str, Any]) -> None:
    assert pages_played(vector) == vector["tips"]
    assert vector["tips"]["initiator"] == vector["tips"]["responder"]


def test_logs_there_is_no_room_for_are_sent_once_a_session() -> None:
    """A device that showed the two other incarnations of it, more than either takes."""
    world = World()
    one, other, liar = Replica(1), Replica(2), Replica(3)
    team_of(one, other, liar)
    for number in range(8):
        liar.restart(number.to_bytes(8, "big"))
        made = liar.logs[liar.write_many(2)].ways[0]
        assert (one if number % 2 else other).ingest(packed(made)).reason is None
    one.room = other.room = 4
    ends = live(world, world.node(one), world.node(other))
    world.run(10 * ANTI_ENTROPY_INTERVAL)
    for end in ends:
        assert end.session.phase is Phase.LIVE
        assert set(end.node.received.values()) == {1}
        assert len(end.node.received) == 8
        assert end.kinds().count("Decline") == 4


def paused() -> tuple[World, Node, Node]:
    """The other takes nothing more of a log that goes on here."""
    world, one, other = two()
    ours = one.write()
    assert other.replica.ingest(packed([ours])).reason is None
    other.replica.paused.add(one.replica.log_id())
    one.replica.write_many(3)
    return world, one, other


@pytest.mark.parametrize("dials", [True, False])
def test_of_a_paused_log_nothing_comes_until_it_is_asked_for_again(dials: bool) -> None:
    world, one, other = paused()
    ends = live(world, one, other) if dials else live(world, other, one)[::-1]
    assert ends[0].kinds().count("PageMessage") == 1
    one.write()
    world.run(3 * ANTI_ENTROPY_INTERVAL)
    assert ends[0].kinds().count("PageMessage") == 1
    declined = ends[1].kinds().index("Decline")
    later = [one for one in ends[1].sent[declined:] if isinstance(one, message.Have)]
    assert not any(have.rows for have in later)
    other.replica.paused.clear()
    ends[1].apply(ends[1].session.take_again(world.now))
    world.run(3)
    assert one.replica.snapshot() == other.replica.snapshot()


def test_other_logs_go_on_beside_a_paused_one() -> None:
    world, one, other = paused()
    live(world, one, other)
    made = other.write()
    world.run(1)
    assert one.received[made.id] == 1
    one.replica.restart(b"another!")
    made = one.write()
    world.run(1)
    assert other.received[made.id] == 1


def test_a_paused_team_log_keeps_nobody_out() -> None:
    world, one, other = two()
    one.replica.operate(ADMIT, Replica(7))
    other.replica.paused.add(one.replica.log_id(Kind.TEAM))
    _, listener = live(world, one, other)
    assert listener.kinds().count("Decline") == 1
    made = one.write()
    world.run(1)
    assert other.received[made.id] == 1


def test_a_branch_is_told_to_who_has_another_of_its_height() -> None:
    world, one, other = two()
    behind = one.replica.copy()  # a machine that was rolled back, and does not know it yet
    live(world, one, other)
    one.write()
    world.run(1)
    back = world.node(behind)
    connect(back, other)
    world.run(3 * LATENCY)
    log, made = back.replica.write()  # tells of it only after the other branch has come
    world.run(1)
    back.grown(log, made, None, packed([made]))
    world.run(1)
    assert len(back.replica.tips(message.Scope.POSTS)[log]) == 2
    assert back.replica.snapshot() == other.replica.snapshot()
