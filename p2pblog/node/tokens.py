"""Keys for bots to the local API: shown once, kept as a hash, with scopes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from p2pblog.errors import NotFound, UsageError
from p2pblog.node.membership import Membership
from p2pblog.node.service import Token
from p2pblog.store.notes import Token as Kept

SCOPES = ("read", "post", "admin")
SECRET_SIZE = 32
ID_SIZE = 4


class Tokens:
    """The tokens of one home."""

    def __init__(self, member: Membership) -> None:
        self._member = member
        self._replica = member.replica

    async def all(self) -> list[Token]:
        """Every token, without its secret."""
        return [
            Token(kept.id, kept.name, tuple(kept.scopes), kept.made)
            for kept in self._replica.tokens()
        ]

    async def make(self, name: str, scopes: Sequence[str]) -> Token:
        """A new token. Raises `UsageError` for an unknown scope or an empty name."""
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise UsageError(f"No scope is called {unknown!r}.", f"Scopes: {', '.join(SCOPES)}.")
        if not name.strip():
            raise UsageError("The token has no name.", "Name it for what uses it.")
        secret = self._member.salt(SECRET_SIZE).hex()
        number = self._member.salt(ID_SIZE).hex()
        made = self._member.clock()
        kept = Kept(number, name.strip(), frozenset(scopes), made)
        add = self._replica.add_token
        await self._member.writer.call(add, kept, _digest(secret))
        return Token(number, name.strip(), tuple(scopes), made, secret)

    async def revoke(self, prefix: str) -> None:
        """Make a token useless."""
        found = [kept.id for kept in self._replica.tokens() if kept.id.startswith(prefix)]
        if len(found) != 1:
            raise NotFound(f"No token has the id {prefix!r}.", "")
        await self._member.writer.call(self._replica.remove_token, found[0])

    async def scopes_of(self, secret: str) -> frozenset[str]:
        """What a secret allows; nothing for an unknown one."""
        return self._replica.scopes(_digest(secret)) or frozenset()


def _digest(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"p2pblog token").digest()
