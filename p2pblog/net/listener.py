"""Takes in connections from anybody, within bounds.

A stranger costs us a socket and one handshake's state for at most `HANDSHAKE_TIMEOUT`. When too
many handshakes are in hand, all or from one source, the oldest is dropped: an honest one takes
milliseconds, so it is never the oldest for long, however many others are held open.
"""

import errno
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeAlias

import trio

from p2pblog.errors import PeerError
from p2pblog.net.connection import Connection, accept
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.limits import (
    ACCEPT_PAUSE,
    HANDSHAKE_TIMEOUT,
    MAX_CONNECTIONS,
    MAX_PENDING,
    MAX_PENDING_PER_SOURCE,
)

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Connection], Awaitable[None]]
Psks: TypeAlias = Callable[[], Sequence[bytes]]

LOG_PAUSE: Final = 1.0

_SHORT: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_ANY: Final = ("::", "0.0.0.0")


@dataclass(frozen=True, slots=True)
class _Pending:
    source: str
    scope: trio.CancelScope


class Listener:
    """Open sockets on `port`, IPv6 and IPv4; made by `listen`. Use it in an `async with`."""

    def __init__(self, listeners: Sequence[trio.SocketListener]) -> None:
        self.port: Final[int] = listeners[0].socket.getsockname()[1]
        self._listeners = listeners
        self._pending: list[_Pending] = []  # the oldest first
        self._open = 0
        self._told = -math.inf

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take in nobody any more."""
        for listener in self._listeners:
            listener.socket.close()  # at once, whatever is being cancelled
        await trio.lowlevel.checkpoint()

    async def serve(
        self,
        handler: Handler,
        signing_key: SigningKey,
        psks: Psks,
        *,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
    ) -> None:
        """Run `handler` for each connection whose handshake succeeds, until cancelled.

        `psks` is asked for each connection anew. The connection is closed when its handler
        returns; what the handler raises ends all.
        """

        async def take(stream: trio.SocketStream) -> None:
            try:
                connection = await self._shake(stream, signing_key, psks(), handshake_timeout)
                if connection is not None:
                    async with connection:
                        await handler(connection)
            finally:
                self._open -= 1

        async with trio.open_nursery() as nursery:
            for listener in self._listeners:
                nursery.start_soon(self._accept, listener, nursery, take)

    async def _accept(
        self,
        listener: trio.SocketListener,
        nursery: trio.Nursery,
        take: Callable[[trio.SocketStream], Awaitable[None]],
    ) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in _SHORT:
                    raise
                log.warning("pause accepting error=%s", error)
                await trio.sleep(ACCEPT_PAUSE)
                continue
            if self._open >= MAX_CONNECTIONS:
                self._tell("anybody", f"busy, open={self._open}")
                await trio.aclose_forcefully(stream)
                continue
            self._open += 1
            nursery.start_soon(take, stream)

    async def _shake(
        self,
        stream: trio.SocketStream,
        signing_key: SigningKey,
        psks: Sequence[bytes],
        timeout: float,
    ) -> Connection | None:
        """The connection; None when it was refused, lost, or dropped for others."""
        try:
            source = stream.socket.getpeername()[0]
        except OSError:  # gone already
            await trio.aclose_forcefully(stream)
            return None
        self._make_room(source)
        with trio.CancelScope() as scope:
            pending = _Pending(source, scope)
            self._pending.append(pending)
            try:
                return await accept(stream, signing_key, psks, timeout=timeout)
            except PeerError as error:
                self._tell(source, str(error))
            finally:
                self._pending.remove(pending)
        return None

    def _make_room(self, source: str) -> None:
        alike = [pending for pending in self._pending if pending.source == source]
        if len(alike) >= MAX_PENDING_PER_SOURCE:
            self._drop(alike[0])
        elif len(self._pending) >= MAX_PENDING:
            self._drop(self._pending[0])

    def _drop(self, pending: _Pending) -> None:
        self._tell(pending.source, "busy")
        pending.scope.cancel()

    def _tell(self, source: str, reason: str) -> None:
        """Log it, but for what would let a stranger fill the log."""
        now = trio.current_time()
        often = now < self._told + LOG_PAUSE
        log.log(logging.DEBUG if often else logging.INFO, "refuse %s reason=%s", source, reason)
        if not often:
            self._told = now


async def listen(port: int, host: str = "") -> Listener:
    """Listen on `port` of `host`, or of every interface, IPv6 and IPv4; else on a free port.

    Raises `OSError` when there is no way to listen at all.
    """
    hosts = (host,) if host else _ANY
    try:
        return await _listen(port, hosts)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not port:
            raise
        log.info("take another port, taken=%d", port)
        return await _listen(0, hosts)


async def _listen(port: int, hosts: Sequence[str]) -> Listener:
    listeners: list[trio.SocketListener] = []
    absent: OSError | None = None
    for host in hosts:
        try:
            opened = await trio.open_tcp_listeners(port, host=host)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                for listener in listeners:
                    await listener.aclose()
                raise
            absent = error  # a kernel without IPv6, or without IPv4
            continue
        listeners += opened
        port = listeners[0].socket.getsockname()[1]  # the same for the other family
    if not listeners:
        raise absent or OSError("no way to listen")
    return Listener(listeners)
