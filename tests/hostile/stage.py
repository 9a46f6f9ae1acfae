"""The stage: a victim, a colleague who posts calmly, homes of machines in wrong hands, and gauges.

Victim and colleague are real daemons on prepared homes, each attacker a process of its own. What is
measured: from a post on the colleague to its event at an API client of the victim; the victim's
resident memory and processor time, from /proc.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

from p2pblog.cli.client import Client
from p2pblog.cli.events import follow, position_of
from p2pblog.cli.records import Status
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable
from tests.bench.daemons import Daemon, daemons, until
from tests.bench.figures import percentile
from tests.bench.homes import place

HISTORY = 200  # posts of each device: something to be asked for
GAP = 0.03  # seconds between the colleague's posts: far calmer than any machine's limit
LOST = 30.0  # seconds after which a post that was not delivered is called lost
SAMPLE = 0.05  # seconds between two looks at the victim's memory
READY = 60.0  # seconds that an attacker may prepare for


@dataclass(frozen=True)
class Load:
    """What a stretch of time cost the victim, and how live it was meanwhile. ms, MB, percent."""

    took: list[float]
    grown: float
    busy: float

    @property
    def p50(self) -> float:
        """Median latency."""
        return percentile(self.took, 50)

    @property
    def p99(self) -> float:
        """All but one in a hundred were faster."""
        return percentile(self.took, 99)


@dataclass
class Pulse:
    """The colleague posts, an API client of the victim reads."""

    victim: Daemon
    colleague: Daemon
    _read_at: dict[str, float] = field(default_factory=dict)
    _sent: int = 0

    def listen(self) -> None:
        """Read the victim's events from now on."""
        after = position_of(cast(Status, self.victim.get("/status")))

        def read() -> None:
            with suppress(DaemonUnreachable):  # the play is over
                for event in follow(Client(self.victim.home), after):
                    if event.name == "post":
                        self._read_at[event.post()["text"]] = time.perf_counter()

        threading.Thread(target=read, daemon=True).start()

    def beat(self, seconds: float) -> list[float]:
        """Post for so long; milliseconds until each was read."""
        sent = dict[str, float]()
        until = time.perf_counter() + seconds
        while (now := time.perf_counter()) < until:
            self._sent += 1
            text = f"calm words {self._sent}"
            sent[text] = now
            self.colleague.post("/posts", {"text": text})
            time.sleep(max(0.0, GAP - (time.perf_counter() - now)))  # a calm pace
        deadline = time.perf_counter() + LOST
        while not sent.keys() <= self._read_at.keys():
            assert time.perf_counter() < deadline, "posts of the colleague were lost"
            time.sleep(0.01)  # a thread notes what was read
        return [1000 * (self._read_at[text] - began) for text, began in sent.items()]


@dataclass
class Stage:
    """Everything set up. `rogues` are homes whose daemons never run, by the attacker's name."""

    victim: Daemon
    pulse: Pulse
    rogues: dict[str, Home]

    def watch(self, seconds: float) -> Load:
        """How the victim fares while the colleague posts for so long."""
        victim = self.victim
        before, spent, began = victim.resident, victim.cpu, time.perf_counter()
        most, over = [before], threading.Event()

        def sample() -> None:
            while not over.wait(SAMPLE):
                most.append(victim.resident)

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            took = self.pulse.beat(seconds)
        finally:
            over.set()
            sampler.join()
        busy = 100 * (victim.cpu - spent) / (time.perf_counter() - began)
        return Load(took, max(most) - before, busy)

    def attacked(self, name: str, seconds: float) -> tuple[Load, int]:
        """The same while an attacker of that name does its worst, and how many blows it dealt."""
        home = self.rogues[name]
        command = [
            "-m",
            "tests.hostile.attacker",
            name,
            str(home.path),
            f"127.0.0.1:{self.victim.port}",
        ]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, *command, str(seconds + 1)], stdin=pipe, stdout=pipe, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", f"{name} could not prepare"
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "began\n", f"{name} could not begin"
            load = self.watch(seconds)
            blows = process.stdout.readline()
            assert process.wait(READY) == 0, f"{name} failed"
            return load, int(blows)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


@contextmanager
def staged(names: Sequence[str]) -> Iterator[Stage]:
    """Victim and colleague, up and connected, and a rogue machine for each of the names."""
    with place() as where:
        stock = where.stock(HISTORY * (len(names) + 1), len(names) + 1)
        colleague, *others = (where.copy(stock, who) for who in stock.firm.devices)
        with daemons(where.copy(stock), colleague) as (victim, other):
            other.meet(victim.port)
            until(victim.connected, "a session of the two")
            pulse = Pulse(victim, other)
            pulse.listen()
            yield Stage(victim, pulse, dict(zip(names, others, strict=True)))
