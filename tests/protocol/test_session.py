"""`protocol/session.md`: two sessions greet, prove, converge and end as the page says."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import message
from p2pblog.protocol.effects import Close, Expect, Greeted, Ingest, Judge, Live, Standing
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import HASH, Mark, Row, ShortId
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.limits import (
    BUCKETS,
    IDLE_TIMEOUT,
    MAX_STRANGER_BYTES,
    STRANGER_TIMEOUT,
)
from p2pblog.protocol.message import Message, Scope
from p2pblog.protocol.session import Phase, Session
from tests.support.dialogues import pages_played, reason_of
from tests.support.logs import START, packed
from tests.support.mutate import mutated
from tests.support.pair import KEY, LATENCY, End, Node, World, connect
from tests.support.replicas import ADMIT, CUT, Replica, team_of
from tests.support.vectors import vectors

ROW = Row(LogId(b"l" * 16), (Mark(3, ShortId(b"i" * 12)),))


def two(*, team: bool = True) -> tuple[World, Node, Node]:
    world = World()
    one, other = Replica(1), Replica(2)
    if team:
        team_of(one, other)
    return world, world.node(one), world.node(other)


def live(world: World, one: Node, other: Node, *, relays: bool = False) -> tuple[End, End]:
    ends = connect(one, other, relays=relays)
    world.run(1)
    assert [end.session.phase for end in ends] == [Phase.LIVE, Phase.LIVE]
    return ends


def alone(replica: Replica, remote: Replica, *, initiator: bool) -> Session:
    return Session(
        replica,
        Claims(),
        initiator=initiator,
        remote=remote.device,
        key=KEY,
        port=4711,
        relays=False,
        now=0.0,
    )


# -- greeting ---------------------------------------------------------------------------------


def test_members_with_equal_frontiers_send_no_entry() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    assert dialler.kinds() == ["Hello", "Rows", "Done"]
    assert listener.kinds() == ["Hello", "Buckets", "Have", "Done"]
    assert dialler.count(Live) == listener.count(Live) == 1
    assert one.replica.snapshot() == other.replica.snapshot()


def test_each_learns_the_other_s_clock_and_port() -> None:
    world, one, other = two()
    for end in live(world, one, other):
        greeted = next(effect for effect in end.effects if isinstance(effect, Greeted))
        assert greeted.port == 4711
        assert START <= greeted.clock <= START + 200


def test_no_common_version() -> None:
    _, one, other = two()
    listener = alone(one.replica, other.replica, initiator=False)
    close = listener.receive(message.Hello(2, 3, True, None, 0, 0), 0.0, START)[-1]
    assert close == Close(Reason.VERSION, "2 to 3", fault=True)


@pytest.mark.parametrize("dials", [0, 1])
def test_who_is_not_known_yet_proves_itself(dials: int) -> None:
    """One knows both; the other knows only itself and the founder, who admitted all."""
    world = World()
    founder, old, young = Replica(1), Replica(2), Replica(3)
    team_of(founder, old)
    behind = world.node(old)
    log_id = founder.operate(ADMIT, young)
    young.ingest(packed(founder.logs[log_id].ways[0]))
    ahead = world.node(young)
    young.write_many(2)
    pair = (ahead, behind) if dials == 0 else (behind, ahead)
    ends = live(world, *pair)
    judge = next(end for end in ends if end.node is behind)
    assert judge.count(Judge) == 1
    assert judge.kinds()[0] == "Hello"
    assert old.standing(young.device) is Standing.MEMBER
    assert old.snapshot() == young.snapshot()


@pytest.mark.parametrize("dials", [0, 1])
def test_a_stranger_gets_nothing_of_ours(dials: int) -> None:
    world, one, other = two(team=False)
    team_of(one.replica)
    other.replica.operate(ADMIT, one.replica)
    pair = (one, other) if dials == 0 else (other, one)
    ends = connect(*pair)
    world.run(5)
    judge = next(end for end in ends if end.node is one)
    assert judge.closed == Close(Reason.NOT_A_MEMBER, "no member's device", fault=True)
    assert judge.wire == [message.pack(message.Hello(1, 1, False, None, 0, 0))]


def test_who_is_made_known_by_a_third_while_it_greets_is_not_blamed() -> None:
    world, one, other = two(team=False)
    team_of(one.replica)
    log_id = one.replica.operate(ADMIT, other.replica)
    admission = packed(one.replica.logs[log_id].ways[0])
    other.replica.ingest(admission)
    old = world.node(Replica(1))
    team_of(old.replica)
    ends = connect(old, other)  # it says that it does not know the other
    old.replica.ingest(admission)
    world.run(2)
    assert [end.closed for end in ends] == [None, None]
    assert [end.session.phase for end in ends] == [Phase.LIVE, Phase.LIVE]


def test_strangers_to_each_other_part_without_blame() -> None:
    world, one, other = two(team=False)
    ends = connect(one, other)
    world.run(5)
    for end in ends:
        assert end.closed == Close(Reason.NOT_A_MEMBER, "strangers to each other", fault=False)
        assert end.kinds() == ["Hello"]


@pytest.mark.parametrize("dials", [0, 1])
def test_a_cut_device_is_closed_at_once(dials: int) -> None:
    world, one, other = two()
    one.operate(CUT, other)
    pair = (one, other) if dials == 0 else (other, one)
    ends = connect(*pair)
    world.run(5)
    cutter = next(end for end in ends if end.node is one)
    assert cutter.closed == Close(Reason.CUT, "removed from the team", fault=True)
    assert [message.parse(data) for data in cutter.wire] == [message.Goodbye("cut", "")]


def test_the_removed_learns_of_no_post_from_who_learns_of_it_now() -> None:
    """The team logs that the two bring together say that one of them was cut."""
    world = World()
    founder, honest, gone = Replica(1), Replica(2), Replica(3)
    team_of(founder, honest, gone)
    log_id = founder.operate(CUT, gone)
    gone.ingest(packed(founder.logs[log_id].ways[0]))
    honest.write_many(3)
    dialler, _ = connect(world.node(honest), world.node(gone))
    world.run(5)
    assert dialler.closed is not None
    assert dialler.closed.reason is Reason.CUT
    assert "PageMessage" not in dialler.kinds()
    assert honest.log_id() not in gone.logs


# -- convergence ------------------------------------------------------------------------------


def test_two_round_trips_before_posts_flow() -> None:
    world, one, other = two()
    other.replica.write_many(5)
    dialler, _ = live(world, one, other)
    assert dialler.turns == 4
    assert one.replica.snapshot() == other.replica.snapshot()


def test_both_have_news() -> None:
    world, one, other = two()
    one.replica.write_many(30)
    other.replica.write_many(20)
    dialler, listener = live(world, one, other)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert (dialler.turns, listener.turns) == (4, 5)
    assert set(one.received.values()) == set(other.received.values()) == {1}


def test_team_logs_converge_before_any_post() -> None:
    world = World()
    founder, one, other, third = (Replica(number) for number in range(1, 5))
    team_of(founder, one, other)
    one.operate(ADMIT, third)
    third.write_many(3)
    page = packed(third.logs[third.log_id()].ways[0])
    assert one.ingest(page).reason is None
    assert other.ingest(page).reason is Reason.UNKNOWN_AUTHOR
    other.write_many(2)
    dialler, listener = live(world, world.node(one), world.node(other))
    assert one.snapshot() == other.snapshot()
    for end in (dialler, listener):
        scopes = [sent.scope for sent in end.sent if isinstance(sent, message.Done)]
        assert scopes == [Scope.TEAM, Scope.POSTS]


def test_posts_are_not_served_before_the_team_converged() -> None:
    _, one, other = two()
    one.replica.operate(ADMIT, Replica(3))
    one.replica.write_many(1)
    session = alone(one.replica, other.replica, initiator=False)
    session.start(0.0, START)
    session.receive(message.Hello(1, 1, True, bytes(16), START, 1), 0.0, START)
    assert session.phase is Phase.TEAM
    asked = message.Have((Row(one.replica.log_id(), ()),), last=False)
    close = session.receive(asked, 0.0, START)[-1]
    assert close == Close(Reason.UNEXPECTED, "posts before the team", fault=True)
    assert session.jobs == ()


def test_rows_of_posts_hidden_among_the_team_s_are_refused() -> None:
    _, one, other = two()
    one.replica.operate(ADMIT, Replica(3))
    one.replica.write_many(1)
    session = alone(one.replica, other.replica, initiator=False)
    session.receive(message.Hello(1, 1, True, bytes(16), START, 1), 0.0, START)
    rows = message.Rows(0, (), (Row(one.replica.log_id(), ()),), pull=True, last=True)
    assert session.receive(rows, 0.0, START)[-1] == Close(
        Reason.UNEXPECTED, "posts before the team", fault=True
    )


def test_a_page_of_posts_before_the_team_converged_is_refused() -> None:
    world, one, other = two()
    one.replica.operate(ADMIT, Replica(3))
    dialler, listener = connect(one, other)
    world.run(LATENCY * 1.5)
    other.replica.write_many(1)
    listener.send(
        message.pack(
            message.PageMessage(packed(other.replica.logs[other.replica.log_id()].ways[0]), False)
        )
    )
    world.run(1)
    assert dialler.closed == Close(Reason.UNEXPECTED, "posts before the team", fault=True)


def test_expected_progress_is_told() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    dialler.apply(dialler.session.say(message.Offer(7, 1000)))
    world.run(1)
    assert Expect(7, 1000) in listener.effects


# -- what ends a session ----------------------------------------------------------------------


def in_phase(phase: Phase, *, initiator: bool) -> Session:
    """A session alone in a phase; what it says goes nowhere."""
    me, peer = Replica(1), Replica(2)
    knows, known = phase is not Phase.JUDGING, phase is not Phase.PROVING
    me.operate(ADMIT, me)
    if knows:
        me.operate(ADMIT, peer)
    session = alone(me, peer, initiator=initiator)
    session.start(0.0, START)
    if phase is Phase.GREETING:
        return session
    digest = bytes(16) if known else None
    session.receive(message.Hello(1, 1, known, digest, START, 1), 0.0, START)
    if phase is Phase.LIVE:
        if initiator:
            session.receive(message.Buckets(1, bytes(BUCKETS * HASH)), 0.0, START)
        else:
            session.receive(message.Rows(0, (), (), pull=True, last=True), 0.0, START)
            serve_all(session)
            session.receive(message.Done(0), 0.0, START)
    serve_all(session)
    assert session.phase is phase
    return session


def serve_all(session: Session) -> None:
    while job := session.next_job():
        session.served(job, job.upto, 0.0)


HELLO = message.Hello(1, 1, True, None, START, 1)
LIVE_ONLY: list[Message] = [
    message.Announce((ROW,)),
    message.Want(()),
    message.Payloads(()),
    message.Digest(bytes(16), bytes(16), None),
    message.Peers(()),
    message.Push((ROW.log,), True),
]
COMPARING: list[Message] = [
    message.Buckets(0, bytes(BUCKETS * HASH)),
    message.Rows(0, (), (), pull=True, last=True),
    message.Have((), last=True),
    message.Done(0),
]
JOINING: list[Message] = [
    message.Join(b"i" * 32, b"d" * 32, "a", "b", b"p" * 128),  # type: ignore[arg-type]  # an id
    message.Admitted(b"k" * 32, b"a" * 32),  # type: ignore[arg-type]  # an id
]
PAGE = message.PageMessage(b"p", False)


@pytest.mark.parametrize("initiator", [True, False])
@pytest.mark.parametrize(
    ("phase", "refused"),
    [
        (Phase.GREETING, [*LIVE_ONLY, *COMPARING, *JOINING, PAGE, message.Offer(1, 1)]),
        (Phase.PROVING, [*LIVE_ONLY, *COMPARING, *JOINING, PAGE, message.Offer(1, 1)]),
        (Phase.JUDGING, [*LIVE_ONLY, *COMPARING[:3], *JOINING, HELLO, message.Done(1)]),
        (Phase.TEAM, [*LIVE_ONLY, *JOINING, HELLO, message.Done(1), message.Have((), last=True)]),
        (Phase.LIVE, [*JOINING, HELLO, message.Done(0), message.Rows(0, (), (), True, True)]),
    ],
)
def test_what_a_phase_does_not_allow_ends_it(
    phase: Phase, refused: list[Message], initiator: bool
) -> None:
    for data in refused:
        session = in_phase(phase, initiator=initiator)
        if phase is Phase.TEAM and initiator and data == message.Have((), last=True):
            session.receive(message.Buckets(0, bytes(BUCKETS * HASH)), 0.0, START)
            session.receive(data, 0.0, START)  # due now, but not once more
        close = session.receive(data, 0.0, START)[-1]
        assert isinstance(close, Close), data
        assert (close.reason, close.fault) == (Reason.UNEXPECTED, True), data
        assert session.phase is Phase.CLOSED
        assert session.receive(data, 0.0, START) == []


@pytest.mark.parametrize("initiator", [True, False])
@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.CLOSED])
def test_a_message_of_a_later_version_changes_nothing(phase: Phase, initiator: bool) -> None:
    session = in_phase(phase, initiator=initiator)
    assert session.receive(None, 0.0, START) == []
    assert session.phase is phase


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.CLOSED])
def test_a_goodbye_ends_any_phase_without_blame(phase: Phase) -> None:
    for sent, reason in (("cut", Reason.CUT), ("a reason of tomorrow", Reason.SHUTTING_DOWN)):
        session = in_phase(phase, initiator=True)
        close = session.receive(message.Goodbye(sent, "so"), 0.0, START)
        assert close == [Close(reason, "peer: so", fault=False)]


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.PROVING, Phase.JUDGING])
def test_who_does_not_get_known_in_time_is_closed(phase: Phase) -> None:
    session = in_phase(phase, initiator=False)
    assert session.next_deadline() == STRANGER_TIMEOUT
    assert session.tick(STRANGER_TIMEOUT - 0.1) == []
    close = session.tick(STRANGER_TIMEOUT)[-1]
    assert close == Close(Reason.TIMED_OUT, f"silent while {phase.value}", fault=False)
    assert session.next_deadline() == float("inf")


@pytest.mark.parametrize("phase", [Phase.TEAM, Phase.LIVE])
@pytest.mark.parametrize("initiator", [True, False])
def test_a_silent_member_is_closed(phase: Phase, initiator: bool) -> None:
    session = in_phase(phase, initiator=initiator)
    session.tick(IDLE_TIMEOUT - 0.1)
    assert session.phase is phase
    assert session.tick(IDLE_TIMEOUT)[-1] == Close(
        Reason.TIMED_OUT, f"silent while {phase.value}", fault=False
    )


def test_a_comparison_that_the_peer_leaves_hanging_is_closed() -> None:
    session = in_phase(Phase.LIVE, initiator=True)
    for step in range(1, 10):
        session.receive(None, step * 10.0, START)
    assert session.tick(IDLE_TIMEOUT)[-1] == Close(
        Reason.TIMED_OUT, "silent while live", fault=False
    )


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_stranger_can_make_us_hold_so_much_and_no_more(size: int) -> None:
    session = in_phase(Phase.JUDGING, initiator=False)
    held, sent = 0, message.PageMessage(b"p" * size, False)
    while not (out := session.receive(sent, 0.0, START)):
        held += size
    assert out == [Close(Reason.FLOOD, "team logs of an unknown device", fault=True)]
    assert held <= MAX_STRANGER_BYTES
    assert held >= MAX_STRANGER_BYTES / 70


def test_a_hello_can_not_be_asked_for_twice() -> None:
    """Or twenty bytes would bring out all team logs again and again."""
    session = in_phase(Phase.PROVING, initiator=False)
    again = session.receive(message.Hello(1, 1, False, None, 0, 0), 0.0, START)
    assert isinstance(again[-1], Close)


@pytest.mark.parametrize(
    "reason", [Reason.BAD_SIGNATURE, Reason.BAD_BACKLINK, Reason.BAD_PAYLOAD, Reason.MALFORMED]
)
def test_a_page_that_does_not_verify_is_the_peer_s_fault(reason: Reason) -> None:
    session = in_phase(Phase.LIVE, initiator=True)
    out = session.ingested(None, Ingest(b"p", False), False, reason, 0.0)
    assert out[-1] == Close(reason, "page refused", fault=True)


@pytest.mark.parametrize("reason", [Reason.BEYOND_CUTOFF, Reason.TOO_MANY_BRANCHES])
def test_a_page_that_we_can_not_place_is_not(reason: Reason) -> None:
    session = in_phase(Phase.LIVE, initiator=True)
    assert session.ingested(ROW.log, Ingest(b"p", False), False, reason, 0.0) == []


def test_the_removed_are_closed_when_the_team_changes() -> None:
    world, one, other = two()
    dialler, listener = live(world, one, other)
    one.operate(CUT, other)
    assert dialler.closed == Close(Reason.CUT, "removed from the team", fault=True)
    world.run(1)
    assert listener not in other.ends
    assert other.replica.standing(other.replica.device) is Standing.CUT  # pushed just before


@given(
    st.sampled_from([p for p in Phase if p is not Phase.CLOSED]),
    st.booleans(),
    st.lists(
        mutated([message.pack(m) for m in (*LIVE_ONLY, *COMPARING, *JOINING, PAGE, HELLO)]),
        max_size=5,
    ),
)
def test_no_message_breaks_a_session(phase: Phase, initiator: bool, wire: list[bytes]) -> None:
    session = in_phase(phase, initiator=initiator)
    for data in wire:
        with suppress(Refused):
            session.receive(message.parse(data), 1.0, START)
        session.tick(1.0)
        for job in session.jobs:
            session.served(job, job.upto, 1.0)


# -- vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("session", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    assert reason_of(vector) == vector["reason"]


@pytest.mark.parametrize("vector", vectors("session", "valid"), ids=lambda vector: vector["name"])
def test_dialogues(vector: dict[str, Any]) -> None:
    if set(vector["closed"].values()) == {None}:
        assert pages_played(vector) == vector["tips"]
    for sent in vector["messages"]:
        assert message.parse(bytes.fromhex(sent["message"])) is not None
