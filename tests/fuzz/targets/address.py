"""Any text is an address, or a `UsageError`; what a peer told is one, or `Refused` as BAD_VALUE.

What is read is written so that it reads the same. What a peer told is an IP address that means the
same machine to everybody: neither loopback nor link-local nor a group.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason, Refused, UsageError
from p2pblog.net import address
from p2pblog.net.address import Address
from tests.fuzz import TAKEN
from tests.fuzz.material import named, texts


def run(data: bytes) -> str:
    text = texts(data)
    outcome = TAKEN
    try:
        found = address.parse(text, 7117)
    except UsageError as error:
        outcome = error.code
    else:
        assert 0 < found.port < 65536
        assert address.parse(str(found), 1) == found
    return f"{outcome}, told: {_told(text)}"


def _told(text: str) -> str:
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 9 else 7117
    try:
        found = address.literal(host, number)
    except Refused as refused:
        return named(refused, {Reason.BAD_VALUE})
    assert found.ip is not None
    assert "%" not in found.host
    assert not any((found.ip.is_loopback, found.ip.is_link_local, found.ip.is_multicast))
    assert found == Address(str(found.ip), number)
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from (
        *(b"10.0.0.1", b"10.0.0.1:7117", b"host", b"Host.Example.:80", b"[2001:db8::1]:7117"),
        *(b"fe80::1%eth0", b"[fe80::1%2]:7", b"::1:70", b"127.0.0.1:7117", b"255.255.255.255:1"),
        *(b"::ffff:127.0.0.1:1", b"[::ffff:1.2.3.4]:5", b"224.0.0.1:1", b"a_b-c:65536", b"1.2.3"),
        *(b"", b":1", b"[::1", b"x" * 64 + b".y", b"0.0.0.0:1", b" host : 1", b"::%1:1"),
    )
