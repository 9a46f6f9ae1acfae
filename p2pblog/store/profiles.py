"""Profiles as readers see them: of a member's, by any device, the last in the order of posts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from p2pblog.errors import Refused
from p2pblog.protocol import entry
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.post import Profile, parse_profile
from p2pblog.store.catalog import Catalog


def newest(
    connection: sqlite3.Connection, catalog: Catalog, devices: Iterable[DeviceKey]
) -> tuple[int, Profile] | None:
    """The last readable profile by any of the devices, with its time (ms)."""
    logs = [number for device in devices for number in catalog.of_device.get(device, ())]
    found = [row for number in logs for row in _of_log(connection, number)]
    for time, _, payload in sorted(found, key=lambda row: row[:2], reverse=True):
        try:
            return time, parse_profile(entry.body(payload))
        except Refused:
            continue
    return None


def _of_log(connection: sqlite3.Connection, number: int) -> list[tuple[int, bytes, bytes]]:
    """A few of a log's newest whose payload is here: the first that can be read is wanted."""
    return connection.execute(
        "SELECT p.time, p.start, e.payload FROM profiles p JOIN entries e USING (arrival) "
        "WHERE p.log = ? AND e.payload IS NOT NULL ORDER BY p.time DESC, p.start DESC LIMIT 8",
        (number,),
    ).fetchall()
