"""The team: who is of it and what each may do, as a pure function of a set of team entries.

Any order, any number of times: the same entries make the same team. What lacks an ancestor is
pending, what is not allowed is void, both are kept. Spec: `protocol/team.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from p2pblog.errors import Reason
from p2pblog.protocol import cutoff, history, operation
from p2pblog.protocol.ancestry import TeamEntry, places
from p2pblog.protocol.authority import inviter_is_cut
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import (
    EntryId,
    Header,
    Incarnation,
    Kind,
    PayloadClass,
    TeamId,
    body,
)
from p2pblog.protocol.history import History
from p2pblog.protocol.limits import MAX_AFTER
from p2pblog.protocol.names import display_names, shown
from p2pblog.protocol.operation import (
    Admit,
    CutOff,
    Found,
    Invite,
    MemberId,
    Policy,
    Rename,
    Role,
    Subject,
    Unreadable,
)
from p2pblog.protocol.page import Page
from p2pblog.protocol.standing import View

__all__ = [
    "Action",
    "Device",
    "Invitation",
    "Member",
    "State",
    "Team",
    "TeamEntry",
    "entries_of",
    "entry_of",
    "evaluate",
]

Action: TypeAlias = Literal["post", "admit", "invite", "moderate", "admin"]


@dataclass(frozen=True, slots=True)
class Member:
    """A person. `name` as it was given, `display_name` told apart from all others."""

    id: MemberId
    name: str
    display_name: str
    role: Role
    founder: bool
    present: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A machine of a member. `admitted_by` is the entry that let it in."""

    key: DeviceKey
    member: MemberId
    name: str
    admitted_by: EntryId
    active: bool


class State(StrEnum):
    """What became of an invitation; that it has expired is for whoever has a clock."""

    OPEN = "open"
    USED = "used"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"  # its inviter was cut


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that counts. `member` is set for a further device of that member.

    `used_by` are devices: more than one when members admitted without knowing of each other.
    """

    id: EntryId
    public_key: bytes
    role: Role
    member: MemberId | None
    inviter: DeviceKey
    expires: int
    state: State
    used_by: tuple[DeviceKey, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """A team, whole. Mappings go by seniority; `heads` are what the next operation's `after` names.

    `cuts`: the acts that cut a device, in the one order. `void`: entries without effect, each with
    the reason; `quarantined`: those of them that are not passed on; `pending`: how many lack an
    ancestor.
    """

    id: TeamId
    name: str
    recovery_key: bytes
    network_commitment: bytes
    policy: Policy
    members: Mapping[MemberId, Member]
    devices: Mapping[DeviceKey, Device]
    invitations: Mapping[EntryId, Invitation]
    in_charge: frozenset[MemberId]
    heads: tuple[EntryId, ...]
    pending: int
    cuts: Mapping[DeviceKey, tuple[EntryId, ...]]
    void: Mapping[EntryId, Reason]
    quarantined: frozenset[EntryId]
    bounds: Mapping[DeviceKey, Mapping[cutoff.Log, CutOff]]

    @property
    def min_version(self) -> int:
        """The protocol version below which a device can't understand this team."""
        return self.policy.min_version

    @property
    def proven(self) -> frozenset[EntryId]:
        """The invitations and admissions that count: what they had to be signed with is good.

        An entry's id commits to all that these signatures are of, so they need no second look.
        """
        admissions = (device.admitted_by for device in self.devices.values())
        return frozenset((*self.invitations, *admissions))

    def present_members(self) -> tuple[Member, ...]:
        """Those who neither left nor were removed, the most senior first."""
        return tuple(member for member in self.members.values() if member.present)

    def member_of(self, device: DeviceKey) -> Member | None:
        """Whose device it is or was."""
        known = self.devices.get(device)
        return self.members[known.member] if known else None

    def is_active(self, device: DeviceKey) -> bool:
        """Whether the device is of the team now."""
        return device in self.devices and self.devices[device].active

    def is_cut(self, device: DeviceKey) -> bool:
        """Whether the device was of the team and is no more."""
        return device in self.devices and not self.devices[device].active

    def may(self, device: DeviceKey, action: Action) -> bool:
        """What a device may do now."""
        if not self.is_active(device):
            return False
        charged = self.devices[device].member in self.in_charge
        match action:
            case "post" | "admit":
                return True
            case "invite":
                return charged or self.policy.invite_role is Role.MEMBER
            case "moderate" | "admin":
                return charged

    def cut_off(self, device: DeviceKey, incarnation: Incarnation, kind: int) -> CutOff | None:
        """How far a log counts; None without a bound, seq 0 where nothing of it does.

        In logs of kind team: how far it is passed on, for others may build on what is beyond.
        """
        if self.is_active(device):
            return None
        log = (device, incarnation, kind)
        nothing = CutOff(*log, 0, EntryId(b""), cutoff.NO_SIGNATURE)
        return self.bounds.get(device, {}).get(log, nothing)

    def cutoff(self, device: DeviceKey, incarnation: Incarnation, kind: int) -> int | None:
        """The height of `cut_off`."""
        cut = self.cut_off(device, incarnation, kind)
        return None if cut is None else cut.seq


def entry_of(
    ident: EntryId, header: Header, payload: bytes | None, proven: bool = False
) -> TeamEntry:
    """What the rules look at, of an entry of a team log. `proven`: see `Team.proven`."""
    read: operation.Operation | operation.Unknown | Unreadable | None = None
    if header.payload_class == PayloadClass.OPERATION:
        missing = Unreadable(Reason.PAYLOAD_NEEDED)
        read = missing if payload is None else operation.read(body(payload))
    place = (header.device, header.incarnation, header.seq, header.backlink)
    return TeamEntry(ident, *place, header.time, read, proven)


