"""Runs one session: the pure machine between a connection and the store.

Four tasks: one reads, and handles what is live; one handles in order what was read in bulk; one
writes; one wakes the session when something is due. What is to be sent stays in the log until the
connection takes it; a peer that does not read is only a cursor that lags.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Protocol, TypeVar

import trio

from p2pblog.errors import ConnectionLost, PeerError, Reason, Refused
from p2pblog.net.connection import Connection
from p2pblog.node.courtesy import Account, timed
from p2pblog.node.peering import Peer
from p2pblog.node.pieces import pieces
from p2pblog.node.service import Sync
from p2pblog.node.writer import Pages
from p2pblog.protocol import entry, message
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Tips
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Message, Scope
from p2pblog.protocol.session import (
    PAGE_COST,
    Asked,
    Close,
    Effect,
    Equal,
    Expect,
    Filled,
    Greeted,
    Ingest,
    Job,
    Judge,
    Live,
    Phase,
    Reached,
    Send,
    Session,
    Synced,
    Told,
    View,
)
from p2pblog.store.replica import Checked, Ingested, Replica, Served

_T = TypeVar("_T")

INBOX = 16  # reads waiting to be handled, 4 MiB at most: then the peer is slowed down
BULK = 64 * 1024  # bytes of a read from which its pages are checked while others are stored
LARGE = 16 * 1024  # bytes of a message from which it is parsed, or its page checked, in a thread
MAX_AHEAD = 4 * 1024 * 1024  # bytes of pages checked ahead, all sessions: six times that is held
BATCH_BYTES = 1536 * 1024  # pages ingested at a time: 4,096 short posts, one transaction
BATCH_LITTLE = 256 * 1024  # the same while somebody posts
SERVE_BYTES = 1024 * 1024  # pages read from the store at a time
MAX_OUTBOX = 8 * 1024 * 1024  # of control messages that a peer does not take: then it is dropped
MESSAGE_COST = 0.0003  # seconds that a message costs besides: decrypting, handing on, waking up
SENT = 2  # times what it takes to read pages, for packing and encrypting them as well
SERVE_LITTLE = 256 * 1024  # the same while somebody posts
MOST = 2**48  # entries or bytes on the way that anybody believes: what a liar offers adds up
FAREWELL = 1.0  # seconds to say goodbye


@dataclass(slots=True)
class Progress:
    """What is to come and to go, as far as the two sides have told; never below zero."""

    entries_to_get: int = 0
    bytes_to_get: int = 0
    entries_got: int = 0
    bytes_got: int = 0
    entries_to_send: int = 0
    bytes_to_send: int = 0

    def expect(self, entries: int, size: int) -> None:
        """The peer has offered so much more."""
        self.entries_to_get = min(self.entries_to_get + entries, MOST)
        self.bytes_to_get = min(self.bytes_to_get + size, MOST)

    def got(self, entries: int, size: int) -> None:
        """So much of it has been stored."""
        self.entries_got += entries
        self.bytes_got += size
        self.entries_to_get = max(0, self.entries_to_get - entries)
        self.bytes_to_get = max(0, self.bytes_to_get - size)

    def arrived(self) -> None:
        """Nothing more is to come."""
        self.entries_to_get = self.bytes_to_get = 0

    def send(self, entries: int, size: int) -> None:
        """So much more is to go (less, where negative)."""
        self.entries_to_send = max(0, self.entries_to_send + entries)
        self.bytes_to_send = max(0, self.bytes_to_send + size)

    def sent(self) -> None:
        """Nothing more is to go."""
        self.entries_to_send = self.bytes_to_send = 0

    def view(self) -> Sync:
        """As the surfaces see it."""
        return Sync(*astuple(self))


@dataclass(frozen=True, slots=True)
class Page:
    """A page that came in bulk in a message of `size`, checked in `spent` seconds."""

    message: message.PageMessage
    checked: Checked
    size: int
    spent: float


Received = bytes | Page


class Hub(Protocol):
    """What a driver needs of the node."""

    @property
    def replica(self) -> Replica:
        """The store."""
        ...

    @property
    def view(self) -> View:
        """What sessions ask of it."""
        ...

    @property
    def claims(self) -> Claims:
        """Which session fetches what."""
        ...

    def account(self, device: DeviceKey) -> Account:
        """What a device costs, and makes it wait while somebody posts."""
        ...

    def clock(self) -> int:
        """The wall clock in ms."""
        ...

    @property
    def instance(self) -> bytes:
        """8 random bytes of this start."""
        ...

    def is_greeted(self, driver: Driver) -> None:
        """The peer has said which start of its device it is."""
        ...

    def is_live(self, driver: Driver) -> None:
        """Both sides are authorised."""
        ...

    def is_synced(self, driver: Driver, scope: Scope, *, freed: bool) -> None:
        """All that the peer had for us has come; with `freed` others should look again."""
        ...

    async def take(self, pages: Pages, by: Driver | None) -> list[Ingested]:
        """Ingest pages, and tell readers and other sessions."""
        ...

    def has_reached(self, driver: Driver, log: LogId, seq: int) -> None:
        """The peer has stored a log up to a height."""
        ...

    def has_same(self, driver: Driver, tips: Tips) -> None:
        """The peer has stored logs up to these tips."""
        ...

    def was_told(self, items: tuple[tuple[bytes, tuple[str, ...]], ...]) -> None:
        """The peer told where other devices are."""
        ...

    async def judge(self, pages: Sequence[bytes], device: DeviceKey) -> None:
        """Ingest a stranger's team logs if they make it a member."""
        ...

    async def fill(self, driver: Driver, items: tuple[tuple[LogId, int, bytes], ...]) -> None:
        """Store payloads that we asked for, then call the session's `filled`."""
        ...


