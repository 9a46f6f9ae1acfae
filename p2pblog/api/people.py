"""Handlers of the team: status, found, join, members, invitations, peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from p2pblog.api.context import Api
from p2pblog.api.fields import PREFIX, Choice, Flag, Many, Number, Text
from p2pblog.api.limits import MAX_INVITATION_HOURS, MAX_WORD
from p2pblog.api.posts import NoFields
from p2pblog.api.views import Listing, Nothing, Peers
from p2pblog.node.service import (
    Finding,
    FixedPeer,
    Founded,
    InvitationView,
    JoinView,
    MemberView,
    Status,
)
from p2pblog.protocol.limits import INVITATION_DAYS, MAX_ADDRESSES

WORD = Text(MAX_WORD, 1)


@dataclass(frozen=True, slots=True)
class NewTeam:
    """A team to found; `device` is the machine's name if left out."""

    team: Annotated[str, WORD]
    name: Annotated[str, WORD]
    device: Annotated[str, Text(MAX_WORD)] = ""


@dataclass(frozen=True, slots=True)
class Join:
    """A team to join with an invitation's code or link; `peers` are addresses to try."""

    code: Annotated[str, WORD]
    name: Annotated[str, WORD]
    device: Annotated[str, Text(MAX_WORD)] = ""
    peers: Annotated[tuple[str, ...], Many(WORD, MAX_ADDRESSES)] = ()


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to open; with `own_device`, for another device of the inviter."""

    role: Annotated[str, Choice(("member", "admin"))] = "member"
    hours: Annotated[int, Number(MAX_INVITATION_HOURS, 1)] = INVITATION_DAYS * 24
    own_device: Annotated[bool, Flag()] = False


@dataclass(frozen=True, slots=True)
class OneId:
    """Which one, by the start of its id."""

    id: Annotated[str, PREFIX]


@dataclass(frozen=True, slots=True)
class Address:
    """HOST or HOST:PORT."""

    address: Annotated[str, WORD]


async def read_status(api: Api, ask: NoFields) -> Status:
    """Everything on one screen."""
    return await api.service.status()


async def found_team(api: Api, ask: NewTeam) -> Founded:
    """Found a team with this home as its first device."""
    return await api.service.found(ask.team, ask.name, ask.device)


async def join_team(api: Api, ask: Join) -> JoinView:
    """Start to join a team; goes on until joined, refused or cancelled."""
    return await api.service.join(ask.code, ask.name, ask.device, ask.peers)


async def read_join(api: Api, ask: NoFields) -> JoinView:
    """How the join stands."""
    return await api.service.join_state()


async def cancel_join(api: Api, ask: NoFields) -> Nothing:
    """Give the join up."""
    await api.service.cancel_join()
    return Nothing()


async def list_members(api: Api, ask: NoFields) -> Listing[MemberView]:
    """The members of the team and their devices."""
    return Listing(tuple(await api.service.members()))


async def examine(api: Api, ask: NoFields) -> Listing[Finding]:
    """What is well and what is not, each in words, with what to do."""
    return Listing(tuple(await api.service.doctor()))


async def list_invitations(api: Api, ask: NoFields) -> Listing[InvitationView]:
    """Invitations, whatever became of them."""
    return Listing(tuple(await api.service.invitations()))


async def create_invitation(api: Api, ask: NewInvitation) -> InvitationView:
    """Open an invitation; only this answer has its code."""
    return await api.service.invite(ask.role, ask.hours, ask.own_device)


async def withdraw_invitation(api: Api, ask: OneId) -> InvitationView:
    """Withdraw an invitation."""
    return await api.service.withdraw(ask.id)


async def list_peers(api: Api, ask: NoFields) -> Peers:
    """The devices that we talk to or could talk to."""
    found = await api.service.peers()
    return Peers(tuple(found), tuple(await api.service.fixed_peers()))


async def add_peer(api: Api, ask: Address) -> FixedPeer:
    """Remember an address and dial it from now on."""
    return await api.service.add_peer(ask.address)


async def remove_peer(api: Api, ask: Address) -> Nothing:
    """Forget an address that was added."""
    await api.service.remove_peer(ask.address)
    return Nothing()
