"""Members, devices and invitations, as people see and change them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import trio

from p2pblog.errors import NotAllowed, NotFound, UsageError
from p2pblog.node.membership import Membership
from p2pblog.node.service import DeviceView, InvitationView, MemberView
from p2pblog.protocol import invitation, operation
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.limits import CODE_BYTES, INVITATION_DAYS, MAX_OPEN_INVITATIONS
from p2pblog.protocol.operation import MemberId, Role
from p2pblog.protocol.team import Device, Invitation, Member

MAX_HOURS = 24 * 90
ROLES = {"member": Role.MEMBER, "admin": Role.ADMIN}


def members(node: Membership) -> list[MemberView]:
    """Everybody of the team, the most senior first."""
    team = node.replica.team
    devices: defaultdict[MemberId, list[Device]] = defaultdict(list)
    for device in team.devices.values():
        if team.is_active(device.key):
            devices[device.member].append(device)
    return [_member_view(node, one, devices[one.id]) for one in team.present_members()]


def _member_view(node: Membership, member: Member, owned: Iterable[Device]) -> MemberView:
    team = node.replica.team
    devices = tuple(
        DeviceView(
            device.key.hex(),
            device.name,
            device.key == node.me,
            node.last_seen.get(device.key),
            node.sessions.get(device.key) is not None,
        )
        for device in owned
    )
    mine = member == team.member_of(node.me)
    return MemberView(member.id.hex(), member.display_name, role_of(member), mine, devices)


def role_of(member: Member) -> str:
    """A member's role in a word."""
    return "founder" if member.founder else member.role.name.lower()


def devices_of(node: Membership, who: str) -> frozenset[DeviceKey]:
    """All devices, past ones too, of the member that a name or the start of an id means."""
    team = node.replica.team
    folded = who.casefold().lstrip("@")
    found = [
        member
        for member in team.members.values()
        if member.display_name.casefold() == folded
        or (len(who) >= 8 and member.id.hex().startswith(who))
    ]
    if not found:
        raise NotFound(f"No member is called {who!r}.", "See them with: p2pblog members")
    return frozenset(d.key for d in team.devices.values() if d.member in {m.id for m in found})


async def invite(
    node: Membership, role: str, hours: int, own_device: bool, addresses: list[str]
) -> InvitationView:
    """Open an invitation: the only time that its code is seen."""
    team = node.replica.team
    if role not in ROLES:
        raise UsageError(f"No role is called {role!r}.", "Roles: member, admin.")
    hours = hours or INVITATION_DAYS * 24
    if not 0 < hours <= MAX_HOURS:
        raise UsageError(f"{hours} hours make no sense.", f"From 1 to {MAX_HOURS}.")
    if not team.may(node.me, "admin" if role == "admin" else "invite"):
        raise NotAllowed("Your role may not do that.", "Ask an admin: p2pblog members")
    if len(node.guests.open_invitations()) >= MAX_OPEN_INVITATIONS:
        hint = "Withdraw some: p2pblog invite list"
        raise NotAllowed(f"{MAX_OPEN_INVITATIONS} invitations are open, no more can be.", hint)
    code = invitation.new_code(node.salt(CODE_BYTES))
    key = await _key_of(code)
    expires = node.clock() + hours * 3_600_000
    member = team.devices[node.me].member if own_device else None
    signature = invitation.sign_binding(
        key, node.replica.team_id, node.me, ROLES[role], member, expires
    )
    made = await node.operate(
        operation.Invite(team.heads, key.public, ROLES[role], member, expires, signature)
    )
    opened = node.replica.team.invitations[made.entry.id]
    return _view(node, opened, code, invitation.link(code, addresses))


async def _key_of(code: str) -> SigningKey:
    return await trio.to_thread.run_sync(invitation.key_of, code)


def invitations(node: Membership) -> list[InvitationView]:
    """All invitations, the newest expiry first."""
    known = node.replica.team.invitations.values()
    return [_view(node, one) for one in sorted(known, key=lambda one: -one.expires)]


async def withdraw(node: Membership, prefix: str) -> InvitationView:
    """Close an open invitation."""
    team = node.replica.team
    found = [one for one in team.invitations.values() if one.id.hex().startswith(prefix)]
    if len(found) != 1:
        word = "No invitation" if not found else "More than one invitation"
        raise NotFound(f"{word} has an id with {prefix!r}.", "See: p2pblog invite list")
    if _state(node, found[0]) != "open":
        raise NotFound(f"The invitation is {_state(node, found[0])} already.", "")
    await node.operate(operation.Withdraw(team.heads, found[0].id))
    return _view(node, node.replica.team.invitations[found[0].id])


def _state(node: Membership, one: Invitation) -> str:
    if one.state == "open" and one.expires <= node.clock():
        return "expired"
    return one.state


def _view(node: Membership, one: Invitation, code: str = "", link: str = "") -> InvitationView:
    team = node.replica.team
    inviter = team.members[team.devices[one.inviter].member].display_name
    users = [team.devices[key] for key in one.used_by if key in team.devices]
    used_by = ", ".join(team.members[device.member].display_name for device in users)
    return InvitationView(
        one.id.hex(),
        one.role.name.lower(),
        inviter,
        one.expires,
        _state(node, one),
        used_by,
        code,
        link,
    )
