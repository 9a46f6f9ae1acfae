"""Which member or device a user means. What is done to somebody is never done to a namesake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from p2pblog.errors import Conflict, NotFound, Refused, UsageError
from p2pblog.node.roster import MIN_PREFIX
from p2pblog.protocol import names
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.team import Device, Member, Team

SHOWN = 8  # digits of an id
MEMBERS = "See them with: p2pblog members"
DEVICES = "See them with: p2pblog device list"

Subject = TypeVar("Subject", Member, Device)


def clean(text: str) -> str:
    """A name as it is kept. Raises `UsageError`."""
    try:
        return names.clean(text)
    except Refused as refused:
        raise UsageError(f"{text!r} can't be a name: {refused.detail}.", "Take another.") from None


def find_member(team: Team, who: str, *, gone: bool = False) -> Member:
    """The one present member (with `gone`: the one who has gone) that `who` means.

    Raises `NotFound`, and `Conflict` with the candidates where it could be several.
    """
    among = [member for member in team.members.values() if member.present is not gone]
    found = _named(among, who, lambda member: (member.name, member.display_name), _member_id)
    if not found:
        what = "No member who has gone" if gone else "No member"
        raise NotFound(f"{what} is called {who!r}.", MEMBERS)
    return _only(found, who, lambda member: f"{member.display_name} ({_member_id(member)[:SHOWN]})")


def find_device(team: Team, who: str, among: Iterable[Device]) -> Device:
    """The one of some devices that `who` means; "Sam/van" names the member too.

    Raises `NotFound`, and `Conflict` with the candidates where it could be several.
    """

    def called(device: Device) -> tuple[str, ...]:
        member = team.members[device.member]
        named = (f"{name}/{device.name}" for name in (member.name, member.display_name))
        return device.name, *named, label(team, device.key)

    found = _named(among, who, called, _device_id)
    if not found:
        raise NotFound(f"No device that you may change is called {who!r}.", DEVICES)
    return _only(found, who, lambda one: f"{label(team, one.key)} ({_device_id(one)[:SHOWN]})")


def label(team: Team, key: DeviceKey) -> str:
    """A device as people say it: Sam's van; by its key where it is nobody's."""
    device = team.devices.get(key)
    if device is None:
        return key.hex()[:8]
    name = team.members[device.member].display_name
    return device.name if device.name.startswith(name) else f"{name}'s {device.name}"


def _named(
    among: Iterable[Subject],
    who: str,
    called: Callable[[Subject], Iterable[str]],
    ident: Callable[[Subject], str],
) -> list[Subject]:
    folded = names.fold(who.removeprefix("@"))
    prefix = who.lower() if len(who) >= MIN_PREFIX else "-"
    return [
        one
        for one in among
        if folded in map(names.fold, called(one)) or ident(one).startswith(prefix)
    ]


def _only(found: list[Subject], who: str, shown: Callable[[Subject], str]) -> Subject:
    if len(found) > 1:
        candidates = ", ".join(map(shown, found))
        raise Conflict(f"{who!r} could be {candidates}.", "Give the start of the id instead.")
    return found[0]


def _member_id(member: Member) -> str:
    return member.id.hex()


def _device_id(device: Device) -> str:
    return device.key.hex()
