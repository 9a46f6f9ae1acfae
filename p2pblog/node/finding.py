"""Finds others by mDNS: every `_p2pblog._tcp` instance that may be of our team becomes a way."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from p2pblog.errors import Refused
from p2pblog.net.discovery import Discovery
from p2pblog.net.sightings import Found, Instance
from p2pblog.node.peering import Peering, Way
from p2pblog.protocol import beacon

log = logging.getLogger(__name__)
PREFIX = "mdns "  # of the names of ways that were seen


async def find(
    peering: Peering, port: int, network_key: bytes, salt: Callable[[int], bytes], *, anybody: bool
) -> None:
    """Announce `port` under the team's tag and add whom we see to `peering`, until cancelled.

    With `anybody` every instance is added: who joins has no network key to recognise a team by, and
    gives a random one.
    """

    def properties() -> dict[bytes, bytes]:
        return beacon.encode(beacon.Beacon(beacon.make(network_key, salt(beacon.NONCE_SIZE))))

    def is_ours(found: Found) -> bool:
        try:
            tag = beacon.parse(found.properties).tag
        except Refused:
            return False
        return anybody or beacon.matches(network_key, tag)

    discovery = Discovery(port, properties)

    def doubt(way: Way) -> None:
        if way.source == "mdns":
            discovery.doubt(Instance(way.name.removeprefix(PREFIX)))

    peering.doubt = doubt
    async with trio.open_nursery() as nursery:
        await nursery.start(discovery.run)
        async for event in discovery.events():
            name = PREFIX + event.instance
            if isinstance(event, Found) and is_ours(event):
                log.debug("see instance=%s", event.instance)
                peering.add(name, "mdns", event.addresses)
            else:
                peering.remove(name)
