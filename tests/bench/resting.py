"""A daemon with nothing to do: how soon it answers, its memory, and what it costs to be linked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.bench import homes, limits, machine
from tests.bench.daemons import daemons, mesh, until
from tests.bench.figures import Figure, Value
from tests.bench.homes import Firm, Place, Stock
from tests.bench.relay import Relay, relays

PEERS = 5
STARTS = 3
IMPORTS = "import p2pblog.cli.up, p2pblog.daemon"  # what `p2pblog up` loads
WAITS = f"{IMPORTS}; print('ready', flush=True); import sys; sys.stdin.read()"
LOOPS = f"""
import trio
async def main():
    print("ready", flush=True)
    while True:
        await trio.sleep({30 / PEERS})
{IMPORTS}
trio.run(main)
"""


def measure(place: Place) -> Iterator[Figure]:
    """Start and memory, with few posts and with very many; the team's size apart."""
    stocks = (place.thousand(), place.million())
    many = stocks[1].firm
    team = Stock(homes.make(place.new("team"), many, many.founder), many, 0, [])
    bare = [limits.whole_process("-c", IMPORTS) / 1000 for _ in range(STARTS)]
    least = Value("bare interpreter with the same imports", median(bare), "s")
    with _process(WAITS) as process:
        memory = Value(least.what, machine.resident(process.pid), "MB")
    (few, few_mb), (lots, lots_mb), (none, none_mb) = (
        _started(place, stock) for stock in (*stocks, team)
    )
    name, names = (f"{s.posts:,} posts by {len(s.next):,} devices" for s in stocks)
    nothing = f"no post, a team of {len(many.devices):,} devices"
    yield Figure(f"start until the API answers, {name}", few, "s", (least,), "under 0.8 s")
    beside = (least, Value(nothing, none, "s"))
    reach = "under 0.8 s, no more than 0.2 s over 1,000 posts"
    yield Figure(f"start until the API answers, {names}", lots, "s", beside, reach)
    yield Figure(f"resident, idle, {name}", few_mb, "MB", (memory,), "under 65 MB")
    more = (memory, Value(nothing, none_mb, "MB"))
    yield Figure(f"resident, idle, {names}", lots_mb, "MB", more, "under 100 MB")


def _started(place: Place, stock: Stock) -> tuple[float, float]:
    """Seconds until the API answered, and MB some seconds later: medians of some starts."""
    home, taken, memory = place.copy(stock), [], []
    for _ in range(place.size(STARTS, 1)):
        with daemons(home) as (daemon,):
            time.sleep(place.size(5, 1))  # until it rests
            taken.append(daemon.started)
            memory.append(daemon.resident)
    return median(taken), median(memory)


@contextmanager
def _process(program: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said `ready`."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def measure_idle(place: Place) -> Iterator[Figure]:
    """A daemon that is linked to five others, all of them idle. mDNS is off."""
    firm = Firm(PEERS)
    made = [homes.make(place.new("idle"), firm, who) for who in (firm.founder, *firm.devices)]
    with daemons(*made) as (daemon, *others):
        links = [Relay(daemon.port) for _ in others]
        with relays(*links), _process(LOOPS) as bare:
            for other, link in zip(others, links, strict=True):
                other.meet(link.port)
            mesh(others)
            until(lambda: daemon.connected() == PEERS, "peers")
            time.sleep(place.size(15, 1))  # until all rest
            used, sent, loops = daemon.cpu, _count(links), machine.cpu(bare.pid)
            begun = time.monotonic()
            time.sleep(place.size(60, 2))  # the time that is measured
            taken = time.monotonic() - begun
            used, loops = daemon.cpu - used, machine.cpu(bare.pid) - loops
            beside = (Value("a trio loop that wakes every 6 s", 100 * loops / taken, "%"),)
            what = f"idle daemon with {PEERS} peers"
            yield Figure(f"{what}: of a core", 100 * used / taken, "%", beside, "under 0.2 %")
            rate, least = (_count(links) - sent) / taken, 16 * 2 * PEERS / 30
            beside = (Value("16 bytes each way every 30 s, reckoned", least, "bytes/s"),)
            note = "streams both ways, without TCP and IP"
            yield Figure(f"{what}: bytes", rate, "bytes/s", beside, "under 1 KB/s", note)


def _count(links: list[Relay]) -> int:
    return sum(link.count for link in links)
