"""One end of a connection: carries out its session's effects, as `p2pblog/node/driver.py` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2pblog.errors import Refused
from p2pblog.node.driver import SERVE_BYTES
from p2pblog.protocol import message
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.log import Tip
from p2pblog.protocol.session import (
    Close,
    Effect,
    Greeted,
    Ingest,
    Judge,
    Live,
    Phase,
    Send,
    Session,
    Synced,
)
from tests.simulation.network import Wire

if TYPE_CHECKING:
    from tests.simulation.device import Device

NEVER = float("inf")


class End:
    """A session, and the two directions of its connection."""

    def __init__(
        self, device: Device, remote: Device, out: Wire, back: Wire, key: bytes, *, initiator: bool
    ) -> None:
        self.device = device
        self.remote = remote
        self.initiator = initiator
        self.since = device.clock.now
        self.rank = (bytes((device if initiator else remote).key.public), key)
        self.instance = b""
        self.end: Close | None = None
        self.out = out
        self.back = back
        out.source = back.target = self
        self._offered: set[tuple[LogId, Tip]] = set()
        self._serving = False
        self._tick_at = NEVER
        self.session = Session(
            device.view,
            device.claims,
            initiator=initiator,
            remote=DeviceKey(remote.key.public),
            key=key,
            port=4711,
            relays=device.relays,
            now=device.clock.now,
            instance=device.instance,
        )

    @property
    def is_live(self) -> bool:
        return self.session.phase is Phase.LIVE

    @property
    def is_open(self) -> bool:
        return self in self.device.ends

    def start(self) -> None:
        self.apply(self.session.start(self.device.clock.now, self.device.wall()))

    # -- what the network brings -------------------------------------------------------------

    def arrived(self, data: bytes) -> None:
        if not self.is_open:
            return
        self.device.census.received(data)
        try:
            received = message.parse(data)
        except Refused as refused:
            self.apply(self.session.refuse(refused))
            return
        now = self.device.clock.now
        self.apply(self.session.receive(received, now, self.device.wall()))

    def lost(self) -> None:
        self.close()

    # -- effects -----------------------------------------------------------------------------

    def apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if not self.is_open:
                return
            self._carry_out(effect)
        if self.end is not None:
            self.close()
        if self.is_open:
            self._wake()

    def _carry_out(self, effect: Effect) -> None:
        device = self.device
        match effect:
            case Send(data):
                self.send(data)
            case Ingest(data):
                taken = device.take(data, self)
                known = taken.stored == 0 and taken.reason is None
                log = device.log_id(taken.log) if taken.log else None
                now = device.clock.now
                self.apply(self.session.ingested(log, effect, known, taken.reason, now))
            case Judge(pages):
                device.judge(pages, self.remote)
                self.apply(self.session.judged(device.clock.now, device.wall()))
            case Synced(_, freed):
                if freed:
                    device.let_others_go_on(self)
            case Greeted(instance=instance):
                self.instance = instance
                device.settle(self)
            case Live():
                device.is_live(self)
            case Close():
                self.end = effect
            case _:
                pass  # what is reported to people; and payloads: none is ever missing here

    def send(self, data: bytes) -> None:
        """Put a message on the wire."""
        self.device.census.sent(data)
        self.out.send(data)

    # -- time --------------------------------------------------------------------------------

    def _wake(self) -> None:
        clock = self.device.clock
        if not self._serving and self.session.next_job():
            self._serving = True
            clock.at(self.out.free_at, self._serve)
        due = self.session.next_deadline()
        if due < self._tick_at:
            self._tick_at = due
            clock.at(due, self._tick)

    def _tick(self) -> None:
        now = self.device.clock.now
        if now < self._tick_at:
            return  # another was due before this one
        self._tick_at = NEVER
        if self.is_open:
            due = self.session.next_deadline() <= now
            self.apply(self.session.tick(now) if due else ())

    def _serve(self) -> None:
        self._serving = False
        job = self.session.next_job() if self.is_open else None
        if job is None:
            self._offered.clear()
            return
        replica = self.device.replica
        fresh = [job for job in self.session.jobs if (job.log, job.upto) not in self._offered]
        if fresh:
            lags = [replica.lag(job.log, job.after, job.upto) for job in fresh]
            offer = message.Offer(sum(lag[0] for lag in lags), sum(lag[1] for lag in lags))
            self.send(message.pack(offer))
            self._offered.update((job.log, job.upto) for job in fresh)
        pages = replica.cut_pages(job.log, job.after, job.upto, SERVE_BYTES)
        for served in pages:
            self.send(message.pack(message.PageMessage(served.page, live=False)))
        last = pages[-1].last if pages else None
        self.apply(self.session.served(job, last, self.device.clock.now))

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """It is over on this side; what was sent still arrives, and then the end."""
        if self.is_open:
            self.device.leave(self)
            self.session.phase = Phase.CLOSED
            self.back.target = None
            self.device.network.close(self.out)

    def vanish(self, *, told: bool) -> None:
        """The machine is off: what was on its way is lost; whether the peer is told of it."""
        del self.device.ends[self]
        self.back.target = None
        self.device.network.cut(self.out)
        if told and self.out.target is not None:
            self.device.clock.after(self.out.link.latency, self.out.target.lost)
