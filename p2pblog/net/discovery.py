"""Finds the other daemons on the LAN, and is found: mDNS service `_p2pblog._tcp`.

What is announced says nothing about firm, people or machine: an instance and a host name made of
random digits at every start, a port, and the properties that the caller makes (a tag that only the
team can recognise). Spec: `protocol/beacon.md`.

zeroconf lives on one thread of its own, on an asyncio loop there: then none of its calls blocks
trio's loop, a stalled look-up can't use up trio's pool of threads, and its callbacks come on that
same thread, so nothing of it needs a lock. The only ways between are `call_soon_threadsafe` there
and `run_sync_soon` back; what comes back is "look again", at a table that is replaced, not changed.

zeroconf's own browser asks at its start and never again, so it does not see a partition heal.
Here questions go on, at a pace that falls with the number of instances; see `sightings`.

The only importer of zeroconf.
"""

import asyncio
import ipaddress
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final, TypeAlias

import trio
from zeroconf import (  # type: ignore[attr-defined]  # documented names left out of its __all__
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    IPVersion,
    RecordUpdate,
    RecordUpdateListener,
    Zeroconf,
    create_sockets,
)
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from p2pblog.net import interfaces, links
from p2pblog.net.address import Address, is_dialable
from p2pblog.net.interfaces import Interfaces
from p2pblog.net.pace import Pace
from p2pblog.net.sightings import Found, Instance, Lost, Sighting, Sightings
from p2pblog.protocol.beacon import SERVICE
from p2pblog.protocol.limits import (
    BEACON_LIFETIME,
    MAX_INSTANCE_ADDRESSES,
    MAX_PROPERTIES,
    MAX_RESOLVING,
    RESCAN_EVERY,
)

log = logging.getLogger(__name__)
# it warns with a traceback of every cable that is unplugged; what matters is logged here
logging.getLogger("zeroconf").setLevel(logging.ERROR)

TYPE: Final = f"{SERVICE}.local."
NAME_BYTES: Final = 6  # of randomness in a name: nobody meets the same again
RESOLVE_TIMEOUT: Final = 3000  # ms; zeroconf's own habit
CLOSE_TIMEOUT: Final = 0.8  # s; three goodbyes take 0.25 s
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,63}")  # what ours look like, and safe to log

_PTR: Final = 12
_IN: Final = 1
_PTR_TTL: Final = 4500  # seconds: what RFC 6762 recommends and all of us announce

MakeProperties: TypeAlias = Callable[[], Mapping[bytes, bytes]]
Event: TypeAlias = Found | Lost


class Discovery:
    """Announces `port` and finds others, while `run` runs.

    `make_properties` is called on another thread, for the first announcement and daily. A
    Discovery runs once: whoever starts again has another name, and so takes another one.
    """

    def __init__(self, port: int, make_properties: MakeProperties) -> None:
        self._changed = trio.Event()
        self._ready = trio.Event()
        self._token: trio.lowlevel.TrioToken | None = None
        self._engine = _Engine(port, make_properties, self._tell)

    @property
    def instance(self) -> Instance:
        """Our own name on the LAN, never reported as found."""
        return self._engine.instance

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then say goodbye, within a second.

        Raises `OSError` when the mDNS port can't be had.
        """
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_engine)
            try:
                await self._ready.wait()
                task_status.started()
                await links.watch(self.refresh)
            finally:
                self._engine.stop()

    async def events(self) -> AsyncIterator[Event]:
        """Who is there, then who comes, changes, is back or goes; only the latest of each.

        Any number of readers, each at its own pace. Never ends.
        """
        told: dict[Instance, int] = {}
        while True:
            changed, table = self._changed, self._engine.table
            for instance in [name for name in told if name not in table]:
                del told[instance]
                yield Lost(instance)
            for instance, sighting in table.items():
                if told.get(instance) != sighting.news:
                    told[instance] = sighting.news
                    yield sighting.found
            await changed.wait()

    def refresh(self) -> None:
        """Look at the interfaces and ask again, now."""
        self._engine.post(self._engine.start_over)

    def doubt(self, instance: Instance) -> None:
        """It was there and can't be reached: soon it is either found anew or lost.

        Found anew means that it answers a multicast, not that its port can be reached.
        """
        self._engine.post(self._engine.doubt, instance)

    async def _run_engine(self) -> None:
        await trio.to_thread.run_sync(
            self._engine.run, thread_name="mdns", limiter=trio.CapacityLimiter(1)
        )

    def _tell(self) -> None:
        """On the engine's thread: the table is there, or is another."""
        with suppress(trio.RunFinishedError):
            if self._token is not None:
                self._token.run_sync_soon(self._wake, idempotent=True)

    def _wake(self) -> None:
        self._ready.set()
        self._changed.set()
        self._changed = trio.Event()


