"""A session survives whatever a peer with the right keys says, and gives away what is due, no more.

Bytes in: effects, or the end with a reason. To a stranger goes nothing but a greeting without
content, to who was removed one word (and that removal), posts only to a member once both are
authorised, after the end nothing. What we say, the peer can read; how much is bounded by what it
asked. The same bytes in other pieces have the same effects. The messages come through a real
channel, pages can be signed by the peer, time passes, we write, and the team changes meanwhile.
"""

import copy
from collections.abc import Iterator

from p2pblog.protocol import codec, message, page
from p2pblog.protocol.channel import Ended, Message
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.limits import MAX_MESSAGE, MAX_PAGE_BYTES
from p2pblog.protocol.message import PageMessage
from p2pblog.protocol.session import Close, Phase, Session, Standing
from tests.fuzz import NO_INPUT
from tests.fuzz.material import CHAIN, PAYLOADS, SIGNATURES, attempt, cut, mended, plan
from tests.fuzz.targets.channel import ESTABLISHED
from tests.support.logs import TEAM, packed
from tests.support.pair import KEY, End, Node, World, connect
from tests.support.replicas import ADMIT, CUT, Replica, team_of

LONGEST = 16 * 1024
DUE = {"live, open", "live, cut", "greeting, cut"}
STEPS = 60
SAID = 64  # messages that may go unasked: a greeting, a comparison, a run of every log
ANSWERS = 8  # messages that one of the peer's may bring about


def _replicas() -> list[tuple[Replica, Replica]]:
    """Ours, and the peer's: as a member, as a stranger with a proof, and as one who was removed."""
    pairs = []
    for standing in Standing:
        ours, peer, third = Replica(1), Replica(2), Replica(3)
        third.operate(ADMIT, third)
        if standing is Standing.STRANGER:
            team_of(ours, third)
            peer.ingest(packed(ours.logs[ours.log_id(Kind.TEAM)].ways[0]))
            peer.operate(ADMIT, peer, ours)
        else:
            team_of(ours, peer, third)
        if standing is Standing.CUT:
            ours.operate(CUT, peer)
        for writer, count in ((ours, 4), (third, 3), (peer, 3)):
            writer.write_many(count)
        fork = ours.logs[ours.log_id()].ways[0][1]
        ours.write(after=fork)
        for replica in (ours, peer):
            for log in third.logs.values():
                replica.ingest(packed(log.ways[0]))
        peer.ingest(packed(ours.logs[ours.log_id()].ways[0][:2]))
        pairs.append((ours, peer))
    return pairs


REPLICAS = _replicas()


class Told(End):
    """Our end, which looks at whatever it is about to say."""

    removing = False  # just now: that goes to the removed as well

    def send(self, data: bytes) -> None:
        assert self in self.node.ends, "said something after the end"
        assert len(data) <= MAX_MESSAGE
        assert self.other is not None
        said = message.parse(data)
        match self.node.replica.standing(self.other.node.replica.device):
            case Standing.CUT if self.removing and isinstance(said, PageMessage):
                assert page.kind_of(said.page) == Kind.TEAM
            case Standing.CUT:
                assert said == message.Goodbye("cut", "")
            case Standing.STRANGER:
                assert isinstance(said, message.Hello)
                assert said[2:6] == (False, None, 0, 0)
            case Standing.MEMBER if isinstance(said, PageMessage):
                found = page.verify(said.page, TEAM)
                assert found.headers[0].kind == Kind.TEAM or self.session.phase is Phase.LIVE
        super().send(data)


def run(data: bytes) -> str:
    given = plan(data, int, bytes, tuple)
    if given is None:
        return NO_INPUT
    how, sizes, steps = given
    whole = Play(how)
    for step in steps[:STEPS]:
        whole.step(step, b"")
    pieces = Play(how)
    for step in steps[:STEPS]:
        pieces.step(step, sizes or b"\x01")
    assert whole.end.wire == pieces.end.wire
    assert whole.end.effects == pieces.end.effects
    whole.look()
    closed = whole.end.closed
    return f"{whole.reached.value}, {closed.reason if closed else 'open'}"


