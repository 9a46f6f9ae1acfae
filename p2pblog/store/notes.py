"""Small things that a node keeps beside the logs: addresses, settings, tokens, keys of posts."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from p2pblog.protocol.crypto import DeviceKey

KEY_LIFETIME_MS = 24 * 3600 * 1000  # longer than any client keeps asking
ADDRESSES_A_DEVICE = 8  # the newest: a laptop's few networks, IPv4 and IPv6


class Token(NamedTuple):
    """A key to the local API; its secret is kept only as a digest."""

    id: str
    name: str
    scopes: frozenset[str]
    made: int


def remember(connection: sqlite3.Connection, device: DeviceKey, address: str, now: int) -> None:
    """Note that a device was reached at an address."""
    connection.execute("INSERT OR REPLACE INTO addresses VALUES (?, ?, ?)", (device, address, now))
    connection.execute(
        "DELETE FROM addresses WHERE device = ?1 AND address NOT IN (SELECT address FROM addresses "
        "WHERE device = ?1 ORDER BY seen DESC, address LIMIT ?2)",
        (device, ADDRESSES_A_DEVICE),
    )


def forget(connection: sqlite3.Connection, device: DeviceKey) -> None:
    """Forget where a device was reached."""
    connection.execute("DELETE FROM addresses WHERE device = ?", (device,))


def addresses(connection: sqlite3.Connection) -> list[tuple[DeviceKey, str]]:
    """Where devices were reached, the last reached first."""
    rows = connection.execute(
        "SELECT device, address FROM addresses ORDER BY seen DESC, device, address"
    )
    return [(DeviceKey(device), address) for device, address in rows]


def settings(connection: sqlite3.Connection) -> dict[str, str]:
    """Every setting."""
    return dict(connection.execute("SELECT key, value FROM settings ORDER BY key"))


def put_setting(connection: sqlite3.Connection, key: str, value: str | None) -> None:
    """Set a setting; None removes it."""
    if value is None:
        connection.execute("DELETE FROM settings WHERE key = ?", (key,))
    else:
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))


def add_token(connection: sqlite3.Connection, token: Token, digest: bytes) -> None:
    """Keep a token by the digest of its secret."""
    scopes = " ".join(sorted(token.scopes))
    connection.execute(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
        (token.id, token.name, scopes, token.made, digest),
    )


def tokens(connection: sqlite3.Connection) -> list[Token]:
    """Every token, the oldest first."""
    rows = connection.execute("SELECT id, name, scopes, made FROM tokens ORDER BY made, id")
    return [Token(i, name, frozenset(scopes.split()), made) for i, name, scopes, made in rows]


def remove_token(connection: sqlite3.Connection, token: str) -> bool:
    """Remove a token by its id; whether it was there."""
    return connection.execute("DELETE FROM tokens WHERE id = ?", (token,)).rowcount > 0


def scopes(connection: sqlite3.Connection, digest: bytes) -> frozenset[str] | None:
    """What the secret with this digest may do; None where there is no such token."""
    row = connection.execute("SELECT scopes FROM tokens WHERE digest = ?", (digest,)).fetchone()
    return row and frozenset(row[0].split())


def keep_key(connection: sqlite3.Connection, key: str, arrival: int, now: int) -> None:
    """Note what was posted under a key; forget the keys of yesterday."""
    connection.execute("DELETE FROM keys WHERE made <= ?", (now - KEY_LIFETIME_MS,))
    connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", (key, arrival, now))


def keyed(connection: sqlite3.Connection, key: str, now: int) -> int | None:
    """The arrival number of what was posted under this key within a day."""
    row = connection.execute(
        "SELECT arrival FROM keys WHERE key = ? AND made > ?", (key, now - KEY_LIFETIME_MS)
    ).fetchone()
    arrival: int | None = row and row[0]
    return arrival
