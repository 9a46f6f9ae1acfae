"""One connection of a door: request after request, each read, allowed, answered.

Spec: `protocol/api.md`.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import trio

from p2pblog.api import routes
from p2pblog.api.asking import fields_of_body, fields_of_head
from p2pblog.api.context import Api, Scope
from p2pblog.api.events import Allowed, EventStream
from p2pblog.api.fields import Json
from p2pblog.api.guard import check_origin, check_token
from p2pblog.api.limits import IDLE_TIMEOUT, MAX_BODY, REQUEST_TIMEOUT
from p2pblog.api.problem import CONTENT_TYPE, Refusal, problem_of, status_of
from p2pblog.api.render import renderer
from p2pblog.api.routes import Match, Route
from p2pblog.api.views import Document
from p2pblog.api.wire import Gone, Head, Headers, Wire, too_large
from p2pblog.errors import DiskError, UsageError, UserError

log = logging.getLogger(__name__)

_ALWAYS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every connection of one door.

    `pausing` is a context that ends early when the daemon stops: around waits for a client that
    may never do anything. `imports` bounds how many large bodies are held.
    """

    api: Api
    guarded: bool
    imports: trio.CapacityLimiter
    pausing: Callable[[], AbstractContextManager[object]]


class Exchange:
    """Serves one connection until it ends; what the client does wrong ends at most that."""

    def __init__(self, stream: trio.SocketStream, terms: Terms) -> None:
        self._wire = Wire(stream)
        self._terms = terms
        self._api = terms.api

    async def run(self) -> None:
        """Answer requests until the client, a deadline or the daemon's stop ends it."""
        try:
            while await self._one():
                pass
            await self._wire.close()
        except Gone:
            return
        finally:
            self._wire.leave()

    async def _one(self) -> bool:
        if not await self._wait():
            return False
        try:
            match, fields, head = await self._read()
            answer = await match.route.call(self._api, fields)
        except UserError as error:
            if isinstance(error, DiskError) or not self._wire.can_answer:
                raise
            await self._refuse(error)
        else:
            if isinstance(answer, EventStream):
                await self._stream(answer, head, match.route)
            else:
                await self._answer(match.route, answer)
        return self._wire.again()

    async def _wait(self) -> bool:
        with trio.move_on_after(IDLE_TIMEOUT), self._terms.pausing():
            return await self._wire.wait()
        return False

    async def _read(self) -> tuple[Match, dict[str, object], Head]:
        try:
            with trio.fail_after(REQUEST_TIMEOUT):
                head = await self._wire.head()
                match = await self._admit(head)
                return match, await self._fields(head, match), head
        except trio.TooSlowError as error:
            message = f"The request took more than {REQUEST_TIMEOUT:.0f} s to arrive"
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, message) from error

    async def _admit(self, head: Head) -> Match:
        """Everything that can be refused before the body is read."""
        if self._terms.guarded:
            check_origin(head)
        match = routes.find(head.method, head.path)
        await self._check_scope(head, match.route.scope)
        if head.has_body and not match.route.has_body:
            raise UsageError("There is no body here")
        if any(int(value) > match.route.body_limit for value in head.values("content-length")):
            raise too_large(match.route.body_limit)
        return match

    async def _check_scope(self, head: Head, scope: Scope | None) -> None:
        if self._terms.guarded and scope is not None:
            await check_token(head, scope, self._api.service, self._api.start_token)

    async def _fields(self, head: Head, match: Match) -> dict[str, object]:
        route = match.route
        given = fields_of_head(head, match)
        if route.body_limit <= MAX_BODY:
            return given | fields_of_body(route, await self._wire.body(route.body_limit))
        async with self._terms.imports:
            return given | fields_of_body(route, await self._wire.body(route.body_limit))

    async def _answer(self, route: Route, answer: object) -> None:
        body = b""
        headers = self._headers()
        if route.status is not HTTPStatus.NO_CONTENT:
            body = json.dumps(
                _show(route, answer), ensure_ascii=False, separators=(",", ":")
            ).encode()
            headers = [("Content-Type", "application/json"), *headers]
        log.debug("answer route=%s status=%d size=%d", route.name, route.status, len(body))
        await self._wire.answer(route.status, headers, body)

    async def _refuse(self, error: UserError) -> None:
        problem = problem_of(error)
        body = json.dumps(dataclasses.asdict(problem)).encode()
        extra = error.headers if isinstance(error, Refusal) else ()
        log.debug("refuse status=%d code=%s", problem.status, problem.code)
        headers = [("Content-Type", CONTENT_TYPE), *extra, *self._headers()]
        await self._wire.answer(status_of(error), headers, body)

    def _headers(self) -> Headers:
        return [("Date", formatdate(self._api.now() / 1000, usegmt=True)), *_ALWAYS]

    async def _stream(self, stream: EventStream, head: Head, route: Route) -> None:
        async def allowed() -> bool:
            return await self._still_allowed(head, route)

        headers = [("Content-Type", "text/event-stream; charset=utf-8"), *self._headers()]
        if not await self._wire.begin(headers):
            return
        gone = False
        try:
            with self._terms.pausing():
                await self._stream_until_gone(stream, allowed)
        except* Gone:
            gone = True  # what is raised in here would come out as a group
        if gone:
            raise Gone
        await self._wire.end()

    async def _stream_until_gone(self, stream: EventStream, allowed: Allowed) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            await stream.run(self._wire.more, allowed)
            nursery.cancel_scope.cancel()

    async def _watch(self) -> None:
        await self._wire.gone()
        raise Gone

    async def _still_allowed(self, head: Head, route: Route) -> bool:
        try:
            await self._check_scope(head, route.scope)
        except Refusal:
            return False
        return True


def _show(route: Route, answer: object) -> Json:
    return answer.content if isinstance(answer, Document) else renderer(route.gives)(answer)
