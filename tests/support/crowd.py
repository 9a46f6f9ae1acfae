"""A team of nodes on loopback that know each other, and what is waited for among them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from p2pblog.node.node import Node
from p2pblog.node.roster import Removal
from tests.support.nodes import Office, address, join, member, until, until_joined


@asynccontextmanager
async def crowd(folder: Path, *names: str) -> AsyncIterator[list[Node]]:
    """The founder, called by the first name, and members; each is connected to each."""
    office = Office(folder)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(office.node(name)) for name in names]
        await nodes[0].found("Acme", names[0], "desk")
        for node, name in zip(nodes[1:], names[1:], strict=True):
            await join(nodes[0], node, name)
        for number, node in enumerate(nodes[1:], 1):
            for other in nodes[1:number]:
                await node.add_peer(await address(other))  # nobody is told of loopback
        await until_together(*nodes)
        yield nodes


async def until_together(*nodes: Node) -> None:
    """Until each is live with each, and knows them all."""

    async def together() -> bool:
        return all(
            (driver := member(one).sessions.get(member(other).me)) is not None and driver.is_live
            for one in nodes
            for other in nodes
            if one is not other
        )

    await until(together)


async def until_members(node: Node, due: set[str]) -> None:
    """Until the node knows just these as members."""

    async def known() -> bool:
        return {one.name for one in await node.members()} == due

    await until(known)


async def until_known_by(node: Node, who: str, count: int) -> Removal:
    """Until so many devices are known to know of a removal."""
    found: list[Removal] = []

    async def known() -> bool:
        found.append(await node.roster.removal(who))
        return found[-1].known_by == count

    await until(known)
    return found[-1]


async def until_warned(node: Node, words: str) -> None:
    """Until `status` warns in these words."""

    async def warned() -> bool:
        return any(words in warning for warning in (await node.status()).warnings)

    await until(warned)


async def add_device(old: Node, new: Node) -> None:
    """A further device of the member whose device `old` is."""
    made = await old.invite("member", 1, True)
    await new.join(made.code, "whoever", "laptop", [await address(old)])
    await until_joined(new)
