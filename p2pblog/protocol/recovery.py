"""How the founder comes back with the recovery code: both sides, as pure functions and a machine.

The one with the code proves it, is shown the team logs, and admits its own new device, as no member
could. The host passes that on like any entry, and hands the network key over. Spec:
`protocol/recovery.md`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import crypto, entry, message, names, page
from p2pblog.protocol.admission import (
    PAGE_COST,
    Ask,
    Joined,
    Outcome,
    Verified,
    check_handed_over,
    evaluate,
    farewell,
    founding_entries,
)
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Incarnation, Kind, PayloadClass, TeamId
from p2pblog.protocol.limits import MAX_STRANGER_BYTES
from p2pblog.protocol.message import Message, Scope
from p2pblog.protocol.operation import Admit, MemberId, to_approve
from p2pblog.protocol.team import Team


@dataclass(frozen=True, slots=True)
class Fresh:
    """What an admission needs that is new each time: random bytes, and the wall clock in ms."""

    incarnation: Incarnation
    salt: bytes
    now: int


def _claim(channel: bytes) -> bytes:
    return crypto.to_sign(crypto.SIGN_RECOVERY, channel)


def prove(key: SigningKey, channel: bytes) -> bytes:
    """The proof for one connection, by its handshake hash: it is of no use on another."""
    return key.sign(_claim(channel))


def check_proof(known: Team, channel: bytes, proof: bytes) -> None:
    """Raise `Refused` BAD_PROOF unless the team's recovery key signed for this connection."""
    if not crypto.verify(known.recovery_key, _claim(channel), proof):
        raise Refused(Reason.BAD_PROOF, "not the recovery key of this team")


def check_page(data: bytes, founding: TeamId, device: DeviceKey) -> None:
    """Raise `Refused` unless it is a page of a team log of the device that is connected."""
    log = page.verify(data, founding).log
    if log[0] != device or log[2] != Kind.TEAM:
        raise Refused(Reason.WRONG_LOG, "not a team log of the device that asks")


def founder_of(known: Team) -> MemberId | None:
    """The founder's member id."""
    return next((member.id for member in known.members.values() if member.founder), None)


def admit(
    known: Team, key: SigningKey, device: SigningKey, device_name: str, fresh: Fresh
) -> bytes:
    """A page with the admission of `device` as the founder's, by the recovery key.

    Raises `Refused` NOT_A_MEMBER where the founder has gone, CUT for a key that was cut.
    """
    founder = founder_of(known)
    if founder is None or not known.members[founder].present:
        raise Refused(Reason.NOT_A_MEMBER, "the founder has left the team")
    if known.is_cut(device.public):
        raise Refused(Reason.CUT, "a cut key never returns")
    bare = Admit(
        after=known.heads,
        invitation=None,
        device=device.public,
        member=founder,
        member_name=known.members[founder].name,
        device_name=names.clean(device_name),
        proof=None,
    )
    place = (known.id, device.public, fresh.incarnation, 1)
    signed = dataclasses.replace(bare, recovery_signature=key.sign(to_approve(*place, bare)))
    made = entry.make(
        device,
        known.id,
        fresh.incarnation,
        Kind.TEAM,
        seq=1,
        backlink=NO_BACKLINK,
        time=fresh.now,
        payload_class=PayloadClass.OPERATION,
        salt=fresh.salt,
        content=signed.pack(),
    )
    return page.pack([made.header_bytes], [made.payload], [made.signature])


class Recoverer:
    """The side with the code, on one connection. `device` is the key of the new device."""

    def __init__(
        self, key: SigningKey, device: SigningKey, device_name: str, channel: bytes, fresh: Fresh
    ) -> None:
        self._key = key
        self._device = device
        self._device_name = device_name
        self._channel = channel
        self._fresh = fresh
        self._pages: list[bytes] = []
        self._size = 0
        self._team: TeamId | None = None

    def start(self) -> list[Outcome]:
        """What to begin with."""
        return [Ask(message.pack(message.Recover(prove(self._key, self._channel))))]

    def receive(self, data: Message | None) -> list[Outcome]:
        """What a message of the host leads to. Raises `Refused`: the host is of no use to us."""
        match data:
            case message.PageMessage():
                self._pages.append(data.page)
                self._size += len(data.page) + PAGE_COST
                if self._size > MAX_STRANGER_BYTES:
                    raise Refused(Reason.FLOOD, "team logs")
            case message.Done(scope) if scope == Scope.TEAM and self._team is None:
                return self._admit()
            case message.Admitted() if self._team is not None:
                known = evaluate(self._pages, self._team)
                check_handed_over(known, self._device.public, data.network_key)
                return [Joined(self._team, data.network_key, tuple(self._pages))]
            case message.Goodbye():
                raise farewell(data)
            case None:
                pass
            case _:
                raise Refused(Reason.UNEXPECTED, type(data).__name__)
        return []

    def _admit(self) -> list[Outcome]:
        """Admit ourselves, where no earlier try has done so."""
        known = self._find()
        self._team = known.id
        founder = founder_of(known)
        name = known.members[founder].display_name if founder else ""
        asked: list[Outcome] = [Verified(known.name, "", name)]
        if not known.is_active(self._device.public):
            made = admit(known, self._key, self._device, self._device_name, self._fresh)
            self._pages.append(made)
            asked.append(Ask(message.pack(message.PageMessage(made, live=False))))
        return [*asked, Ask(message.pack(message.Done(Scope.TEAM)))]

    def _find(self) -> Team:
        """The team that the code's key was made with."""
        for candidate in founding_entries(self._pages):
            known = evaluate(self._pages, candidate)
            if known.recovery_key == self._key.public:
                return known
        raise Refused(Reason.BAD_PROOF, "another team's recovery code")
