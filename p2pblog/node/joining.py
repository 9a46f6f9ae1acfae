"""Joins a team: looks for any of its members, verifies it by the code, asks, and is admitted.

So does the founder who comes back with the recovery code, but needs nobody's consent. With nobody
in reach it goes on by itself, also after a restart, until it is admitted, refused for
good, or cancelled.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import trio

from p2pblog.errors import PeerError, Reason, Refused
from p2pblog.net.address import parse
from p2pblog.net.connection import Connection
from p2pblog.node.finding import find
from p2pblog.node.identity import INCARNATION_SIZE, Joining
from p2pblog.node.peering import Ended, Peer, Peering
from p2pblog.node.service import JoinView
from p2pblog.protocol import crypto, invitation, message
from p2pblog.protocol.admission import Ask, Joined, Joiner, Outcome, Verified
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import Incarnation
from p2pblog.protocol.limits import SALT_SIZE, STRANGER_TIMEOUT
from p2pblog.protocol.names import shown
from p2pblog.protocol.recovery import Fresh, Recoverer
from p2pblog.supervisor import keep_running

log = logging.getLogger(__name__)

# After these the code will never do, whoever is asked; the words are what the user reads.
FINAL = {
    Reason.INVITATION_USED: ("The code was used already.", "Ask for a new one."),
    Reason.INVITATION_EXPIRED: ("The code has expired.", "Ask for a new one."),
    Reason.INVITATION_WITHDRAWN: ("The code was withdrawn.", "Ask for a new one."),
    Reason.NAME_TAKEN: ("Somebody of that name is there.", "Join again with another --name."),
    Reason.BAD_NAME: ("The name can't be used.", "Join again with another --name."),
}


@dataclass(slots=True, eq=False)
class Join:
    """One join under way. `result` is there once `done` is set and it was not refused."""

    request: Joining
    port: int
    default_port: int
    salt: Callable[[int], bytes]
    mdns: bool
    chance: random.Random
    done: trio.Event = field(default_factory=trio.Event)
    result: Joined | None = None
    host: tuple[DeviceKey, str] | None = None
    _team: str = ""
    _inviter: str = ""
    _member: str = ""
    _refused: Reason | None = None
    _key: SigningKey | None = None
    _peering: Peering | None = None
    _asking: bool = False
    _turn: trio.Lock = field(default_factory=trio.Lock)

    @property
    def device_key(self) -> SigningKey:
        """Our new device's key."""
        return SigningKey(bytes.fromhex(self.request.seed))

    @property
    def fixed(self) -> list[str]:
        """The addresses that the user gave, each with its port."""
        return [str(parse(peer, self.default_port)) for peer in self.request.peers]

    async def run(self) -> None:
        """Until it is done, one way or the other."""
        self._key = await trio.to_thread.run_sync(invitation.any_key, self.request.code)
        self._peering = Peering(
            self.device_key,
            crypto.invitation_psk(self._key.public),
            self._talk,
            lambda _: True,
            _at_once,
            self.chance,
        )
        for peer in self.request.peers:
            self._peering.add(f"fixed {peer}", "fixed", [parse(peer, self.default_port)])
        async with trio.open_nursery() as nursery:
            await nursery.start(self._peering.run)
            if self.mdns:
                nursery.start_soon(keep_running, "mdns", self._find)
            await self.done.wait()
            nursery.cancel_scope.cancel()

    async def _find(self) -> None:
        assert self._peering is not None
        key = self.salt(crypto.KEY_SIZE)  # nobody's team: it only browses
        await find(self._peering, self.port, key, self.salt, anybody=True)

    async def _talk(self, connection: Connection) -> Ended:
        """Let one host show its team and ask it to admit us."""
        return Ended(await self._ask(connection), Peer(connection.remote_device))

    async def _ask(self, connection: Connection) -> Reason:
        try:
            async with self._turn:  # one host at a time: two would both admit us
                with trio.fail_after(STRANGER_TIMEOUT):
                    await self._converse(connection)
        except Refused as refused:
            log.info("refused reason=%s", shown(str(refused)))
            if refused.reason in FINAL:
                self._refused = refused.reason
                self.done.set()
            return refused.reason
        except (PeerError, trio.TooSlowError):
            return Reason.TIMED_OUT
        finally:
            self._asking = False
        return Reason.SHUTTING_DOWN

    async def _converse(self, connection: Connection) -> None:
        machine = self._machine(connection)
        await self._apply(connection, machine.start())
        while self.result is None and (messages := await connection.receive()):
            for data in messages:
                await self._apply(connection, machine.receive(message.parse(data)))

    def _machine(self, connection: Connection) -> Joiner | Recoverer:
        assert self._key is not None
        request = self.request
        if not invitation.is_recovery(request.code):
            return Joiner(self._key, self.device_key, request.name, request.device_name)
        incarnation = Incarnation(self.salt(INCARNATION_SIZE))
        fresh = Fresh(incarnation, self.salt(SALT_SIZE), time.time_ns() // 1_000_000)
        channel = connection.handshake_hash
        return Recoverer(self._key, self.device_key, request.device_name, channel, fresh)

    async def _apply(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Verified(team, inviter, member):
                    self._team, self._inviter, self._member = team, inviter, member
                    self._asking = True
                case Ask(asked):
                    await connection.send(asked)
                case Joined():
                    self.result = outcome
                    self.host = (connection.remote_device, str(connection.remote_address))
                    self.done.set()

    def view(self) -> JoinView:
        """How it stands, in words."""
        state, why, hint = self._state()
        tried = []
        if self._peering is not None:
            tried = [
                f"{', '.join(map(str, way.addresses))}: {way.why or way.state}"
                for way in self._peering.ways.values()
            ]
        request = self.request
        name = self._member or request.name
        return JoinView(state, why, hint, self._team, self._inviter, name, tuple(tried))

    def _state(self) -> tuple[str, str, str]:
        if self.result is not None:
            return "joined", "", ""
        if self._refused is not None:
            return "refused", *FINAL[self._refused]
        if self._asking:
            return "asking", "A member is asked to let us in.", ""
        if self._team:
            return "found", "The team was found, and nobody could let us in yet.", ""
        ways = len(self._peering.ways) if self._peering else 0
        if ways:
            why = f"{ways} tried, and none of them of the team that the code is for answers."
        else:
            why = "Nobody is in reach on this network."
        hint = "It goes on by itself. A member's address helps: --peer HOST."
        return "searching", why, hint


async def _at_once(_: Peer) -> None:
    await trio.lowlevel.checkpoint()


def check_code(code: str) -> str:
    """The code in its plain form, from what was typed or from a link. Raises `Refused` BAD_CODE."""
    return invitation.parse_code(code)
