"""Who may do what, and how people, devices and the team are called."""

from __future__ import annotations

import trio

from p2pblog.errors import Conflict, NotAllowed, UsageError
from p2pblog.node import naming
from p2pblog.node.membership import Membership
from p2pblog.node.roster import RoleView
from p2pblog.protocol import names
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.limits import MAX_CUTOFFS
from p2pblog.protocol.operation import CutOff, MemberId, Rename, Role, SetRole, Subject
from p2pblog.protocol.team import Member

ROLES = {"member": Role.MEMBER, "admin": Role.ADMIN}
ADMINS = "Ask an admin: p2pblog members"


def check_in_charge(node: Membership) -> None:
    """Raise `NotAllowed` unless this device's member is the founder or an admin."""
    if not node.replica.team.may(node.me, "admin"):
        raise NotAllowed("Only the founder and admins may do that.", ADMINS)


def my_member(node: Membership) -> Member:
    """Whose device this is. Raises `NotAllowed` where it is nobody's: its admission has fallen."""
    member = node.replica.team.member_of(node.me)
    if member is None:
        hint = "Ask an admin to let you in again: p2pblog members"
        raise NotAllowed("This device is of the team no more: who let it in was removed.", hint)
    return member


def word(member: Member) -> str:
    """A member's role in a word."""
    return "founder" if member.founder else member.role.name.lower()


def view(node: Membership, member: MemberId) -> RoleView:
    """A member as it is now."""
    found = node.replica.team.members[member]
    return RoleView(found.id.hex(), found.display_name, word(found))


async def set_role(node: Membership, who: str, role: str) -> RoleView:
    """Promote or demote. The founder stays in charge, and somebody always is."""
    if role not in ROLES:
        raise UsageError(f"No role is called {role!r}.", "Roles: member, admin.")
    team = node.replica.team
    member = naming.find_member(team, who)
    check_in_charge(node)
    if member.founder:
        raise NotAllowed(
            "The founder stays in charge.", "Only the founder can leave: p2pblog leave"
        )
    if member.role is ROLES[role]:
        raise Conflict(f"{member.display_name} is {_with_article(role)} already.", "")
    if role == "member" and team.in_charge == {member.id}:
        hint = "Make somebody else an admin first: p2pblog member role NAME admin"
        raise Conflict(f"{member.display_name} is the last one in charge.", hint)
    await node.operate(await promotion(node, member, ROLES[role]))
    return view(node, member.id)


async def promotion(node: Membership, member: Member, role: Role) -> SetRole:
    """The operation; a demotion bounds what the member did as an admin at what is held here."""
    team = node.replica.team
    cuts: tuple[CutOff, ...] = ()
    if role is Role.MEMBER:
        devices = [device.key for device in team.devices.values() if device.member == member.id]
        held = await trio.to_thread.run_sync(node.replica.ends, devices)
        cuts = tuple(cut for cut in held if cut.kind == Kind.TEAM)[:MAX_CUTOFFS]
    return SetRole(team.heads, member.id, role, cuts)


def _with_article(role: str) -> str:
    return "an admin" if role == "admin" else "a member"


async def rename_member(node: Membership, who: str, name: str) -> RoleView:
    """Name oneself anew, or somebody else if in charge. An empty `who` is oneself."""
    team, me = node.replica.team, my_member(node)
    member = naming.find_member(team, who) if who else me
    if member != me:
        check_in_charge(node)
    cleaned = naming.clean(name)
    for other in team.present_members():
        if other != member and names.fold(other.name) == names.fold(cleaned):
            raise Conflict(f"{other.display_name} is called so.", "Take another name.")
    await node.operate(Rename(team.heads, Subject.MEMBER, member.id, cleaned))
    return view(node, member.id)


async def rename_team(node: Membership, name: str) -> str:
    """Name the team anew."""
    check_in_charge(node)
    cleaned = naming.clean(name)
    await node.operate(Rename(node.replica.team.heads, Subject.TEAM, None, cleaned))
    return node.replica.team.name
