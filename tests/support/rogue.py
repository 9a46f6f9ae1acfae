"""A member's machine in the wrong hands: it speaks the protocol up to where it says what it likes.

It has the keys of a machine that is off, and reads that machine's store.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from examples.office.machine import Machine
from p2pblog.errors import PeerError
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection
from p2pblog.node.identity import Identity
from p2pblog.node.view import ReplicaView
from p2pblog.protocol import entry, message
from p2pblog.protocol.effects import Close, Effect, Live, Send
from p2pblog.protocol.entry import Entry, EntryId, Kind, LogId, PayloadClass
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.post import Post
from p2pblog.protocol.session import Session
from p2pblog.store.replica import Replica
from tests.support.office import call, identity


@dataclass(slots=True)
class Rogue:
    """One connection of it, authorised and live."""

    identity: Identity
    replica: Replica
    connection: Connection
    session: Session
    is_live: bool = False

    async def apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(data):
                    await self.connection.send(data)
                case Live():
                    self.is_live = True
                case Close():
                    raise AssertionError(effect)

    async def get_in(self) -> None:
        await self.apply(self.session.start(0.0, 0))
        while not self.is_live:
            for data in await self.connection.receive():
                await self.apply(self.session.receive(message.parse(data), 0.0, 0))

    @property
    def own_log(self) -> LogId:
        keys = self.identity
        return entry.log_id(keys.team, keys.key.public, keys.incarnation, Kind.POSTS)

    def next_post(self, ahead: int = 1, backlink: EntryId | None = None) -> Entry:
        """A post so many places behind our newest; next to it unless told otherwise."""
        tip = self.replica.rows(False)[self.own_log][0]
        return self.post_at(tip.seq + ahead, backlink or tip.id)

    def post_at(self, seq: int, backlink: EntryId) -> Entry:
        keys = self.identity
        return entry.make(
            keys.key,
            keys.team,
            keys.incarnation,
            Kind.POSTS,
            seq=seq,
            backlink=backlink,
            time=time.time_ns() // 1_000_000,
            payload_class=PayloadClass.POST,
            salt=bytes(16),
            content=Post("a lie", "general").pack(),
        )

    async def say(self, page: bytes) -> None:
        await self.connection.send(message.pack(message.PageMessage(page, live=True)))

    async def tell(self, *messages: message.Message) -> None:
        """Send messages, whatever they are."""
        await self.connection.send_many(map(message.pack, messages))

    async def goodbye(self, seconds: float) -> str:
        """The reason of the goodbye; empty where none comes in this time."""
        with trio.move_on_after(seconds):
            try:
                while messages := await self.connection.receive():
                    for data in messages:
                        received = message.parse(data)
                        if isinstance(received, message.Goodbye):
                            return received.reason
            except PeerError:
                return ""
        return ""


def rogue(where: Address, machine: Machine) -> AbstractAsyncContextManager[Rogue]:
    """Call `where` as the machine, which is off, and get in."""
    return rogue_with(where, identity(machine.home), machine.home.store)


@asynccontextmanager
async def rogue_with(
    where: Address, keys: Identity, store: Path, instance: bytes = bytes(8)
) -> AsyncIterator[Rogue]:
    """Call `where` with these keys, whose store is here, as a start of the device, and get in."""
    with Replica.open(store) as replica:
        async with await call(where, keys.key, keys.network_key) as connection:
            session = Session(
                ReplicaView(replica),
                Claims(),
                initiator=True,
                remote=connection.remote_device,
                key=connection.handshake_hash,
                port=0,
                relays=False,
                now=0.0,
                instance=instance,
            )
            caller = Rogue(keys, replica, connection, session)
            with trio.fail_after(10):
                await caller.get_in()
            yield caller
