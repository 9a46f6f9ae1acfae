"""Handlers of members and devices: roles, names, profiles, and those who come back or go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from p2pblog.api.context import Api
from p2pblog.api.fields import Choice, Many, Text
from p2pblog.api.limits import MAX_PICTURE_TEXT, MAX_VALUE, MAX_WORD
from p2pblog.api.views import Listing
from p2pblog.node.roster import MachineView, NewProfile, ProfileView, Removal, RoleView
from p2pblog.node.service import JoinView
from p2pblog.protocol.limits import MAX_ADDRESSES, MAX_SKILLS

WORD = Text(MAX_WORD, 1)


@dataclass(frozen=True, slots=True)
class Who:
    """A member or a device, by its name or the start of its id."""

    who: Annotated[str, WORD]


@dataclass(frozen=True, slots=True)
class Of:
    """Whose devices; one's own if left out."""

    of: Annotated[str, Text(MAX_WORD)] = ""


@dataclass(frozen=True, slots=True)
class NewName:
    """What somebody or something is to be called."""

    who: Annotated[str, WORD]
    name: Annotated[str, WORD]


@dataclass(frozen=True, slots=True)
class TeamName:
    """What the team is to be called."""

    name: Annotated[str, WORD]


@dataclass(frozen=True, slots=True)
class NewRole:
    """What a member may do from now on."""

    who: Annotated[str, WORD]
    role: Annotated[str, Choice(("member", "admin"))]


@dataclass(frozen=True, slots=True)
class Said:
    """One's own profile; what is left out stays. `picture` is base64, empty for none."""

    about: Annotated[str | None, Text(4 * MAX_VALUE)] = None
    skills: Annotated[tuple[str, ...] | None, Many(Text(MAX_WORD), 2 * MAX_SKILLS)] = None
    picture: Annotated[str | None, Text(MAX_PICTURE_TEXT)] = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who is in charge afterwards; needed where nobody else is."""

    successor: Annotated[str, Text(MAX_WORD)] = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """The founder's recovery code, to come back with; `peers` are addresses to try."""

    code: Annotated[str, WORD]
    device: Annotated[str, Text(MAX_WORD)] = ""
    peers: Annotated[tuple[str, ...], Many(WORD, MAX_ADDRESSES)] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """The founder's recovery code."""

    code: Annotated[str, WORD]


@dataclass(frozen=True, slots=True)
class Named:
    """What the team is called now."""

    team: str


async def read_profile(api: Api, ask: Who) -> ProfileView:
    """What a member says of itself."""
    return await api.service.roster.profile(ask.who)


async def set_profile(api: Api, ask: Said) -> ProfileView:
    """Replace one's own profile."""
    new = NewProfile(ask.about, ask.skills, ask.picture)
    return await api.service.roster.set_profile(new)


async def set_role(api: Api, ask: NewRole) -> RoleView:
    """Promote or demote a member."""
    return await api.service.roster.set_role(ask.who, ask.role)


async def rename_member(api: Api, ask: NewName) -> RoleView:
    """Name a member anew: oneself, or another if in charge."""
    return await api.service.roster.rename_member(ask.who, ask.name)


async def rename_team(api: Api, ask: TeamName) -> Named:
    """Name the team anew."""
    return Named(await api.service.roster.rename_team(ask.name))


async def list_devices(api: Api, ask: Of) -> Listing[MachineView]:
    """The devices of a member, past ones too."""
    return Listing(tuple(await api.service.roster.devices(ask.of)))


async def rename_device(api: Api, ask: NewName) -> MachineView:
    """Name a device anew."""
    return await api.service.roster.rename_device(ask.who, ask.name)


async def revoke_device(api: Api, ask: Who) -> Removal:
    """Revoke a lost device. What it wrote before, as far as it is here, stays."""
    return await api.service.roster.revoke(ask.who)


async def read_revocation(api: Api, ask: Who) -> Removal:
    """What became of a device that was revoked, and who knows of it."""
    return await api.service.roster.revocation(ask.who)


async def remove_member(api: Api, ask: Who) -> Removal:
    """Remove a member with every device. What it wrote before, as far as it is here, stays."""
    return await api.service.roster.remove(ask.who)


async def read_removal(api: Api, ask: Who) -> Removal:
    """What became of a member who has gone, and who knows of it."""
    return await api.service.roster.removal(ask.who)


async def extend_removal(api: Api, ask: Who) -> Removal:
    """Let all count that this machine holds of a member who has gone."""
    return await api.service.roster.extend(ask.who)


async def readmit(api: Api, ask: Who) -> RoleView:
    """Let in again who is out because the member that had let them in was removed."""
    return await api.service.roster.readmit(ask.who)


async def resume(api: Api, ask: Who) -> RoleView:
    """Take in more of a member who wrote more than is taken in a day."""
    return await api.service.roster.resume(ask.who)


async def leave(api: Api, ask: Leaving) -> Removal:
    """Go, with every device of one's own."""
    return await api.service.roster.leave(ask.successor)


async def recover(api: Api, ask: Recovery) -> JoinView:
    """Start to come back as the founder; goes on until done or cancelled."""
    return await api.service.recover(ask.code, ask.device, ask.peers)


async def recover_devices(api: Api, ask: Code) -> Listing[Removal]:
    """Revoke all other devices of the founder."""
    return Listing(tuple(await api.service.roster.recover_devices(ask.code)))
