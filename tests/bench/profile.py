"""What each step of a catch-up costs: `python -m tests.bench profile`.

One thread does all that two daemons do for it: reads pages from a store, packs, encrypts, sends
through a socket, decrypts, verifies and stores them, and indexes the posts. The very functions of
the product run, each with a clock around it; a step's time is without that of the steps within it.
Times are the processor's, so that they hold on a machine that others use; waits for the disk are in
the last line. What no clock covers is told as the rest, and the whole as it was measured. No trio
and no threads are in it: what they cost is the difference to the daemons' own processor time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from p2pblog.node.driver import SERVE_BYTES
from p2pblog.protocol import message, page
from p2pblog.protocol.channel import Message, SecureChannel
from p2pblog.protocol.crypto import network_psk
from p2pblog.protocol.log import Tip
from p2pblog.store import bounds, entries, ingest, search, serve, views
from p2pblog.store.database import Database
from p2pblog.store.replica import Replica
from p2pblog.store.writing import Writing
from tests.bench import homes
from tests.bench.figures import Figure, Value
from tests.bench.homes import Place, Stock

CHUNK = 64 * 1024  # bytes that a socket holds
SOCKET = "socket: send and receive"
COMMIT = "begin, commit and sync"
INDEX = "search index"
STEPS: tuple[tuple[str, object, str], ...] = (
    ("serving: read rows", serve, "_next_rows"),
    ("serving: pack a page", serve, "packed"),
    ("serving: pack a message", message, "pack"),
    ("serving: encrypt", SecureChannel, "send"),
    ("serving: encrypt", SecureChannel, "data_to_send"),
    ("decrypt, put messages together", SecureChannel, "receive_data"),
    ("parse the message", message, "parse"),
    ("decode the page", page, "verify"),
    ("parse headers", page, "parse_headers"),
    ("verify the signature", page, "_check_signatures"),
    ("hash headers, check the chain", page, "_check_chain"),
    ("hash payloads", page, "_check_payloads"),
    ("parse posts", views, "read_all"),
    ("authorise and place", ingest, "_store_page"),
    ("rows of entries", Writing, "add"),
    ("rows of views", views.Sheet, "add"),
    ("insert entries", entries, "insert"),
    ("insert views", views.Sheet, "write"),
    ("counts, tips, places of cut-offs", Writing, "finish"),
    ("counts, tips, places of cut-offs", bounds, "settle"),
    ("counts, tips, places of cut-offs", bounds, "judge"),
    (INDEX, search, "index"),
    (INDEX, search, "_insert"),
)


class Clock:
    """Exclusive processor times of nested steps, in seconds."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.start()
        self._within: list[str] = []
        self._since = 0.0

    def start(self) -> None:
        """Forget what was before."""
        self.spent = dict.fromkeys([step for step, _, _ in STEPS], 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._turn()
        self._within.append(name)
        try:
            yield
        finally:
            self._turn()
            self._within.pop()

    def _turn(self) -> None:
        now = time.process_time()
        if self._within:
            name = self._within[-1]
            self.spent[name] = self.spent.get(name, 0.0) + now - self._since
        self._since = now

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **more: Any) -> Any:
            with self.step(name):
                return function(*arguments, **more)

        return timed

    def around_writing(self, writing: Callable[..., Any]) -> Callable[..., Any]:
        """`Database.writing`, with what it does before and after its block timed."""

        @contextmanager
        def timed(database: Database) -> Iterator[Any]:
            with self.step(COMMIT), writing(database) as connection, self.step("store: the rest"):
                yield connection

        return timed


@contextmanager
def _swapped(owner: object, attribute: str, function: Callable[..., Any]) -> Iterator[None]:
    before = getattr(owner, attribute)
    setattr(owner, attribute, function)
    try:
        yield
    finally:
        setattr(owner, attribute, before)


def measure(place: Place) -> Iterator[Figure]:
    """The steps, each beside its part of the whole."""
    stock = place.stock(place.size(100_000, 2_000), 10)
    (plain, _), clock = _pass_on(place, stock, Clock()), Clock()
    with ExitStack() as stack:
        for name, owner, attribute in STEPS:
            timed = clock.around(name, getattr(owner, attribute))
            stack.enter_context(_swapped(owner, attribute, timed))
        writing = clock.around_writing(Database.writing)
        stack.enter_context(_swapped(Database, "writing", writing))
        whole, taken = _pass_on(place, stock, clock)
    each = 1e6 / stock.posts
    clock.spent["the rest"] = whole - sum(clock.spent.values())
    for name, spent in clock.spent.items():
        yield Figure(name, spent * each, "µs/post", (Value("of all", 100 * spent / whole, "%"),))
    bare = Value("without the clocks", plain * each, "µs/post")
    beside = (bare, Value("by the wall clock, waits for the disk included", taken * each, "µs"))
    yield Figure("the whole, in one thread", whole * each, "µs/post", beside)


def _pass_on(place: Place, stock: Stock, clock: Clock) -> tuple[float, float]:
    """Seconds of processor, and by the clock, in which a new store gets what the stock has."""
    full = place.copy(stock)
    fresh = homes.make(place.new("fresh"), stock.firm, stock.firm.newcomer)
    with Replica.open(full.store) as source, Replica.open(fresh.store) as target:
        wire = Wire(stock, clock)
        clock.start()
        begun, used = time.perf_counter(), time.process_time()
        for log, (tip,) in source.rows(False).items():
            after: Tip | None = None
            while after != tip:
                served = source.cut_pages(log, after, tip, SERVE_BYTES)
                after = served[-1].last
                _store(target, stock, wire.carry([one.page for one in served]))
        while target.index_search(homes.INDEX_BATCH):
            pass
        taken, used = time.perf_counter() - begun, time.process_time() - used
        assert target.totals().posts == stock.posts
    wire.close()
    return used, taken


def _store(target: Replica, stock: Stock, pages: list[bytes]) -> None:
    for first in range(0, len(pages), homes.BATCH):
        homes.store(target, stock.firm, pages[first : first + homes.BATCH])
    target.index_search(homes.INDEX_BATCH)


class Wire:
    """Two ends of a secure channel, and the socket between them."""

    def __init__(self, stock: Stock, clock: Clock) -> None:
        firm = stock.firm
        psk = network_psk(firm.team.network_key)
        self._near = SecureChannel(True, firm.founder.signing, bytes(31) + b"1", [psk])
        self._far = SecureChannel(False, firm.newcomer.signing, bytes(31) + b"2", [psk])
        self._ends = socket.socketpair()
        self._clock = clock
        for one, other in ((self._near, self._far), (self._far, self._near)) * 2:
            if data := one.data_to_send():
                other.receive_data(data)

    def carry(self, pages: list[bytes]) -> list[bytes]:
        """Pages, as they come out at the other end."""
        for data in pages:
            self._near.send(message.pack(message.PageMessage(data, live=False)))
        out, found = self._near.data_to_send(), []
        for first in range(0, len(out), CHUNK):
            with self._clock.step(SOCKET):
                data = self._through(out[first : first + CHUNK])
            for event in self._far.receive_data(data):
                assert isinstance(event, Message)
                parsed = message.parse(event.data)
                assert isinstance(parsed, message.PageMessage)
                found.append(parsed.page)
        return found

    def _through(self, data: bytes) -> bytes:
        self._ends[0].sendall(data)
        return self._ends[1].recv(len(data), socket.MSG_WAITALL)

    def close(self) -> None:
        for end in self._ends:
            end.close()
