"""A member that lies in every field of every message, in every phase: the node goes on.

Each lie is said in a session of its own kind until one ends it; the victim says why or goes on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from p2pblog.errors import PeerError
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection
from p2pblog.node.identity import Identity
from p2pblog.node.node import Node
from p2pblog.protocol import frontier, message
from p2pblog.protocol.message import Hello
from tests.support.aio import run
from tests.support.lies import Known, lies
from tests.support.nodes import Office, files_of, join, member, texts, until_texts
from tests.support.office import call

SEED = 5
PHASES = ("greeting", "team", "live")


async def began(where: Address, keys: Identity, node: Node, phase: str) -> Connection:
    """A connection of the liar's that has got so far."""
    caller = await call(where, keys.key, keys.network_key)
    if phase == "greeting":
        return caller
    digest = bytes(16)
    if phase == "live":
        tips = member(node).view.tips(message.Scope.TEAM)
        digest = frontier.digest(tips, caller.handshake_hash)
    await caller.send(message.pack(Hello(1, 1, True, digest, 1, 1, bytes(8))))
    await caller.receive()
    return caller


async def tell(
    where: Address, keys: Identity, node: Node, phase: str, told: Sequence[bytes]
) -> int:
    """Say all of it, in as many sessions as it takes; how many those were."""
    sessions, at = 0, 0
    while at < len(told):
        sessions += 1
        async with await began(where, keys, node, phase) as caller:
            try:
                while at < len(told):
                    at += 1
                    await caller.send(told[at - 1])
                    with trio.move_on_after(0.002):
                        while await caller.receive():
                            pass
                        break
            except PeerError:
                pass
    return sessions


def chosen(known: Known, phase: str, count: int) -> list[bytes]:
    """Some of the lies; all for 0."""
    rng = random.Random(f"{SEED} {phase}")
    found = [data for _, data in lies(known, rng)]
    return rng.sample(found, count) if count else found


def lied_to(folder: Path, phase: str, count: int) -> None:
    async def main() -> None:
        office = Office(folder)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
            await a.post("the truth", "", None, "")
            keys = Identity.load(files_of(folder / "b").identity)
            assert keys is not None
            replica = member(a).replica
            logs = [(log, tips[0]) for log, tips in replica.rows(False).items()]
            page = replica.cut_pages(*logs[0][:1], None, logs[0][1], 1)[0].page
            told = chosen(Known(logs, keys.key.public, page), phase, count)
            where = Address("127.0.0.1", (await a.status()).port)
            assert await tell(where, keys, a, phase, told) >= 1
            assert await texts(a) == ["the truth"]
            await a.post("still here", "", None, "")
            async with office.node("b") as b:
                peer = f"127.0.0.1:{where.port}"
                await b.add_peer(peer)
                await until_texts(b, ["the truth", "still here"])

    run(main, 120)


@pytest.mark.parametrize("phase", PHASES)
def test_some_lies_of_every_kind(tmp_path: Path, phase: str) -> None:
    lied_to(tmp_path, phase, 40)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_every_lie(tmp_path: Path, phase: str) -> None:
    lied_to(tmp_path, phase, 0)
