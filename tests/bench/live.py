"""Live: from a post on one daemon until an API client of another reads it, on loopback.

Who posts, who reads and the daemons are processes of their own. Beside it what the machine needs
for the same steps without us: a commit that is synced, on each side, and a round trip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from p2pblog.cli.client import Client
from p2pblog.config import Home
from tests.bench import homes, limits, peers
from tests.bench.daemons import daemons, mesh
from tests.bench.figures import Figure, Value, percentile
from tests.bench.homes import Firm, Place
from tests.bench.listener import listening, stamped

GAP = 0.02  # seconds between posts: calm
DAEMONS = 8
TEAM_RATE = 200  # posts a second, of all daemons together


def measure(place: Place) -> Iterator[Figure]:
    """Two daemons, calm; and eight, busy."""
    raw, others = limits.fsync(place.folder)[0], _peers(place)
    took, durable = _calm(place, place.size(500, 50))
    for which, number, reach in (("p50", median(took), 3), ("p99", percentile(took, 99), 8)):
        beside = (raw, *(Value(name, row["live"][which], "ms") for name, row in others.items()))
        told = f"{reach} ms; hypercore beside it"
        yield Figure(f"post to event elsewhere, {which}", number, "ms", beside, told)
    yield Figure("post durable, the answer of the API, p50", median(durable), "ms", (raw,))
    every = _busy(place, place.size(20, 1), place.size(DAEMONS, 3))
    what = f"{TEAM_RATE} posts/s team-wide, {place.size(DAEMONS, 3)} daemons, at every other"
    beside = (Value("p50", median(every), "ms"), raw)
    yield Figure(f"{what}, p99", percentile(every, 99), "ms", beside, "60 ms")


def _peers(place: Place) -> dict[str, dict[str, Any]]:
    """What the peers that are installed say of the same."""
    return {
        name: peers.checked(
            peers.run(place.shared, peer, 2000, 1, place.size(500, 20), round(1000 * GAP))
        )
        for peer, name in peers.NAMES.items()
        if place.shared is not None and peers.installed(place.shared, peer)
    }


def _calm(place: Place, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds until each post was read elsewhere, and until it was durable here."""
    firm = Firm(2)
    made = [homes.make(place.new("live"), firm, device) for device in firm.devices]
    with daemons(*made) as (one, other):
        mesh([one, other])
        with listening([(other.home, count)]) as ages:
            durable = []
            for _ in range(count):
                begun = time.perf_counter()
                one.post("/posts", {"text": stamped()})
                durable.append(1000 * (time.perf_counter() - begun))
                time.sleep(GAP)  # so that posts do not wait for each other
            (took,) = ages()
    return took, durable


def _busy(place: Place, seconds: float, count: int) -> list[float]:
    """Milliseconds of each post at each reader but the one where it was written."""
    firm = Firm(count)
    made = [homes.make(place.new("busy"), firm, device) for device in firm.devices]
    each = round(TEAM_RATE * seconds / count)
    with daemons(*made) as running:
        mesh(running)
        with listening([(daemon.home, each * (count - 1)) for daemon in running]) as ages:
            writers = [
                threading.Thread(target=_write, args=(daemon.home, each, count / TEAM_RATE, number))
                for number, daemon in enumerate(running)
            ]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            return [late for found in ages() for late in found]


def _write(home: Home, count: int, gap: float, number: int) -> None:
    """Post so many, one every `gap` seconds, whatever each takes; writers take turns."""
    client = Client(home)
    due = time.monotonic() + 0.2 + gap * number / DAEMONS
    for _ in range(count):
        time.sleep(max(0.0, due - time.monotonic()))  # the rate asked for
        client.request("POST", "/posts", {"text": stamped(number)})
        due += gap
    client.close()
