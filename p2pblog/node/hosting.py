"""Lets a stranger with an invitation in: the side of whichever member is online."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from p2pblog.errors import ConnectionLost, Reason, Refused
from p2pblog.net.connection import Connection
from p2pblog.protocol import admission, message
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
    try:
        with trio.fail_after(STRANGER_TIMEOUT):
            admission.check_usable(invited, connection.remote_device, member.clock())
            await _show_team(member, connection, shown)
            await connection.send(message.pack(message.Done(Scope.TEAM)))
            await _admit(member, connection, await _request(connection), shown)
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


async def _request(connection: Connection) -> message.Join:
    while messages := await connection.receive():
        for data in messages:
            received = message.parse(data)
            if isinstance(received, message.Join):
                return received
            if received is not None:
                raise Refused(Reason.UNEXPECTED, type(received).__name__)
    raise ConnectionLost("guest went away")


async def _admit(
    member: Membership, connection: Connection, request: message.Join, shown: dict[LogId, Tip]
) -> None:
    device = connection.remote_device
    async with member.admitting:  # two guests with one code: the second finds it used
        team = member.replica.team
        operation = admission.admit(team, team.id, request, device, member.clock())
        if operation is not None:
            await member.operate(operation)
            log.info("admit device=%s", device[:4].hex())
    await _show_team(member, connection, shown)  # with what was written since the first time
    admitted_by = member.replica.team.devices[device].admitted_by
    answer = message.Admitted(member.identity.network_key, admitted_by)
    await connection.send(message.pack(answer))
    await connection.receive()  # until the guest has it and ends
