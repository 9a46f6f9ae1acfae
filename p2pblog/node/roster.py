"""What a surface may ask about members and devices, and change: a part of `service.Service`.

Times are milliseconds since 1970 UTC, ids are hex. `who` is a name, or the start of an id of at
least four digits. Mistakes of the user raise `UserError`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MIN_PREFIX = 4  # digits of an id: one more than a slip of the hand


@dataclass(frozen=True, slots=True)
class ProfileView:
    """What members say of themselves. `picture` is base64, `time` null where nothing was said."""

    id: str
    name: str
    role: str
    is_me: bool
    about: str
    skills: tuple[str, ...]
    picture: str
    picture_type: str  # image/png, image/jpeg, or empty
    time: int | None


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What to say anew; None leaves a part as it is. `picture`: base64, empty for none."""

    about: str | None = None
    skills: tuple[str, ...] | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class MachineView:
    """A device of a member. `state`: active, or cut: revoked, or its member has gone."""

    key: str
    name: str
    member: str
    is_me: bool
    state: str
    last_seen: int | None
    connected: bool


@dataclass(frozen=True, slots=True)
class Voided:
    """An invitation that was open and is so no more, since its inviter was cut."""

    id: str
    role: str


@dataclass(frozen=True, slots=True)
class More:
    """What this machine holds of a log beyond its cut-off: so many entries of that time."""

    device: str
    entries: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Removal:
    """A member or a device that was cut, and who knows of it: `known_by` of `devices` devices.

    `kind`: removed, left or revoked; `subject`: the id of the member or device. `unaware` names the
    devices that have not said that they know. `voided`: invitations of the removed that nobody can
    use any more. `fallen`: who is out because the removed had let them in. `more`: what an `extend`
    could add.
    """

    id: str
    kind: str
    subject: str
    name: str
    by: str
    time: int
    known_by: int
    devices: int
    unaware: tuple[str, ...]
    voided: tuple[Voided, ...] = ()
    fallen: tuple[str, ...] = ()
    more: tuple[More, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleView:
    """A member and its role."""

    id: str
    name: str
    role: str


class Roster(Protocol):
    """The members and devices of this home's team. An empty `who` is oneself, or this device."""

    async def profile(self, who: str) -> ProfileView:
        """What a member says of itself."""
        ...

    async def set_profile(self, new: NewProfile) -> ProfileView:
        """Replace one's own profile."""
        ...

    async def set_role(self, who: str, role: str) -> RoleView:
        """Promote or demote."""
        ...

    async def rename_member(self, who: str, name: str) -> RoleView:
        """Name oneself anew, or another if in charge."""
        ...

    async def rename_team(self, name: str) -> str:
        """Name the team anew."""
        ...

    async def devices(self, who: str) -> list[MachineView]:
        """The devices of a member, past ones too."""
        ...

    async def rename_device(self, who: str, name: str) -> MachineView:
        """Name a device anew."""
        ...

    async def revoke(self, who: str) -> Removal:
        """Revoke a lost device."""
        ...

    async def remove(self, who: str) -> Removal:
        """Remove a member with every device."""
        ...

    async def leave(self, successor: str) -> Removal:
        """Go; `successor` may be empty unless nobody else is in charge."""
        ...

    async def removal(self, who: str) -> Removal:
        """What became of a member who has gone."""
        ...

    async def revocation(self, who: str) -> Removal:
        """What became of a device that was revoked."""
        ...

    async def extend(self, who: str) -> Removal:
        """Let all count that this machine holds of a member who has gone."""
        ...

    async def readmit(self, who: str) -> RoleView:
        """Let in again who fell with the member that had let them in."""
        ...

    async def resume(self, who: str) -> RoleView:
        """Take in more of a member who wrote more than is taken in a day."""
        ...

    async def recover_devices(self, code: str) -> Sequence[Removal]:
        """Revoke the founder's other devices with the recovery code."""
        ...
