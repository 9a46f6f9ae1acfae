"""The one table of routes: serving, validation and the OpenAPI document are all made from it.

A handler's annotations say what it takes (a dataclass, see `api/model.py`) and what it gives.
Spec: `protocol/api.md`, "Routes".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar, get_type_hints
from urllib.parse import unquote

from p2pblog.api import admin, events, files, people, posts, roster
from p2pblog.api.context import Api, Scope
from p2pblog.api.limits import MAX_BODY, MAX_IMPORT_BODY
from p2pblog.api.model import Slot, slots_of
from p2pblog.api.problem import Refusal

PREFIX: Final = "/api/v1"

Ask = TypeVar("Ask")
Give = TypeVar("Give")


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. `scope` is None where no token is asked for."""

    method: str
    path: str
    scope: Scope | None
    status: HTTPStatus
    slots: tuple[Slot, ...]
    gives: object
    summary: str
    name: str
    body_limit: int
    call: Callable[[Api, Mapping[str, object]], Awaitable[object]]

    @property
    def has_body(self) -> bool:
        """Whether the request may have a body."""
        return any(slot.source == "body" for slot in self.slots)


def _route(
    method: str,
    path: str,
    scope: Scope | None,
    handler: Callable[[Api, Ask], Awaitable[Give]],
    status: HTTPStatus = HTTPStatus.OK,
    body_limit: int = MAX_BODY,
) -> Route:
    hints: dict[str, Any] = get_type_hints(handler)
    make: Callable[..., Ask] = hints["ask"]

    async def call(api: Api, fields: Mapping[str, object]) -> object:
        return await handler(api, make(**fields))

    return Route(
        method,
        path,
        scope,
        status,
        slots_of(hints["ask"], path, method),
        hints["return"],
        (handler.__doc__ or "").strip(),
        handler.__name__,
        body_limit,
        call,
    )


_READ, _POST, _ADMIN = Scope.READ, Scope.POST, Scope.ADMIN
_CREATED, _ACCEPTED = HTTPStatus.CREATED, HTTPStatus.ACCEPTED
_NO_CONTENT = HTTPStatus.NO_CONTENT

