"""Devices: those of each member, their names, and those that were lost."""

from __future__ import annotations

from collections.abc import Iterable

from p2pblog.errors import Conflict
from p2pblog.node import naming, roles
from p2pblog.node.membership import Membership
from p2pblog.node.roster import MachineView
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.operation import Rename, Subject
from p2pblog.protocol.team import Device


def devices(node: Membership, who: str) -> list[MachineView]:
    """The devices of a member, past ones too; of oneself where `who` is empty."""
    team = node.replica.team
    member = naming.find_member(team, who) if who else roles.my_member(node)
    return [view(node, device.key) for device in _of(node, member.id)]


def view(node: Membership, key: DeviceKey) -> MachineView:
    """A device as it is now."""
    team = node.replica.team
    device = team.devices[key]
    return MachineView(
        key.hex(),
        device.name,
        team.members[device.member].display_name,
        key == node.me,
        "active" if device.active else "cut",
        node.last_seen.get(key),
        node.sessions.get(key) is not None,
    )


def changeable(node: Membership) -> list[Device]:
    """The devices that this one may rename and revoke: one's own, or all if in charge."""
    team = node.replica.team
    everybody = team.may(node.me, "admin")
    mine = roles.my_member(node).id
    return [d for d in team.devices.values() if d.active and (everybody or d.member == mine)]


async def rename(node: Membership, who: str, name: str) -> MachineView:
    """Name a device anew; an empty `who` is this one."""
    team, among = node.replica.team, changeable(node)
    device = naming.find_device(team, who, among) if who else team.devices[node.me]
    cleaned = naming.clean(name)
    if any(d.name == cleaned and d.active for d in _of(node, device.member) if d != device):
        owner = team.members[device.member].display_name
        raise Conflict(f"Another device of {owner} is called so.", "Take another name.")
    await node.operate(Rename(team.heads, Subject.DEVICE, device.key, cleaned))
    return view(node, device.key)


def _of(node: Membership, member: bytes) -> Iterable[Device]:
    return [device for device in node.replica.team.devices.values() if device.member == member]