class _Engine(RecordUpdateListener):
    """All that runs on the thread. Others may only call `post` and `stop`, and read `table`."""

    def __init__(
        self, port: int, make_properties: MakeProperties, tell: Callable[[], None]
    ) -> None:
        self.instance = Instance(secrets.token_hex(NAME_BYTES))
        self.table: Mapping[Instance, Sighting] = {}
        self._host = f"{secrets.token_hex(NAME_BYTES)}.local."
        self._port = port
        self._make_properties = make_properties
        self._tell = tell
        self._sightings = Sightings()
        self._names: dict[str, Instance] = {}  # whose records a name has
        self._touched: set[Instance] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def post(self, function: Callable[..., None], *arguments: Instance) -> None:
        """Have `function` called on the thread."""
        with suppress(RuntimeError):  # its loop has just closed: there is nobody to tell
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, *arguments)

    def stop(self) -> None:
        """End `run` with a goodbye."""
        self._stopping = True
        self.post(lambda: self._pace.stop())

    def run(self) -> None:
        """Serve until `stop`."""
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace = Pace()
        self._rescan = False
        self._interfaces = interfaces.look()
        self._zc, self._version = _open(self._interfaces)
        try:
            await self._serve()
        finally:
            for task in self._tasks:
                task.cancel()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._zc.async_close(), CLOSE_TIMEOUT)

    async def _serve(self) -> None:
        self._zc.zeroconf.async_add_listener(self, None)
        self._properties = self._make_properties()
        await self._zc.async_register_service(self._info(), cooperating_responders=True)
        renewed = rescanned = self._now()
        self._tell()
        while not self._stopping:
            if self._now() > renewed + BEACON_LIFETIME:
                self._properties, renewed = self._make_properties(), self._now()
                await self._zc.async_update_service(self._info())
            if self._rescan or self._now() > rescanned + RESCAN_EVERY:
                self._rescan, rescanned = False, self._now()
                await self._take_interfaces()
            self._ask()
            await self._pace.pause(self._sightings.every)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def start_over(self) -> None:
        """The network may be another one."""
        self._rescan = True
        self._sightings.doubt_all()
        self._pace.hurry()

    def doubt(self, instance: Instance) -> None:
        """Have one instance answer."""
        if self._sightings.doubt(instance, self._now()):
            self._pace.hurry()

    # What we say.

    def _info(self) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            TYPE,
            f"{self.instance}.{TYPE}",
            port=self._port,
            properties=dict(self._properties),
            server=self._host,
            parsed_addresses=list(self._interfaces.addresses[:MAX_INSTANCE_ADDRESSES]),
        )

    async def _take_interfaces(self) -> None:
        """Use the interfaces that there are now, and tell the others where we are."""
        now = interfaces.look()
        if now != self._interfaces:
            log.info("change addresses=%s", ",".join(now.addresses) or "none")
        self._interfaces = now
        zeroconf = self._zc.zeroconf
        zeroconf.registry.async_update(self._info())  # before a new socket repeats the old one
        try:
            await self._zc.async_update_interfaces(_usable(now, self._version))
        except OSError as error:
            log.warning("skip interfaces error=%s", error)  # gone since: the kernel will tell
        await self._zc.async_update_service(self._info())

    def _ask(self) -> None:
        question = DNSOutgoing(0)
        question.add_question(DNSQuestion(TYPE, _PTR, _IN))
        # ourselves too: the question comes back to us, and would be answered
        for instance in (self.instance, *self._sightings.ask(self._now())):
            known = DNSPointer(TYPE, _PTR, _IN, _PTR_TTL, f"{instance}.{TYPE}")
            question.add_answer_at_time(known, 0)
        self._zc.zeroconf.async_send(question)
        self._publish()

    # What we hear.

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """zeroconf heard records or forgot them; its cache has them at the next call."""
        for update in records:
            record = update.new
            name = record.name.lower()
            if isinstance(record, DNSPointer) and name == TYPE:
                self._hear(_instance(record.alias), record.is_expired(now))
            elif name in self._names:
                self._touched.add(self._names[name])

    def async_update_records_complete(self) -> None:
        """zeroconf's cache is what was heard."""
        for instance in self._touched:
            if instance in self._sightings:
                self._describe(instance)
        if self._touched:
            self._touched.clear()
            self._publish()

    def _hear(self, instance: Instance | None, gone: bool) -> None:
        if instance is None or instance == self.instance:
            return
        if gone:
            self._sightings.forget(instance)
        else:
            self._sightings.hear(instance, self._now())
        self._touched.add(instance)

    def _describe(self, instance: Instance) -> None:
        info = AsyncServiceInfo(TYPE, f"{instance}.{TYPE}")
        if info.load_from_cache(self._zc.zeroconf):
            self._take(instance, info)
        elif len(self._tasks) < MAX_RESOLVING:
            task = asyncio.create_task(self._resolve(instance, info))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _resolve(self, instance: Instance, info: AsyncServiceInfo) -> None:
        """Ask for the records of an answer that came without them."""
        if await info.async_request(self._zc.zeroconf, RESOLVE_TIMEOUT):
            self._take(instance, info)
            self._publish()

    def _take(self, instance: Instance, info: AsyncServiceInfo) -> None:
        addresses = [
            address
            for host in info.parsed_scoped_addresses()
            if self._may_dial(address := Address(host, info.port or 0))
        ]
        if not addresses or instance not in self._sightings:
            return
        addresses.sort(key=_preference)
        properties = dict(islice(info.properties.items(), MAX_PROPERTIES))
        self._sightings.describe(
            Found(instance, tuple(addresses[:MAX_INSTANCE_ADDRESSES]), properties)
        )
        self._names[f"{instance}.{TYPE}".lower()] = instance
        self._names[(info.server or "").lower()] = instance

    def _may_dial(self, address: Address) -> bool:
        """Not ourselves: a container's bridge has the same address on every machine."""
        ip = address.ip
        if ip is None or not address.port or not is_dialable(ip):
            return False
        if address.port == self._port and address.host in self._interfaces.addresses:
            return False
        return not ip.is_loopback or self._interfaces.alone

    def _publish(self) -> None:
        for name in [name for name, of in self._names.items() if of not in self._sightings]:
            del self._names[name]
        table = self._sightings.table()
        if table != self.table:
            self.table = table
            self._tell()


