"""Nodes on loopback in one process: real sockets, real stores, no mDNS."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from p2pblog.errors import UsageError
from p2pblog.node.files import Files
from p2pblog.node.membership import Membership
from p2pblog.node.node import Node
from p2pblog.node.service import PostQuery


class DictSettings:
    """Settings that live as long as the test."""

    def __init__(self) -> None:
        self._values = {"port": "0", "listen": "127.0.0.1", "mdns": "off", "channel": "general"}

    def all(self) -> dict[str, str]:
        return dict(self._values)

    def put(self, key: str, value: str | None) -> None:
        if key not in self._values or value is None:
            raise UsageError(f"There is no setting {key!r}")
        self._values[key] = value


def files_of(home: Path) -> Files:
    """The files of a home, with the marker beside it."""
    marker = home.parent / f"{home.name}.marker"
    return Files(home, home / "store.db", home / "identity.json", home / "joining.json", marker)


class Office:
    """Starts and stops nodes; each has a folder of its own, which outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def node(self, name: str, *, repair: bool = False) -> AsyncIterator[Node]:
        """The node of that name, running."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        files = files_of(home)
        chance = random.Random(name)
        node = Node(files, DictSettings(), "0", secrets.token_bytes, chance, lambda: None, repair)
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run)
            yield node
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def colleagues(self, host: Node) -> AsyncIterator[tuple[Node, Node]]:
        """Nodes b and c, which the host has let in as Bob and Cleo."""
        async with self.node("b") as b, self.node("c") as c:
            await join(host, b, "Bob")
            await join(host, c, "Cleo")
            yield b, c


async def address(node: Node) -> str:
    """Where the node listens."""
    return f"127.0.0.1:{(await node.status()).port}"


async def join(host: Node, guest: Node, name: str) -> None:
    """Invite by `host`, join by `guest`, until it is a member."""
    code = (await host.invite("member", 1, False)).code
    await guest.join(code, name, f"{name}'s desk", [await address(host)])
    await until_joined(guest)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Until it is true; what is waited for happens on other tasks and threads."""
    while not await true():  # noqa: ASYNC110  # no event tells what a whole node is at
        await trio.sleep(0.01)


async def until_joined(guest: Node) -> None:
    """Until a join has ended well; fails if it was refused."""

    async def joined() -> bool:
        view = await guest.join_state()
        assert view.state != "refused", view
        return view.state == "joined"

    await until(joined)


def member(node: Node) -> Membership:
    """The inside of a node that is a member's."""
    assert node._member is not None
    return node._member


async def texts(node: Node) -> list[str]:
    """What the node can read, the oldest first."""
    return [post.text for post in reversed(await node.posts(PostQuery(limit=500)))]


async def until_texts(node: Node, due: list[str]) -> None:
    """Until the node reads just this."""

    async def reads() -> bool:
        return await texts(node) == due

    await until(reads)
