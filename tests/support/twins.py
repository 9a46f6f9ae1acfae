"""Two devices with real stores, and between them a connection whose bytes stop where one likes.

Each end carries out its session's effects as `p2pblog/node/driver.py` and `membership.py` do, on
virtual time, and holds that nothing is said which the other must not have, or which is not so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from p2pblog.errors import Reason, Refused
from p2pblog.node.view import ReplicaView
from p2pblog.protocol import crypto, entry, message, page
from p2pblog.protocol.channel import Ended, Established, SecureChannel
from p2pblog.protocol.channel import Message as Whole
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import Incarnation, Kind, LogId, PayloadClass
from p2pblog.protocol.frontier import Tips
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.message import PageMessage
from p2pblog.protocol.operation import Operation
from p2pblog.protocol.session import (
    Asked,
    Close,
    Effect,
    Equal,
    Filled,
    Ingest,
    Judge,
    Phase,
    Reached,
    Send,
    Session,
    Standing,
)
from p2pblog.store.replica import Appended, Author, Draft, Ingested, Replica
from tests.support.logs import START

PSK = crypto.network_psk(b"n" * 32)
SERVED = 1  # bytes at a time: a page


@dataclass
class Clock:
    """Virtual time, in seconds."""

    now: float = 0.0

    @property
    def wall(self) -> int:
        return START + 10**9 + int(self.now * 1000)


class Twin:
    """A device: its store, and its end of the connection while there is one."""

    def __init__(
        self, clock: Clock, replica: Replica, key: SigningKey, incarnation: Incarnation
    ) -> None:
        self.clock = clock
        self.replica = replica
        self.key = key
        self.incarnation = incarnation
        self.claims = Claims()
        self.end: End | None = None

    @property
    def view(self) -> ReplicaView:
        return ReplicaView(self.replica)

    def restart(self, path: Path) -> None:
        """Another start, on the store in `path`; connections are gone before."""
        assert self.end is None
        self.replica.close()
        self.replica = Replica.open(path)
        self.claims = Claims()

    def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        """Write, and tell the peer."""
        made = self.replica.append(Author(self.key, self.incarnation), drafts, self.clock.wall)
        kind = drafts[0].kind
        log_id = entry.log_id(self.replica.team_id, self.key.public, self.incarnation, kind)
        if self.end is not None and kind == Kind.TEAM:
            self.end.team_changed()
        for one in made:
            raw = page.pack([one.entry.header_bytes], [one.entry.payload], [one.entry.signature])
            self.tell(
                log_id, Tip(one.entry.header.seq, one.entry.id), raw, self.key.public, by=None
            )
        return made

    def operate(self, operation: Operation, salt: bytes) -> Appended:
        draft = Draft(Kind.TEAM, PayloadClass.OPERATION, operation.pack(), salt)
        return self.append([draft])[0]

    def take(self, pages: Sequence[bytes], by: End | None) -> list[Ingested]:
        """Ingest pages, and tell the peer."""
        cut = self.cut_rows()
        results = self.replica.ingest(pages, self.clock.wall)
        stored = [
            (one, data) for one, data in zip(results, pages, strict=True) if one.stored and one.log
        ]
        team = any(one.log[2] == Kind.TEAM for one, _ in stored if one.log)
        if self.end is not None and team:
            self.end.team_changed()
        for one, data in stored:
            assert one.log is not None
            assert one.tip is not None
            single = one.stored == 1 and one.outcome is Outcome.STORED
            log_id = entry.log_id(self.replica.team_id, *one.log)
            self.tell(log_id, one.tip, data if single else None, one.log[0], by=by)
        if self.end is not None and self.end.session is not None:
            now = self.clock.now
            if team and cut != self.cut_rows():
                self.end.apply(self.end.session.moved(now))
            if self.end is not by and any(one.filled for one in results):
                self.end.apply(self.end.session.gained(now))
        return results

    def tell(
        self, log: LogId, tip: Tip, data: bytes | None, author: DeviceKey, *, by: End | None
    ) -> None:
        end = self.end
        if end is not None and end.session is not None and end.close is None:
            own, theirs = author == self.key.public, author == end.other.key.public
            grown = end.session.stored(
                *(log, tip, data),
                own=own,
                theirs=theirs,
                from_peer=theirs or by is not None,
                now=self.clock.now,
            )
            end.apply(grown)

    def cut_rows(self) -> dict[LogId, tuple[Tip, ...]]:
        """How far the posts of those who have gone count here."""
        team, rows = self.replica.team, self.replica.rows(False)
        keys = {log: self.replica.log_key(log) for log in rows}
        return {log: rows[log] for log, key in keys.items() if key and team.is_cut(key[0])}


class End:
    """One end: a channel, and once that is established a session on it."""

    def __init__(self, twin: Twin, other: Twin, channel: SecureChannel, *, dials: bool) -> None:
        self.twin = twin
        self.other = other
        self.channel = channel
        self.dials = dials
        self.session: Session | None = None
        self.close: Close | None = None
        self.out = bytearray(channel.data_to_send())  # on the way to the other
        self.said: list[type[object]] = []  # messages

    # -- bytes -------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """What the connection brought."""
        if self.close is not None:
            return
        try:
            events = self.channel.receive_data(data)
        except Refused as refused:
            raise AssertionError("an honest peer was refused") from refused
        self.out += self.channel.data_to_send()
        for event in events:
            match event:
                case Established(device, _, key):
                    assert device == self.other.key.public
                    self._start(key)
                case Whole(raw) if self.close is None:
                    assert self.session is not None
                    said = message.parse(raw)
                    clock = self.twin.clock
                    self.apply(self.session.receive(said, clock.now, clock.wall))
                case Whole() | Ended():
                    pass

    def _start(self, key: bytes) -> None:
        clock = self.twin.clock
        self.session = Session(
            self.twin.view,
            self.twin.claims,
            initiator=self.dials,
            remote=self.other.key.public,
            key=key,
            port=4711,
            relays=False,
            now=clock.now,
        )
        self.apply(self.session.start(clock.now, clock.wall))

    # -- effects -----------------------------------------------------------------------------

    def apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(data):
                    self._send(data)
                case Ingest():
                    self._ingest(effect)
                case Judge(pages):
                    self._judge(pages)
                case Asked(entries):
                    asked = [(one.log, one.seq, one.id) for one in entries]
                    self._say(message.Payloads(tuple(self.twin.replica.payloads(asked))))
                case Filled(items):
                    self._fill(items)
                case Reached(log, seq):
                    heights = [at.tip.seq for at in self.other.replica.branches(log)]
                    assert max(heights, default=0) >= seq, "it was said to be stored there"
                case Equal(_, tips_there):
                    self._check_stored(tips_there)
                case Close():
                    self.close = effect
                case _:
                    pass

    def _check_stored(self, tips: Tips) -> None:
        for log, at in tips.items():
            assert all(self.other.replica.holds(log, tip) for tip in at), "it is said to be there"

    def _send(self, data: bytes) -> None:
        assert self.close is None, "said something after the end"
        assert self.session is not None
        said = message.parse(data)
        match self.twin.view.standing(self.other.key.public):
            case Standing.CUT:
                assert said == message.Goodbye(Reason.CUT, "")
            case Standing.STRANGER:
                assert isinstance(said, message.Hello)
                assert said[2:6] == (False, None, 0, 0)
            case Standing.MEMBER if isinstance(said, PageMessage):
                is_team = page.kind_of(said.page) == Kind.TEAM
                assert is_team or self.session.phase is Phase.LIVE
        self.said.append(type(said))
        self.channel.send(data)
        self.out += self.channel.data_to_send()

    def _say(self, said: message.Message) -> None:
        assert self.session is not None
        self.apply(self.session.say(said))

    def _ingest(self, due: Ingest) -> None:
        (result,) = self.twin.take([due.page], self)
        log = result.log and entry.log_id(self.twin.replica.team_id, *result.log)
        known = result.stored == 0 and result.reason is None
        assert self.session is not None
        now = self.twin.clock.now
        self.apply(self.session.ingested(log, due, known, result.reason, now))

    def _judge(self, pages: Sequence[bytes]) -> None:
        assert self.session is not None
        if self.twin.replica.team_with(pages).is_active(self.other.key.public):
            self.twin.take(pages, None)
        clock = self.twin.clock
        self.apply(self.session.judged(clock.now, clock.wall))

    def _fill(self, items: tuple[tuple[LogId, int, bytes], ...]) -> None:
        filled = sum(self.twin.replica.fill(items, self.twin.clock.wall))
        assert self.session is not None
        self.apply(self.session.filled(filled))

    # -- what the driver does by itself ------------------------------------------------------

    def team_changed(self) -> None:
        if self.session is not None:
            self.apply(self.session.team_changed())

    def serve(self) -> bool:
        """Send the next page that is due, if any."""
        job = self.session.next_job() if self.session and self.close is None else None
        if job is None or self.session is None:
            return False
        pages = self.twin.replica.cut_pages(job.log, job.after, job.upto, SERVED)
        for served in pages:
            self._send(message.pack(PageMessage(served.page, live=False)))
        last = pages[-1].last if pages else None
        self.apply(self.session.served(job, last, self.twin.clock.now))
        return True

    def tick(self) -> None:
        if self.session is not None and self.close is None:
            self.apply(self.session.tick(self.twin.clock.now))


def connect(dialler: Twin, listener: Twin, rng: random.Random) -> None:
    """A new connection; nothing of it has arrived yet."""
    one = SecureChannel(True, dialler.key, rng.randbytes(32), [PSK])
    two = SecureChannel(False, listener.key, rng.randbytes(32), [PSK])
    dialler.end = End(dialler, listener, one, dials=True)
    listener.end = End(listener, dialler, two, dials=False)


def carry(sender: Twin, count: int) -> bool:
    """So many of the bytes on the way from `sender` arrive; whether any did."""
    end, other = sender.end, sender.end and sender.end.other.end
    if end is None or other is None or not end.out:
        return False
    data = bytes(end.out[:count])
    del end.out[:count]
    other.receive(data)
    return True


def hang_up(*twins: Twin) -> None:
    """The connection is gone, with all that was on the way."""
    for twin in twins:
        if twin.end is not None and twin.end.session is not None:
            twin.claims.leave(twin.end.session)
            twin.end.session.phase = Phase.CLOSED
        twin.end = None
