"""Who may come in by TCP: the Host and Origin checks, and bearer tokens with scopes.

A browser that was lured to a name which resolves to 127.0.0.1 (DNS rebinding) sends that name as
Host; a page of another origin sends its Origin. Neither is let in, and there are no cookies that
could follow. Spec: `protocol/api.md`, "Doors".
"""

from __future__ import annotations

import hmac
import re
from http import HTTPStatus
from typing import Final

from p2pblog.api.context import Scope
from p2pblog.api.problem import Refusal
from p2pblog.api.wire import Head
from p2pblog.node.service import Service

_HOST: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_BEARER: Final = re.compile(r"bearer +([!-~]{1,512})", re.IGNORECASE)
_CHALLENGE: Final = (("WWW-Authenticate", 'Bearer realm="p2pblog"'),)


def check_origin(head: Head) -> None:
    """Raises `Refusal`: 421 for a foreign Host, 403 for an Origin that is not that Host's own."""
    hosts = head.values("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            "Host must be 127.0.0.1, localhost or [::1]",
            "Use one of these three names in the address.",
        )
    own = f"http://{hosts[0].lower()}"
    if any(origin.lower() != own for origin in head.values("origin")):
        raise Refusal(HTTPStatus.FORBIDDEN, "Pages of other origins may not use this API")


async def check_token(head: Head, scope: Scope, service: Service, start_token: str) -> None:
    """Raises `Refusal`: 401 without a good token, 403 when it lacks the scope."""
    scopes = await _scopes(head, service, start_token)
    if not scopes:
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "A token is needed here",
            "Make one: p2pblog token create NAME. Send it as Authorization: Bearer TOKEN.",
            _CHALLENGE,
        )
    if scope not in scopes and Scope.ADMIN not in scopes:
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            f"This token does not have the scope {scope}",
            f"It has: {', '.join(sorted(scopes))}.",
        )


async def _scopes(head: Head, service: Service, start_token: str) -> frozenset[str]:
    found = [_BEARER.fullmatch(value) for value in head.values("authorization")]
    if len(found) != 1 or found[0] is None:
        return frozenset()
    secret = found[0][1]
    if start_token and hmac.compare_digest(secret.encode(), start_token.encode()):
        return frozenset({Scope.ADMIN})
    return await service.scopes_of(secret)