class Driver:
    """One session, running while `run` runs. `since` is the monotonic time of its start."""

    def __init__(self, hub: Hub, connection: Connection, *, port: int, relays: bool) -> None:
        self.remote = connection.remote_device
        self.initiator = connection.initiator
        self.since = trio.current_time()
        self.progress = Progress()
        self.account = hub.account(connection.remote_device)
        self.clock_ahead: int | None = None
        self.remote_port = 0
        self.peer = Peer(connection.remote_device)
        self.connection = connection
        self.session = Session(
            hub.view,
            hub.claims,
            initiator=connection.initiator,
            remote=connection.remote_device,
            key=connection.handshake_hash,
            port=port,
            relays=relays,
            now=self.since,
            instance=hub.instance,
        )
        self.end: Close | None = None
        self._hub = hub
        self._outbox: list[bytes] = []
        self._outbox_size = 0
        self._pages: list[tuple[Ingest, bytes | Checked]] = []
        self._pages_size = 0  # bytes, with what each holds beside
        self._held = 0  # bytes of pages that are checked and not handled yet
        self._waiting_reads = 0  # handed on and not yet done with
        self._check_limit = trio.CapacityLimiter(1)
        self._wake = trio.Event()
        self._alarm = trio.CancelScope()
        self._scope = trio.CancelScope()

    @property
    def is_live(self) -> bool:
        """Whether both sides are authorised."""
        return self.session.phase is Phase.LIVE

    def drop(self) -> None:
        """End it, without blame: another connection takes over, or the node stops."""
        self._scope.cancel()

    def lose(self, detail: str) -> None:
        """End it: nothing can come by this connection any more."""
        self.end = Close(Reason.TIMED_OUT, detail, fault=False)
        self._scope.cancel()

    async def run(self) -> None:
        """Until the session ends; then `end` says why. Raises nothing of the peer's doing."""
        try:
            with self._scope:
                self.apply(self.session.start(trio.current_time(), self._hub.clock()))
                await self._work()
            await self._farewell()
        except PeerError as error:
            fault = not isinstance(error, ConnectionLost)
            self.end = self.end or Close(error.reason, error.detail, fault)
        finally:
            self.session.phase = Phase.CLOSED
            self._hold(-self._held)
            self._hub.claims.leave(self.session)

    async def _work(self) -> None:
        send, receive = trio.open_memory_channel[list[Received]](INBOX)
        lost: PeerError | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, send)
                nursery.start_soon(self._write)
                nursery.start_soon(self._tick)
                await self._handle_all(receive)
                nursery.cancel_scope.cancel()
        except* PeerError as group:
            lost = _first(group)
        if isinstance(lost, Refused):
            self.apply(self.session.refuse(lost))
        elif lost is not None:
            raise lost

    async def _farewell(self) -> None:
        """Say what is still to be said: a goodbye, as a rule."""
        with trio.move_on_after(FAREWELL):
            await self._send_outbox()

    # -- reading and handling ----------------------------------------------------------------

    async def _read(self, send: trio.MemorySendChannel[list[Received]]) -> None:
        async with send:
            while messages := await self.connection.receive():
                if self.is_live and sum(map(len, messages)) >= BULK:
                    await self._pass_on(send, [await self._ahead(data) for data in messages])
                elif self._waiting_reads:
                    await self._pass_on(send, list(messages))
                else:  # at once, by this very task: what is live comes message by message
                    await self._handle(messages)
                    await self._ingest_waiting()

    async def _pass_on(
        self, send: trio.MemorySendChannel[list[Received]], messages: list[Received]
    ) -> None:
        self._waiting_reads += 1
        await send.send(messages)

    async def _ahead(self, data: bytes) -> Received:
        """The page in a message, checked while others are stored; else the message as it came."""
        courtesy = self.account.courtesy
        if not (message.seems_page(data) and courtesy.is_calm and courtesy.ahead < MAX_AHEAD):
            return data
        self._hold(len(data))
        try:
            return await self._page(data)
        except Refused:  # by whoever handles it, after what came before
            self._hold(-len(data))
            return data

    async def _page(self, data: bytes) -> Page:
        received = message.parse(data)
        assert isinstance(received, message.PageMessage)
        checked = await self._aside(self._hub.replica.check_page, received.page)
        return Page(received, checked[0], len(data), checked[1])

    def _hold(self, size: int) -> None:
        """So much more is checked and waits; less, where negative."""
        self._held += size
        self.account.courtesy.ahead += size

    async def _aside(self, function: Callable[..., _T], *args: object) -> tuple[_T, float]:
        """`timed` in a thread, while other sessions go on."""
        return await trio.to_thread.run_sync(timed, function, *args, limiter=self._check_limit)

    async def _handle_all(self, receive: trio.MemoryReceiveChannel[list[Received]]) -> None:
        async for messages in receive:
            reads = 1
            await self._handle(messages)
            while self.end is None:
                try:
                    await self._handle(receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
                reads += 1
            await self._ingest_waiting()
            self._waiting_reads -= reads
            if self.end is not None:
                return
        self.end = self.end or Close(Reason.SHUTTING_DOWN, "peer ended", fault=False)

    async def _handle(self, messages: Sequence[Received]) -> None:
        for data in messages:
            if self.end is not None:
                return
            received, checked = await self._parsed(data)
            if not isinstance(received, message.PageMessage) or self._is_full():
                await self._ingest_waiting()
            for piece in pieces(received):
                if self.end is not None:
                    return
                now = trio.current_time()
                effects, spent = timed(self.session.receive, piece, now, self._hub.clock())
                await self._apply_all(effects, checked)
                self.account.owe(spent)
                await self.account.pay(always=True)

    async def _parsed(self, data: Received) -> tuple[Message | None, Checked | None]:
        self.account.owe(MESSAGE_COST)
        if isinstance(data, Page):
            self._hold(-data.size)
        elif self.is_live and len(data) >= LARGE and message.seems_page(data):
            data = await self._page(data)
        if isinstance(data, Page):
            self.account.owe_bulk(data.spent)
            return data.message, data.checked
        if len(data) < LARGE:
            received, spent = timed(message.parse, data)
        else:
            received, spent = await self._aside(message.parse, data)
        self.account.owe(spent)
        return received, None

    def _is_full(self) -> bool:
        most = BATCH_BYTES if self.account.courtesy.is_calm else BATCH_LITTLE
        return self._pages_size >= most

    async def _apply_all(self, effects: Sequence[Effect], checked: Checked | None) -> None:
        """Apply effects of a message, those included that take time."""
        for effect in effects:
            match effect:
                case Ingest(data, live):
                    self._pages.append((effect, checked or data))
                    self._pages_size += len(data) + PAGE_COST
                    if live:
                        self.account.courtesy.posting()
                case Judge(pages):
                    await self._hub.judge(pages, self.remote)
                    self.apply(self.session.judged(trio.current_time(), self._hub.clock()))
                case Asked(entries):
                    await self._send_payloads(entries)
                case Filled(items):
                    await self._hub.fill(self, items)
                case _:
                    self.apply((effect,))
        self.apply(())  # there may be runs to serve

    def apply(self, effects: Sequence[Effect]) -> None:
        """Apply effects that take no time. The node calls this too."""
        for effect in effects:
            match effect:
                case Send(data):
                    self._outbox.append(data)
                    self._outbox_size += len(data)
                case Live():
                    self._hub.is_live(self)
                case Synced(scope, freed):
                    self.progress.arrived()
                    self._hub.is_synced(self, scope, freed=freed)
                case Expect(entries, size):
                    self.progress.expect(entries, size)
                case Reached(log_id, seq):
                    self._hub.has_reached(self, log_id, seq)
                case Equal(_, tips):
                    self._hub.has_same(self, tips)
                case Told(items):
                    self._hub.was_told(items)
                case Greeted(clock, port, instance):
                    self.remote_port = port
                    self.peer = Peer(self.remote, instance)
                    self.clock_ahead = clock - self._hub.clock() if clock else None
                    self._hub.is_greeted(self)
                case Close():
                    self.end = effect
                case _:
                    raise AssertionError(effect)
        if self._outbox_size > MAX_OUTBOX:
            self.end = Close(Reason.FLOOD, "does not read", fault=True)
        if self._outbox and self.connection.send_now(self._outbox):
            self._outbox.clear()
            self._outbox_size = 0
        if self._outbox or self.connection.unsent or self.session.next_job():
            self._wake.set()
        due = self.session.next_deadline()
        if due < self._alarm.deadline:
            self._alarm.deadline = due
        if self.end is not None:
            self._scope.cancel()

    async def _ingest_waiting(self) -> None:
        pages, self._pages, self._pages_size = self._pages, [], 0
        if not pages:
            return
        results = await self._hub.take([data for _, data in pages], self)
        now = trio.current_time()
        for (effect, _), result in zip(pages, results, strict=True):
            self.progress.got(result.stored, result.size)
            log_id = result.log and entry.log_id(self._hub.replica.team_id, *result.log)
            known = result.stored == 0 and result.reason is None
            self.apply(self.session.ingested(log_id, effect, known, result.reason, now))

    async def _send_payloads(self, entries: tuple[message.Missing, ...]) -> None:
        wanted = [(missing.log, missing.seq, missing.id) for missing in entries]
        found, spent = await self._thread(timed, self._hub.replica.payloads, wanted)
        self.account.owe(SENT * spent)
        self.say(message.Payloads(tuple(found)))

    def say(self, data: Message) -> None:
        """Send a message."""
        self.apply(self.session.say(data))

    # -- writing -----------------------------------------------------------------------------

    async def _write(self) -> None:
        offered: set[tuple[LogId, Tip]] = set()
        while True:
            self._wake = trio.Event()
            if self._outbox or self.connection.unsent:
                await self._send_outbox()
            elif self.session.next_job():
                fresh = [job for job in self.session.jobs if (job.log, job.upto) not in offered]
                if fresh:
                    await self._offer(fresh)
                    offered.update((job.log, job.upto) for job in fresh)
                await self._serve(self.session.jobs)
            else:
                self.progress.sent()
                offered.clear()
                await self._wake.wait()

    async def _send_outbox(self) -> None:
        """Send what waits; what a cancellation keeps from going stays for the farewell."""
        count, size = len(self._outbox), self._outbox_size
        await self.connection.send_many(self._outbox[:count])
        del self._outbox[:count]
        self._outbox_size -= size

    async def _offer(self, jobs: Sequence[Job]) -> None:
        def lag() -> tuple[int, int]:
            lags = [self._hub.replica.lag(job.log, job.after, job.upto) for job in jobs]
            return sum(entries for entries, _ in lags), sum(size for _, size in lags)

        (entries, size), spent = await self._thread(timed, lag)
        self.account.owe(spent)
        self.progress.send(entries, size)
        await self.connection.send(message.pack(message.Offer(entries, size)))

    async def _serve(self, jobs: Sequence[Job]) -> None:
        """Send of the first jobs as much as is read at a time."""
        size = SERVE_BYTES if self.account.courtesy.is_calm else SERVE_LITTLE
        parts, spent = await self._thread(timed, self._cut, jobs, size)
        await self.connection.send_many(
            message.pack(message.PageMessage(served.page, live=False))
            for _, pages in parts
            for served in pages
        )
        for job, pages in parts:
            self.progress.send(-sum(p.entries for p in pages), -sum(p.size for p in pages))
            last = pages[-1].last if pages else None
            self.apply(self.session.served(job, last, trio.current_time()))
        self.account.owe(SENT * spent)
        await self.account.pay()

    def _cut(self, jobs: Sequence[Job], size: int) -> list[tuple[Job, list[Served]]]:
        """Pages of the first jobs: a hundred small ones are one read, and one frame."""
        parts: list[tuple[Job, list[Served]]] = []
        for job in jobs:
            pages = self._hub.replica.cut_pages(job.log, job.after, job.upto, size)
            parts.append((job, pages))
            size -= sum(len(served.page) for served in pages)
            if size <= 0:
                break
        return parts

    async def _tick(self) -> None:
        """Wake the session when something is due; whoever finds it due sooner sets the alarm."""
        while True:
            with trio.move_on_at(self.session.next_deadline()) as self._alarm:
                await trio.sleep_forever()
            effects, spent = timed(self.session.tick, trio.current_time())
            self.apply(effects)
            self.account.owe(spent)
            await self.account.pay(always=True)

    async def _thread(self, function: Callable[..., _T], *args: object) -> _T:
        return await trio.to_thread.run_sync(function, *args, limiter=self.account.reads)


def _first(group: BaseExceptionGroup[PeerError]) -> PeerError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, PeerError)
    return error
