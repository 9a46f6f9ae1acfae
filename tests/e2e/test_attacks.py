"""What strangers and a rogue member send to a real daemon: refused, and nobody is harmed."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest
import trio

from examples.office.machine import Machine
from examples.office.office import Office, wait_posts
from p2pblog.cli.api import Api
from p2pblog.errors import PeerError, Reason
from p2pblog.net.address import Address
from p2pblog.protocol import message, page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.message import Goodbye, Hello
from tests.support.logs import LogMaker, signed_again
from tests.support.office import address, call, identity, team, texts
from tests.support.rogue import Rogue, rogue

Fault: TypeAlias = Callable[[Rogue, Machine], bytes]
STRANGER = SigningKey(b"s" * 32)


@pytest.fixture(scope="module")
def office(path: Path) -> Iterator[Office]:
    """A desk that is attacked, and the van, whose keys are stolen while it is off."""
    with team(path, 2) as office:
        desk, van = office.machines
        van.cli("post", "the van's own")
        desk.cli("post", "the desk's own")
        wait_posts([desk, van], 2)
        van.stop()
        yield office
        assert texts(desk) == ["the desk's own", "the van's own"]
        van.start()
        van.cli("post", "back again")
        wait_posts([desk, van], 3)
        assert desk.posts() == van.posts()


@pytest.fixture
def desk(office: Office) -> Iterator[Machine]:
    """The desk; unharmed afterwards."""
    desk = office.machines[0]
    yield desk
    assert desk.is_up
    assert len(texts(desk)) == 2
    assert desk.ask(Api.status)["warnings"] == []


@pytest.fixture
def where(office: Office, desk: Machine) -> Address:
    return address(office, desk)


def test_an_outsider_without_the_key_learns_nothing(where: Address, desk: Machine) -> None:
    async def main() -> None:
        with pytest.raises(PeerError):
            await call(where, STRANGER, b"not the network key" + bytes(13))

    trio.run(main)


def test_an_outsider_with_the_network_key_gets_no_entry(where: Address, desk: Machine) -> None:
    """The key hides and never authorises: who can't prove that it is a member is told nothing."""
    heard: list[message.Message | None] = []

    async def main() -> None:
        key = identity(desk.home).network_key
        async with await call(where, STRANGER, key) as connection:
            hello = Hello(message.VERSION, message.VERSION, True, bytes(16), 0, 0)
            await connection.send(message.pack(hello))
            await connection.send(message.pack(message.Done(message.Scope.TEAM)))
            with trio.fail_after(15), suppress(PeerError):
                while messages := await connection.receive():
                    heard.extend(map(message.parse, messages))

    trio.run(main)
    hellos = [one for one in heard if isinstance(one, Hello)]
    assert [one[2:] for one in hellos] == [(False, None, 0, 0, hellos[0].instance)]
    assert all(isinstance(one, Hello | Goodbye) for one in heard)


@pytest.mark.parametrize("kind", ["noise", "lengths", "http", "silence", "one byte"])
def test_garbage_on_the_port(where: Address, desk: Machine, kind: str) -> None:
    rng = random.Random(kind)
    garbage = {
        "noise": rng.randbytes(70_000),
        "lengths": struct.pack(">H", 65535) * 50,
        "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "silence": b"",
        "one byte": b"\0",
    }[kind]
    sockets = [socket.create_connection((where.host, where.port)) for _ in range(20)]
    for one in sockets:
        with suppress(OSError):
            one.sendall(garbage)
    desk.ask(Api.status)
    for one in sockets:
        one.close()


def forged_author(caller: Rogue, desk: Machine) -> bytes:
    made = caller.next_post()
    author = identity(desk.home).key.public
    header, signature = signed_again(made, caller.identity.key, caller.identity.team, device=author)
    return page.pack([header], [made.payload], [signature])


def bad_signature(caller: Rogue, desk: Machine) -> bytes:
    made = caller.next_post()
    return page.pack([made.header_bytes], [made.payload], [bytes(64)])


def of_another_team(caller: Rogue, desk: Machine) -> bytes:
    made = caller.next_post()
    header, signature = signed_again(made, caller.identity.key, TeamId(b"x" * 32))
    return page.pack([header], [made.payload], [signature])


def bad_payload(caller: Rogue, desk: Machine) -> bytes:
    made = caller.next_post()
    return page.pack([made.header_bytes], [bytes(40)], [made.signature])


def broken_chain(caller: Rogue, desk: Machine) -> bytes:
    first, second = caller.next_post(), caller.next_post(2, EntryId(b"z" * 32))
    headers = [first.header_bytes, second.header_bytes]
    return page.pack(headers, [first.payload, second.payload], [second.signature])


def gap(caller: Rogue, desk: Machine) -> bytes:
    made = caller.next_post(5, EntryId(b"z" * 32))
    return page.pack([made.header_bytes], [made.payload], [made.signature])


def unknown_author(caller: Rogue, desk: Machine) -> bytes:
    made = LogMaker(STRANGER, caller.identity.team).next(None)
    return page.pack([made.header_bytes], [made.payload], [made.signature])


def no_page(caller: Rogue, desk: Machine) -> bytes:
    return b"garbage"


FAULTS: Mapping[Fault, Reason] = {
    forged_author: Reason.BAD_SIGNATURE,
    bad_signature: Reason.BAD_SIGNATURE,
    of_another_team: Reason.BAD_SIGNATURE,
    bad_payload: Reason.BAD_PAYLOAD,
    broken_chain: Reason.BAD_BACKLINK,
    no_page: Reason.MALFORMED,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_lies_ends_the_connection(
    where: Address, desk: Machine, office: Office, fault: Fault
) -> None:
    async def main() -> None:
        async with rogue(where, office.machines[1]) as caller:
            await caller.say(fault(caller, desk))
            assert await caller.goodbye(10) == FAULTS[fault]

    trio.run(main)


@pytest.mark.parametrize("fault", [gap, unknown_author])
def test_a_page_that_may_be_honest_is_only_left_out(
    where: Address, desk: Machine, office: Office, fault: Fault
) -> None:
    async def main() -> None:
        async with rogue(where, office.machines[1]) as caller:
            await caller.say(fault(caller, desk))
            assert await caller.goodbye(0.5) == ""

    trio.run(main)
