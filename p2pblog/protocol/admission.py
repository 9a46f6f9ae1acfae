"""How a stranger with an invitation becomes a member: both sides, as pure functions and a machine.

The host sends the team logs and nothing else. The joiner finds in them the invitation that its code
opens, checks that it binds this team, and only then gives its name and its proof. Whoever admits
hands the network key over. Spec: `protocol/admission.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, entry, invitation, message, names, operation, page, team
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import Kind, TeamId
from p2pblog.protocol.limits import MAX_PAGE_BYTES, MAX_STRANGER_BYTES
from p2pblog.protocol.message import Message, Scope
from p2pblog.protocol.operation import Admit, Found
from p2pblog.protocol.team import Invitation, Team

PAGE_COST = 64  # held beside the bytes of a page: a million tiny ones would cost too


@dataclass(frozen=True, slots=True)
class Verified:
    """The code has verified this team; show it. What is asked comes next.

    `member`: whose further device we ask to be; empty where we ask to be a new member. `inviter`
    is empty where nobody had to invite.
    """

    team: str
    inviter: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this to the host."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """We are of the team: what to found the store and the identity with."""

    team: TeamId
    network_key: bytes
    pages: tuple[bytes, ...]


Outcome: TypeAlias = Verified | Ask | Joined


class Joiner:
    """The joining side of one connection. `key` comes of the code, `device` is our new device."""

    def __init__(self, key: SigningKey, device: SigningKey, name: str, device_name: str) -> None:
        self._key = key
        self._device = device
        self._name = name
        self._device_name = device_name
        self._pages: list[bytes] = []
        self._size = 0
        self._team: TeamId | None = None

    def start(self) -> list[Outcome]:
        """What to begin with: nothing, the host does."""
        return []

    def receive(self, data: Message | None) -> list[Outcome]:
        """What a message of the host leads to. Raises `Refused`: the host is of no use to us."""
        match data:
            case message.PageMessage():
                self._take(data.page)
            case message.Done(scope) if scope == Scope.TEAM and self._team is None:
                return self._verify()
            case message.Admitted() if self._team is not None:
                return [self._joined(self._team, data)]
            case message.Goodbye():
                raise farewell(data)
            case None:
                pass
            case _:
                raise Refused(Reason.UNEXPECTED, type(data).__name__)
        return []

    def _take(self, data: bytes) -> None:
        self._pages.append(data)
        self._size += len(data) + PAGE_COST
        if self._size > MAX_STRANGER_BYTES:
            raise Refused(Reason.FLOOD, "team logs")

    def _verify(self) -> list[Outcome]:
        for candidate in founding_entries(self._pages):
            found = evaluate(self._pages, candidate)
            invited = _invitation(found, self._key.public)
            if invited is not None:
                return self._ask(candidate, found, invited)
        raise Refused(Reason.INVITATION_UNKNOWN, "this team has no invitation for the code")

    def _ask(self, founding: TeamId, found: Team, invited: Invitation) -> list[Outcome]:
        check_open(invited, self._device.public)
        self._team = founding
        inviter = found.devices[invited.inviter].member
        proof = invitation.prove(self._key, founding, invited.id, self._device)
        names_given = (self._name, self._device_name)
        join = message.Join(invited.id, self._device.public, *names_given, proof)
        member = found.members[invited.member].display_name if invited.member else ""
        shown = Verified(found.name, found.members[inviter].display_name, member)
        return [shown, Ask(message.pack(join))]

    def _joined(self, founding: TeamId, data: message.Admitted) -> Joined:
        found = evaluate(self._pages, founding)
        check_handed_over(found, self._device.public, data.network_key)
        return Joined(founding, data.network_key, tuple(self._pages))


def founding_entries(pages: Sequence[bytes]) -> Iterator[TeamId]:
    """The ids of all entries that could have founded the team of these pages."""
    for data in pages:
        raw, payloads, _ = codec.decode(page.SHAPE, data, MAX_PAGE_BYTES)
        header = entry.parse_header(raw[0])
        starts = header.seq == 1 and header.kind == Kind.TEAM and payloads[0] is not None
        if starts and isinstance(operation.read(entry.body(payloads[0])), Found):
            yield TeamId(entry.entry_id(raw[0]))


def evaluate(pages: Sequence[bytes], founding: TeamId) -> Team:
    """The team of these pages. Raises `Refused` for a page that does not verify."""
    entries = [one for data in pages for one in team.entries_of(page.verify(data, founding))]
    return team.evaluate(entries, founding)


def check_handed_over(known: Team, device: DeviceKey, network_key: bytes) -> None:
    """Raise `Refused` unless `known` has our device, and this is the key of its network."""
    if not known.is_active(device):
        raise Refused(Reason.NOT_A_MEMBER, "the host's log does not admit us")
    if known.network_commitment != operation.commit(network_key):
        raise Refused(Reason.BAD_PROOF, "not the key that the team was founded with")


def _invitation(found: Team, public: bytes) -> Invitation | None:
    """The invitation of a code's key; its binding to the team was checked by `evaluate`."""
    return next((i for i in found.invitations.values() if i.public_key == public), None)