class Play:
    """One run of an input: our end behind a channel, and what the liar at the other has heard."""

    def __init__(self, how: int) -> None:
        initiator, relays, pair = bool(how & 1), bool(how & 2), REPLICAS[how // 4 % len(REPLICAS)]
        self.world = World()
        self.node = Node(self.world, pair[0].copy())
        self.liar = Node(self.world, pair[1].copy())
        one, two = copy.deepcopy(ESTABLISHED)
        self.ours, self.theirs = (one, two) if initiator else (two, one)
        self.end = Told(self.node, self._session(initiator, relays))
        self.end.other = End(self.liar, self._session(not initiator, relays))
        self.node.ends.append(self.end)
        self.reached = self.end.session.phase
        self.heard = 0
        self.end.start()
        self._settle()

    def _session(self, initiator: bool, relays: bool) -> Session:
        return Session(
            self.node.replica,
            self.node.claims,
            initiator=initiator,
            remote=self.liar.replica.device,
            key=KEY,
            port=4711,
            relays=relays,
            now=0.0,
        )

    def step(self, step: object, sizes: bytes) -> None:
        match step:
            case bytes():
                self._say(step, sizes)
            case (bytes(said), int(how)):
                self._say(_signed(said, how), sizes)
            case 0:
                self.node.write()
            case -1 | -2:
                self.end.removing = step == -2
                self.node.operate(ADMIT if step == -1 else CUT, self.liar)
                self.end.removing = False
            case int() if step > 0:
                self.world.run(step % 200)
        self._settle()

    def _say(self, said: bytes, sizes: bytes) -> None:
        if self.end not in self.node.ends or not 0 < len(said) <= MAX_MESSAGE:
            return
        self.theirs.send(said)
        self.heard += 1
        for piece in cut(self.theirs.data_to_send(), sizes):
            for event in self.ours.receive_data(piece):
                match event:
                    case Message(data):
                        self._deliver(data)
                    case Ended():
                        self.end.end()

    def _deliver(self, data: bytes) -> None:
        self.end.receive(data)
        self.world.run(0)

    def _settle(self) -> None:
        self.world.run(0)
        if self.end.session.phase is not Phase.CLOSED:
            self.reached = self.end.session.phase

    def look(self) -> None:
        """What holds in the end."""
        for said in self.end.wire:
            self.ours.send(said)
        read = self.theirs.receive_data(self.ours.data_to_send())
        assert [event.data for event in read if isinstance(event, Message)] == self.end.wire
        assert len(self.end.wire) <= SAID + ANSWERS * self.heard, "says more than is asked"
        closes = [effect for effect in self.end.effects if isinstance(effect, Close)]
        assert len(closes) <= 1
        if closes:
            assert self.end.effects[-1] == closes[0]
            assert not self.node.claims._owner
            assert self.end.session.next_deadline() == float("inf")


def _signed(said: bytes, how: int) -> bytes:
    read, _ = attempt(message.parse, said)
    if not isinstance(read, PageMessage):
        return said
    fixed = mended(read.page, how & (CHAIN | PAYLOADS | SIGNATURES), TEAM)
    return message.pack(read._replace(page=fixed[:MAX_PAGE_BYTES] or b"\0"))


def seeds() -> Iterator[bytes]:
    """What an honest peer says, to each side in each standing."""
    for number in range(len(REPLICAS) * 4):
        said = _honest(number)
        yield codec.pack((number, b"\x07", said))
        signed = [(data, CHAIN | PAYLOADS | SIGNATURES) for data in said]
        yield codec.pack((number, b"\x07\x40", (*signed, 0, 31, -1, 0, 1, -2, 0, 100)))


def _honest(how: int) -> list[bytes]:
    world = World()
    ours, peer = (Node(world, replica.copy()) for replica in REPLICAS[how // 4])
    ends = connect(ours, peer) if how & 1 else connect(peer, ours)
    world.run(2)
    peer.write()
    world.run(2)
    return ends[1 if how & 1 else 0].wire
