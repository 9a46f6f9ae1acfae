"""Handlers of the daemon itself: settings, tokens, stop, the document, the proof."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from p2pblog.api.context import Api, Scope
from p2pblog.api.fields import NONCE, Choice, Many, Pattern, Text
from p2pblog.api.limits import MAX_VALUE, MAX_WORD
from p2pblog.api.posts import NoFields
from p2pblog.api.problem import Refusal
from p2pblog.api.views import Document, Listing, Nothing, Proof
from p2pblog.node.service import Token

SETTING = Pattern(f"[a-z][a-z0-9_.]{{0,{MAX_WORD - 1}}}", "a setting's name")


@dataclass(frozen=True, slots=True)
class OneSetting:
    """Which setting."""

    key: Annotated[str, SETTING]


@dataclass(frozen=True, slots=True)
class NewValue:
    """A setting's value, as the user types it."""

    key: Annotated[str, SETTING]
    value: Annotated[str, Text(MAX_VALUE)]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to make."""

    name: Annotated[str, Text(MAX_WORD, 1)]
    scopes: Annotated[tuple[str, ...], Many(Choice(tuple(Scope)), len(Scope), 1)]


@dataclass(frozen=True, slots=True)
class OneToken:
    """Which token."""

    id: Annotated[str, Text(MAX_WORD, 1)]


@dataclass(frozen=True, slots=True)
class Nonce:
    """What to prove the token with."""

    nonce: Annotated[bytes, NONCE]


async def read_config(api: Api, ask: NoFields) -> dict[str, str]:
    """Every setting."""
    return await api.service.config()


async def set_config(api: Api, ask: NewValue) -> dict[str, str]:
    """Change a setting; every setting after it."""
    return await api.service.set_config(ask.key, ask.value)


async def reset_config(api: Api, ask: OneSetting) -> dict[str, str]:
    """Put a setting back to its default; every setting after it."""
    return await api.service.set_config(ask.key, None)


async def list_tokens(api: Api, ask: NoFields) -> Listing[Token]:
    """The tokens of bots, without their secrets."""
    return Listing(tuple(await api.service.tokens()))


async def create_token(api: Api, ask: NewToken) -> Token:
    """Make a token; only this answer has its secret."""
    return await api.service.make_token(ask.name, tuple(dict.fromkeys(ask.scopes)))


async def revoke_token(api: Api, ask: OneToken) -> Nothing:
    """Revoke a token."""
    await api.service.revoke_token(ask.id)
    return Nothing()


async def stop(api: Api, ask: NoFields) -> Nothing:
    """Stop the daemon, losing nothing."""
    await api.service.stop()
    return Nothing()


async def read_document(api: Api, ask: NoFields) -> Document:
    """This API as an OpenAPI 3.1 document."""
    return Document(api.document)


async def prove(api: Api, ask: Nonce) -> Proof:
    """Prove that this server knows the token of its start, before a client sends it."""
    if not api.start_token:
        raise Refusal(HTTPStatus.NOT_FOUND, "This door has no token to prove")
    return Proof(hmac.digest(api.start_token.encode(), ask.nonce, "blake2b"))