def entries_of(page: Page) -> list[TeamEntry]:
    """What the rules look at, of a verified page; nothing of a page of another kind."""
    if page.headers[0].kind != Kind.TEAM:
        return []
    return [entry_of(*one) for one in zip(page.ids, page.headers, page.payloads, strict=True)]


def evaluate(entries: Iterable[TeamEntry], team: TeamId) -> Team:
    """The team that the entries make. Never fails: a set without the founding is an empty team."""
    judged = history.evaluate(entries, team)
    view = judged.view
    found = None if view.facts.found is None else view.facts.founding
    names = _names(judged)
    devices = _devices(judged, names)
    members = _members(judged, names)
    regent = view.regent()
    return Team(
        id=team,
        name=shown(names[Subject.TEAM, b""]) if found else "",
        recovery_key=found.recovery_key if found else b"",
        network_commitment=found.network_commitment if found else b"",
        policy=view.policy() if found else Policy(),
        members=members,
        devices=devices,
        invitations={one.id: one for one in _invitations(judged)},
        in_charge=frozenset(
            one.id
            for one in members.values()
            if one.present and (one.role is Role.ADMIN or one.id == regent)
        ),
        heads=tuple(judged.heads()[:MAX_AFTER]),
        pending=len(judged.ancestry.pending),
        cuts={
            device.key: tuple(judged.ancestry.entries[cut].id for cut, _ in judged.cuts(device.key))
            for device in devices.values()
            if not device.active
        },
        void=judged.void,
        quarantined=frozenset(
            judged.ancestry.entries[place].id for place in places(judged.quarantined)
        ),
        bounds=_bounds(judged, devices.values()),
    )


def _names(judged: History) -> dict[tuple[Subject, bytes], str]:
    """The newest names; first names are kept with the admissions that count."""
    names: dict[tuple[Subject, bytes], str] = {}
    for place, entry in judged.counting():
        match entry.operation:
            case Found() as found:
                names[Subject.TEAM, b""] = found.team_name
                names[Subject.MEMBER, entry.device] = found.member_name
                names[Subject.DEVICE, entry.device] = found.device_name
            case Admit() as admit if place in judged.view.admissions(admit.device)[:1]:
                names[Subject.DEVICE, admit.device] = admit.device_name
                if admit.member is None:
                    names[Subject.MEMBER, admit.device] = admit.member_name
            case Rename() as rename:
                names[rename.subject, rename.key or b""] = rename.name
    return names


def _members(judged: History, names: Mapping[tuple[Subject, bytes], str]) -> dict[MemberId, Member]:
    view = judged.view
    order = view.by_seniority()
    named = [(member, names[Subject.MEMBER, member]) for member in order]
    display = display_names(sorted(named, key=lambda one: not view.is_present(one[0])))
    return {
        member: Member(
            member,
            name,
            display[member],
            view.role(member),
            member == view.facts.founder,
            view.is_present(member),
        )
        for member, name in named
    }


def _devices(
    judged: History, names: Mapping[tuple[Subject, bytes], str]
) -> dict[DeviceKey, Device]:
    view = judged.view
    made: list[tuple[int, Device]] = []
    for key in view.facts.admissions:
        admissions = view.admissions(key)
        member = view.member_of(key)
        if not admissions or member is None or not view.admissions(DeviceKey(member)):
            continue
        admitted_by = judged.ancestry.entries[admissions[0]].id
        active = view.is_present(member) and not view.is_revoked(key)
        name = shown(names[Subject.DEVICE, key])
        made.append((admissions[0], Device(key, member, name, admitted_by, active)))
    return {device.key: device for _, device in sorted(made, key=lambda one: one[0])}


def _invitations(judged: History) -> Iterator[Invitation]:
    view, facts = judged.view, judged.facts
    for place, entry in judged.counting():
        if isinstance(entry.operation, Invite):
            opened = entry.operation
            uses = [judged.ancestry.entries[use] for use in view.counting(facts.uses[place])]
            used_by = tuple(
                use.operation.device for use in uses if isinstance(use.operation, Admit)
            )
            state = State.USED if used_by else _unused_state(view, place)
            yield Invitation(
                entry.id,
                opened.key,
                opened.role,
                opened.member,
                entry.device,
                opened.expires,
                state,
                used_by,
            )


def _unused_state(view: View, invite: int) -> State:
    if any(view.counting(view.facts.withdrawals[invite])):
        return State.WITHDRAWN
    return State.VOIDED if inviter_is_cut(view, invite) else State.OPEN


def _bounds(
    judged: History, devices: Iterable[Device]
) -> dict[DeviceKey, dict[cutoff.Log, CutOff]]:
    """The bounds of cut devices' logs; those of team logs are how far they are passed on."""
    result: dict[DeviceKey, dict[cutoff.Log, CutOff]] = {}
    for device in devices:
        if not device.active:
            found = cutoff.bounds(judged.ancestry, judged.cuts(device.key), device.key)
            kept = {log: cut for log, cut in found.items() if log[2] != Kind.TEAM}
            result[device.key] = kept
    for place in places(judged.ancestry.everything & ~judged.quarantined):
        entry = judged.ancestry.entries[place]
        bounds = result.get(entry.device)
        if bounds is not None:
            log = (entry.device, entry.incarnation, int(Kind.TEAM))
            cut = CutOff(*log, entry.seq, entry.id, cutoff.NO_SIGNATURE)
            bounds[log] = max(cut, bounds.get(log, cut), key=cutoff.height)
    return result
