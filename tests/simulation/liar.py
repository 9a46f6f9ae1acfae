"""A member's device that lies: it gets in with its own key, and then says whatever it likes."""

from __future__ import annotations

from p2pblog.protocol import entry, message, page
from p2pblog.protocol.entry import Kind, LogId, PayloadClass
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Scope
from p2pblog.protocol.post import Post
from tests.simulation.device import Device
from tests.simulation.end import End
from tests.simulation.network import Wire

TRUTH = 0.85  # of what it sends; else nobody would listen for long
LIES = ("nothing", "twice", "again", "changed", "garbage", "heights", "push", "done", "claims")


class Liar(Device):
    """A device whose sessions lie."""

    is_honest = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._forked: set[LogId] = set()

    def end(self, remote: Device, out: Wire, back: Wire, key: bytes, *, initiator: bool) -> End:
        return LyingEnd(self, remote, out, back, key, initiator=initiator)

    def fork(self) -> None:
        """Tell each peer another post of the same height."""
        log = entry.log_id(self.team, self.me, self.identity.incarnation, Kind.POSTS)
        tip = (self.replica.rows(False).get(log) or (None,))[0]
        if tip is None or log in self._forked:
            return
        self._forked.add(log)  # three branches: of more than four not all are pulled
        told = [self._page(tip, text) for text in ("yes", "no")]
        for number, end in enumerate(self.ends):
            if end.is_live:
                End.send(end, message.pack(message.PageMessage(told[number % 2], True)))

    def _page(self, before: Tip, text: str) -> bytes:
        made = entry.make(
            self.key,
            self.team,
            self.identity.incarnation,
            Kind.POSTS,
            seq=before.seq,
            backlink=self._backlink(before),
            time=self.wall(),
            payload_class=PayloadClass.POST,
            salt=self.rng.randbytes(16),
            content=Post(text, "general").pack(),
        )
        return page.pack([made.header_bytes], [made.payload], [made.signature])

    def _backlink(self, tip: Tip) -> entry.EntryId:
        log = entry.log_id(self.team, self.me, self.identity.incarnation, Kind.POSTS)
        found = self.replica.id_at(log, tip, tip.seq - 1) if tip.seq > 1 else None
        return found or entry.NO_BACKLINK


class LyingEnd(End):
    """It leaves out, repeats, changes and invents."""

    _before = b""

    def send(self, data: bytes) -> None:
        rng = self.device.rng
        if not self.is_live or rng.random() < TRUTH:
            super().send(data)
        else:
            for lie in self._lies(rng.choice(LIES), data):
                super().send(lie)
        self._before = data

    def _lies(self, kind: str, data: bytes) -> list[bytes]:
        rng = self.device.rng
        match kind:
            case "twice":
                return [data, data]
            case "again":
                return [data, self._before] if self._before else [data]
            case "changed":
                at = rng.randrange(len(data))
                return [data[:at] + rng.randbytes(1) + data[at + 1 :]]
            case "garbage":
                return [data, rng.randbytes(rng.randrange(1, 300))]
            case "heights":
                return [data, message.pack(message.Announce(self._rows(), b""))]
            case "push":
                logs = tuple(row.log for row in self._rows())
                return [data, message.pack(message.Push(logs, rng.random() < 0.5))]
            case "done":
                return [message.pack(message.Done(Scope.POSTS)), data]
            case "claims":
                buckets = tuple(range(256))
                return [data, message.pack(message.Rows(1, buckets, self._rows(), True, True))]
            case _:
                return []

    def _rows(self) -> tuple[Row, ...]:
        """Of every log more than there is."""
        rng = self.device.rng
        return tuple(
            Row(log, (Mark(max(tips).seq + rng.randrange(1, 1000), ShortId(rng.randbytes(12))),))
            for log, tips in sorted(self.device.replica.rows(False).items())
        )
