"""The event stream: posts by arrival number, resumable. Spec: `protocol/api.md`, "Events".

The log is the queue: a stream is a cursor that asks the node for what is above it, so a slow
reader lags and nothing is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import trio

from p2pblog.api.context import Api
from p2pblog.api.cursor import Position
from p2pblog.api.fields import POSITION, JsonObject
from p2pblog.api.limits import EVENT_BATCH, KEEP_ALIVE
from p2pblog.api.model import Header
from p2pblog.api.render import renderer
from p2pblog.api.views import Post, post_of
from p2pblog.errors import DiskError, NotSetUp, UserError
from p2pblog.node.service import Phase, PostView

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
Allowed: TypeAlias = Callable[[], Awaitable[bool]]

PULSE = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Events:
    """From where; `Last-Event-ID`, which browsers send when they come back, comes first."""

    after: Annotated[Position | None, POSITION] = None
    last: Annotated[Position | None, Header("Last-Event-ID"), POSITION] = None


@dataclass(frozen=True, slots=True)
class EventStream:
    """Events from `start` on; `reset` says that the client's position was of another store."""

    api: Api
    start: Position
    reset: bool

    async def run(self, send: Send, allowed: Allowed) -> None:
        """Send events until cancelled, not `allowed` any more, or out of the team."""
        turns = trio.Lock()

        async def in_turn(data: bytes) -> None:
            try:
                turns.acquire_nowait()  # without a turn of the loop: nearly always free
            except trio.WouldBlock:
                await turns.acquire()
            try:
                await send(data)
            finally:
                turns.release()

        await in_turn(self._opening())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_pulse, in_turn, allowed, nursery.cancel_scope)
            await self._posts(in_turn)
            nursery.cancel_scope.cancel()

    async def _posts(self, send: Send) -> None:
        try:
            async with self.api.service.arrivals(self.start.arrival, EVENT_BATCH) as batches:
                async for batch in batches:
                    await send(self._batch(batch))
        except UserError as error:
            if isinstance(error, DiskError):
                raise

    def _opening(self) -> bytes:
        # an id alone dispatches nothing, but is remembered: a client that has seen no event yet
        # comes back to the right place
        if not self.reset:
            return f"id: {self.start}\n\n".encode()
        position: JsonObject = {"position": str(self.start)}
        return _event("reset", self.start, position)

    def _batch(self, batch: Sequence[PostView]) -> bytes:
        now = self.api.now()
        return b"".join(self._post(view, now) for view in batch)

    def _post(self, view: PostView, now: int) -> bytes:
        data = renderer(Post)(post_of(view, now))
        return _event("post", Position(self.start.store, view.arrival), data)


async def _pulse(send: Send, allowed: Allowed, scope: trio.CancelScope) -> None:
    """Keep the connection alive; a token that was revoked ends it."""
    while await allowed():
        await send(PULSE)
        await trio.sleep(KEEP_ALIVE)
    scope.cancel()


def _event(name: str, position: Position, data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {position}\nevent: {name}\ndata: {text}\n\n".encode()


async def stream_events(api: Api, ask: Events) -> EventStream:
    """Posts as they arrive here, as text/event-stream."""
    status = await api.service.status()
    if status.phase is not Phase.MEMBER:
        raise NotSetUp("There are no posts before there is a team", "Run p2pblog init or join.")
    newest = Position(status.store, status.newest_arrival)
    asked = ask.last or ask.after
    if asked is None:
        return EventStream(api, newest, reset=False)
    if asked.store != newest.store or asked.arrival > newest.arrival:
        return EventStream(api, newest, reset=True)
    return EventStream(api, asked, reset=False)
