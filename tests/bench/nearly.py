"""Catch-up of a few entries among very many: what the two sides say to find out which.

Round trips are measured, not counted: a relay holds back what passes, and what that adds to the
time from the end of the handshake until the posts are stored is divided by that of a round trip.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from p2pblog.protocol import codec, page
from p2pblog.protocol.limits import MAX_PAGE_BYTES
from p2pblog.store.replica import Replica
from tests.bench import homes, posts
from tests.bench.daemons import Daemon, daemons, until
from tests.bench.figures import Figure, Value
from tests.bench.homes import Place, Stock
from tests.bench.relay import Relay, relays

NEW = 100
ROUND_TRIP = 1.0  # seconds, of the slow link: long beside what a loaded machine adds
LOOK = 0.002
SIGNATURE = 64
SILENCE = (
    1.0  # seconds in which what follows the posts is still counted: what was stored, addresses
)


@dataclass(frozen=True, slots=True)
class Went:
    """Seconds from the call and from the end of the handshake, bytes after it."""

    called: float
    seconds: float
    count: int


def measure(place: Place) -> Iterator[Figure]:
    """100 new entries, one in each of 100 logs where there are so many."""
    stock, less = place.million(), place.thousand()
    pages = _new_pages(stock)
    size = _size(pages, len(stock.next))
    quick, slow = (_catch_up(place, stock, pages, delay) for delay in (0.0, ROUND_TRIP / 2))
    small = _catch_up(place, less, _new_pages(less), 0.0)
    trips = (slow.seconds - quick.seconds) / ROUND_TRIP
    logs = len(stock.next)
    what = f"{NEW} new entries among {stock.posts:,} in {logs:,} logs"
    among = f"the same among {less.posts:,} in {len(less.next)} logs"
    beside = (Value("by a link of one second", slow.seconds, "s"),)
    reach = "two round trips after the handshake"
    yield Figure(f"{what}: round trips", trips, "", beside, reach)
    own = Value("entries themselves, and a signature a log", size, "bytes")
    besides = (own, Value(among, small.count - _size(_new_pages(less), len(less.next)), "bytes"))
    reach = "under 20 KB beside entries and signatures"
    yield Figure(f"{what}: bytes beside them", quick.count - size, "bytes", besides, reach)
    beside = (Value(among, small.seconds, "s"),)
    yield Figure(f"{what}: after the handshake", quick.seconds, "s", beside, "under 0.3 s")
    beside = (Value(among, small.called, "s"),)
    yield Figure(f"{what}: from the call on", quick.called, "s", beside)


def _new_pages(stock: Stock) -> list[bytes]:
    """NEW posts that the stock lacks, each in a page, in as many logs as there are."""
    writers = stock.next[:NEW]
    each = NEW // len(writers)
    return [data for writer in writers for data in posts.log(writer, each, 1).pages]


def _size(pages: Sequence[bytes], logs: int) -> int:
    """Bytes of headers and payloads, and of one signature a log: those that are sent."""
    parts = [codec.decode(page.SHAPE, data, MAX_PAGE_BYTES)[:2] for data in pages]
    items = sum(len(item) for headers, payloads in parts for item in (*headers, *payloads))
    return items + SIGNATURE * min(logs, NEW)


def _catch_up(place: Place, stock: Stock, pages: Sequence[bytes], delay: float) -> Went:
    full, behind = place.copy(stock), place.copy(stock, stock.firm.newcomer)
    with Replica.open(full.store) as replica:
        homes.store(replica, stock.firm, pages)
        while replica.index_search(homes.INDEX_BATCH):
            pass
    with daemons(full, behind) as (serving, receiving):
        relay = Relay(serving.port, delay)
        with relays(relay):
            begun = time.perf_counter()
            receiving.meet(relay.port)
            until(lambda: _posts(receiving) == stock.posts + NEW, "new entries", LOOK)
            ended = time.perf_counter()
            time.sleep(SILENCE + 2 * delay)  # until nothing more can be on its way
            return Went(ended - begun, ended - relay.established, relay.count)


def _posts(daemon: Daemon) -> int:
    return int(daemon.get("/status")["totals"]["posts"])
