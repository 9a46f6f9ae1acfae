"""The members and devices of a running node's team, for surfaces: `roster.Roster` at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from p2pblog.node import departed, machines, pauses, profiles, removal, roles
from p2pblog.node.membership import Membership
from p2pblog.node.roster import MachineView, NewProfile, ProfileView, Removal, RoleView


@dataclass(frozen=True, slots=True)
class Staff:
    """`here` gives the membership, or raises `NotSetUp`."""

    here: Callable[[], Membership]

    @property
    def _active(self) -> Membership:
        """The membership of a device that may still act."""
        node = self.here()
        departed.check_active(node)
        return node

    async def profile(self, who: str) -> ProfileView:
        """What a member says of itself."""
        return await profiles.show(self.here(), who)

    async def set_profile(self, new: NewProfile) -> ProfileView:
        """Replace one's own profile."""
        return await profiles.put(self._active, new)

    async def set_role(self, who: str, role: str) -> RoleView:
        """Promote or demote."""
        return await roles.set_role(self._active, who, role)

    async def rename_member(self, who: str, name: str) -> RoleView:
        """Name oneself anew, or another if in charge."""
        return await roles.rename_member(self._active, who, name)

    async def rename_team(self, name: str) -> str:
        """Name the team anew."""
        return await roles.rename_team(self._active, name)

    async def devices(self, who: str) -> list[MachineView]:
        """The devices of a member, past ones too."""
        return machines.devices(self.here(), who)

    async def rename_device(self, who: str, name: str) -> MachineView:
        """Name a device anew."""
        return await machines.rename(self._active, who, name)

    async def revoke(self, who: str) -> Removal:
        """Revoke a lost device."""
        return await removal.revoke(self._active, who)

    async def remove(self, who: str) -> Removal:
        """Remove a member with every device."""
        return await removal.remove(self._active, who)

    async def leave(self, successor: str) -> Removal:
        """Go; `successor` may be empty unless nobody else is in charge."""
        return await removal.leave(self._active, successor)

    async def removal(self, who: str) -> Removal:
        """What became of a member who has gone."""
        return await removal.removal(self.here(), who)

    async def revocation(self, who: str) -> Removal:
        """What became of a device that was revoked."""
        return await removal.revocation(self.here(), who)

    async def extend(self, who: str) -> Removal:
        """Let all count that this machine holds of a member who has gone."""
        return await removal.extend(self._active, who)

    async def readmit(self, who: str) -> RoleView:
        """Let in again who fell with the member that had let them in."""
        return await removal.readmit(self._active, who)

    async def resume(self, who: str) -> RoleView:
        """Take in more of a member who wrote more than is taken in a day."""
        return await pauses.resume(self.here(), who)

    async def recover_devices(self, code: str) -> Sequence[Removal]:
        """Revoke the founder's other devices with the recovery code."""
        return await removal.recover_devices(self._active, code)
