"""Lets a stranger in, with an invitation or the recovery code: on whichever member is online."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from p2pblog.errors import ConnectionLost, Reason, Refused
from p2pblog.net.connection import Connection
from p2pblog.protocol import admission, message, recovery
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.limits import STRANGER_TIMEOUT
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Scope
from p2pblog.protocol.team import Invitation

if TYPE_CHECKING:
    from p2pblog.node.membership import Membership

log = logging.getLogger(__name__)
SERVE_BYTES = 1024 * 1024


async def host_guest(member: Membership, connection: Connection, invited: Invitation) -> None:
    """Show the team logs, take the request, admit or say why not. Raises `PeerError`."""
    shown: dict[LogId, Tip] = {}
    async with _manners(member, connection):
        admission.check_usable(invited, connection.remote_device, member.clock())
        await _show_team(member, connection, shown)
        await connection.send(message.pack(message.Done(Scope.TEAM)))
        request = await _Said(connection).next()
        if not isinstance(request, message.Join):
            raise Refused(Reason.UNEXPECTED, type(request).__name__)
        await _admit(member, connection, request, shown)


async def host_founder(member: Membership, connection: Connection) -> None:
    """Take the recovery key's proof, show the team logs, take the admission. Raises `PeerError`."""
    async with _manners(member, connection):
        said = _Said(connection)
        asked = await said.next()
        if not isinstance(asked, message.Recover):
            raise Refused(Reason.UNEXPECTED, type(asked).__name__)
        recovery.check_proof(member.replica.team, connection.handshake_hash, asked.proof)
        await _show_team(member, connection, {})
        await connection.send(message.pack(message.Done(Scope.TEAM)))
        await _take_admission(member, connection.remote_device, said)
        await _hand_over(member, connection)


class _Said:
    """What the other side says, one message at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[bytes] = []

    async def next(self) -> message.Message:
        """The next message that this version knows. Raises `PeerError`."""
        while True:
            while not self._waiting:
                self._waiting = await self._connection.receive()
                if not self._waiting:
                    raise ConnectionLost("guest went away")
            known = message.parse(self._waiting.pop(0))
            if known is not None:
                return known


async def _take_admission(member: Membership, device: DeviceKey, said: _Said) -> None:
    """Store the admission that the founder's new device made, unless it is here already."""
    received = await said.next()
    if isinstance(received, message.PageMessage):
        recovery.check_page(received.page, member.replica.team_id, device)
        await member.judge([received.page], device)
        received = await said.next()
    if received != message.Done(Scope.TEAM):
        raise Refused(Reason.UNEXPECTED, type(received).__name__)
    if not member.replica.team.is_active(device):
        raise Refused(Reason.NOT_AUTHORISED, "the page does not admit the device")
    log.info("recover device=%s", device[:4].hex())


@asynccontextmanager
async def _manners(member: Membership, connection: Connection) -> AsyncIterator[None]:
    """Within the time for strangers; say why, where one is refused. Who was cut gets one word."""
    try:
        with trio.fail_after(STRANGER_TIMEOUT):
            if member.replica.team.is_cut(connection.remote_device):
                raise Refused(Reason.CUT)
            yield
    except Refused as refused:
        goodbye = message.Goodbye(refused.reason, refused.detail[:200])
        await connection.send(message.pack(goodbye))
        raise
    except trio.TooSlowError:
        raise ConnectionLost("guest took too long") from None


async def _show_team(member: Membership, connection: Connection, shown: dict[LogId, Tip]) -> None:
    """Send what `shown` does not have yet of the team logs, and note it there."""
    cut = member.replica.cut_pages
    for log_id, tips in member.replica.rows(True).items():
        for tip in tips:
            after = shown.get(log_id)
            while after != tip:
                pages = await trio.to_thread.run_sync(cut, log_id, after, tip, SERVE_BYTES)
                if not pages:
                    break
                await connection.send_many(
                    message.pack(message.PageMessage(one.page, live=False)) for one in pages
                )
                after = shown[log_id] = pages[-1].last


async def _admit(
    member: Membership, connection: Connection, request: message.Join, shown: dict[LogId, Tip]
) -> None:
    device = connection.remote_device
    async with member.admitting:  # two guests with one code: the second finds it used
        team = member.replica.team
        if not team.may(member.me, "admit"):
            raise Refused(Reason.NOT_AUTHORISED, "ask another member")
        operation = admission.admit(team, team.id, request, device, member.clock())
        if operation is not None:
            await member.operate(operation)
            log.info("admit device=%s", device[:4].hex())
    await _show_team(member, connection, shown)  # with what was written since the first time
    await _hand_over(member, connection)


async def _hand_over(member: Membership, connection: Connection) -> None:
    admitted_by = member.replica.team.devices[connection.remote_device].admitted_by
    answer = message.Admitted(member.identity.network_key, admitted_by)
    await connection.send(message.pack(answer))
    await connection.receive()  # until the guest has it and ends
