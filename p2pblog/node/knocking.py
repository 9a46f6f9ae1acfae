"""A stranger who was let in by somebody that had been removed: it may be let in again.

It has the invitation's proof for its own device. What it brings is not stored, since nothing of it
counts; the admission that fell is kept in memory, for a person to say whether it is made again.
"""

from __future__ import annotations

from collections.abc import Sequence

from p2pblog.errors import Refused
from p2pblog.protocol import invitation, page
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.operation import Admit
from p2pblog.protocol.team import State, Team, entries_of


def fallen(known: Team, pages: Sequence[bytes], device: DeviceKey) -> Admit | None:
    """Of team logs that a stranger has shown: its admission on an invitation that is open here."""
    if known.is_cut(device):
        return None
    for data in pages:
        try:
            entries = entries_of(page.verify(data, known.id))
        except Refused:
            continue
        for one in entries:
            admit = one.operation
            if isinstance(admit, Admit) and admit.device == device and _is_open(known, admit):
                return admit
    return None


def _is_open(known: Team, admit: Admit) -> bool:
    invited = known.invitations.get(admit.invitation) if admit.invitation else None
    if invited is None or invited.state is not State.OPEN or admit.proof is None:
        return False
    try:
        invitation.check_proof(invited.public_key, known.id, invited.id, admit.device, admit.proof)
    except Refused:
        return False
    return True
