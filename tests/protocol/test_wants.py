"""`protocol/wants.md`: in the end two miss the same payloads, and say no more of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol import message, wants
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import ShortId
from p2pblog.protocol.limits import ANTI_ENTROPY_INTERVAL, FILLED_DELAY, MAX_WANTS
from p2pblog.protocol.message import Digest, Missing, Payloads, Want
from tests.support.dialogues import reason_of, replica
from tests.support.logs import packed
from tests.support.pair import LATENCY, End, Node, World, connect
from tests.support.replicas import Replica, team_of
from tests.support.vectors import vectors

MISSING = st.builds(
    Missing,
    st.integers(0, 2).map(lambda n: LogId(bytes([n] * 16))),
    st.integers(1, 300),
    st.integers(0, 1).map(lambda n: ShortId(bytes([n] * 12))),
)


@given(st.sets(MISSING, max_size=4), st.sets(MISSING, max_size=4), st.randoms())
def test_digests_are_equal_where_the_same_is_missing(
    ours: set[Missing], theirs: set[Missing], rng: Any
) -> None:
    mixed = list(theirs)
    rng.shuffle(mixed)
    assert (wants.digest(ours) == wants.digest(mixed)) == (ours == theirs)
    assert (wants.digest(ours) is None) == (not ours)


def two(posts: int) -> tuple[World, Node, Node, LogId]:
    """Both hold some posts of the first."""
    world = World()
    one, other = Replica(1), Replica(2)
    team_of(one, other)
    log = one.write_many(posts)
    assert other.ingest(packed(one.logs[log].ways[0])).reason is None
    return world, world.node(one), world.node(other), log


def missing(node: Node) -> set[int]:
    return {one.seq for one in node.replica.wanted(1000, 0)}


def said(end: End, kind: type[message.Message]) -> int:
    return sum(isinstance(one, kind) for one in end.sent)


def test_each_gives_what_the_other_lacks() -> None:
    world, one, other, log = two(4)
    one.replica.drop(log, 1, 2)
    other.replica.drop(log, 2, 3)
    connect(one, other)
    world.run(1)
    assert missing(one) == missing(other) == {2}


def test_what_both_lack_is_asked_for_once() -> None:
    world, one, other, log = two(3)
    one.replica.drop(log, 2)
    other.replica.drop(log, 2)
    ends = connect(one, other)
    world.run(10 * ANTI_ENTROPY_INTERVAL + 1)
    assert [said(end, Want) for end in ends] == [1, 1]
    assert [said(end, Digest) for end in ends] == [10, 10]


@pytest.mark.parametrize("dials", [True, False])
def test_a_text_that_comes_to_one_of_two_goes_on_to_the_other(dials: bool) -> None:
    world, one, other, log = two(3)
    one.replica.drop(log, 2)
    other.replica.drop(log, 2)
    connect(*((one, other) if dials else (other, one)))
    world.run(2)
    one.find((log, 2))
    world.run(FILLED_DELAY + 4 * LATENCY)
    assert missing(other) == set()


@pytest.mark.parametrize("dials", [True, False])
def test_an_entry_that_came_without_its_text_has_it_from_who_has_it(dials: bool) -> None:
    world, one, other, log = two(3)
    connect(*((one, other) if dials else (other, one)))
    world.run(2)
    other.replica.drop(log, 3)  # as if a third had brought it so
    world.run(ANTI_ENTROPY_INTERVAL + 4 * LATENCY)
    assert missing(other) == set()


def test_on_a_chain_a_text_reaches_the_end_in_seconds() -> None:
    world = World()
    nodes = [world.node(Replica(number)) for number in (1, 2, 3)]
    one, other, last = nodes
    team_of(*(node.replica for node in nodes))
    log = one.replica.write_many(3)
    one.replica.drop(log, 1, 3)
    connect(one, other)
    connect(other, last)
    world.run(2)
    assert missing(last) == {1, 3}
    one.find((log, 1), (log, 3))
    world.run(2 * FILLED_DELAY + 8 * LATENCY)
    assert missing(other) == missing(last) == set()


def test_who_lacks_more_than_fits_asks_on() -> None:
    world, one, other, log = two(3 * MAX_WANTS)
    newest = range(2 * MAX_WANTS - 3, 3 * MAX_WANTS + 1)
    other.replica.drop(log, *range(1, 3 * MAX_WANTS + 1))
    one.replica.drop(log, *newest)
    connect(one, other)
    world.run(2)
    assert missing(other) == set(newest)


def test_texts_that_nobody_asked_for_are_dropped() -> None:
    world, one, other, log = two(2)
    ends = connect(one, other)
    world.run(1)
    other.replica.drop(log, 2)
    payload = one.replica.lost.get((log, 2), b"") or other.replica.lost[log, 2]
    ends[0].apply(ends[0].session.say(Payloads(((log, 2, payload),))))
    world.run(1)
    assert missing(other) == {2}


@pytest.mark.parametrize("vector", vectors("wants", "valid"), ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    if "missing" in vector:
        told = [
            Missing(LogId(bytes.fromhex(log)), seq, ShortId(bytes.fromhex(start)))
            for log, seq, start in vector["missing"]
        ]
        digest = wants.digest(told)
        assert (digest and digest.hex()) == vector["digest"]
        return
    sides = {name: replica(vector[name]) for name in ("initiator", "responder")}
    found = [(LogId(bytes.fromhex(log)), n, bytes.fromhex(p)) for log, n, p in vector["found"]]
    assert sides["responder"].fill(found) == len(found)
    for sent in vector["messages"]:
        data = message.parse(bytes.fromhex(sent["message"]))
        (taker,) = sides.keys() - {sent["from"]}
        if isinstance(data, Payloads):
            assert sides[taker].fill(data.items) == len(data.items)
    left = {name: side.missing() for name, side in sides.items()}
    assert {name: one and one.hex() for name, one in left.items()} == vector["left"]


@pytest.mark.parametrize("vector", vectors("wants", "invalid"), ids=lambda vector: vector["name"])
def test_refused_vectors(vector: dict[str, Any]) -> None:
    assert reason_of(vector) == vector["reason"]
