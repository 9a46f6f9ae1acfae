"""Sessions on a pretend wire and on virtual time: what one sends, another must understand.

A `World` holds replicas and connections between them. Each end carries out its session's effects
as a driver must. Everything happens in one order, the same in every run.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from p2pblog.errors import Refused
from p2pblog.protocol import message, page
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Entry, EntryId, LogId
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.message import Message
from p2pblog.protocol.session import (
    Asked,
    Close,
    Effect,
    Filled,
    Ingest,
    Judge,
    Phase,
    Send,
    Session,
    Standing,
    Synced,
)
from tests.support.logs import START, TEAM, packed, tip
from tests.support.replicas import Item, Replica, Taken

LATENCY = 0.05
KEY = b"h" * 64  # the handshake's hash


class World:
    """Virtual time and what happens in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, time: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._count), happens))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, happens = heapq.heappop(self._due)
            happens()
        self.now = end

    def node(self, replica: Replica) -> Node:
        return Node(self, replica)


@dataclass(eq=False)
class Node:
    """A device: its replica, the ends of its connections, what reached it."""

    world: World
    replica: Replica
    claims: Claims = field(default_factory=Claims)
    ends: list[End] = field(default_factory=list)
    received: Counter[EntryId] = field(default_factory=Counter)  # each entry, how often it came

    def write(self) -> Entry:
        """A post of our own, told to all."""
        log_id, made = self.replica.write()
        self.grown(log_id, made, None, packed([made]))
        return made

    def operate(self, what: int, *others: Node) -> None:
        for other in others:
            log_id = self.replica.operate(what, other.replica)
            made = self.replica.logs[log_id].ways[-1][-1]
            self.grown(log_id, made, None, packed([made]))
        self.team_changed()

    def grown(self, log_id: LogId, newest: Entry, by: End | None, live: bytes | None) -> None:
        for end in list(self.ends):
            end.apply(
                end.session.stored(
                    log_id,
                    tip(newest),
                    live,
                    own=by is None,
                    theirs=end.remote == newest.header.device,
                    from_peer=end is by,
                    now=self.world.now,
                )
            )

    def ingest(self, data: bytes, by: End, *, live: bool) -> Taken:
        taken = self.replica.ingest(data)
        if taken.log is not None and taken.new:
            self.grown(taken.log, taken.new[-1], by, data if live else None)
            if self.replica.scope_of(taken.log) == message.Scope.TEAM:
                self.team_changed()
        return taken

    def team_changed(self) -> None:
        for end in list(self.ends):
            end.apply(end.session.team_changed())

    def find(self, *places: tuple[LogId, int]) -> None:
        """Payloads that were dropped come back, by none of the peers."""
        self.replica.fill((*place, self.replica.lost[place]) for place in places)
        self.gained(None)

    def gained(self, by: End | None) -> None:
        for end in self.ends:
            if end is not by:
                end.apply(end.session.gained(self.world.now))

    def look_again(self, but: End) -> None:
        for end in self.ends:
            if end is not but:
                end.apply(end.session.look_again(self.world.now))


