"""Catch-up: a fresh device gets everything from a full one, two real daemons on loopback.

Every post is authenticated, on the disk and searchable when the clock stops: the last post of every
log is found by its own word. Beside it, in the same run, what SQLite takes for the rows alone, and
the peers that are installed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from p2pblog.config import Home
from p2pblog.store.database import SMALL_WAL
from tests.bench import homes, limits, machine, peers, posts
from tests.bench.daemons import Daemon, daemons, until
from tests.bench.figures import Figure, Value
from tests.bench.homes import Place, Stock

RATE = "catch-up of 100,000 posts"
LEAST_REACH = "30,000 posts/s; 0.6 of the bare loop; 3 times hypercore and ssb-db2"


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How a catch-up went; sizes in bytes, memory in MB."""

    stored: float
    searchable: float
    serving: float
    receiving: float
    processors: tuple[float, float]
    disk_running: int
    disk_stopped: int
    store: Home


def catch_up(place: Place, stock: Stock) -> CaughtUp:
    """Let a fresh device get what a full one has."""
    full = place.copy(stock)
    fresh = homes.make(place.new("fresh"), stock.firm, stock.firm.newcomer)
    with daemons(full, fresh) as (serving, receiving):
        before = serving.cpu, receiving.cpu
        begun = time.perf_counter()
        receiving.meet(serving.port)
        until(lambda: _posts(receiving) == stock.posts, "stored")
        stored = time.perf_counter() - begun
        until(lambda: _has_all(receiving, stock), "searchable")
        searchable = time.perf_counter() - begun
        used = serving.cpu - before[0], receiving.cpu - before[1]
        memory = serving.peak, receiving.peak
        until(lambda: _is_at_rest(fresh), "at rest")
        running = machine.disk(fresh.path)
    return CaughtUp(stored, searchable, *memory, used, running, machine.disk(fresh.path), fresh)


def _is_at_rest(home: Home) -> bool:
    """Whether the store has given the room of its WAL back, as it does when nothing comes."""
    return Path(f"{home.store}-wal").stat().st_size <= SMALL_WAL


def _posts(daemon: Daemon) -> int:
    return int(daemon.get("/status")["totals"]["posts"])


def _has_all(daemon: Daemon, stock: Stock) -> bool:
    """Whether the last post of each log is found; of many logs, of some of them."""
    marks = [posts.mark_of(writer) for writer in stock.firm.writers]
    some = marks[:: max(1, len(marks) // 20)]
    return all(len(daemon.get("/search", q=mark)["items"]) == 1 for mark in (*some, marks[-1]))


def measure(place: Place) -> Iterator[Figure]:
    """100,000 posts by 10 devices, and what a post takes on the disk."""
    stock = place.stock(place.size(100_000, 2_000), 10)
    went = catch_up(place, stock)
    rate = place.found[RATE] = stock.posts / went.searchable
    folder = place.new("bare")
    folder.mkdir()
    same, used = limits.same_rows(went.store.store, folder)
    lean = limits.lean_rows(went.store.store, folder)
    beside = [same, lean, *peers.catch_up(place, stock.posts, 10)]
    yield Figure(f"catch-up of {stock.posts:,} posts", rate, "posts/s", tuple(beside), LEAST_REACH)
    ratios = [Figure(f"of that: {one.what}", rate / one.number, "times", (one,)) for one in beside]
    yield from ratios
    yield Figure("the same until stored", stock.posts / went.stored, "posts/s", (same,))
    yield from _took(went, stock, used)
    bare = (folder / "bare.db").stat().st_size / stock.posts
    beside = [
        Value("the same when stopped", went.disk_stopped / stock.posts, "bytes"),
        Value("file of the bare loop of the same rows", bare, "bytes"),
    ]
    what = "disk per 200-byte post, the whole home while it runs, at rest"
    yield Figure(what, went.disk_running / stock.posts, "bytes", tuple(beside), "under 620 bytes")


def _took(went: CaughtUp, stock: Stock, *limit: Value) -> Iterator[Figure]:
    serving, receiving = (1e6 * used / stock.posts for used in went.processors)
    beside = (Value("serving", serving, "µs"), *limit)
    yield Figure("processor time of the receiver per post", receiving, "µs", beside)
    beside = (Value("serving", went.serving, "MB"),)
    yield Figure("peak memory of the receiver", went.receiving, "MB", beside)


def measure_million(place: Place) -> Iterator[Figure]:
    """1,000,000 posts in 1,000 logs, beside 100,000 in 10."""
    if RATE not in place.found:
        fewer = place.stock(place.size(100_000, 2_000), 10)
        place.found[RATE] = fewer.posts / catch_up(place, fewer).searchable
    stock = place.million()
    went = catch_up(place, stock)
    rate, least = stock.posts / went.searchable, Value(RATE, place.found[RATE], "posts/s")
    what = f"catch-up of {stock.posts:,} posts in {len(stock.next):,} logs"
    yield Figure(what, rate, "posts/s", (least,), "within 25 % of the rate of 100,000")
    yield Figure(f"of that: {RATE}", rate / least.number, "times", (least,))
    for figure in _took(went, stock):
        reach = "under 200 MB" if figure.unit == "MB" else ""
        yield Figure(f"{figure.what}, {what}", figure.number, figure.unit, figure.beside, reach)
    beside = (Value("the same when stopped", went.disk_stopped / stock.posts, "bytes"),)
    yield Figure(f"disk per post, {what}", went.disk_running / stock.posts, "bytes", beside)
