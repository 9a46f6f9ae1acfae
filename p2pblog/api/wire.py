"""HTTP/1.1 on one stream: h11 with our limits and deadlines, and nothing of routes.

What the client does wrong is raised as `Refusal`; `Gone` means that nobody is there to be told.
Spec: `protocol/api.md`, "Limits".
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import h11
import trio

from p2pblog.api.limits import LINGER, MAX_HEAD, SEND_TIMEOUT
from p2pblog.api.problem import Refusal

Headers: TypeAlias = Sequence[tuple[str, str]]

_READ: Final = 16 * 1024


class Gone(Exception):
    """The client went away, or takes nothing any more."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Headers
    has_body: bool

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Wire:
    """One connection. Use it in turn: `wait`, `head`, `body`, then one answer, then `again`."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._socket = socket.socket(fileno=stream.socket.fileno())  # the same, without turns
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._head_only = False
        self._torn = False  # a write was cut short: nothing that follows would make sense

    async def wait(self) -> bool:
        """Wait for the first byte of a request; False when the client has hung up."""
        return bool(self._http.trailing_data[0]) or await self._receive()

    async def head(self) -> Head:
        """The head of the next request."""
        self._head_only = False  # until it says so: what can't be read is answered with words
        event = await self._next()
        if not isinstance(event, h11.Request):
            raise Gone
        self._head_only = event.method == b"HEAD"
        if not _has_body(event.headers):
            await self._next()
        headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers]
        size = len(event.target) + sum(len(name) + len(value) for name, value in headers)
        if size > MAX_HEAD:
            raise Refusal(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The request's head has more than {MAX_HEAD} bytes",
            )
        path, _, query = event.target.decode("ascii").partition("?")
        return Head(event.method.decode("ascii"), path, query, headers, _has_body(event.headers))

    async def body(self, limit: int) -> bytes:
        """The body of this request. Refused above `limit` bytes, before they are held."""
        found = bytearray()
        if self._http.their_state is not h11.SEND_BODY:
            return b""
        while isinstance(event := await self._next(), h11.Data):
            found += event.data
            if len(found) > limit:
                raise too_large(limit)
        return bytes(found)

    async def answer(self, status: HTTPStatus, headers: Headers, body: bytes) -> None:
        """Send a whole answer. The connection closes after it unless the request was read whole."""
        sized = [*headers, ("Content-Length", str(len(body)))]
        if status == HTTPStatus.NO_CONTENT:
            sized = list(headers)
        await self._write(self._start(status, sized) + self._data(body) + self._end())

    async def begin(self, headers: Headers) -> bool:
        """Send the head of an answer without end; False if the request was for the head alone."""
        start = self._start(HTTPStatus.OK, [*headers, ("Connection", "close")])
        await self._write(start + (self._end() if self._head_only else b""))
        return not self._head_only

    async def more(self, data: bytes) -> None:
        """Send more of an answer without end."""
        await self._write(self._data(data))

    async def end(self) -> None:
        """End an answer without end, unless a write of it was cut short."""
        if not self._torn:
            await self._write(self._end())

    async def gone(self) -> None:
        """Wait until the client hangs up; what it still sends is dropped."""
        try:
            while await self._stream.receive_some(_READ):
                pass
        except trio.BrokenResourceError:
            return

    def again(self) -> bool:
        """Get ready for the next request; False if the connection can't have one."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def leave(self) -> None:
        """Leave the stream to whoever closes it."""
        self._socket.detach()

    async def close(self) -> None:
        """Close. If the client was still sending, let it read the answer before the reset."""
        await trio.lowlevel.checkpoint()  # an answer has gone without one
        refused_early = self._http.their_state in (h11.SEND_BODY, h11.ERROR)
        with trio.move_on_after(LINGER):
            if refused_early and not self._torn:
                try:
                    await self._stream.send_eof()
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                await self.gone()

    @property
    def can_answer(self) -> bool:
        """Whether no answer to this request has begun."""
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def _next(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise _refusal(error) from error
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    await self._write(self._http.send(go_on) or b"")
                await self._receive()
            elif isinstance(event, h11.Event) and not isinstance(event, h11.ConnectionClosed):
                return event
            else:
                raise Gone

    async def _receive(self) -> bool:
        try:
            data = await self._read()
        except (OSError, trio.ClosedResourceError) as error:
            raise Gone from error
        self._http.receive_data(data)
        return bool(data)

    async def _read(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(_READ)
            except BlockingIOError:
                continue

    def _start(self, status: HTTPStatus, headers: Headers) -> bytes:
        close = [] if self._http.their_state is h11.DONE else [("Connection", "close")]
        head = h11.Response(
            status_code=int(status),
            reason=status.phrase.encode(),
            headers=[(name.encode(), value.encode()) for name, value in [*headers, *close]],
        )
        return self._http.send(head) or b""

    def _data(self, body: bytes) -> bytes:
        if self._head_only or not body:
            return b""
        return self._http.send(h11.Data(data=body)) or b""

    def _end(self) -> bytes:
        return self._http.send(h11.EndOfMessage()) or b""

    async def _write(self, data: bytes) -> None:
        self._torn = True
        try:
            sent = self._send_now(data)
            if sent < len(data):
                with trio.fail_after(SEND_TIMEOUT):
                    await self._stream.send_all(data[sent:])
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            raise Gone from error
        self._torn = False

    def _send_now(self, data: bytes) -> int:
        """How much of it the kernel takes at once: as a rule all, without a turn of the loop."""
        try:
            return self._socket.send(data) if data else 0
        except OSError:  # full, or broken: `send_all` will tell
            return 0


def too_large(limit: int) -> Refusal:
    """The refusal of a body that is above `limit`."""
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {limit} bytes, the limit"
    )


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")
        for name, value in headers
    )


def _refusal(error: h11.RemoteProtocolError) -> Refusal:
    known = (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        HTTPStatus.NOT_IMPLEMENTED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )
    status = next((s for s in known if s == error.error_status_hint), HTTPStatus.BAD_REQUEST)
    return Refusal(status, f"This is not HTTP/1.1 as it should be: {error}")
