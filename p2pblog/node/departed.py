"""What became of those who went: who knows of it, what was voided, what else is held of them.

Reads only; the ways to remove somebody are in `removal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from p2pblog.errors import NotSetUp, Reason
from p2pblog.node import naming
from p2pblog.node.membership import Membership
from p2pblog.node.roster import More, Removal, Voided
from p2pblog.protocol import entry
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Kind
from p2pblog.protocol.operation import Admit, Leave, MemberId, RemoveMember, RevokeDevice
from p2pblog.protocol.post import Cause
from p2pblog.protocol.team import State, Team, TeamEntry

FRESH_MS = 30 * 24 * 3600 * 1000  # how long after a removal `status` speaks of it


def acts(node: Membership) -> Mapping[EntryId, TeamEntry]:
    """The team entries by id."""
    return {one.id: one for one in node.replica.team_entries}


def view(node: Membership, ident: EntryId, before: Team | None = None) -> Removal:
    """A removal as it stands; with the team `before` it, what it took along."""
    return _view(node, acts(node)[ident], before)


def _view(node: Membership, act: TeamEntry, before: Team | None = None) -> Removal:
    team = node.replica.team
    kind, devices = _what(team, act)
    unaware = _unaware(node, act)
    active = len(node.active_devices())
    return Removal(
        act.id.hex(),
        kind,
        (devices[0] if kind == "revoked" else team.devices[devices[0]].member).hex(),
        _name(team, act, devices),
        naming.label(team, act.device),
        act.time,
        active - len(unaware),
        active,
        tuple(naming.label(team, key) for key in unaware),
        tuple(_voided(team, set(devices), before)),
        tuple(admit.member_name for admit in fallen(node))
        if before is None
        else _out(team, before, devices),
        tuple(_more(node, devices)),
    )


def _what(team: Team, act: TeamEntry) -> tuple[str, list[DeviceKey]]:
    match act.operation:
        case RevokeDevice(device=device):
            return "revoked", [device]
        case RemoveMember(member=member):
            return "removed", _of(team, member)
        case _:
            return "left", _of(team, team.devices[act.device].member)


def _of(team: Team, member: MemberId) -> list[DeviceKey]:
    return [device.key for device in team.devices.values() if device.member == member]


def _name(team: Team, act: TeamEntry, devices: list[DeviceKey]) -> str:
    if isinstance(act.operation, RevokeDevice):
        return naming.label(team, devices[0])
    return team.members[team.devices[devices[0]].member].display_name


def _unaware(node: Membership, act: TeamEntry) -> list[DeviceKey]:
    """The active devices that have not said that they hold the act."""
    log = entry.log_id(node.replica.team_id, act.device, act.incarnation, Kind.TEAM)
    return [
        key
        for key in node.active_devices()
        if key not in (node.me, act.device) and node.known.height(key, log) < act.seq
    ]


def _voided(team: Team, devices: set[DeviceKey], before: Team | None) -> Iterator[Voided]:
    for one in team.invitations.values():
        was = before.invitations.get(one.id) if before else None
        if (
            one.state == State.VOIDED
            and one.inviter in devices
            and (was is None or was.state == State.OPEN)
        ):
            yield Voided(one.id.hex(), one.role.name.lower())


def _out(team: Team, before: Team, devices: list[DeviceKey]) -> tuple[str, ...]:
    """Who was of the team before and is not now, without having been meant."""
    return tuple(
        naming.label(before, key)
        for key in before.devices
        if before.is_active(key) and not team.is_active(key) and key not in devices
    )


def _more(node: Membership, devices: list[DeviceKey]) -> Iterator[More]:
    for key in devices:
        for one in node.replica.beyond(key):
            label = naming.label(node.replica.team, key)
            yield More(label, one.entries, one.first, one.last)


def fallen(node: Membership) -> list[Admit]:
    """The admissions that fell with who had admitted, and may be made again."""
    team = node.replica.team
    found = {key: lost for key, lost in tuple(node.knocked.items()) if key not in team.devices}
    for one in node.replica.team_entries:
        lost = one.operation
        if team.void.get(one.id) is not Reason.BEYOND_CUTOFF or not isinstance(lost, Admit):
            continue
        invited = team.invitations.get(lost.invitation) if lost.invitation else None
        usable = invited is not None and invited.state in (State.OPEN, State.VOIDED)
        if usable and lost.device not in team.devices:
            found[lost.device] = lost
    return list(found.values())


# -- what the user should know ---------------------------------------------------------------------


def own_end(node: Membership) -> str:
    """How this device came to be of the team no more, in a sentence."""
    team = node.replica.team
    cuts = team.cuts.get(node.me)
    if not cuts and node.identity.opening == Cause.REPAIRED:
        return (
            "The team's log is not whole since the store was repaired: it comes from any "
            "colleague's machine that is met. If none is found: p2pblog peer add HOST."
        )
    if not cuts:
        return (
            "This device is of the team no more: the member who let it in was removed. Any other "
            "member can let it in again: p2pblog member readmit NAME."
        )
    act = acts(node)[cuts[-1]]
    who = naming.label(team, act.device)
    match act.operation:
        case Leave():
            return "You have left this team."
        case RevokeDevice():
            return f"This device was revoked, on {who}."
    return f"You were removed from this team, on {who}."


def check_active(node: Membership) -> None:
    """Raise `NotSetUp` where this device knows that it is of the team no more."""
    if not node.replica.team.is_active(node.me):
        hint = "What is here can still be read. Another team needs another home: --home DIR"
        raise NotSetUp(own_end(node), hint)


def warnings(node: Membership) -> list[str]:
    """What the user should know of those who came and went, each in a sentence."""
    if not node.replica.team.is_active(node.me):
        return [f"{own_end(node)} What is here can still be read; nothing comes or goes."]
    return [*_told_cut(node), *_doubles(node), *_lost(node), *_departures(node)]


def _told_cut(node: Membership) -> Iterator[str]:
    told = tuple(node.cut_by)  # we are on a thread of our own
    if told:
        who = ", ".join(sorted(naming.label(node.replica.team, key) for key in told))
        yield (
            f"This device was removed from the team, says {who}, and no longer talks to it. "
            "What you post stays on this machine."
        )


def _doubles(node: Membership) -> Iterator[str]:
    """One code that let in two, by members who did not know of each other."""
    team = node.replica.team
    for one in team.invitations.values():
        active = [key for key in one.used_by if team.is_active(key)]
        mine = team.member_of(one.inviter) == team.member_of(node.me)
        if len(active) > 1 and (mine or team.may(node.me, "admin")):
            names = " and ".join(naming.label(team, key) for key in active)
            inviter = naming.label(team, one.inviter)
            yield (
                f"One code, made on {inviter}, has let in two: {names}. If one does not belong "
                "here: p2pblog member remove NAME"
            )


def _lost(node: Membership) -> Iterator[str]:
    for admit in fallen(node):
        name = admit.member_name
        yield (
            f"{name} is out, because who had let {name} in was removed. "
            f"To let {name} in again: p2pblog member readmit {name!r}"
        )


def _departures(node: Membership) -> Iterator[str]:
    """Of the last weeks, for those in charge: who does not know yet, and what more is held."""
    team = node.replica.team
    if not team.may(node.me, "admin"):
        return
    cuts = dict.fromkeys(act for found in team.cuts.values() for act in found)
    known = acts(node)
    for ident in cuts:
        if known[ident].time > node.clock() - FRESH_MS:
            yield from _departure(_view(node, known[ident]))


def _departure(gone: Removal) -> Iterator[str]:
    went = {"removed": "was removed", "left": "has left", "revoked": "was revoked"}[gone.kind]
    if gone.unaware:
        verb = "does" if len(gone.unaware) == 1 else "do"
        yield (
            f"{gone.known_by} of {gone.devices} devices know that {gone.name} {went}; "
            f"{', '.join(gone.unaware)} {verb} not yet."
        )
    for more in gone.more:
        noun = "entry" if more.entries == 1 else "entries"
        yield (
            f"This machine holds {more.entries} {noun} of {more.device} that do not count since "
            f"{gone.name} {went}. If they are honest: p2pblog member extend {gone.name!r}"
        )