def check_open(invited: Invitation, device: DeviceKey) -> None:
    """Raise `Refused` INVITATION_USED, _WITHDRAWN or _UNKNOWN unless `device` can use it.

    It can use it again: the answer to its first request may have been lost.
    """
    match invited.state:
        case "open":
            return
        case "used" if device in invited.used_by:
            return
        case "used":
            raise Refused(Reason.INVITATION_USED, "somebody has joined with it")
        case "withdrawn" | "voided":
            raise Refused(Reason.INVITATION_WITHDRAWN, "it was taken back")
    raise Refused(Reason.INVITATION_UNKNOWN, invited.state)


def check_usable(invited: Invitation, device: DeviceKey, now: int) -> None:
    """As `check_open`, and INVITATION_EXPIRED; `now` is the host's wall clock in ms."""
    check_open(invited, device)
    if invited.expires <= now and device not in invited.used_by:
        raise Refused(Reason.INVITATION_EXPIRED, "ask for a new one")


def admit(
    known: Team, founding: TeamId, request: message.Join, device: DeviceKey, now: int
) -> Admit | None:
    """The operation that admits, on the host's side; None where one did so before.

    `device` is the key that the connection proved, `now` the host's wall clock in ms. Raises
    `Refused` with what is wrong.
    """
    invited = known.invitations.get(request.invitation)
    if invited is None:
        raise Refused(Reason.INVITATION_UNKNOWN, "no such invitation")
    check_usable(invited, device, now)
    if request.device != device:
        raise Refused(Reason.BAD_PROOF, "for another device")
    invitation.check_proof(invited.public_key, founding, invited.id, device, request.proof)
    if device in invited.used_by and known.is_active(device):
        return None
    if device in known.devices:
        raise Refused(Reason.CUT if known.is_cut(device) else Reason.INVITATION_USED, "known key")
    name = _free_name(known, invited, request.name)
    return Admit(
        after=known.heads,
        invitation=invited.id,
        device=device,
        member=invited.member,
        member_name=name,
        device_name=names.clean(request.device_name),
        proof=request.proof,
    )


def _free_name(known: Team, invited: Invitation, wanted: str) -> str:
    if invited.member is not None:
        return known.members[invited.member].name
    name = names.clean(wanted)
    folded = names.fold(name)
    if any(names.fold(member.name) == folded for member in known.present_members()):
        raise Refused(Reason.NAME_TAKEN, f"{name} is taken")
    return name


def farewell(data: message.Goodbye) -> Refused:
    """What the host said when it ended the connection."""
    try:
        return Refused(Reason(data.reason), data.detail)
    except ValueError:
        return Refused(Reason.NEEDS_NEWER_VERSION, data.detail)
