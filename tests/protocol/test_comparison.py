"""`protocol/comparison.md`: any two frontiers become one, each entry sent once."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.errors import Reason
from p2pblog.protocol import frontier, message
from p2pblog.protocol.comparison import Comparison
from p2pblog.protocol.effects import Close, Effect, Equal, Job, Reached, Send, Synced
from p2pblog.protocol.entry import Entry, EntryId, LogId
from p2pblog.protocol.frontier import Mark, Tips
from p2pblog.protocol.gossip import Claims, Link
from p2pblog.protocol.limits import ANTI_ENTROPY_INTERVAL, CLAIM_TIMEOUT, MAX_PULLED_BRANCHES
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Have, Message, Rows, Scope
from tests.support.dialogues import pages_played, reason_of
from tests.support.logs import packed, tip
from tests.support.pair import End, Node, World, connect
from tests.support.replicas import ADMIT, Replica, team_of
from tests.support.vectors import vectors

SECONDS = 3.0


def nodes(count: int) -> tuple[World, list[Node]]:
    world = World()
    replicas = [Replica(number + 1) for number in range(count)]
    team_of(*replicas)
    return world, [world.node(replica) for replica in replicas]


def give(run: list[Entry], *others: Node) -> None:
    for other in others:
        assert other.replica.ingest(packed(run)).reason is None


def way(node: Node, log: LogId, number: int = -1) -> list[Entry]:
    return node.replica.logs[log].ways[number]


def meet(world: World, one: Node, other: Node) -> tuple[End, End]:
    ends = connect(one, other)
    world.run(SECONDS)
    assert one.replica.snapshot() == other.replica.snapshot()
    return ends


TIPS = (Tip(7, EntryId(b"t" * 32)),)


@dataclass
class Still(Replica):
    """A view of a frontier that does not change, of tips alone."""

    still: Tips
    out: list[Effect]

    def tips(self, scope: Scope) -> Tips:
        return self.still if scope is Scope.POSTS else {}

    def scope_of(self, log: LogId) -> Scope | None:
        return Scope.POSTS if log in self.still else None

    def holds(self, log: LogId, mark: Mark) -> bool:
        return any(frontier.short(tip.id) == mark.id for tip in self.still.get(log, ()))

    def common(self, log: LogId, tip: Tip, marks: Sequence[Mark]) -> Tip | None:
        return tip if any(mark.id == frontier.short(tip.id) for mark in marks) else None

    def comparison(self, *, initiator: bool) -> Comparison:
        made = Comparison(
            *(self, Claims(), Link(relays=False), self.out, lambda scope: None),
            owner=self,
            key=b"k",
            initiator=initiator,
        )
        made.posts = True
        return made

    def said(self) -> list[Message | None]:
        said = [message.parse(effect.data) for effect in self.out if isinstance(effect, Send)]
        self.out.clear()
        return said

    def __hash__(self) -> int:
        return id(self)


class Fork:
    """A log of a third device that parted after `shared` entries; a side on each of two nodes."""

    def __init__(self, shared: int, mine: int, theirs: int) -> None:
        self.world, (self.one, self.other, self.author) = nodes(3)
        replica = self.author.replica
        for _ in range(shared + mine):
            self.log, _ = replica.write()
        main = list(way(self.author, self.log))
        self.one.replica.ingest(packed(main))
        if shared:
            self.other.replica.ingest(packed(main[:shared]))
        del way(self.author, self.log)[shared:]
        for _ in range(theirs):
            replica.write()
        self.other.replica.ingest(packed(way(self.author, self.log)))


@pytest.mark.parametrize("dials", [0, 1])
@pytest.mark.parametrize(
    ("shared", "mine", "theirs"),
    [(10, 3, 3), (10, 1, 9), (10, 9, 1), (1, 1, 1), (100, 40, 1), (0, 2, 2), (0, 1, 30)],
)
def test_a_fork_between_two_comes_to_both(shared: int, mine: int, theirs: int, dials: int) -> None:
    fork = Fork(shared, mine, theirs)
    pair = (fork.one, fork.other) if dials == 0 else (fork.other, fork.one)
    ends = meet(fork.world, *pair)
    assert len(fork.one.replica.logs[fork.log].ways) == 2
    assert sum(end.kinds().count("Locate") for end in ends) == 2
    for node in (fork.one, fork.other):  # a locator's gap is sent again at most
        repeated = sum(times - 1 for times in node.received.values())
        again = sum(1 for made in way(node, fork.log, 0) if made.id in node.received)
        assert repeated == 0
        assert again <= 2 * max(mine, theirs)


def test_who_is_only_behind_is_not_asked_where_it_parted() -> None:
    world, (one, other) = nodes(2)
    log = one.replica.write_many(10)
    give(way(one, log)[:4], other)
    dialler, listener = meet(world, one, other)
    assert "Locate" not in dialler.kinds() + listener.kinds()
    assert sum(other.received.values()) == 6


@pytest.mark.parametrize("dials", [0, 1])
def test_a_branch_below_a_shared_tip_is_sent_from_where_it_parts(dials: int) -> None:
    """Both hold the main branch; only one holds the side branch."""
    fork = Fork(20, 5, 5)
    fork.one.replica.ingest(packed(way(fork.other, fork.log)))
    fork.other.replica.logs[fork.log].ways[:] = [list(way(fork.one, fork.log, 0))]
    pair = (fork.one, fork.other) if dials == 0 else (fork.other, fork.one)
    ends = meet(fork.world, *pair)
    assert sum(fork.other.received.values()) == 5
    assert "Locate" not in ends[0].kinds() + ends[1].kinds()


def test_two_branches_share_what_they_share() -> None:
    fork = Fork(20, 5, 5)
    fork.one.replica.ingest(packed(way(fork.other, fork.log)))
    fresh = fork.author
    fresh.replica.logs.pop(fork.log)
    meet(fork.world, fresh, fork.one)
    assert len(fresh.replica.logs[fork.log].ways) == 2
    assert sum(fresh.received.values()) == 30


def test_team_logs_that_forked_converge_first() -> None:
    """A founder restored from a backup: two operations with one seq, one on each machine."""
    world, (founder, one, other) = nodes(3)
    log = founder.replica.log_id(0)
    shared = list(way(founder, log))
    for node, newcomer in ((one, Replica(8)), (other, Replica(9))):
        founder.replica.logs[log].ways[:] = [list(shared)]
        founder.replica.operate(ADMIT, newcomer)
        give(way(founder, log), node)
        newcomer.write_many(2)
        give(way(world.node(newcomer), newcomer.log_id()), node)
    ends = meet(world, one, other)
    assert len(one.replica.logs[log].ways) == 2
    for end in ends:
        kinds = end.kinds()
        done = [index for index, kind in enumerate(kinds) if kind == "Done"]
        assert [end.sent[index].scope for index in done] == [0, 1]  # type: ignore[union-attr]  # Done
        assert max(i for i, kind in enumerate(kinds) if kind == "Locate") < done[0]
    assert not any(end.closed for end in ends)


def test_no_more_than_four_branches_of_a_posts_log_are_sent() -> None:
    world, (one, other, author) = nodes(3)
    for _ in range(10):
        log, _ = author.replica.write()
    for height in (9, 8, 7, 6, 5, 4):
        author.replica.write(after=way(author, log, 0)[height - 1])
    for number in range(7):
        author.replica.logs[log].ways[number] = list(way(author, log, number))
    one.replica.logs[log] = author.replica.logs[log]
    ends = connect(one, other)
    world.run(SECONDS)
    assert len(other.replica.logs[log].ways) == MAX_PULLED_BRANCHES
    assert not any(end.closed for end in ends)
    received = sum(other.received.values())
    world.run(3 * ANTI_ENTROPY_INTERVAL)
    assert sum(other.received.values()) == received


def test_what_was_reached_and_what_is_equal_is_told() -> None:
    world, (one, other) = nodes(2)
    log = one.replica.write_many(3)
    dialler, listener = meet(world, one, other)
    assert Reached(log, 3) in dialler.effects

    def told(effects: Sequence[Effect]) -> bool:
        return any(isinstance(effect, Equal) and log in effect.tips for effect in effects)

    assert not told(dialler.effects)
    world.run(ANTI_ENTROPY_INTERVAL + 1)
    assert told(dialler.effects)
    assert told(listener.effects)
    assert Synced(Scope.POSTS, freed=True) in listener.effects


def test_many_logs_take_several_messages() -> None:
    rng = random.Random("many")
    tips = {LogId(rng.randbytes(16)): (Tip(7, EntryId(rng.randbytes(32))),) for _ in range(5000)}
    initiator, responder = Still(tips, []), Still({}, [])
    mine, theirs = initiator.comparison(initiator=True), responder.comparison(initiator=False)
    theirs.begin(Scope.POSTS)
    (buckets,) = responder.said()
    assert isinstance(buckets, message.Buckets)
    mine.on_buckets(buckets, 0.0)
    rows = [sent for sent in initiator.said() if isinstance(sent, message.Rows)]
    assert [sent.last for sent in rows] == [False, False, True]
    assert [row.log for sent in rows for row in sent.rows] == sorted(tips)
    assert [bucket for sent in rows for bucket in sent.buckets] == list(range(256))
    for sent in rows:
        theirs.on_rows(sent, 0.0)
    for have in responder.said():
        assert isinstance(have, message.Have)
        mine.on_have(have)
    assert [job.log for job in mine.jobs] == sorted(tips)


def test_a_hundred_news_among_a_thousand_logs_take_few_bytes() -> None:
    rng = random.Random("news")
    logs = [LogId(rng.randbytes(16)) for _ in range(1000)]
    ahead = {log: (Tip(1000, EntryId(rng.randbytes(32))),) for log in logs}
    behind = {log: (Tip(999, EntryId(rng.randbytes(32))),) for log in logs[:100]}
    initiator, responder = Still(ahead, []), Still({**ahead, **behind}, [])
    mine, theirs = initiator.comparison(initiator=True), responder.comparison(initiator=False)
    theirs.begin(Scope.POSTS)
    (buckets,) = responder.said()
    assert isinstance(buckets, message.Buckets)
    mine.on_buckets(buckets, 0.0)
    (rows,) = initiator.said()
    assert isinstance(rows, Rows)
    assert {row.log for row in rows.rows} >= set(logs[:100])
    theirs.on_rows(rows, 0.0)
    haves = [have for have in responder.said() if isinstance(have, Have)]
    assert {row.log for have in haves for row in have.rows} == set(logs[:100])
    told: list[Message] = [buckets, rows, *haves]
    assert sum(len(message.pack(sent)) for sent in told) < 18_000


def test_a_bucket_parted_over_two_messages_is_not_sent_anew() -> None:
    tips = {LogId(bytes([7, 0, n >> 8, n & 255]) + bytes(12)): TIPS for n in range(2500)}
    side = Still(tips, [])
    comparison = side.comparison(initiator=False)
    comparison.begin(Scope.POSTS)
    rows = [frontier.row(log, tips[log]) for log in sorted(tips)]
    first, second = frontier.parts(rows, 2048)
    comparison.on_rows(message.Rows(1, (), first, pull=True, last=False), 0.0)
    comparison.on_rows(message.Rows(1, (56,), second, pull=True, last=True), 0.0)
    assert comparison.jobs == ()


# -- claims -----------------------------------------------------------------------------------


def test_a_fresh_device_linked_to_two_full_ones_gets_each_entry_once() -> None:
    world, (fresh, one, other) = nodes(3)
    for author in (one, other):
        log = author.replica.write_many(40)
        give(way(author, log), one if author is other else other)
        author.replica.page_entries = 7
    connect(fresh, one)
    connect(other, fresh)
    world.run(SECONDS)
    assert fresh.replica.snapshot() == one.replica.snapshot() == other.replica.snapshot()
    assert set(fresh.received.values()) == {1}
    assert len(fresh.received) == 80


def test_what_a_dead_peer_had_claimed_comes_from_another() -> None:
    world, (fresh, one, other) = nodes(3)
    log = one.replica.write_many(40)
    give(way(one, log), other)
    dead, dead_end = connect(fresh, one)
    world.run(0.12)  # it has been asked
    dead_end.mute = True
    connect(fresh, other)
    world.run(1)
    assert log not in fresh.replica.logs
    dead.end()
    world.run(1)
    assert fresh.replica.snapshot() == other.replica.snapshot()


def test_what_a_stalled_peer_had_claimed_comes_from_another() -> None:
    world, (fresh, one, other) = nodes(3)
    log = one.replica.write_many(40)
    give(way(one, log), other)
    _, stalled = connect(fresh, one)
    world.run(0.12)
    stalled.mute = True
    connect(fresh, other)
    world.run(CLAIM_TIMEOUT + ANTI_ENTROPY_INTERVAL)
    assert fresh.replica.snapshot() == other.replica.snapshot()


# -- growing while it is sent -----------------------------------------------------------------


def test_a_log_that_grows_while_it_is_sent_is_sent_once() -> None:
    world, (one, other) = nodes(2)
    one.replica.write_many(60)
    one.replica.page_entries = 1
    connect(other, one)
    for _ in range(10):
        world.run(0.1)
        one.write()
    world.run(SECONDS)
    assert one.replica.snapshot() == other.replica.snapshot()
    assert set(other.received.values()) == {1}


def test_a_run_that_is_no_longer_here_is_left_out() -> None:
    world, (one, other) = nodes(2)
    log = one.replica.write_many(3)
    dialler, listener = connect(other, one)
    world.run(0.16)
    gone = Job(log, None, tip(way(one, log)[-1]))
    one.replica.logs.pop(log)
    listener.apply(listener.session.served(gone, None, world.now))
    world.run(SECONDS)
    assert listener.session.jobs == ()
    assert not dialler.closed


def test_a_log_of_another_scope_ends_it() -> None:
    world, (one, other) = nodes(2)
    _, listener = connect(one, other)
    world.run(0.11)
    rows = message.Rows(1, (), (frontier.Row(one.replica.log_id(0), ()),), True, True)
    out = listener.session.receive(rows, world.now, 0)
    assert isinstance(out[-1], Close)
    assert out[-1].reason is Reason.WRONG_LOG


# -- any two frontiers ------------------------------------------------------------------------

AUTHORS = 3
HISTORY = st.lists(
    st.tuples(
        st.integers(0, AUTHORS - 1),  # who writes
        st.sampled_from(["on", "on", "on", "branch", "anew", "team"]),
        st.integers(0, 30),  # where it branches
        st.sampled_from([(0,), (1,), (0, 1), ()]),  # who gets it at once
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(HISTORY, st.booleans(), st.integers(1, 5))
def test_any_two_frontiers_become_one(
    history: list[tuple[int, str, int, tuple[int, ...]]], swap: bool, page_entries: int
) -> None:
    world, (one, other, *authors) = nodes(2 + AUTHORS)
    sides = (one, other)
    for count, (who, what, place, to) in enumerate(history):
        author = authors[who].replica
        log = author.log_id(0 if what == "team" else 1)
        if what == "anew":
            author.restart(count.to_bytes(8, "big"))
            log, _ = author.write()
        elif what == "team":
            author.operate(ADMIT, Replica(50 + count))
        elif what == "branch" and log in author.logs and len(author.logs[log].ways) < 4:
            main = author.logs[log].ways[0]
            author.write(after=main[place % len(main)])
        else:
            log, _ = author.write()
        for number in to:
            for run in author.logs[log].ways:
                sides[number].replica.ingest(packed(run))
    for side in sides:
        side.replica.page_entries = page_entries
    ends = connect(*(sides[::-1] if swap else sides))
    world.run(4 * SECONDS)
    assert not any(end.closed for end in ends)
    assert one.replica.snapshot() == other.replica.snapshot()
    for end in ends:
        assert end.session.jobs == ()
        assert end.kinds().count("Done") in (1, 2)
    for node in sides:
        assert set(node.received.values()) <= {1}


# -- vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("comparison", "invalid"), ids=lambda v: v["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    assert reason_of(vector) == vector["reason"]


@pytest.mark.parametrize("vector", vectors("comparison", "valid"), ids=lambda v: v["name"])
def test_the_pages_of_a_dialogue_make_both_sides_equal(vector: dict[str, Any]) -> None:
    assert pages_played(vector) == vector["tips"]
    assert vector["tips"]["initiator"] == vector["tips"]["responder"]