@dataclass(eq=False)
class End:
    """One end of a connection: drives its session."""

    node: Node
    session: Session
    other: End | None = None
    effects: list[Effect] = field(default_factory=list)
    sent: list[Message | None] = field(default_factory=list)
    wire: list[bytes] = field(default_factory=list)
    wire_at: list[float] = field(default_factory=list)
    turns: int = 0  # on the wire until the last page came: half round trips
    depth: int = 0
    serving: bool = False
    mute: bool = False

    @property
    def remote(self) -> DeviceKey | None:
        return self.other.node.replica.device if self.other else None

    @property
    def closed(self) -> Close | None:
        return next((effect for effect in self.effects if isinstance(effect, Close)), None)

    def count(self, kind: type[object]) -> int:
        return sum(isinstance(effect, kind) for effect in self.effects)

    def kinds(self) -> list[str]:
        """The messages sent, by name."""
        return [type(sent).__name__ for sent in self.sent]

    def start(self) -> None:
        world = self.node.world
        self.apply(self.session.start(world.now, clock(world)))

    def apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Send(data):
                    self.send(data)
                case Ingest():
                    self._ingest(effect)
                case Judge(pages):
                    self._judge(pages)
                case Synced(_, freed):
                    if freed:
                        self.node.look_again(self)
                case Asked(entries):
                    found = self.node.replica.payloads(entries)
                    self.apply(self.session.say(message.Payloads(found)))
                case Filled(items):
                    self._fill(items)
                case Close():
                    self.end()
        self._wake()

    def _wake(self) -> None:
        world = self.node.world
        if not self.serving and self.session.next_job() and self in self.node.ends:
            self.serving = True
            world.at(world.now, self._serve)
        if (due := self.session.next_deadline()) < float("inf"):
            world.at(max(due, world.now), self._tick)

    def _tick(self) -> None:
        world = self.node.world
        if self in self.node.ends and self.session.next_deadline() <= world.now:
            self.apply(self.session.tick(world.now))

    def _serve(self) -> None:
        self.serving = False
        job = self.session.next_job()
        if job is None or self not in self.node.ends:
            return
        cut = self.node.replica.cut_page(job)
        if cut is not None:
            self.send(message.pack(message.PageMessage(cut[0], live=False)))
        self.apply(self.session.served(job, cut and cut[1], self.node.world.now))

    def send(self, data: bytes) -> None:
        """Put a message on the wire."""
        self.wire.append(data)
        self.wire_at.append(self.node.world.now)
        self.sent.append(message.parse(data))
        peer, world, depth = self.other, self.node.world, self.depth + 1
        if peer is not None and not self.mute:
            world.at(world.now + LATENCY, lambda: peer.receive(data, depth))

    def receive(self, data: bytes, depth: int = 0) -> None:
        if self not in self.node.ends:
            return
        self.depth = max(self.depth, depth)
        try:
            received = message.parse(data)
        except Refused as refused:
            self.apply(self.session.refuse(refused))
            return
        if isinstance(received, message.PageMessage):
            self.turns = self.depth
        world = self.node.world
        self.apply(self.session.receive(received, world.now, clock(world)))

    def _ingest(self, due: Ingest) -> None:
        node = self.node
        taken = node.ingest(due.page, self, live=due.live)
        for made in page_ids(due.page):
            node.received[made] += 1
        known = not taken.new and taken.reason is None
        now = node.world.now
        self.apply(self.session.ingested(taken.log, due, known, taken.reason, now))

    def _fill(self, items: Sequence[Item]) -> None:
        filled = self.node.replica.fill(items)
        if filled:
            self.node.gained(self)
        self.apply(self.session.filled(filled))

    def _judge(self, pages: Sequence[bytes]) -> None:
        node, other = self.node, self.other
        trial = Replica(99)
        for data in (*every_team_page(node.replica), *pages):
            trial.ingest(data)
        if other and trial.standing(other.node.replica.device) is Standing.MEMBER:
            for data in pages:
                node.ingest(data, self, live=False)
        self.apply(self.session.judged(node.world.now, clock(node.world)))

    def end(self) -> None:
        """The connection is gone."""
        if self not in self.node.ends:
            return
        self.node.ends.remove(self)
        self.session.phase = Phase.CLOSED
        self.node.claims.release(self.session)
        self.node.look_again(self)
        peer, world = self.other, self.node.world
        if peer is not None:
            world.at(world.now + LATENCY, peer.end)


def clock(world: World) -> int:
    return START + int(world.now * 1000)


def page_ids(data: bytes) -> list[EntryId]:
    try:
        return page.verify(data, TEAM).ids
    except Refused:
        return []


def every_team_page(replica: Replica) -> list[bytes]:
    team = (log for log in replica.logs.values() if log.kind == 0)
    return [packed(way) for log in team for way in log.ways]


def connect(dialler: Node, listener: Node, *, relays: bool = False) -> tuple[End, End]:
    """A connection, greeted: the dialler's end first."""
    ends = tuple(
        End(
            node,
            Session(
                node.replica,
                node.claims,
                initiator=node is dialler,
                remote=peer.replica.device,
                key=KEY,
                port=4711,
                relays=relays,
                now=node.world.now,
            ),
        )
        for node, peer in ((dialler, listener), (listener, dialler))
    )
    one, two = ends
    one.other, two.other = two, one
    for end in ends:
        end.node.ends.append(end)
    two.start()
    one.start()
    return one, two
