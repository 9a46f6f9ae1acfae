"""A device that was removed and still has the network key: it is closed, and learns one word."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.errors import PeerError
from p2pblog.net.address import Address
from p2pblog.net.connection import dial
from p2pblog.node.identity import Identity
from p2pblog.node.node import Node
from p2pblog.protocol import crypto, message
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.message import Message
from tests.support.aio import run
from tests.support.nodes import Office, address, files_of, join, member, until, until_texts
from tests.support.wire import wire_to

HANDSHAKE = 2 + 32 + 48 + 16  # what a responder sends of it: length, key, key, tag
ONE_WORD = 2 + 16 + 40  # one frame that holds a goodbye and the end
CUT = message.Goodbye("cut", "")


async def everything(
    node: Node, key: SigningKey, psk: bytes, *say: Message
) -> list[Message | None]:
    """All that a node says to a caller that says this."""
    host, _, port = (await address(node)).rpartition(":")
    heard: list[Message | None] = []
    async with await dial([Address(host, int(port))], key, psk) as connection:
        for one in say:
            await connection.send(message.pack(one))
        try:
            while messages := await connection.receive():
                heard += map(message.parse, messages)
        except PeerError:
            heard.append(None)
    return heard


def keys_of(folder: Path, name: str) -> Identity:
    found = Identity.load(files_of(folder / name).identity)
    assert found is not None
    return found


async def a_removal(office: Office, a: Node) -> str:
    """Bob joins, reads, and is removed; the code of an invitation that he had heard of."""
    await a.found("Acme", "Ana", "desk")
    async with office.node("b") as b:
        await join(a, b, "Bob")
        made = await a.invite("member", 1, False)
        await a.post("before", "", None, "")
        await until_texts(b, ["before"])
    await a.roster.remove("Bob")
    await a.post("not for Bob", "", None, "")
    return made.code


def test_a_capture_shows_the_handshake_and_one_word(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a_removal(office, a)
            async with wire_to(await address(a)) as wire, office.node("b") as b:
                await b.add_peer(wire.address)

                async def closed() -> bool:
                    return wire.ended > 0 and member(a).me in member(b).cut_by

                await until(closed)
                for sent in wire.sent:
                    assert len(sent) <= HANDSHAKE + 2 * ONE_WORD
                assert member(b).replica.team.heads != member(a).replica.team.heads

    run(main)


@pytest.mark.parametrize(
    "says", [(), (message.Hello(1, 1, True, bytes(16), 1, 1),), (message.Push((), True),)]
)
def test_whatever_it_says_it_hears_one_word(tmp_path: Path, says: tuple[Message, ...]) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a_removal(office, a)
            bob = keys_of(tmp_path, "b")
            psk = crypto.network_psk(bob.network_key)
            assert CUT in (heard := await everything(a, bob.key, psk, *says))
            assert [one for one in heard if one not in (CUT, None)] == []

    run(main)


def test_the_keys_of_open_invitations_are_of_no_use_to_it(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a_removal(office, a)
            bob = keys_of(tmp_path, "b")
            team = member(a).replica.team
            for public in (
                *(one.public_key for one in team.invitations.values()),
                team.recovery_key,
            ):
                psk = crypto.invitation_psk(public)
                assert await everything(a, bob.key, psk) == [CUT]

    run(main)


def test_without_the_code_the_recovery_key_gives_nothing(tmp_path: Path) -> None:
    """Every past member can make its PSK; a new key of its own is nobody's."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a_removal(office, a)
            psk = crypto.invitation_psk(member(a).replica.team.recovery_key)
            stranger = SigningKey(b"\7" * 32)
            for say, word in (
                (message.Recover(bytes(64)), "bad_proof"),
                (message.Push((), True), "unexpected"),
            ):
                heard = await everything(a, stranger, psk, say)
                assert [one.reason for one in heard if isinstance(one, message.Goodbye)] == [word]
                assert len(heard) == 1

    run(main)
