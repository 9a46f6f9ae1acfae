"""Lets a stranger with an invitation in: the side of whichever member is online."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from p2pblog.errors import ConnectionLost, Reason, Refused
from p2pblog.net.connection import Connection
from p2pblog.protocol import admission, message, page
from p2pblog.protocol.limits import STRANGER_TIMEOUT
from p2pblog.protocol.message import Scope

if TYPE_CHECKING:
    from p2pblog.node.membership import Membership

log = logging.getLogger(__name__)
SERVE_BYTES = 1024 * 1024


async def host_guest(member: Membership, connection: Connection) -> None:
    """Show the team logs, take the request, admit or say why not. Raises `PeerError`."""
    try:
        with trio.fail_after(STRANGER_TIMEOUT):
            await _show_team(member, connection)
            await _admit(member, connection, await _request(connection))
    except Refused as refused:
        goodbye = message.Goodbye(refused.reason, refused.detail[:200])
        await connection.send(message.pack(goodbye))
        raise
    except trio.TooSlowError:
        raise ConnectionLost("guest took too long") from None


async def _show_team(member: Membership, connection: Connection) -> None:
    for log_id, tips in member.replica.rows(True).items():
        for tip in tips:
            after = None
            while after is None or after.seq < tip.seq:
                cut = member.replica.cut_pages
                pages = await trio.to_thread.run_sync(cut, log_id, after, tip, SERVE_BYTES)
                if not pages:
                    break
                await connection.send_many(
                    message.pack(message.PageMessage(one.page, live=False)) for one in pages
                )
                after = pages[-1].last
    await connection.send(message.pack(message.Done(Scope.TEAM)))


async def _request(connection: Connection) -> message.Join:
    while messages := await connection.receive():
        for data in messages:
            received = message.parse(data)
            if isinstance(received, message.Join):
                return received
            if received is not None:
                raise Refused(Reason.UNEXPECTED, type(received).__name__)
    raise ConnectionLost("guest went away")


async def _admit(member: Membership, connection: Connection, request: message.Join) -> None:
    async with member.admitting:  # two guests with one code: the second finds it used
        device = connection.remote_device
        replica = member.replica
        operation = admission.admit(replica.team, replica.team_id, request, device, member.clock())
        made = (await member.operate(operation)).entry
    log.info("admit device=%s", device[:4].hex())
    data = page.pack([made.header_bytes], [made.payload], [made.signature])
    await connection.send_many(
        [
            message.pack(message.PageMessage(data, live=False)),
            message.pack(message.Admitted(member.identity.network_key, made.id)),
        ]
    )
    await connection.receive()  # until the guest has it and ends
