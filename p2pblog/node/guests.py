"""Strangers who call with an invitation or the recovery code: whom to let try, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pblog.errors import CantWrite, PeerError, Reason
from p2pblog.net.connection import Connection
from p2pblog.node.hosting import host_founder, host_guest
from p2pblog.protocol import crypto
from p2pblog.protocol.limits import MAX_OPEN_INVITATIONS
from p2pblog.protocol.team import Invitation

if TYPE_CHECKING:
    from p2pblog.node.membership import Membership

MAX_GUESTS = 16  # at a time: whoever holds a code may send many, and each has 10 s


class Guests:
    """Told apart from members by the PSK with which they call."""

    def __init__(self, member: Membership) -> None:
        self._member = member
        self._here = 0

    def psks(self) -> list[bytes]:
        """With what one may call: as a device of the team, as its founder, with an invitation."""
        network = crypto.network_psk(self._member.identity.network_key)
        return [network, self._recovery_psk(), *self._invited()]

    def open_invitations(self) -> list[Invitation]:
        """Those that can still be used."""
        return [one for one in self._invitations() if self._is_open(one)]

    async def host(self, connection: Connection) -> bool:
        """Host a guest to the end; whether it is one."""
        invited = self._invited().get(connection.psk)
        if invited is None and connection.psk != self._recovery_psk():
            return False
        if self._here >= MAX_GUESTS:
            line = "refuse guest device=%s reason=%s"
            self._member.report(connection.remote_device, line, Reason.BUSY)
            return True
        self._here += 1
        try:
            if invited is not None:
                await host_guest(self._member, connection, invited)
            else:
                await host_founder(self._member, connection)
        except (PeerError, CantWrite) as error:
            self._member.report(connection.remote_device, "lose guest device=%s reason=%s", error)
        finally:
            self._here -= 1
        return True

    def _recovery_psk(self) -> bytes:
        return crypto.invitation_psk(self._member.replica.team.recovery_key)

    def _invited(self) -> dict[bytes, Invitation]:
        """Invitations by the PSK of those who hold the code: the open ones first, 64 in all.

        With those that are closed a guest is told why; and one whose answer was lost gets it.
        """
        known = sorted(self._invitations(), key=lambda i: (-i.expires, i.id))
        known.sort(key=lambda i: not self._is_open(i))
        return {crypto.invitation_psk(i.public_key): i for i in known[:MAX_OPEN_INVITATIONS]}

    def _invitations(self) -> list[Invitation]:
        return list(self._member.replica.team.invitations.values())

    def _is_open(self, one: Invitation) -> bool:
        return one.state == "open" and one.expires > self._member.clock()
