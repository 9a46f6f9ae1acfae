"""`protocol/gossip.md`: who is pushed to, told and asked; one peer fetches a bucket at a time."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.protocol import message
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.gossip import NEVER, Claims, Link, Pull, Sources
from p2pblog.protocol.limits import (
    ANNOUNCE_DELAY,
    ANTI_ENTROPY_INTERVAL,
    CLAIM_PATIENCE,
    CLAIM_TIMEOUT,
    MAX_HEIGHTS,
    MAX_HOPS,
    MAX_PENDING_PULLS,
    PULL_DELAY,
)
from p2pblog.protocol.log import Tip
from tests.support.pair import LATENCY, Node, World, connect
from tests.support.replicas import Replica, team_of
from tests.support.vectors import vectors

LOG, OTHER = LogId(b"l" * 16), LogId(b"m" * 16)


def tip(seq: int) -> Tip:
    return Tip(seq, EntryId(b"i" * 32))


def row(log: LogId, *heights: int) -> Row:
    return Row(log, tuple(Mark(seq, ShortId(b"i" * 12)) for seq in heights))


# -- claims -----------------------------------------------------------------------------------


def test_a_bucket_is_one_session_s() -> None:
    claims = Claims()
    assert claims.claim("a", 1, bytes([1, 2, 3]), 0.0) == bytes([1, 2, 3])
    assert claims.claim("b", 1, bytes([2, 3, 4]), 1.0) == bytes([4])
    assert claims.claim("a", 1, bytes([2, 4]), 1.0) == bytes([2])
    assert claims.claim("b", 0, bytes([2]), 1.0) == bytes([2])


def test_a_claim_is_given_up_by_scope_or_whole() -> None:
    claims = Claims()
    claims.claim("a", 0, bytes([1]), 0.0)
    claims.claim("a", 1, bytes([1]), 0.0)
    assert claims.release("a", 1)
    assert not claims.release("a", 1)
    assert claims.claim("b", 0, bytes([1]), 0.0) == b""
    assert claims.claim("b", 1, bytes([1]), 0.0) == bytes([1])
    assert claims.release("a")
    assert claims.claim("b", 0, bytes([1]), 0.0) == bytes([1])
    assert not claims.release("nobody")


def test_a_claim_lasts_while_something_comes() -> None:
    claims = Claims()
    claims.claim("a", 1, bytes([1]), 0.0)
    claims.touch("a", 10.0)
    claims.touch("nobody", 10.0)
    assert claims.claim("b", 1, bytes([1]), 10.0 + CLAIM_TIMEOUT - 0.1) == b""
    assert claims.claim("b", 1, bytes([1]), 10.0 + CLAIM_TIMEOUT) == bytes([1])
    assert claims.claim("a", 1, bytes([1]), 10.0 + CLAIM_TIMEOUT) == b""


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.binary(max_size=4), st.integers(0, 3)),
        max_size=30,
    )
)
def test_no_two_hold_a_claim(steps: list[tuple[str, bool, bytes, int]]) -> None:
    claims, held, now = Claims(), dict[int, str](), 0.0
    begun: dict[str, float] = {}
    for owner, gives_up, buckets, wait in steps:
        now += wait * CLAIM_TIMEOUT / 4
        if gives_up:
            claims.release(owner)
            held = {bucket: by for bucket, by in held.items() if by != owner}
        for bucket in claims.claim(owner, 1, buckets, now):
            by = held.get(bucket, owner)
            assert by == owner or now - begun[by] >= CLAIM_TIMEOUT
            held[bucket] = owner
        begun = {by: begun.get(by, now) for by in held.values()}


def test_claiming_more_does_not_keep_what_was_claimed() -> None:
    """Who only promises loses its turn, however often it promises."""
    claims = Claims()
    for now in range(15):
        claims.claim("liar", 1, bytes(range(256)), float(now))
    assert claims.claim("honest", 1, bytes([7]), CLAIM_TIMEOUT) == bytes([7])
    claims.claim("liar", 1, bytes(range(256)), CLAIM_TIMEOUT)
    assert claims.claim("liar", 1, bytes([7]), CLAIM_TIMEOUT) == b""


def test_who_waits_for_long_gets_the_bucket() -> None:
    """A peer that brings a little of something else again and again, or ends and begins anew."""
    claims, now = Claims(), 0.0

    def trickle() -> None:
        claims.release("liar")
        claims.claim("liar", 1, bytes(range(256)), now)
        claims.touch("liar", now)

    while now < CLAIM_PATIENCE:
        trickle()
        assert claims.claim("honest", 1, bytes([7]), now) == b""
        now += ANTI_ENTROPY_INTERVAL
    trickle()
    assert claims.claim("honest", 1, bytes([7, 8]), now) == bytes([7])
    assert claims.claim("liar", 1, bytes([7]), now) == b""


def test_who_asks_now_and_then_has_not_waited() -> None:
    claims, now = Claims(), 0.0
    for _ in range(10):
        claims.claim("busy", 1, bytes([7]), now)
        claims.touch("busy", now)
        assert claims.claim("other", 1, bytes([7]), now) == b""
        now += CLAIM_PATIENCE / 3
    claims.leave("other")
    assert claims.leave("busy")
    assert not claims.leave("busy")


# -- one link ---------------------------------------------------------------------------------


def test_what_was_said_is_known() -> None:
    link = Link(relays=False)
    assert not link.has(LOG, 1)
    link.note(row(LOG, 3, 7))
    link.note(row(LOG, 5))
    link.note(row(OTHER))
    assert link.has(LOG, 7)
    assert not link.has(LOG, 8)
    assert not link.has(OTHER, 1)


def test_what_is_said_of_logs_without_end_is_not_kept() -> None:
    link = Link(relays=False)
    for number in range(MAX_HEIGHTS + 10):
        link.note(row(LogId(number.to_bytes(16, "big")), 1))
    link.note(row(LogId(bytes(16)), 2))
    assert len(link.heights) == MAX_HEIGHTS
    assert link.has(LogId(bytes(16)), 2)


def test_an_entry_is_pushed_to_who_is_next_to_it() -> None:
    link = Link(relays=False)
    link.note(row(LOG, 3))
    assert link.pushes(LOG, tip(4), own=True)
    assert not link.pushes(LOG, tip(5), own=True)
    assert not link.pushes(LOG, tip(4), own=False)
    link.pushed(LOG, 4)
    assert link.pushes(LOG, tip(5), own=True)


def test_of_an_unknown_log_only_once_the_frontiers_agreed() -> None:
    link = Link(relays=False)
    assert link.pushes(LOG, tip(1), own=True)
    assert not link.pushes(LOG, tip(9), own=True)
    link.agreed = True
    assert link.pushes(LOG, tip(9), own=True)


def test_what_others_wrote_is_pushed_to_who_asked_for_it() -> None:
    link = Link(relays=True, agreed=True)
    assert not link.pushes(LOG, tip(1), own=False)
    link.ask([LOG], eager=True)
    assert link.pushes(LOG, tip(1), own=False)
    assert not link.pushes(OTHER, tip(1), own=False)


def test_what_is_ours_is_pushed_unless_the_peer_has_it_from_others() -> None:
    link = Link(relays=True, agreed=True)
    link.ask([LOG], eager=False)
    assert not link.pushes(LOG, tip(1), own=True)
    assert link.pushes(OTHER, tip(1), own=True)
    link.ask([LOG], eager=True)
    assert link.pushes(LOG, tip(1), own=True)


def test_what_is_asked_of_logs_without_end_is_not_kept() -> None:
    link = Link(relays=True, agreed=True)
    link.ask((LogId(number.to_bytes(16, "big")) for number in range(MAX_HEIGHTS)), eager=True)
    assert not link.pushes(LOG, tip(1), own=False)
    link.ask([LOG], eager=True)
    assert not link.pushes(LOG, tip(1), own=False)


def test_announcements_are_gathered() -> None:
    link = Link(relays=False)
    assert link.next_deadline() == NEVER
    link.announce(LOG, 1, 1.0, at_once=False)
    link.announce(OTHER, 1, 1.02, at_once=False)
    assert link.next_deadline() == 1.0 + ANNOUNCE_DELAY
    assert link.due_announcements(1.0) == set()
    assert link.due_announcements(1.0 + ANNOUNCE_DELAY) == {LOG, OTHER}
    assert link.due_announcements(9.0) == set()
    link.announce(LOG, 2, 2.0, at_once=True)
    assert link.due_announcements(2.0) == {LOG}


def test_what_is_above_what_went_out_is_still_announced() -> None:
    """A post that is written while what is below it goes out must not wait for anti-entropy."""
    link = Link(relays=False)
    link.announce(LOG, 2, 1.0, at_once=False)
    link.pushed(LOG, 1)
    assert link.due_announcements(2.0) == {LOG}
    link.announce(LOG, 2, 3.0, at_once=False)
    link.pushed(LOG, 2)
    assert link.due_announcements(4.0) == set()


def test_what_was_announced_may_come_by_another_way() -> None:
    link = Link(relays=False)
    link.announced(row(LOG, 3), 1.0)
    link.announced(row(LOG, 4), 1.1)
    assert link.due_pulls(1.2) == []
    assert link.next_deadline() == 1.0 + PULL_DELAY
    assert link.due_pulls(1.0 + PULL_DELAY) == [Pull(1.0 + PULL_DELAY, row(LOG, 4), MAX_HOPS)]
    assert link.next_deadline() == NEVER


def test_what_nobody_else_is_going_to_push_is_pulled_at_once() -> None:
    link = Link(relays=True)
    link.announced(row(LOG, 3), 1.0, 4)
    link.announced(row(LOG, 4), 1.125, 2, at_once=True)
    link.announced(row(LOG, 5), 1.125, 3)
    assert link.due_pulls(1.125) == [Pull(1.125, row(LOG, 5), 3)]


def test_a_peer_that_seems_to_be_nearer_is_tried_once() -> None:
    link = Link(relays=True)
    assert [link.tries(LOG), link.tries(LOG), link.tries(OTHER)] == [True, False, True]


def test_one_nearer_peer_is_tried_at_a_time() -> None:
    sources = Sources()
    assert not sources.tries(LOG)
    sources.choose(LOG, "one", 4, proved=True)
    assert [sources.tries(LOG), sources.tries(LOG)] == [True, False]
    sources.choose(LOG, "two", 1, proved=True)
    assert sources.tries(LOG)


def test_the_sources_of_a_session_that_ends_are_none() -> None:
    claims = Claims()
    claims.sources.choose(LOG, "one", 1, proved=True)
    claims.sources.choose(OTHER, "two", MAX_HOPS, proved=False)
    assert claims.sources.get(LOG) == ("one", True, 2)
    assert claims.sources.hops(OTHER) == MAX_HOPS
    claims.leave("one")
    assert claims.sources.get(LOG) is None
    assert claims.sources.get(OTHER) is not None


def test_as_many_sources_are_kept_as_anybody_has_logs() -> None:
    sources = Sources()
    for number in range(MAX_HEIGHTS + 1):
        sources.choose(LogId(number.to_bytes(16, "big")), "one", 0, proved=True)
    assert sources.get(LogId(MAX_HEIGHTS.to_bytes(16, "big"))) is None


def test_what_is_pending_is_bounded() -> None:
    link = Link(relays=False)
    for number in range(MAX_PENDING_PULLS + 10):
        link.announced(row(LogId(number.to_bytes(16, "big")), 1), 0.0)
    assert len(link.due_pulls(NEVER)) == MAX_PENDING_PULLS


# -- many links -------------------------------------------------------------------------------


def mesh(count: int, *, relays: bool, every: int = 1) -> tuple[World, list[Node]]:
    """Everybody linked to everybody; or, with `every`, to each so many-th."""
    world = World()
    replicas = [Replica(number + 1) for number in range(count)]
    team_of(*replicas)
    nodes = [world.node(replica) for replica in replicas]
    for (i, one), (j, other) in itertools.combinations(enumerate(nodes), 2):
        if every == 1 or j - i == 1 or (j - i) % every == 0:
            connect(one, other, relays=relays)
    world.run(3)
    return world, nodes


def test_in_a_mesh_each_entry_is_sent_to_each_once() -> None:
    world, nodes = mesh(6, relays=False)
    for node in nodes:
        node.write()
    world.run(2)
    for node in nodes:
        assert node.replica.snapshot() == nodes[0].replica.snapshot()
        assert len(node.received) == 5
        assert set(node.received.values()) == {1}


def test_whom_the_author_does_not_reach_pulls_from_who_has_it() -> None:
    world, nodes = mesh(4, relays=False)
    author, away = nodes[0], nodes[1]
    for end in list(away.ends):
        if end.other is not None and end.other.node is author:
            end.end()
    world.run(1)
    made = author.write()
    world.run(1)
    assert away.received[made.id] == 1


def test_in_a_larger_team_each_log_has_its_tree() -> None:
    """An entry comes to each device once, whoever wrote it; to all but a first one it is pushed."""
    world, nodes = mesh(10, relays=True, every=3)
    for author in (nodes[0], nodes[7]):
        for _ in range(3):
            author.write()
            world.run(1)
        for node in nodes:
            assert set(node.received.values()) <= {1}
        before = [sum(node.received.values()) for node in nodes]
        author.write()
        world.run(4 * LATENCY)
        times = [sum(node.received.values()) - b for node, b in zip(nodes, before, strict=True)]
        assert times == [node is not author for node in nodes]
    assert all(node.replica.snapshot() == nodes[0].replica.snapshot() for node in nodes)


def test_who_has_lost_its_source_takes_another() -> None:
    world, (author, relay, other) = mesh(3, relays=True)
    for _ in range(4):
        author.write()
        world.run(1)
    direct = next(e for e in author.ends if e.other is not None and e.other.node is other)
    around = next(e for e in other.ends if e.other is not None and e.other.node is relay)
    pushes = [m for m in around.sent if isinstance(m, message.Push)]
    direct.end()
    world.run(1)
    for _ in range(2):
        made = author.write()
        world.run(1)
        assert other.received[made.id] == 1
    log = author.replica.log_id()
    source = other.claims.sources.get(log)
    assert source == (around.session, True, 2)
    more = [m for m in around.sent if isinstance(m, message.Push)][len(pushes) :]
    assert more == [message.Push((log,), True)]


def test_a_source_that_falls_silent_is_left_for_another() -> None:
    world, (author, _, other) = mesh(3, relays=True)
    author.write()
    world.run(1)
    silent = next(e for e in author.ends if e.other is not None and e.other.node is other)
    silent.mute = True
    made = author.write()
    world.run(PULL_DELAY + 1)
    assert other.received[made.id] == 1


def test_of_two_that_push_the_later_is_told_not_to() -> None:
    world, (author, relay, other) = mesh(3, relays=True)
    author.write()
    world.run(1)
    log = author.replica.log_id()
    around = next(e for e in other.ends if e.other is not None and e.other.node is relay)
    around.send(message.pack(message.Push((log,), True)))
    world.run(1)
    times = []
    for _ in range(3):
        made = author.write()
        world.run(1)
        times.append(other.received[made.id])
    assert times == [2, 1, 1]


def test_who_is_nearer_to_the_author_becomes_the_source() -> None:
    """A chain of four; then a link from its end to its second, which halves the way."""
    world = World()
    replicas = [Replica(number + 1) for number in range(4)]
    team_of(*replicas)
    nodes = [world.node(replica) for replica in replicas]
    for one, other in itertools.pairwise(nodes):
        connect(one, other, relays=True)
    world.run(3)
    for _ in range(5):
        nodes[0].write()
        world.run(1)
    log = nodes[0].replica.log_id()
    assert [node.claims.sources.hops(log) for node in nodes] == [0, 1, 2, 3]
    connect(nodes[1], nodes[3], relays=True)
    world.run(1)
    for _ in range(4):
        nodes[0].write()
        world.run(1)
    assert nodes[3].claims.sources.hops(log) == 2
    made = nodes[0].write()
    world.run(1)
    assert [node.received[made.id] for node in nodes] == [0, 1, 1, 1]


def test_anti_entropy_mends_what_gossip_missed() -> None:
    world, nodes = mesh(3, relays=False)
    nodes[0].replica.write_many(5)  # told to nobody
    world.run(ANTI_ENTROPY_INTERVAL + 3)
    assert all(node.replica.snapshot() == nodes[0].replica.snapshot() for node in nodes)


# -- vectors ----------------------------------------------------------------------------------


def test_vectors_of_claims() -> None:
    for vector in vectors("gossip", "valid"):
        claims = Claims()
        for step in vector.get("steps", ()):
            match step:
                case {"claim": owner, "at": at, "scope": scope, "buckets": buckets, "won": won}:
                    assert list(claims.claim(owner, scope, bytes(buckets), at)) == won
                case {"touch": owner, "at": at}:
                    claims.touch(owner, at)
                case {"release": owner, "scope": scope, "had": had}:
                    assert claims.release(owner, scope) == had


def test_vectors_of_links() -> None:
    for vector in vectors("gossip", "valid"):
        if "relays" not in vector:
            continue
        link = Link(relays=vector["relays"])
        for step in vector["steps"]:
            assert link_step(link, step) == step["result"]


def test_vectors_of_sources() -> None:
    (vector,) = (one for one in vectors("gossip", "valid") if "sources" in one)
    sources = Sources()
    for step in vector["sources"]:
        match step:
            case {"choose": owner, "hops_of_it": hops, "proved": proved}:
                sources.choose(LOG, owner, hops, proved=proved)
            case {"leave": owner}:
                sources.leave(owner)
            case {"own": True}:
                sources.own(LOG)
            case {"tries": due}:
                assert sources.tries(LOG) is due
        source = sources.get(LOG)
        assert (source and list(source)) == step["source"]
        assert sources.hops(LOG) == step["hops"]


def link_step(link: Link, step: dict[str, Any]) -> object:
    match step:
        case {"do": "pushes", "seq": seq, "own": own}:
            return link.pushes(LOG, tip(seq), own=own)
        case {"do": "has", "seq": seq}:
            return link.has(LOG, seq)
        case {"do": "note", "seq": seq}:
            link.note(row(LOG, seq))
        case {"do": "pushed", "seq": seq}:
            link.pushed(LOG, seq)
        case {"do": "agree"}:
            link.agreed = True
        case {"do": "ask", "eager": eager}:
            link.ask([LOG], eager=eager)
        case {"do": "tries"}:
            return link.tries(LOG)
        case {"do": "announce", "seq": seq, "at": at, "at_once": at_once}:
            link.announce(LOG, seq, at, at_once=at_once)
        case {"do": "announced", "at": at, "seq": seq, "at_once": at_once}:
            link.announced(row(LOG, seq), at, at_once=at_once)
        case {"do": "deadline"}:
            return link.next_deadline()
        case _:
            raise AssertionError(step)
    return None


# -- any few nodes ----------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "silent", "connect", "connect", "drop", "wait"]),
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from([0.0, 0.01, 0.06, 0.2, 1.0]),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.booleans())
def test_whatever_happens_all_end_up_with_the_same(
    steps: list[tuple[str, int, int, float]], relays: bool
) -> None:
    world = World()
    replicas = [Replica(number + 1) for number in range(4)]
    team_of(*replicas)
    nodes = [world.node(replica) for replica in replicas]
    for what, one, other, wait in steps:
        linked = {end.other.node for end in nodes[one].ends if end.other}
        match what:
            case "write":
                nodes[one].write()
            case "silent":
                nodes[one].replica.write_many(3)
            case "connect" if one != other and nodes[other] not in linked:
                connect(nodes[one], nodes[other], relays=relays)
            case "drop" if nodes[one].ends:
                nodes[one].ends[other % len(nodes[one].ends)].end()
        world.run(wait)
    world.run(1)
    for dialler, listener in itertools.combinations(nodes, 2):
        if listener not in {end.other.node for end in dialler.ends if end.other}:
            connect(dialler, listener, relays=relays)
    world.run(2 * ANTI_ENTROPY_INTERVAL + 5)
    for node in nodes:
        assert node.replica.snapshot() == nodes[0].replica.snapshot()
        assert len(node.ends) == 3
