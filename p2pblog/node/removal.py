"""Those who go: removed, left, revoked. What counts of them stays, and who knows of it is shown.

A removal names for each log how far it counts: what is held here when it is made. Who holds more,
and is in charge, can raise that. Spec: `protocol/cutoff.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import trio

from p2pblog.errors import Conflict, NotAllowed, NotFound, Refused, UsageError
from p2pblog.node import departed, machines, naming, roles
from p2pblog.node.membership import Membership
from p2pblog.node.roster import MIN_PREFIX, Removal, RoleView
from p2pblog.protocol import invitation, names
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import EntryId, Kind
from p2pblog.protocol.limits import MAX_CUTOFFS
from p2pblog.protocol.operation import (
    Admit,
    CutOff,
    Extend,
    Leave,
    MemberId,
    RemoveMember,
    RevokeDevice,
    Role,
    to_approve,
)
from p2pblog.protocol.team import Device, Member
from p2pblog.store.replica import Appended

Cut = RemoveMember | RevokeDevice | Leave


# -- removing --------------------------------------------------------------------------------------


async def remove(node: Membership, who: str) -> Removal:
    """Remove a member with every device."""
    team = node.replica.team
    member = naming.find_member(team, who)
    roles.check_in_charge(node)
    if member == roles.my_member(node):
        raise UsageError("That is you.", "To go yourself: p2pblog leave")
    if member.founder:
        hint = "A founder's lost device is revoked with the recovery code: p2pblog recover --revoke"
        raise NotAllowed("Nobody removes the founder.", hint)
    gone = _devices(node, member.id)
    return await _cut(node, gone, lambda cuts: RemoveMember(team.heads, member.id, cuts))


async def leave(node: Membership, successor: str) -> Removal:
    """Go, with every device of ours. The last one in charge names who is to be."""
    team, me = node.replica.team, roles.my_member(node)
    others = [member for member in team.present_members() if member != me]
    if successor:
        heir = naming.find_member(team, successor)
        if heir == me:
            raise UsageError("You can't be your own successor.", naming.MEMBERS)
        if heir.role is not Role.ADMIN:
            roles.check_in_charge(node)
            await node.operate(await roles.promotion(node, heir, Role.ADMIN))
    elif others and team.in_charge == {me.id}:
        hint = "Name who is to be: p2pblog leave --successor NAME"
        raise Conflict("You are the last one in charge.", hint)
    heads = node.replica.team.heads
    return await _cut(node, _devices(node, me.id), lambda cuts: Leave(heads, cuts))


async def revoke(node: Membership, who: str) -> Removal:
    """Revoke a lost device: one's own, or anybody's if in charge."""
    team = node.replica.team
    device = naming.find_device(team, who, machines.changeable(node))
    me, owner = roles.my_member(node), team.members[device.member]
    if owner.founder and owner != me:
        hint = "The founder does it, or the recovery code: p2pblog recover CODE --revoke"
        raise NotAllowed("Nobody else revokes the founder's devices.", hint)
    if owner == me and [d for d in _all(node, me.id) if d.active] == [device]:
        raise Conflict("It is your only device.", "To go altogether: p2pblog leave")
    return await _cut(node, [device.key], lambda cuts: RevokeDevice(team.heads, device.key, cuts))


async def recover_devices(node: Membership, code: str) -> list[Removal]:
    """Revoke all other devices of the founder with the recovery code: it outranks a thief."""
    try:
        key = await trio.to_thread.run_sync(invitation.recovery_key, code)
    except Refused as refused:
        hint = "Look again: 28 letters and digits, in groups of four."
        raise UsageError(f"That is no recovery code: {refused.detail}.", hint) from None
    team = node.replica.team
    if key.public != team.recovery_key:
        raise UsageError("That is not this team's recovery code.", "It was shown by: p2pblog init")
    founder = next(member for member in team.members.values() if member.founder)
    lost = [d.key for d in _all(node, founder.id) if d.active and d.key != node.me]
    return [await _cut(node, [one], _revocation(node, one), key) for one in lost]


def _revocation(node: Membership, device: DeviceKey) -> Callable[[tuple[CutOff, ...]], Cut]:
    return lambda cuts: RevokeDevice(node.replica.team.heads, device, cuts)


async def _cut(
    node: Membership,
    gone: Sequence[DeviceKey],
    make: Callable[[tuple[CutOff, ...]], Cut],
    recovery: SigningKey | None = None,
) -> Removal:
    """Cut devices where their logs end here; what one operation has no room for is extended."""
    before = node.replica.team
    ends = await trio.to_thread.run_sync(node.replica.ends, gone)
    act = make(tuple(ends[:MAX_CUTOFFS]))
    if recovery is not None and isinstance(act, RevokeDevice):
        made = await _approved(node, act, recovery)
    else:
        made = await node.operate(act)
    rest = ends[MAX_CUTOFFS:]
    while rest and node.replica.team.may(node.me, "admin"):
        extend = Extend(node.replica.team.heads, made.entry.id, tuple(rest[:MAX_CUTOFFS]))
        await node.operate(extend)
        rest = rest[MAX_CUTOFFS:]
    return await trio.to_thread.run_sync(departed.view, node, made.entry.id, before)


# -- afterwards ------------------------------------------------------------------------------------


async def removal(node: Membership, who: str) -> Removal:
    """What became of the removal, or the leaving, of a member."""
    act = _act_of(node, naming.find_member(node.replica.team, who, gone=True))
    return await trio.to_thread.run_sync(departed.view, node, act)


async def revocation(node: Membership, who: str) -> Removal:
    """What became of the revocation of a device."""
    team = node.replica.team
    among = [device for device in team.devices.values() if not device.active]
    device = naming.find_device(team, who, among)
    return await trio.to_thread.run_sync(departed.view, node, team.cuts[device.key][-1])


async def extend(node: Membership, who: str) -> Removal:
    """Let all count that this machine holds of a removed member."""
    roles.check_in_charge(node)
    team = node.replica.team
    member = naming.find_member(team, who, gone=True)
    held = [
        (act, one.upto)
        for device in _devices(node, member.id)
        for one in await trio.to_thread.run_sync(node.replica.beyond, device)
        for act in team.cuts[device]
    ]
    if not held:
        raise NotFound(f"This machine holds nothing more of {member.display_name}'s.", "")
    for act in dict.fromkeys(act for act, _ in held):
        cuts = [cut for other, cut in held if other == act][:MAX_CUTOFFS]
        await node.operate(Extend(node.replica.team.heads, act, tuple(sorted(cuts))))
    return await removal(node, member.id.hex())


async def readmit(node: Membership, who: str) -> RoleView:
    """Let in again who is out because the member that had let them in was removed."""
    folded = [admit for admit in departed.fallen(node) if _is_called(admit, who)]
    if not folded:
        raise NotFound(f"Nobody called {who!r} is out because of a removal.", naming.MEMBERS)
    if len({admit.device for admit in folded}) > 1:
        ids = ", ".join(admit.device.hex()[: naming.SHOWN] for admit in folded)
        raise Conflict(f"{who!r} could be {ids}.", "Give the start of the id instead.")
    lost = folded[0]
    await node.operate(replace(lost, after=node.replica.team.heads))
    return roles.view(node, lost.member or MemberId(lost.device))


def _is_called(admit: Admit, who: str) -> bool:
    same = names.fold(admit.member_name) == names.fold(who)
    return same or (len(who) >= MIN_PREFIX and admit.device.hex().startswith(who.lower()))


# -- parts -----------------------------------------------------------------------------------------


def _all(node: Membership, member: MemberId) -> list[Device]:
    return [device for device in node.replica.team.devices.values() if device.member == member]


def _devices(node: Membership, member: MemberId) -> list[DeviceKey]:
    return [device.key for device in _all(node, member)]


def _act_of(node: Membership, member: Member) -> EntryId:
    """The act by which a member went: that of its first device which is no revocation."""
    acts = departed.acts(node)
    for key in _devices(node, member.id):
        for act in node.replica.team.cuts.get(key, ()):
            if not isinstance(acts[act].operation, RevokeDevice):
                return act
    raise NotFound(f"{member.display_name} has not gone.", naming.MEMBERS)


async def _approved(node: Membership, act: RevokeDevice, key: SigningKey) -> Appended:
    """Append a revocation with the recovery key's signature, which names the place in our log."""
    place = node.replica.team_id, node.me, node.identity.incarnation
    while True:
        tip = node.replica.tip((node.me, node.identity.incarnation, Kind.TEAM))
        seq = tip.seq + 1 if tip else 1
        signature = key.sign(to_approve(*place, seq, act))
        made = await node.operate(replace(act, recovery_signature=signature))
        if made.entry.header.seq == seq:  # else something else of ours came in between: it is void
            return made
