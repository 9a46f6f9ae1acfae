"""The office: its machines, and the network between them.

On a LAN of namespaces nothing is configured: daemons find each other by mDNS. On loopback, where
there is no mDNS between them, they are told each other's addresses, and a partition is that one
side works while the other is off.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from examples.office.lan import Lan
from examples.office.machine import Machine, Trouble
from p2pblog.cli.api import Api
from p2pblog.config import Config, Home, save_config

T = TypeVar("T")
PATIENCE: Final = 60.0  # seconds; what is waited for takes a few at most
POLL: Final = 0.05  # seconds between two looks: no event tells what all machines are at
WORKERS: Final = 4  # commands typed at a time: more only wait for a processor


@dataclass(slots=True, eq=False)
class Office:
    """Machines in a network; `lan` is None on loopback."""

    machines: list[Machine]
    lan: Lan | None
    _ports: list[int] = field(default_factory=list)

    def each(self, work: Callable[[Machine], T], machines: Sequence[Machine]) -> list[T]:
        """Do something on several machines at a time; the results in their order."""
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(work, machines))

    def found(self, machine: Machine, team: str) -> None:
        """Found the team on this machine."""
        machine.cli("init", "--team", team, "--name", machine.member, "--device", machine.name)

    def join(self, machine: Machine, code: str, host: Machine) -> float:
        """Join with a code; seconds. `host` is a member that is on, asked where no mDNS finds."""
        started = time.monotonic()
        peers = [] if self.lan else ["--peer", self.address(host)]
        who = ["--name", machine.member, "--device", machine.name]
        machine.json("join", code, *who, *peers, "--wait", "--timeout", "60s")
        took = time.monotonic() - started
        self._introduce(machine)
        return took

    def address(self, machine: Machine) -> str:
        """Where the others reach a machine on loopback."""
        return f"127.0.0.1:{self._ports[self.machines.index(machine)]}"

    def _introduce(self, machine: Machine) -> None:
        """On loopback: tell a machine where the others are."""
        if self.lan is None:
            with machine.api() as api:
                for other in self.machines:
                    if other is not machine:
                        api.add_peer(self.address(other))

    def apart(
        self,
        left: Sequence[Machine],
        right: Sequence[Machine],
        work: Callable[[Sequence[Machine]], None],
    ) -> float:
        """Part the two sides, let each do its work, and join them again; when that was."""
        if self.lan is not None:
            self.lan.split(self._hosts(left), self._hosts(right))
            work(left)
            work(right)
            self.lan.heal()
            return time.monotonic()
        self.each(Machine.stop, right)
        work(left)
        self.each(Machine.stop, left)
        self.each(Machine.start, right)
        work(right)
        self.each(Machine.start, left)
        return time.monotonic()

    def _hosts(self, machines: Sequence[Machine]) -> list[int]:
        return [self.machines.index(machine) + 1 for machine in machines]

    def traffic(self) -> int:
        """Bytes that all machines have sent."""
        if self.lan is not None:
            return sum(self.lan.counter(host, "tx_bytes") for host in self.lan.hosts)
        up = [machine for machine in self.machines if machine.is_up]
        return sum(machine.ask(Api.status)["sync"]["bytes_got"] for machine in up)


@contextmanager
def open_office(place: Path, cast: Sequence[tuple[str, str]], lan: Lan | None) -> Iterator[Office]:
    """An office of (machine, member) names, every daemon off; nothing of it runs on afterwards."""
    ports = [] if lan else _free_ports(len(cast))
    machines = []
    for number, (name, member) in enumerate(cast):
        home = Home.resolve(str(place / name))
        home.create()
        if lan is None:
            save_config(home.config, Config(port=ports[number], listen="127.0.0.1", mdns=False))
        prefix = () if lan is None else tuple(lan.argv(number + 1, []))
        machines.append(Machine(name, member, home, prefix))
    try:
        yield Office(machines, lan, ports)
    finally:
        for machine in machines:
            machine.remove()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(what: str, condition: Callable[[], bool], patience: float = PATIENCE) -> float:
    """The seconds until the condition held; `Trouble` if it does not in time."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > patience:
            raise Trouble(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(POLL)
    return time.monotonic() - started


def wait_posts(machines: Sequence[Machine], count: int, patience: float = PATIENCE) -> float:
    """The seconds until every machine has `count` posts with all their texts."""
    counted: dict[str, int] = {}

    def equal() -> bool:
        for machine in machines:
            totals = machine.ask(Api.status)["totals"]
            counted[machine.name] = totals["posts"] - totals["wanted"]
        return all(posts == count for posts in counted.values())

    try:
        return wait_until("all posts", equal, patience)
    except Trouble as trouble:
        raise Trouble(f"{trouble}: {count} expected, here are {counted}") from None
