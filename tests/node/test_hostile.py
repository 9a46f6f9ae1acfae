"""What a member that lies, a stranger and a broken network do to a node: it stays up, and serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from p2pblog.errors import UserError
from p2pblog.net.address import Address
from p2pblog.node.identity import Identity
from p2pblog.node.node import Node
from p2pblog.protocol import message
from p2pblog.protocol.crypto import DeviceKey
from tests.support.aio import run
from tests.support.nodes import Office, files_of, join, member, until
from tests.support.rogue import Rogue, rogue_with


@asynccontextmanager
async def lied_to(folder: Path) -> AsyncIterator[tuple[Node, Rogue]]:
    """A node, and a member whose machine is in the wrong hands, live."""
    office = Office(folder)
    async with office.node("a") as a:
        await a.found("Acme", "Ana", "desk")
        for name in ("b", "c"):
            async with office.node(name) as other:
                await join(a, other, name)
        async with liar(folder, a) as bob:
            yield a, bob


@asynccontextmanager
async def liar(folder: Path, victim: Node, name: str = "b") -> AsyncIterator[Rogue]:
    """The member whose node was `name` and is off."""
    files = files_of(folder / name)
    keys = Identity.load(files.identity)
    assert keys is not None
    where = Address("127.0.0.1", (await victim.status()).port)
    async with rogue_with(where, keys, files.store) as caller:
        yield caller


def device_of(folder: Path, name: str) -> DeviceKey:
    """The device whose node was `name`."""
    keys = Identity.load(files_of(folder / name).identity)
    assert keys is not None
    return keys.key.public


async def alone(node: Node) -> bool:
    """Whether nobody is connected."""
    return not len(member(node).sessions)


@pytest.mark.parametrize(
    "address",
    [
        "[2001:db8::1%äö]:7461",
        "[2001:db8::1%\0]:7461",
        "[::ffff:127.0.0.1]:1",
        "ä_b:1",
        "١.٢.٣.٤",
        "1.2.3.4:٣",
        "[]",
        "%",
    ],
)
def test_odd_addresses_told_by_a_peer_are_left(tmp_path: Path, address: str) -> None:
    async def main() -> None:
        async with lied_to(tmp_path) as (a, bob):
            cleo = device_of(tmp_path, "c")
            await bob.tell(message.Peers(((cleo, (address,)),)), message.Goodbye("busy", ""))
            await until(lambda: alone(a))
            assert not [way for way in member(a).peering.ways.values() if way.source == "told"]
            await a.post("still here", "", None, "")

    run(main)


def test_a_host_that_can_be_no_name_is_a_way_that_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            for odd in ("ä_b", "xn--\u00e4", "a" * 63 + "ä"):
                with suppress(UserError):
                    await a.add_peer(odd)

            async def tried() -> bool:
                return all(peer.state == "unreachable" for peer in await a.fixed_peers())

            await until(tried)

    run(main)
