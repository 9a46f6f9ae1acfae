"""Whom a node dials, and how soon again, on virtual time."""

from __future__ import annotations

import itertools
import random

import pytest
import trio
import trio.testing

from p2pblog.errors import Reason
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection
from p2pblog.net.listener import listen
from p2pblog.node.peering import FAULT_PAUSE, FIRST_PAUSE, NEAR_PAUSE, Ended, Peer, Peering
from p2pblog.protocol.crypto import SigningKey

US, THEM = SigningKey(b"u" * 32), SigningKey(b"t" * 32)
PSK = bytes(32)


def pauses(
    reason: Reason, seconds: float, *, fault: bool = False, lasting: float = 0
) -> list[float]:
    """How long a peer was left alone whose sessions all end like this."""
    times: list[float] = []

    async def serve(connection: Connection) -> None:
        await connection.receive()

    async def talk(connection: Connection) -> Ended:
        times.append(trio.current_time())
        await trio.sleep(lasting)
        times.append(trio.current_time())
        return Ended(reason, Peer(THEM.public), fault)

    async def main() -> None:
        async with await listen(0, "127.0.0.1") as listener, trio.open_nursery() as nursery:
            nursery.start_soon(listener.serve, serve, THEM, lambda: [PSK])
            peering = Peering(US, PSK, talk, lambda peer: True, nobody, random.Random(1))
            peering.add("it", "fixed", [Address("127.0.0.1", listener.port)])
            nursery.start_soon(peering.run)
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.1))
    return [times[n + 1] - times[n] for n in range(1, len(times) - 1, 2)]


async def nobody(peer: Peer) -> None:
    await trio.lowlevel.checkpoint()


def about(seconds: float) -> object:
    return pytest.approx(seconds, rel=0.25)


def test_who_breaks_a_rule_is_left_alone_ever_longer() -> None:
    found = pauses(Reason.BAD_PAYLOAD, 250, fault=True)
    assert found[:3] == [about(FAULT_PAUSE), about(2 * FAULT_PAUSE), about(3 * FAULT_PAUSE)]


def test_who_ends_every_session_at_once_is_not_dialled_at_once() -> None:
    found = pauses(Reason.SHUTTING_DOWN, 20)
    assert found[0] == about(FIRST_PAUSE)
    assert all(before <= 1.5 * after for before, after in itertools.pairwise(found))
    assert found[-1] == about(NEAR_PAUSE)


def test_who_was_here_for_long_is_dialled_at_once() -> None:
    found = pauses(Reason.TIMED_OUT, 70, lasting=15)
    assert found == [about(FIRST_PAUSE)] * len(found)
    assert len(found) > 2
