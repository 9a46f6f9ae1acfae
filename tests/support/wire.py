"""A wire between two daemons that keeps all bytes that went over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trio


@dataclass(slots=True)
class Wire:
    """`address` leads to the daemon; `sent` is what it sent, for each connection."""

    address: str
    sent: list[bytearray] = field(default_factory=list)
    ended: int = 0


@asynccontextmanager
async def wire_to(address: str) -> AsyncIterator[Wire]:
    """A wire to where a daemon listens."""
    host, _, port = address.rpartition(":")
    listeners = await trio.open_tcp_listeners(0, host=host)
    wire = Wire(f"{host}:{listeners[0].socket.getsockname()[1]}")

    async def relay(caller: trio.SocketStream) -> None:
        seen = bytearray()
        wire.sent.append(seen)
        daemon = await trio.open_tcp_stream(host, int(port))
        async with caller, daemon, trio.open_nursery() as nursery:
            nursery.start_soon(_copy, caller, daemon, bytearray())
            await _copy(daemon, caller, seen)
            nursery.cancel_scope.cancel()
        wire.ended += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, relay, listeners)
        yield wire
        nursery.cancel_scope.cancel()


async def _copy(source: trio.SocketStream, to: trio.SocketStream, seen: bytearray) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while data := await source.receive_some():
            seen += data
            await to.send_all(data)
