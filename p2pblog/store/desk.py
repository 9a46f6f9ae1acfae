"""The small things that a node keeps beside the logs."""

from __future__ import annotations

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.store import notes
from p2pblog.store.core import Core
from p2pblog.store.notes import Token


class Desk(Core):
    """Addresses, settings, tokens."""

    def remember_address(self, device: DeviceKey, address: str, now: int) -> None:
        """Note that a device was reached at an address; the newest 8 are kept."""
        with self._database.writing() as connection:
            notes.remember(connection, device, address, now)

    def addresses(self) -> list[tuple[DeviceKey, str]]:
        """Where devices were reached, the last reached first."""
        with self._database.reading() as connection:
            return notes.addresses(connection)

    def settings(self) -> dict[str, str]:
        """Every setting."""
        with self._database.reading() as connection:
            return notes.settings(connection)

    def put_setting(self, key: str, value: str | None) -> None:
        """Set a setting; None removes it."""
        with self._database.writing() as connection:
            notes.put_setting(connection, key, value)

    def tokens(self) -> list[Token]:
        """The tokens of the local API, the oldest first."""
        with self._database.reading() as connection:
            return notes.tokens(connection)

    def add_token(self, token: Token, digest: bytes) -> None:
        """Keep a token by the digest of its secret."""
        with self._database.writing() as connection:
            notes.add_token(connection, token, digest)

    def remove_token(self, token_id: str) -> bool:
        """Remove a token; whether it was there."""
        with self._database.writing() as connection:
            return notes.remove_token(connection, token_id)

    def scopes(self, digest: bytes) -> frozenset[str] | None:
        """What the secret with this digest may do; None where there is no such token."""
        with self._database.reading() as connection:
            return notes.scopes(connection, digest)
