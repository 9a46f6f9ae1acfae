"""A LAN of our own: hosts in network namespaces on one bridge, where real links are needed.

Needs root and iproute2; `unavailable()` says what is missing. Every namespace bears the process's
number in its name, and nothing outside of them is touched. A partition moves hosts to another
bridge, so they notice nothing of it, as behind a switch that lost its uplink.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

NETWORK: Final = "10.77.0"


def unavailable() -> str:
    """Why there can be no LAN here; empty when there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"p2pblog-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    command = ["ip", "-n", name, "link", "add", "br0", "type", "bridge"]
    bridged = subprocess.run(command, capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], check=True)
    return f"no bridge can be made: {bridged.stderr.strip()}" if bridged.returncode else ""


class Lan:
    """Hosts 1 to `hosts`, each with `eth0` and one IPv4 address: use it in a `with`."""

    _made = 0

    def __init__(self, hosts: int, network: str = NETWORK) -> None:
        Lan._made += 1
        self._prefix = f"p2pblog-{os.getpid()}-{Lan._made}-"
        self._hub = f"{self._prefix}hub"
        self._network = network
        self.hosts = range(1, hosts + 1)

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def name(self, host: int) -> str:
        """The name of a host's namespace."""
        return f"{self._prefix}{host}"

    def address(self, host: int) -> str:
        """The IPv4 address that a host begins with."""
        return f"{self._network}.{host}"

    def argv(self, host: int, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` on a host."""
        return ["ip", "netns", "exec", self.name(host), *argv]

    def run(self, host: int, argv: Sequence[str], **more: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end; raises on failure, with the output in the error."""
        done = subprocess.run(self.argv(host, argv), capture_output=True, text=True, **more)
        if done.returncode:
            raise AssertionError(f"{argv} on {host}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def popen(self, host: int, argv: Sequence[str], **more: Any) -> subprocess.Popen[str]:
        """Start on a host; what still runs at the end is killed."""
        return subprocess.Popen(self.argv(host, argv), text=True, **more)

    def unplug(self, host: int) -> None:
        """Pull the cable out of a host."""
        self._ip(self._hub, f"link set p{host} down")

    def plug(self, host: int) -> None:
        """Put the cable back."""
        self._ip(self._hub, f"link set p{host} up")

    def link(self, host: int, state: str) -> None:
        """Switch a host's interface `up` or `down`, on the host."""
        lines = [f"link set eth0 {state}"]
        if state == "up":
            lines.append("route replace 224.0.0.0/4 dev eth0")
        self._ip(self.name(host), *lines)

    def renumber(self, host: int, address: str) -> None:
        """Give a host another IPv4 address, as DHCP would."""
        self._ip(
            self.name(host),
            "addr flush dev eth0 scope global",
            f"addr add {address}/24 brd + dev eth0",
        )
        with suppress(subprocess.CalledProcessError):  # down: `link` sets the route
            self._ip(self.name(host), "route replace 224.0.0.0/4 dev eth0")

    def split(self, *groups: Sequence[int]) -> None:
        """Part the LAN: each group has a bridge of its own."""
        for place, group in enumerate(groups):
            bridge = f"br{place}"
            if place:
                self._bridge(bridge)
            self._ip(self._hub, *(f"link set p{host} master {bridge}" for host in group))

    def heal(self) -> None:
        """Put all hosts on one bridge again."""
        self._ip(self._hub, *(f"link set p{host} master br0" for host in self.hosts))

    def counter(self, host: int, name: str) -> int:
        """A statistic of a host's interface, such as `tx_bytes`."""
        path = f"/sys/class/net/eth0/statistics/{name}"
        return int(self.run(host, ["cat", path]).stdout)

    def _make(self) -> None:
        spaces = [self._hub, *map(self.name, self.hosts)]
        self._batch([], [f"netns add {space}" for space in spaces])
        self._bridge("br0")
        for host in self.hosts:
            inside = self.name(host)
            self._ip(
                self._hub,
                f"link add p{host} type veth peer name eth0 netns {inside}",
                f"link set p{host} master br0 up",
            )
            self._ip(
                inside,
                "link set lo up",
                f"addr add {self.address(host)}/24 brd + dev eth0",
                "link set eth0 up",
                "route add 224.0.0.0/4 dev eth0",
            )

    def _bridge(self, name: str) -> None:
        with suppress(subprocess.CalledProcessError):  # there from an earlier split
            self._ip(self._hub, f"link add {name} type bridge forward_delay 0 mcast_snooping 0")
        self._ip(self._hub, f"link set {name} up")

    def _ip(self, space: str, *lines: str) -> None:
        self._batch(["-n", space], lines)

    def _batch(self, options: list[str], lines: Sequence[str]) -> None:
        subprocess.run(
            ["ip", *options, "-batch", "-"],
            input="\n".join(lines) + "\n",
            text=True,
            check=True,
            capture_output=True,
        )

    def _remove(self) -> None:
        for space in [self._hub, *map(self.name, self.hosts)]:
            listed = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True)
            for pid in listed.stdout.split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)  # it runs in a namespace that is ours
            subprocess.run(["ip", "netns", "del", space], capture_output=True)
