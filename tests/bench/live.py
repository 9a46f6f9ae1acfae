"""Live: from a post on one daemon until an API client of another reads it, on loopback.

Who posts, who reads and the daemons are processes of their own. Beside it what the machine needs
for the same steps without us: a commit that is synced, on each side, and a round trip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from statistics import median

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
    raw = limits.fsync(place.folder)[0]
    took, durable = _calm(place, place.size(500, 50))
    beside = (raw, *_peers(place, "p50"))
    reach = "3 ms; hypercore beside it"
    yield Figure("post to event elsewhere, p50", median(took), "ms", beside, reach)
    beside = (raw, *_peers(place, "p99"))
    reach = "8 ms; hypercore beside it"
    yield Figure("post to event elsewhere, p99", percentile(took, 99), "ms", beside, reach)
    yield Figure("post durable, the answer of the API, p50", median(durable), "ms", (raw,))
    every = _busy(place, place.size(20, 1), place.size(DAEMONS, 3))
    what = f"{TEAM_RATE} posts/s team-wide, {place.size(DAEMONS, 3)} daemons, at every other"
    beside = (Value("p50", median(every), "ms"), raw)
    yield Figure(f"{what}, p99", percentile(every, 99), "ms", beside, "60 ms")


def _peers(place: Place, which: str) -> Iterator[Value]:
    """The peers' latency, measured once a run."""
    for peer, name in peers.NAMES.items():
        if place.shared is not None and peers.installed(place.shared, peer):
            key = f"live {peer}"
            if f"{key} p50" not in place.found:
                row = peers.run(place.shared, peer, 1000, 1, live=place.size(500, 20))
                for found in ("p50", "p99"):
                    place.found[f"{key} {found}"] = float(row["live"][found])
            yield Value(name, place.found.pop(f"{key} {which}"), "ms")


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
                time.sleep(GAP)
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
        time.sleep(max(0.0, due - time.monotonic()))
        client.request("POST", "/posts", {"text": stamped(number)})
        due += gap
    client.close()
