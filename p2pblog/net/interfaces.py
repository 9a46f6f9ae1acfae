"""What this machine is called on its networks: a picture of its interfaces' addresses."""

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ifaddr

from p2pblog.net.address import IPAddress


@dataclass(frozen=True, slots=True)
class Interfaces:
    """The addresses that others may dial, and one way to multicast per interface and family.

    A way is an IPv4 address, a link-local IPv6 address, or the index of an interface (IPv6).
    """

    addresses: tuple[str, ...]
    ways: tuple[str | int, ...]

    def have(self, host: str) -> bool:
        """Whether an address, given without a scope, is one of this machine's."""
        address = ipaddress.ip_address(host)
        return address.is_loopback or str(address) in self.addresses

    @property
    def alone(self) -> bool:
        """Whether there is nothing but loopback."""
        return all(ipaddress.ip_address(address).is_loopback for address in self.addresses)


def look() -> Interfaces:
    """The interfaces as they are now."""
    return picture(sorted(ifaddr.get_adapters(), key=lambda adapter: adapter.name))


def own_addresses(port: int, host: str = "") -> list[str]:
    """Where this machine can be dialled on `port`, `host:port` each; no loopback, no link-local.

    `host` is the only address that it listens on, if there is but one.
    """
    found = [ipaddress.ip_address(address) for address in ([host] if host else look().addresses)]
    told = [ip for ip in found if not (ip.is_loopback or ip.is_link_local)]
    return [f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}" for ip in told]


def picture(adapters: Sequence[ifaddr.Adapter]) -> Interfaces:
    """The picture of these. Loopback counts only when there is nothing else."""
    outside = _picture(adapters, loopback=False)
    return outside if outside.addresses else _picture(adapters, loopback=True)


def _picture(adapters: Iterable[ifaddr.Adapter], loopback: bool) -> Interfaces:
    kept = {
        (adapter.name, adapter.index): [
            ip for ip in map(_plain, adapter.ips) if ip.is_loopback == loopback
        ]
        for adapter in adapters
    }
    everything = [ip for ips in kept.values() for ip in ips]
    count = Counter(everything)
    ways: list[str | int] = []
    for (_, index), ips in kept.items():
        if first := _first(ips, 4):
            ways.append(str(first))
        linked = [ip for ip in ips if ip.version == 6 and ip.is_link_local and count[ip] == 1]
        if linked:
            # a question from a link-local address gets answers that name the scope they came by
            ways.append(str(linked[0]))
        elif index is not None and _first(ips, 6):
            ways.append(index)
    return Interfaces(tuple(dict.fromkeys(map(str, everything))), tuple(ways))


def _plain(ip: ifaddr.IP) -> IPAddress:
    text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
    return ipaddress.ip_address(text.partition("%")[0])


def _first(ips: Iterable[IPAddress], version: int) -> IPAddress | None:
    return next((ip for ip in ips if ip.version == version), None)