ROUTES: Final = (
    _route("GET", "/status", _READ, people.read_status),
    _route("POST", "/team", _ADMIN, people.found_team, _CREATED),
    _route("GET", "/join", _READ, people.read_join),
    _route("POST", "/join", _ADMIN, people.join_team, _ACCEPTED),
    _route("DELETE", "/join", _ADMIN, people.cancel_join, _NO_CONTENT),
    _route("GET", "/posts", _READ, posts.list_posts),
    _route("POST", "/posts", _POST, posts.create_post, _CREATED),
    _route("GET", "/posts/{id}", _READ, posts.read_post),
    _route("GET", "/posts/{id}/thread", _READ, posts.read_thread),
    _route("GET", "/search", _READ, posts.search_posts),
    _route("GET", "/channels", _READ, posts.list_channels),
    _route("POST", "/import", _ADMIN, posts.import_posts, body_limit=MAX_IMPORT_BODY),
    _route("GET", "/doctor", _READ, people.examine),
    _route("GET", "/members", _READ, people.list_members),
    _route("DELETE", "/members/{who}", _ADMIN, roster.remove_member),
    _route("GET", "/members/{who}/removal", _READ, roster.read_removal),
    _route("POST", "/members/{who}/extend", _ADMIN, roster.extend_removal),
    _route("POST", "/members/{who}/readmit", _ADMIN, roster.readmit),
    _route("POST", "/members/{who}/resume", _ADMIN, roster.resume),
    _route("PUT", "/members/{who}/role", _ADMIN, roster.set_role),
    _route("PUT", "/members/{who}/name", _ADMIN, roster.rename_member),
    _route("GET", "/members/{who}/profile", _READ, roster.read_profile),
    _route("PUT", "/profile", _ADMIN, roster.set_profile),
    _route("PUT", "/team/name", _ADMIN, roster.rename_team),
    _route("GET", "/devices", _READ, roster.list_devices),
    _route("PUT", "/devices/{who}/name", _ADMIN, roster.rename_device),
    _route("DELETE", "/devices/{who}", _ADMIN, roster.revoke_device),
    _route("GET", "/devices/{who}/removal", _READ, roster.read_revocation),
    _route("POST", "/leave", _ADMIN, roster.leave),
    _route("POST", "/recover", _ADMIN, roster.recover, _ACCEPTED),
    _route("POST", "/recover/devices", _ADMIN, roster.recover_devices),
    _route("GET", "/peers", _READ, people.list_peers),
    _route("POST", "/peers", _ADMIN, people.add_peer, _CREATED),
    _route("DELETE", "/peers/{address}", _ADMIN, people.remove_peer, _NO_CONTENT),
    _route("GET", "/invitations", _ADMIN, people.list_invitations),
    _route("POST", "/invitations", _ADMIN, people.create_invitation, _CREATED),
    _route("DELETE", "/invitations/{id}", _ADMIN, people.withdraw_invitation),
    _route("POST", "/bundles/export", _ADMIN, files.export_bundle),
    _route("POST", "/bundles/import", _ADMIN, files.import_bundle),
    _route("POST", "/bundles/show", _ADMIN, files.show_bundle),
    _route("POST", "/backup", _ADMIN, files.back_up),
    _route("POST", "/restore", _ADMIN, files.restore),
    _route("GET", "/config", _ADMIN, admin.read_config),
    _route("PUT", "/config/{key}", _ADMIN, admin.set_config),
    _route("DELETE", "/config/{key}", _ADMIN, admin.reset_config),
    _route("GET", "/tokens", _ADMIN, admin.list_tokens),
    _route("POST", "/tokens", _ADMIN, admin.create_token, _CREATED),
    _route("DELETE", "/tokens/{id}", _ADMIN, admin.revoke_token, _NO_CONTENT),
    _route("GET", "/events", _READ, events.stream_events),
    _route("POST", "/stop", _ADMIN, admin.stop, _ACCEPTED),
    _route("GET", "/openapi.json", _READ, admin.read_document),
    _route("GET", "/proof", None, admin.prove),
)


_DUE: Final = tuple((route, (PREFIX + route.path).split("/")) for route in ROUTES)
_PLAIN: Final = {
    (route.method, PREFIX + route.path): route for route in ROUTES if "{" not in route.path
}


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what stood in the path's places."""

    route: Route
    places: tuple[tuple[str, str], ...]


def find(method: str, path: str) -> Match:
    """The route of a request; HEAD is answered as GET. Raises `Refusal` 404 or 405."""
    wanted = "GET" if method == "HEAD" else method
    if plain := _PLAIN.get((wanted, path)):
        return Match(plain, ())
    given = path.split("/")
    matches = [found for route, due in _DUE if (found := _match(route, due, given)) is not None]
    if not matches:
        raise Refusal(HTTPStatus.NOT_FOUND, f"There is nothing at {path[:80]}")
    for match in matches:
        if match.route.method == wanted:
            return match
    methods = sorted({match.route.method for match in matches})
    allowed = ", ".join(methods + ["HEAD"] * ("GET" in methods))
    raise Refusal(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"{method[:20]} is not possible here",
        f"Possible here: {allowed}.",
        (("Allow", allowed),),
    )


def _match(route: Route, due: Sequence[str], given: Sequence[str]) -> Match | None:
    if len(due) != len(given):
        return None
    places = []
    for name, text in zip(due, given, strict=True):
        if name.startswith("{") and text:
            places.append((name[1:-1], _unquote(text)))
        elif name != text:
            return None
    return Match(route, tuple(places))


def _unquote(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "The path is not UTF-8") from error
