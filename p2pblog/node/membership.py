"""A member's device at work: the replica, its sessions, and the ways to other devices.

It is the hub that drivers report to: what one session brings is told to the others and to readers.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import trio

from p2pblog.errors import CantWrite, Reason
from p2pblog.net import interfaces, links
from p2pblog.net.connection import Connection
from p2pblog.net.listener import Listener
from p2pblog.node import knocking
from p2pblog.node.addresses import Addresses
from p2pblog.node.courtesy import Account, Courtesy
from p2pblog.node.driver import Driver
from p2pblog.node.files import Files
from p2pblog.node.guests import Guests
from p2pblog.node.identity import Identity
from p2pblog.node.incarnation import opening_draft, own_height, renewed
from p2pblog.node.known import Knowledge
from p2pblog.node.marker import Marker
from p2pblog.node.murmur import Murmur
from p2pblog.node.peering import Ended, Peer, Peering
from p2pblog.node.room import Room
from p2pblog.node.sessions import Sessions
from p2pblog.node.view import ReplicaView
from p2pblog.node.writer import Pages, Writer
from p2pblog.protocol import crypto, entry, message, overlay, page
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.effects import Effect
from p2pblog.protocol.entry import Entry, Incarnation, Kind, LogId, PayloadClass
from p2pblog.protocol.frontier import Tips
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.limits import (
    ROTATION_INTERVAL,
    SALT_SIZE,
)
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.message import Scope
from p2pblog.protocol.names import shown
from p2pblog.protocol.operation import Admit, Operation
from p2pblog.protocol.overlay import Overlay
from p2pblog.protocol.post import Cause
from p2pblog.store.replica import Appended, Author, Checked, Draft, Ingested, Paused, Replica

log = logging.getLogger(__name__)
BLAMELESS_ENDS = frozenset(  # whichever side said so; all others say that something is broken
    (
        *(Reason.TIMED_OUT, Reason.SHUTTING_DOWN, Reason.DUPLICATE, Reason.BUSY),
        *(Reason.NOT_A_MEMBER, Reason.CUT, Reason.VERSION),
    )
)
LEFT = Ingested(Outcome.REFUSED)  # a page that was not looked at, for want of room
MARK_EVERY = 10.0  # seconds: a backup older than that is noticed without asking anybody

MAX_KNOCKED = 16  # strangers whose admission fell, kept until they are let in again
MAX_PUSHED = 8  # of own entries made at once; more are fetched in pages, which is far less work


class Grown(NamedTuple):
    """A log that has grown: its tip, the newest entry as a page if that is all, and its author."""

    log: LogId
    tip: Tip
    page: bytes | None
    author: DeviceKey


def wall_clock() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True, eq=False)
class Membership:
    """One device of a team, working while `run` runs. `salt` makes random bytes."""

    identity: Identity
    replica: Replica
    listener: Listener
    salt: Callable[[int], bytes]
    chance: random.Random
    instance: bytes
    files: Files
    clock: Callable[[], int] = wall_clock
    claims: Claims = field(default_factory=Claims)
    courtesy: Courtesy = field(default_factory=Courtesy)
    last_seen: dict[DeviceKey, int] = field(default_factory=dict)
    knocked: dict[DeviceKey, Admit] = field(default_factory=dict)  # fell with who admitted them
    cut_by: set[DeviceKey] = field(default_factory=set)  # who says that we were removed
    admitting: trio.Lock = field(default_factory=trio.Lock)
    publishing: trio.Lock = field(default_factory=trio.Lock)  # of what is to be posted once
    arrived: trio.Event = field(default_factory=trio.Event)
    _nursery: trio.Nursery | None = None
    _murmur: Murmur = field(default_factory=lambda: Murmur(log))
    _judging: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))
    renewed: bool = False  # a new incarnation was opened since the start
    _marked: int = -1
    _cut: dict[LogId, tuple[Tip, ...]] = field(default_factory=dict)
    _paused: tuple[Paused, ...] = ()
    marker: Marker = field(init=False)
    room: Room = field(init=False)
    known: Knowledge = field(init=False)
    writer: Writer = field(init=False)
    view: ReplicaView = field(init=False)
    sessions: Sessions = field(init=False)
    peering: Peering = field(init=False)
    addresses: Addresses = field(init=False)
    guests: Guests = field(init=False)
    overlay: Overlay = field(init=False)

    def __post_init__(self) -> None:
        key = self.identity.key
        self.replica.spare(key.public)
        self.writer = Writer(self.replica, self._author, self.clock, self.courtesy)
        self.marker = Marker(self.files.marker, self.files.store)
        self.room = Room(self.files.home, self.claims)
        self.room.look()
        self.known = Knowledge(self.replica.settings())
        self._cut = self._cut_rows()
        self.view = ReplicaView(self.replica)
        self.sessions = Sessions(key.public, lambda device: device in self.replica.team.devices)
        psk = crypto.network_psk(self.identity.network_key)
        self.peering = Peering(
            key, psk, self.run_session, self._wants, self.sessions.wait_gone, self.chance
        )
        self.addresses = Addresses(
            *(self.me, self.replica, self.writer, self.sessions, self.peering),
            port=self.listener.port,
            clock=self.clock,
        )
        self.guests = Guests(self)

    @property
    def me(self) -> DeviceKey:
        """Our own device."""
        return self.identity.key.public

    @property
    def _author(self) -> Author:
        return Author(self.identity.key, self.identity.incarnation)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve and dial until cancelled."""
        self.overlay = Overlay(trio.current_time() + ROTATION_INTERVAL * self.chance.random())
        self.addresses.recall()
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await self._open_incarnation()
            nursery.start_soon(self.writer.index)
            nursery.start_soon(
                self.listener.serve, self._accept, self.identity.key, self.guests.psks
            )
            await nursery.start(self.peering.run)
            nursery.start_soon(self._keep_marking)
            nursery.start_soon(links.watch, self._network_changed)
            task_status.started()

    # -- own entries -------------------------------------------------------------------------

    async def append(self, kind: Kind, drafts: Sequence[Draft]) -> list[Appended]:
        """Append own entries of one kind; durable when it returns, then told to all."""
        made = await self.writer.append(drafts)
        log_id = entry.log_id(self.replica.team_id, self.me, self.identity.incarnation, kind)
        if kind == Kind.TEAM:
            self._team_changed()  # first: who was removed hears no more
        self._tell(
            [
                Grown(log_id, Tip(one.entry.header.seq, one.entry.id), _page(one.entry), self.me)
                for one in (made if len(made) <= MAX_PUSHED else made[-1:])
            ],
            by=None,
        )
        self._notify()
        return made

    async def operate(self, operation: Operation) -> Appended:
        """Append an operation to our team log."""
        draft = Draft(Kind.TEAM, PayloadClass.OPERATION, operation.pack(), self.salt(SALT_SIZE))
        return (await self.append(Kind.TEAM, [draft]))[0]

    def _notify(self) -> None:
        self.arrived.set()
        self.arrived = trio.Event()

    # -- what drivers report -----------------------------------------------------------------

    def is_live(self, driver: Driver) -> None:
        """Both sides are authorised: tell where others are, remember where this one is."""
        self.report(driver.remote, "connect device=%s address=%s", self.addresses.of(driver))
        self.last_seen[driver.remote] = self.clock()
        self.cut_by.discard(driver.remote)
        driver.say(message.Peers(self.addresses.to_tell(driver.remote)))
        if self._nursery is not None:
            self._nursery.start_soon(self.addresses.remember, driver)
        self._give_back(driver)

    def is_synced(self, driver: Driver, scope: Scope, *, freed: bool) -> None:
        """One peer has sent all: let others go on with what it had."""
        log.debug("sync device=%s scope=%s", _brief(driver.remote), scope.name.lower())
        if freed:
            self._let_others_go_on(driver)

    def has_grown(self, results: Sequence[Ingested], pages: Pages, by: Driver | None) -> None:
        """Pages were ingested: tell readers and other sessions, once a log."""
        grown: dict[LogId, Grown] = {}
        team = False
        for result, data in zip(results, pages, strict=True):
            if result.reason is not None:
                who = by.remote if by else None
                self.report(who, "refuse page by=%s reason=%s", result.reason)
            if not result.stored or result.log is None or result.tip is None:
                continue
            team = team or result.log[2] == Kind.TEAM
            log_id = entry.log_id(self.replica.team_id, *result.log)
            single = result.stored == 1 and log_id not in grown
            single = single and result.outcome is Outcome.STORED
            raw = data.data if isinstance(data, Checked) else data
            grown[log_id] = Grown(log_id, result.tip, raw if single else None, result.log[0])
        if team:
            self._team_changed()  # first: who was removed hears no more
        if grown:
            self._tell(grown.values(), by)
            self._notify()
            self._check_own(results)
        if any(result.filled for result in results):
            self._has_gained(by)
        if any(result.reason is Reason.PAUSED for result in results) or team:
            self.look_at_pauses()

    # -- incarnations ------------------------------------------------------------------------

    def _check_own(self, results: Sequence[Ingested]) -> None:
        """Somebody brought entries of our own log: we had forgotten them, or it has forked."""
        mine = [one for one in results if one.stored and one.log and self._is_own(one.log)]
        if mine and self._nursery is not None:
            forked = any(one.outcome is Outcome.FORK for one in mine)
            self._nursery.start_soon(self._renew, Cause.FORKED if forked else Cause.BEHIND)

    def _is_own(self, log_key: tuple[DeviceKey, Incarnation, int]) -> bool:
        return log_key[:2] == (self.me, self.identity.incarnation)

    async def _renew(self, cause: Cause) -> None:
        """Go on in a new incarnation, from the next entry on."""
        identity = renewed(self.identity, self.replica, cause, self.salt)
        if identity != self.identity:
            await trio.to_thread.run_sync(identity.save, self.files.identity)
            self.identity = identity
            self.writer.sign_as(self._author)
            await self._open_incarnation()

    async def _open_incarnation(self) -> None:
        """Begin a later incarnation's log with what it follows, if that is still to be said."""
        draft = opening_draft(self.identity, self.replica, self.salt)
        if draft is not None:
            await self.append(Kind.POSTS, [draft])
            self.renewed = True
        await self.mark()

    async def mark(self) -> None:
        """Note outside the home how far our logs have got."""
        height = own_height(self.identity, self.replica)
        if height != self._marked:
            with suppress(CantWrite):  # an older mark is as good: it is never ahead of the store
                await trio.to_thread.run_sync(self.marker.write, height)
                self._marked = height

    def close(self) -> None:
        """Note how far we got, and close the store; after `run` has ended."""
        with suppress(CantWrite):
            self.marker.write(own_height(self.identity, self.replica))
            for key, text in self.known.take_changed():
                self.replica.put_setting(key, text)
        self.replica.close()

    async def _keep_marking(self) -> None:
        while True:
            await trio.sleep(MARK_EVERY)
            await self.mark()
            self.look_at_pauses()
            with suppress(CantWrite):
                for key, text in self.known.take_changed():
                    await self.writer.call(self.replica.put_setting, key, text)
            if self.room.look():
                await self._moved()

    def look_at_pauses(self) -> None:
        """Where a device is taken up again, ask all for what was left out of it."""
        before, self._paused = self._paused, self.replica.paused(self.clock())
        if {one[:2] for one in before} - {one[:2] for one in self._paused}:
            for driver in self.sessions:
                driver.apply(driver.session.take_again(trio.current_time()))

    def has_reached(self, driver: Driver, log_id: LogId, seq: int) -> None:
        """The peer has stored a log up to a height."""
        self.known.note(driver.remote, log_id, seq)

    def has_same(self, driver: Driver, tips: Tips) -> None:
        """The peer has stored logs up to these tips."""
        self.is_stored_by(driver.remote, tips)

    def is_stored_by(self, device: DeviceKey, tips: Tips) -> None:
        """The device said that it has stored logs up to these tips."""
        self.known.note_tips(device, tips)

    def was_told(self, items: tuple[tuple[bytes, tuple[str, ...]], ...]) -> None:
        """A peer told where other devices are."""
        self.addresses.told(items)

    async def judge(self, pages: Sequence[bytes], device: DeviceKey) -> None:
        """Ingest a stranger's team logs if they make it a member.

        One at a time: it takes seconds where a stranger sends all that it may.
        """

        def weigh() -> tuple[bool, Admit | None]:
            team = self.replica.team_with(pages)
            active = team.is_active(device)
            return active, None if active else knocking.fallen(team, pages, device)

        active, fell = await trio.to_thread.run_sync(weigh, limiter=self._judging)
        if active:
            await self.take(pages, None)
        elif fell is not None and len(self.knocked) < MAX_KNOCKED:
            self.knocked[device] = fell

    async def take(self, pages: Pages, by: Driver | None) -> list[Ingested]:
        """Ingest pages, and tell readers and other sessions; none of posts where room is short."""
        account = by.account if by else None
        self.room.look()
        taken = [self.room.takes(data) for data in pages]
        todo = [data for data, wanted in zip(pages, taken, strict=True) if wanted]
        try:
            done = iter(await self.writer.ingest(todo, partial(self.has_grown, by=by), account))
        except CantWrite as fault:
            log.warning("leave pages=%d: %s", len(pages), fault)
            self.room.run_out()
            return [LEFT for _ in pages]
        return [next(done) if wanted else LEFT for wanted in taken]

    async def fill(self, driver: Driver, items: tuple[tuple[LogId, int, bytes], ...]) -> None:
        """Store payloads that we asked for, and tell of them those who lack some too."""
        filled = 0
        with suppress(CantWrite):  # they stay wanted
            filled = sum(await self.writer.call(self.replica.fill, items, self.clock()))
        if filled:
            self.writer.index_soon(filled)
            self._has_gained(driver)
        driver.apply(driver.session.filled(filled))

    def _has_gained(self, by: Driver | None) -> None:
        """Payloads came that were missing."""
        self._notify()
        for other in self.sessions:
            if other is not by:
                other.apply(other.session.gained(trio.current_time()))

    def _tell(self, grown: Iterable[Grown], by: Driver | None) -> None:
        """Tell the peers of logs that have grown; its author too, who pushes only to the next."""
        now = trio.current_time()
        for driver in self.sessions:
            effects: list[Effect] = []
            for log_id, tip, data, author in grown:
                theirs = driver.remote == author
                effects += driver.session.stored(
                    *(log_id, tip, data),
                    own=author == self.me,
                    theirs=theirs,
                    from_peer=driver is by or theirs,
                    now=now,
                )
            driver.apply(effects)

    def _team_changed(self) -> None:
        for driver in self.sessions:
            driver.apply(driver.session.team_changed())
        cut, self._cut = self._cut, self._cut_rows()
        if cut != self._cut and self._nursery is not None:
            self._nursery.start_soon(self._moved)

    def _cut_rows(self) -> dict[LogId, tuple[Tip, ...]]:
        """How far the posts of those who have gone count here."""
        team, rows = self.replica.team, self.replica.rows(False)
        keys = {log_id: self.replica.log_key(log_id) for log_id in rows}
        return {log_id: rows[log_id] for log_id, key in keys.items() if key and team.is_cut(key[0])}

    async def _moved(self) -> None:
        """After what made it so is told: compare with all, for nothing else tells of it."""
        now = trio.current_time()
        for driver in self.sessions:
            driver.apply(driver.session.moved(now))

    def active_devices(self) -> list[DeviceKey]:
        """The devices of the team."""
        team = self.replica.team
        return [key for key in team.devices if team.is_active(key)]

    def own_log(self) -> LogId:
        """Our posts log."""
        identity = self.identity
        return entry.log_id(identity.team, self.me, identity.incarnation, Kind.POSTS)

    def _network_changed(self) -> None:
        """End what goes from an address that this machine has lost, and dial again at once."""
        present = interfaces.look()
        for driver in self.sessions:
            if not present.have(driver.connection.local_host):
                driver.lose("the address it went from is gone")
        self.overlay.hurry()
        self.peering.hurry()

    # -- connections -------------------------------------------------------------------------

    async def _accept(self, connection: Connection) -> None:
        if not await self.guests.host(connection):
            await self.run_session(connection)

    async def run_session(self, connection: Connection) -> Ended:
        """Run a session to its end."""
        relays = overlay.relays(len(self.replica.team.devices))
        driver = Driver(self, connection, port=self.listener.port, relays=relays)
        self.sessions.enter(driver)
        try:
            await driver.run()
        finally:
            self.sessions.leave(driver)
            self._let_others_go_on(driver)
        if driver.remote in self.replica.team.devices:  # of strangers nothing is kept
            self.last_seen[driver.remote] = self.clock()
            if driver.end and driver.end.reason is Reason.CUT and not driver.end.fault:
                self.cut_by.add(driver.remote)
        reason = driver.end.reason if driver.end else Reason.DUPLICATE
        detail = driver.end.detail if driver.end else "another connection took over"
        self.report(driver.remote, "disconnect device=%s reason=%s: %s", reason, detail)
        return Ended(reason, driver.peer, fault=reason not in BLAMELESS_ENDS)

    def report(self, device: DeviceKey | None, line: str, *details: object) -> None:
        """Log what a device caused; it must neither fill the log nor write lines of its own."""
        source = device if device in self.replica.team.devices else None
        brief = _brief(device) if device else "file"
        words = (str(detail) and shown(str(detail)) for detail in details)
        self._murmur.tell(source, line, brief, *words)

    def account(self, device: DeviceKey) -> Account:
        """What a device costs, and makes it wait while somebody posts."""
        return self.courtesy.account(device if device in self.replica.team.devices else None)

    def is_greeted(self, driver: Driver) -> None:
        """The peer has said which start of its device it is."""
        self.sessions.settle(driver, trio.current_time())

    def _let_others_go_on(self, driver: Driver) -> None:
        """What `driver` was to fetch and did not bring is another's to fetch."""
        now = trio.current_time()
        for other in self.sessions:
            if other is not driver:
                other.apply(other.session.look_again(now))

    def _wants(self, peer: Peer | None) -> bool:
        if (peer is not None and peer.device == self.me) or self._is_done():
            return False
        devices, linked = len(self.replica.team.devices), len(self._linked())
        return self.overlay.wants(devices, linked, self.peering.coming, trio.current_time())

    def _linked(self) -> set[DeviceKey]:
        """The devices that there are sessions with; strangers take nobody's place."""
        devices = self.replica.team.devices
        return {driver.remote for driver in self.sessions if driver.remote in devices}

    def _give_back(self, new: Driver) -> None:
        """End links that are too many, at random, now that there is one more."""
        devices, linked = len(self.replica.team.devices), self._linked()
        surplus = self.overlay.surplus(devices, len(linked), trio.current_time())
        others = [driver for driver in self.sessions if driver.remote in linked - {new.remote}]
        for driver in self.chance.sample(others, min(surplus, len(others))):
            driver.drop()

    def _is_done(self) -> bool:
        """Whether we are of the team no more, and somebody else knows that too."""
        team = self.replica.team
        if team.is_active(self.me):
            return False
        return any(self._knows_of_our_end(key) for key in team.devices if key != self.me)

    def _knows_of_our_end(self, device: DeviceKey) -> bool:
        ends = set(self.replica.team.cuts.get(self.me, ()))
        return device in self.cut_by or any(
            self.known.height(device, entry.log_id(self.replica.team_id, *act[1:3], Kind.TEAM))
            >= act.seq
            for act in self.replica.team_entries
            if act.id in ends
        )


def _page(one: Entry) -> bytes:
    return page.pack([one.header_bytes], [one.payload], [one.signature])


def _brief(device: DeviceKey) -> str:
    return device[:4].hex()
