"""Stands between two daemons: passes on what they say, later if asked, and counts the bytes.

It sees a TCP connection and the lengths of its frames, nothing within. What counts is what follows
the handshake: two frames of who dials and one of who is dialled (`protocol/channel.md`). The bytes
are those of the stream: framing and encryption are in, headers of TCP and IP are not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import trio

READ = 256 * 1024
PREFIX = 2  # bytes of a frame's length


@dataclass(slots=True)
class Way:
    """One direction of a connection. `handshake`: how many of its frames are still of it."""

    handshake: int
    count: int = 0
    done_at: float = 0.0
    _head: bytearray = field(default_factory=bytearray)

    def pass_on(self, data: bytes) -> None:
        """Count what is handed on now."""
        if not self.handshake:
            self.count += len(data)
            return
        self._head += data
        while self.handshake and len(self._head) >= PREFIX:
            end = PREFIX + int.from_bytes(self._head[:PREFIX], "big")
            if len(self._head) < end:
                return
            del self._head[:end]
            self.handshake -= 1
        if not self.handshake:
            self.done_at = time.perf_counter()
            self.count = len(self._head)


class Relay:
    """Passes connections on to a port, each way later by `delay` seconds."""

    def __init__(self, target: int, delay: float = 0.0) -> None:
        self.port = 0
        self.there = Way(2)  # from who dials
        self.back = Way(1)
        self._target = target
        self._delay = delay

    @property
    def count(self) -> int:
        """Bytes both ways after the handshake."""
        return self.there.count + self.back.count

    @property
    def established(self) -> float:
        """When the last frame of the handshake had been handed on."""
        return self.there.done_at

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pass on until cancelled. Meant for one connection: more are counted together."""
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        task_status.started()
        await trio.serve_listeners(self._join, [listener])

    async def _join(self, near: trio.SocketStream) -> None:
        with suppress(OSError, trio.BrokenResourceError):
            far = await trio.open_tcp_stream("127.0.0.1", self._target)
            async with near, far, trio.open_nursery() as nursery:
                nursery.start_soon(self._pass, near, far, self.there)
                nursery.start_soon(self._pass, far, near, self.back)

    async def _pass(self, source: trio.SocketStream, to: trio.SocketStream, way: Way) -> None:
        send, receive = trio.open_memory_channel[tuple[float, bytes]](1000)
        with suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, source, send)
                async for due, data in receive:
                    await trio.sleep_until(due)
                    way.pass_on(data)
                    await to.send_all(data)
                await to.send_eof()

    async def _read(
        self, source: trio.SocketStream, send: trio.MemorySendChannel[tuple[float, bytes]]
    ) -> None:
        async with send:
            with suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                while data := await source.receive_some(READ):
                    await send.send((trio.current_time() + self._delay, data))


@contextmanager
def relays(*wanted: Relay) -> Iterator[None]:
    """Let relays work, in a thread of their own."""
    ready, stop = threading.Event(), threading.Event()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for relay in wanted:
                await nursery.start(relay.serve)
            ready.set()
            await trio.to_thread.run_sync(stop.wait)
            nursery.cancel_scope.cancel()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()
