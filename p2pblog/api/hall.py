"""Who is inside a door: the bound on connections, and what has to end when the daemon stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from p2pblog.api.exchange import Exchange, Terms
from p2pblog.api.limits import LINGER, MAX_CONNECTIONS, MAX_TURNED_AWAY, STOP_GRACE

_BODY: Final = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,"detail":'
    b'"Too many connections are open","code":"busy","hint":"Close some, or try again.","exit":7}'
)
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    b"Retry-After: 1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Hall:
    """The waits and the work of all connections, to be ended when the daemon stops."""

    def __init__(self) -> None:
        self._working: set[trio.CancelScope] = set()
        self._pausing: set[trio.CancelScope] = set()
        self._closed = False

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Around a connection: shielded from cancellation, but for `STOP_GRACE` at most."""
        with trio.CancelScope(shield=True) as scope:
            self._working.add(scope)
            try:
                yield
            finally:
                self._working.discard(scope)

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Around a wait for a client that may never do anything: ends at once."""
        with trio.CancelScope() as scope:
            if self._closed:
                scope.cancel()
            self._pausing.add(scope)
            try:
                yield
            finally:
                self._pausing.discard(scope)

    def close(self) -> None:
        """The daemon stops."""
        self._closed = True
        deadline = trio.current_time() + STOP_GRACE
        for scope in self._working:
            scope.deadline = deadline
        for scope in self._pausing:
            scope.cancel()


class Porter:
    """Lets at most `MAX_CONNECTIONS` in by one door, tells a few more that it is busy."""

    def __init__(self, hall: Hall, terms: Terms) -> None:
        self._hall = hall
        self._terms = terms
        self._inside = 0
        self._outside = 0

    async def admit(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end."""
        if self._inside >= MAX_CONNECTIONS:
            return await self._turn_away(stream)
        self._inside += 1
        try:
            async with stream:
                with self._hall.visit():
                    await Exchange(stream, self._terms).run()
        finally:
            self._inside -= 1

    async def _turn_away(self, stream: trio.SocketStream) -> None:
        self._outside += 1
        try:
            async with stream:
                if self._outside <= MAX_TURNED_AWAY:
                    with trio.move_on_after(LINGER):
                        await _say_busy(stream)
        finally:
            self._outside -= 1


async def _say_busy(stream: trio.SocketStream) -> None:
    try:
        await stream.send_all(BUSY)
        await stream.send_eof()
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        return