def _open(found: Interfaces) -> tuple[AsyncZeroconf, IPVersion]:
    """Sockets on every interface that works; IPv4 alone on a kernel that has no IPv6."""
    try:
        ways = _usable(found, IPVersion.All)
        return AsyncZeroconf(interfaces=ways, ip_version=IPVersion.All), IPVersion.All
    except OSError as error:
        log.info("skip family=ipv6 error=%s", error)
    ways = _usable(found, IPVersion.V4Only)
    return AsyncZeroconf(interfaces=ways, ip_version=IPVersion.V4Only), IPVersion.V4Only


def _usable(found: Interfaces, version: IPVersion) -> list[str | int]:
    """The ways on which sockets can be opened: one bad interface must not stop the others."""
    return [way for way in found.ways if _works(way, version)]


def _works(way: str | int, version: IPVersion) -> bool:
    if version is IPVersion.V4Only and (isinstance(way, int) or ":" in way):
        return False
    try:
        listener, responders = create_sockets([way], ip_version=version)
    except (OSError, RuntimeError) as error:  # RuntimeError: it went away since
        log.info("skip interface=%s error=%s", way, error)
        return False
    for opened in (listener, *responders):
        if opened is not None:
            opened.close()
    return bool(responders)


def _instance(alias: str) -> Instance | None:
    name = alias[: -len(TYPE) - 1]
    well_formed = _NAME.fullmatch(name) and alias.lower() == f"{name}.{TYPE}".lower()
    return Instance(name) if well_formed else None


def _preference(address: Address) -> tuple[bool, bool]:
    """IPv4 first, link-local IPv6 last: it needs no server, and works when the others do not."""
    ip = ipaddress.ip_address(address.host)
    return ip.version == 6, ip.is_link_local
