"""Devices that have written more than is taken of them for now: shown, and taken up again.

Spec: `protocol/budget.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from p2pblog.errors import NotFound
from p2pblog.node import naming, roles
from p2pblog.node.membership import Membership
from p2pblog.node.roster import RoleView
from p2pblog.store.replica import Paused


def names(node: Membership) -> Iterator[tuple[Paused, str, str]]:
    """Each device that is paused, with its member's name and its own."""
    team = node.replica.team
    for one in node.replica.paused(node.clock()):
        device = team.devices[one.device]
        yield one, team.members[device.member].display_name, device.name


def words(node: Membership) -> list[str]:
    """A sentence for each device that is paused, and what to do."""
    found = []
    for one, name, device in names(node):
        what = "changes to the team" if one.team else "posts"
        hours = max(1, round((one.until - node.clock()) / 3_600_000))
        found.append(
            f"{name} ({device}) has written more {what} than this machine takes in a day: the rest "
            f"waits {hours} hours. Take it now: p2pblog member resume {name!r}"
        )
    return found


async def resume(node: Membership, who: str) -> RoleView:
    """Take more of a member's devices, by a person's word."""
    member = naming.find_member(node.replica.team, who)
    of = {one.device for one, _, _ in names(node)}
    devices = [device.key for device in node.replica.team.devices.values()]
    devices = [key for key in devices if node.replica.team.devices[key].member == member.id]
    if not of & set(devices):
        raise NotFound(f"Nothing of {member.display_name} waits.", naming.MEMBERS)
    await node.writer.call(node.replica.grant, devices, node.clock())
    node.look_at_pauses()
    return roles.view(node, member.id)
