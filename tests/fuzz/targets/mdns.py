"""Whatever packets say, the table of instances holds what the rules allow, and nothing else.

Few instances, well named, none of them ours; few addresses and properties of each, all dialable
from here: neither ourselves nor a group nor, in company, this machine. The packets are read by
zeroconf; ours is what becomes of them. `beacon.parse` takes the properties or refuses them.
"""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from zeroconf import (  # type: ignore[attr-defined]  # documented names left out of its __all__
    DNSCache,
    DNSIncoming,
    Zeroconf,
    current_time_millis,
)
from zeroconf._handlers.record_manager import RecordManager

from p2pblog.net.address import is_dialable
from p2pblog.net.discovery import _NAME, TYPE, _Engine
from p2pblog.net.interfaces import Interfaces
from p2pblog.net.sightings import Found, Instance
from p2pblog.protocol import beacon, codec
from p2pblog.protocol.limits import (
    MAX_INSTANCE_ADDRESSES,
    MAX_INSTANCES,
    MAX_PROPERTIES,
    MAX_RESOLVING,
)
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import attempt, of_bytes, plan

PORT, HERE = 7117, "10.0.0.7"
LOOP = asyncio.new_event_loop()


class Listening:
    """An engine that hears packets without a network: zeroconf's reading, and ours after it."""

    def __init__(self) -> None:
        self.engine = _Engine(PORT, dict, lambda: None)
        self.engine._interfaces = Interfaces((HERE,), ())
        core: Any = SimpleNamespace(cache=DNSCache(), async_notify_all=lambda: None)
        self.engine._zc = cast(Any, SimpleNamespace(zeroconf=core))
        # no further questions: they would need a network
        self.engine._tasks = cast(Any, set(range(MAX_RESOLVING)))
        self._records = RecordManager(cast(Zeroconf, core))
        self._records.async_add_listener(self.engine, None)

    def hear(self, packet: bytes) -> None:
        read = DNSIncoming(packet, ("10.0.0.8", 5353), 2, current_time_millis())
        if read.valid and not read.is_query():
            self._records.async_updates_from_response(read)


def run(data: bytes) -> str:
    given = plan(data, tuple)
    if given is None:
        return NO_INPUT
    return LOOP.run_until_complete(_hear(of_bytes(given[0])[:20]))


async def _hear(packets: list[bytes]) -> str:
    listening = Listening()
    for packet in packets:
        listening.hear(packet)
    table = listening.engine.table
    assert len(table) <= MAX_INSTANCES
    outcome = "nothing"
    for instance, sighting in table.items():
        assert instance != listening.engine.instance
        _look(instance, sighting.found)
        outcome = attempt(beacon.parse, sighting.found.properties)[1]
    known = len(listening.engine._sightings._states)
    return outcome if outcome != "nothing" or not known else f"{TAKEN}, not described"


def _look(instance: Instance, found: Found) -> None:
    assert _NAME.fullmatch(instance)
    assert 0 < len(found.addresses) <= MAX_INSTANCE_ADDRESSES
    assert len(found.properties) <= MAX_PROPERTIES
    for address in found.addresses:
        assert address.ip is not None
        assert is_dialable(address.ip)
        assert not address.ip.is_loopback
        assert 0 < address.port < 65536
        assert (address.host, address.port) != (HERE, PORT)


def _name(text: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def _record(name: str, kind: int, content: bytes, ttl: int = 120) -> bytes:
    head = kind.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big")
    return _name(name) + head + len(content).to_bytes(2, "big") + content


def _packet(*records: bytes) -> bytes:
    return bytes([0, 0, 0x84, 0, 0, 0, 0, len(records), 0, 0, 0, 0]) + b"".join(records)


def seeds() -> Iterator[bytes]:
    service, host = TYPE.rstrip("."), "h.local"
    name = f"abc123.{service}"
    pointer = _record(service, 12, _name(name))
    place = _record(name, 33, b"\0\0\0\0\x1b\xcd" + _name(host))
    tag = b"t=" + beacon.make(b"n" * 32, bytes(16)).hex().encode()
    text = _record(name, 16, b"\3v=1" + bytes([len(tag)]) + tag)
    v4 = _record(host, 1, bytes([10, 0, 0, 9]))
    v6 = _record(host, 28, bytes.fromhex("fe80000000000000") + bytes(7) + b"\5")
    own = _record(host, 1, bytes([10, 0, 0, 7]))
    gone = _record(service, 12, _name(name), 0)
    yield codec.pack(((_packet(pointer, place, text, v4, v6),),))
    yield codec.pack(((_packet(pointer), _packet(place, text), _packet(v4), _packet(gone)),))
    yield codec.pack(((_packet(pointer, place, v4, own),),))
    yield codec.pack(
        ((_packet(pointer, place, text, own), _packet(_record(host, 1, b"\x7f\0\0\1"))),)
    )
    yield codec.pack(((_packet(_record(service, 12, _name(f"{'x' * 60}.{service}"))), b"\0" * 12),))
