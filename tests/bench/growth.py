"""What grows with the team and with the history: `python -m tests.bench growth`.

A post, a catch-up of one new entry, a start and memory, against devices and against entries. What
ten million entries would take is reckoned from the last two measured sizes, as a straight line, and
labelled so: nobody has measured it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from statistics import median

from p2pblog.store.replica import Replica
from tests.bench import homes, posts
from tests.bench.daemons import Daemon, daemons, until
from tests.bench.figures import Figure, Value
from tests.bench.homes import Place, Stock
from tests.bench.limits import fsync

LOOK = 0.002
ON_PAPER = 10_000_000
UNITS = (("a post", "ms"), ("one new entry caught up", "ms"), ("start", "ms"), ("resident", "MB"))


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one size of team and history, in the order of UNITS."""

    post: float
    caught_up: float
    start: float
    resident: float


def measure(place: Place) -> Iterator[Figure]:
    """10, 100 and 1,000 devices at 100,000 entries; 10,000 to 1,000,000 entries by 100 devices."""
    middle, usual = place.size(100_000, 1_000), place.size(100, 10)
    team = [(middle, devices) for devices in sorted({10, usual, place.size(1000, 10)})]
    sizes = sorted({place.size(10_000, 500), middle, place.size(1_000_000, 1_000)})
    history = [(count, usual) for count in sizes]
    raw = fsync(place.folder)[0]
    found = {key: _costs(place, place.stock(*key)) for key in dict.fromkeys(team + history)}
    for (count, devices), costs in found.items():
        for (what, unit), number in zip(UNITS, astuple(costs), strict=True):
            at = f"{count:,} entries by {devices:,} devices"
            yield Figure(f"{what}: {at}", number, unit, (raw,))
    yield from _on_paper(found[history[-2]], found[history[-1]], *sizes[-2:])


def _on_paper(less: Costs, more: Costs, fewer: int, entries: int) -> Iterator[Figure]:
    for (what, unit), one, other in zip(UNITS, astuple(less), astuple(more), strict=True):
        slope = (other - one) / (entries - fewer)
        reckoned = max(0.0, other + slope * (ON_PAPER - entries))
        at = f"{ON_PAPER:,} entries, NOT MEASURED: a straight line on"
        yield Figure(f"{what}: {at}", reckoned, unit, (Value(f"at {entries:,}", other, unit),))


def _costs(place: Place, stock: Stock) -> Costs:
    home, behind = place.copy(stock), place.copy(stock, stock.firm.newcomer)
    with daemons(home) as (daemon,):
        time.sleep(1)  # until it has done what it does after a start
        start, resident = 1000 * daemon.started, daemon.resident
        post = median(_post(daemon) for _ in range(place.size(50, 5)))
    entry = posts.log(stock.next[0], 1).pages
    full = place.copy(stock)
    with Replica.open(full.store) as replica:
        homes.store(replica, stock.firm, entry)
    with daemons(full, behind) as (serving, receiving):
        begun = time.perf_counter()
        receiving.meet(serving.port)
        until(lambda: _posts(receiving) > stock.posts, "one new entry", LOOK)
        caught_up = 1000 * (time.perf_counter() - begun)
    return Costs(post, caught_up, start, resident)


def _post(daemon: Daemon) -> float:
    begun = time.perf_counter()
    daemon.post("/posts", {"text": "x" * posts.LETTERS})
    return 1000 * (time.perf_counter() - begun)


def _posts(daemon: Daemon) -> int:
    return int(daemon.get("/status")["totals"]["posts"])
