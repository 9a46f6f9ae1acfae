"""Attacks without a member's key: sockets, bytes, and what the network key alone opens."""

from __future__ import annotations

import struct
from contextlib import AsyncExitStack

import trio

from p2pblog.protocol import crypto, message
from p2pblog.protocol.channel import SecureChannel
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.limits import MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_STRANGER_BYTES
from tests.hostile.attack import Attack
from tests.hostile.attacker import Aim, thrown_out
from tests.hostile.signing import Pen, packed


class SlowLoris(Attack):
    """300 sockets, each of which sends a byte of a handshake now and then."""

    memory = 8  # MB: 64 handshakes in hand, of 1 KiB and a task each

    async def run(self, aim: Aim) -> None:
        """Open them again where they were closed."""
        sockets: list[trio.SocketStream] = []
        while not aim.over:
            while len(sockets) < 300:
                sockets.append(await aim.socket())
                await aim.breathe()
            for one in sockets[:]:
                sockets.remove(one)
                with thrown_out():
                    await one.send_all(b"\0")
                    sockets.append(one)
                await aim.breathe()


class ThousandSockets(Attack):
    """A thousand silent connections at a time, opened again as they are closed."""

    memory = 8  # as of 300

    async def run(self, aim: Aim) -> None:
        """Hold the last thousand."""
        sockets: list[trio.SocketStream] = []
        while not aim.over:
            with thrown_out():
                sockets.append(await aim.socket())
            if len(sockets) > 1000:
                await trio.aclose_forcefully(sockets.pop(0))
            await aim.breathe()


class Garbage(Attack):
    """Random bytes, lengths beyond every limit, half frames and HTTP, on new connections."""

    memory = 8  # each is refused at its first frame

    async def run(self, aim: Aim) -> None:
        """One kind after the other."""
        kinds = [
            aim.rng.randbytes(70_000),
            struct.pack(">H", 65535) * 50,
            struct.pack(">H", 128) + aim.rng.randbytes(60),
            struct.pack(">H", 48) + aim.rng.randbytes(48),
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ]
        while not aim.over:
            for kind in kinds:
                with thrown_out():
                    async with await aim.socket() as one:
                        await one.send_all(kind)
                await aim.breathe()


class Replay(Attack):
    """The first frame of a member's handshake, recorded once and sent again and again."""

    memory = 8  # each costs an answer and 10 s of a pending handshake at most

    def prepare(self, aim: Aim) -> None:
        """Record it."""
        psk = crypto.network_psk(aim.keys.network_key)
        self.first = SecureChannel(True, aim.keys.key, bytes(32), [psk]).data_to_send()

    async def run(self, aim: Aim) -> None:
        """Send it, read the answer, send it again as the second."""
        while not aim.over:
            with thrown_out():
                async with await aim.socket() as one:
                    await one.send_all(self.first)
                    with trio.move_on_after(1):
                        await one.receive_some(1024)
                        await one.send_all(self.first)
            await aim.breathe()


class Strangers(Attack):
    """Whoever holds the network key: 4 MiB of team logs, each time under another key."""

    memory = 190  # 16 connections of 4 MiB, and 19,000 operations that are weighed, one lot a time

    def prepare(self, aim: Aim) -> None:
        """Sign as much as may be sent."""
        pen, before = Pen(SigningKey(b"x" * 32), aim.keys.team, aim.rng), None
        self.pages: list[bytes] = []
        while sum(map(len, self.pages)) < MAX_STRANGER_BYTES - MAX_PAGE_BYTES:
            run = []
            for _ in range(MAX_PAGE_ENTRIES):
                before = pen.write(b"", before, kind=Kind.TEAM, payload_class=0)
                run.append(before)
            self.pages.append(packed(run))

    async def run(self, aim: Aim) -> None:
        """Twenty at a time, each to its end."""
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(self._knock, aim)

    async def _knock(self, aim: Aim) -> None:
        while not aim.over:
            with thrown_out():
                async with await aim.connect(SigningKey(aim.rng.randbytes(32))) as one:
                    hello = message.Hello(1, 1, True, bytes(16), 0, 0, bytes(8))
                    await one.send(message.pack(hello))
                    for data in self.pages:
                        await one.send(message.pack(message.PageMessage(data, False)))
                        await aim.breathe()
                    await one.send(message.pack(message.Done(message.Scope.TEAM)))
                    while await one.receive():
                        pass
            await aim.breathe()


class Reconnects(Attack):
    """A member that connects, greets and leaves, or stays until others push it out."""

    memory = 16  # 8 sessions of a device

    async def run(self, aim: Aim) -> None:
        """Ten kept, one left at once."""
        async with AsyncExitStack() as stack:
            while not aim.over:
                for number in range(10):
                    with thrown_out():
                        one = await stack.enter_async_context(await aim.connect())
                        start = bytes([number] * 8)
                        hello = message.Hello(1, 1, True, bytes(16), 1, 1, start)
                        await one.send(message.pack(hello))
                    await aim.breathe()
                await stack.aclose()


OUTSIDERS = (SlowLoris, ThousandSockets, Garbage, Replay, Strangers, Reconnects)
