"""An office for tests of the whole system: real daemons that have founded and joined a team."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from examples.office.lan import Lan
from examples.office.machine import Machine, Trouble
from examples.office.office import Office, open_office
from p2pblog.config import Home
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection, dial
from p2pblog.node.identity import Identity
from p2pblog.protocol import crypto, invitation, operation
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.operation import Role
from p2pblog.store.replica import Author, Draft, Replica

NAMES = [("desk", "Dana"), ("van", "Sam"), ("depot", "Ina"), ("site", "Kim"), ("attic", "Lee")]


@contextmanager
def switched_on(path: Path, count: int, lan: Lan | None = None) -> Iterator[Office]:
    """Machines with daemons, and no team."""
    with open_office(path, NAMES[:count], lan) as office:
        office.each(Machine.start, office.machines)
        yield office


@contextmanager
def team(path: Path, count: int, lan: Lan | None = None, *, spare: int = 0) -> Iterator[Office]:
    """`count` machines of one team, and `spare` ones without any."""
    with switched_on(path, count + spare, lan) as office:
        first, *others = office.machines[:count]
        office.found(first, "Acme")
        for machine in others:
            office.join(machine, first.json("invite")["code"], first)
        yield office


def texts(machine: Machine) -> list[str]:
    """The texts of all posts, the newest first."""
    return [post["text"] for post in machine.ask(lambda api: api.posts(100_000))]


def identity(home: Home) -> Identity:
    """The keys of a machine, for those who pretend to be it."""
    found = Identity.load(home.identity)
    assert found is not None
    return found


def expired_invitation(machine: Machine, code: str) -> None:
    """Let a machine that is off have opened an invitation that is over by now."""
    keys = identity(machine.home)
    key, now = invitation.key_of(code), time.time_ns() // 1_000_000
    author = Author(keys.key, keys.incarnation)
    with Replica.open(machine.home.store) as replica:
        expires = now - 1000
        signature = invitation.sign_binding(
            key, replica.team_id, keys.key.public, Role.MEMBER, None, expires
        )
        invite = operation.Invite(
            replica.team.heads, key.public, Role.MEMBER, None, expires, signature
        )
        draft = Draft(Kind.TEAM, PayloadClass.OPERATION, invite.pack(), bytes(16))
        replica.append(author, [draft], now)


def address(office: Office, machine: Machine) -> Address:
    """Where others reach a machine of an office on loopback."""
    host, port = office.address(machine).rsplit(":", 1)
    return Address(host, int(port))


async def call(where: Address, key: SigningKey, network_key: bytes) -> Connection:
    """A connection as a device with this key, of whoever knows the network key, makes it."""
    with trio.fail_after(10):
        return await dial([where], key, crypto.network_psk(network_key))


def eventually(what: str, condition: Callable[[], bool], seconds: float = 30.0) -> float:
    """The seconds until it was so; fails if it never is."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise Trouble(f"never: {what}")
        time.sleep(0.05)  # no event tells what another process is at
    return time.monotonic() - started
