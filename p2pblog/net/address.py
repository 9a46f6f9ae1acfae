"""Where a peer listens: a host and a port, as people write them and as sockets take them.

`HOST`, `HOST:PORT`, `1.2.3.4:PORT`, `[2001:db8::1]:PORT` or a bare IPv6 address. A link-local IPv6
address means nothing without the interface it is on, so it carries a scope id, `fe80::1%eth0` or
`fe80::1%2`; `getaddrinfo` turns either into the scope that `connect` needs. A scope id is this
machine's own, so link-local addresses are never told to a peer nor taken from one.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from p2pblog.errors import Reason, Refused, UsageError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_SCOPE: Final = re.compile(r"[\w.-]+")  # an interface's name or number
_MAX_HOST: Final = 253  # of a DNS name
_HINT: Final = "Write HOST, HOST:PORT or [IPV6]:PORT"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A host (a name or a literal, IPv6 with its scope id and without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def ip(self) -> IPAddress | None:
        """The address, when the host is one and no name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def parse(text: str, default_port: int) -> Address:
    """What a person typed. Raises `UsageError`, which says what is wrong with it."""
    host, port = _split(text.strip())
    if not host:
        raise UsageError(f"no host in {text!r}", _HINT)
    return Address(_host(host, text), default_port if port is None else _port(port, text))


def literal(host: str, port: int) -> Address:
    """An address that a peer told of: an IP address that any machine may dial.

    Raises `Refused` BAD_VALUE for names, scopes, and addresses that mean another machine to
    everybody (loopback, link-local, multicast, unspecified, also as IPv4 within IPv6): a peer must
    not choose which of our own services or look-ups we reach for.
    """
    ip = Address(host, port).ip
    if ip is not None and ip.version == 6 and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    scoped = "%" in host
    if ip is None or scoped or not is_dialable(ip) or ip.is_loopback or ip.is_link_local:
        raise Refused(Reason.BAD_VALUE, "an address that others can't dial")
    if not 0 < port < 65536:
        raise Refused(Reason.BAD_VALUE, f"port {port}")
    return Address(str(ip), port)


def is_dialable(ip: IPAddress) -> bool:
    """Whether one host can be behind it, as seen from here."""
    if ip.is_unspecified or ip.is_multicast or str(ip) == "255.255.255.255":
        return False
    return not (ip.version == 6 and ip.is_link_local and ip.scope_id is None)


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            raise UsageError(f"{text!r} is no address: the brackets", _HINT)
        return host, rest[1:] if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _port(port: str, text: str) -> int:
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not 0 < number < 65536:
        raise UsageError(f"{text!r} is no address: the port is a number from 1 to 65535", _HINT)
    return number


def _host(host: str, text: str) -> str:
    if ":" in host or host.replace(".", "").isdigit():
        return _ip(host, text)
    if len(host) > _MAX_HOST or not all(map(_LABEL.fullmatch, host.rstrip(".").split("."))):
        raise UsageError(f"{text!r} is no address: {host!r} is no host name", _HINT)
    return host.lower()


def _ip(host: str, text: str) -> str:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(f"{text!r} is no address: {host!r} is no IP address", _HINT) from None
    if ip.version == 6 and ip.scope_id is not None and not _SCOPE.fullmatch(ip.scope_id):
        raise UsageError(f"{text!r} is no address: {ip.scope_id!r} is no interface", _HINT)
    if ip.version == 6 and ip.is_link_local and ip.scope_id is None:
        raise UsageError(
            f"{text!r} is link-local: say on which interface", f"for example {host}%eth0"
        )
    if not is_dialable(ip):
        raise UsageError(f"{text!r} is no address of one machine", _HINT)
    return str(ip)
