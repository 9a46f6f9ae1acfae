"""How far a log counts: which acts of its author an item reaches, and what an extension spares.

Spec: `protocol/cutoff.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.ancestry import Ancestry, TeamEntry, cut_offs, places
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind
from p2pblog.protocol.operation import (
    Admit,
    CutOff,
    Extend,
    Leave,
    RemoveMember,
    RevokeDevice,
    Role,
    SetRole,
    Withdraw,
)
from p2pblog.protocol.standing import Facts

NO_SIGNATURE = b""  # of a bound that no cut-off names: nothing is authenticated by it


def check(ancestry: Ancestry, entry: TeamEntry) -> None:
    """Raise `Refused` BAD_VALUE for a cut-off of a team log whose tip is not of that log."""
    for cut in cut_offs(entry):
        if cut.kind == Kind.TEAM:
            tip = ancestry.entries[ancestry.place[cut.tip]]
            if (tip.device, tip.incarnation, tip.seq) != (cut.device, cut.incarnation, cut.seq):
                raise Refused(Reason.BAD_VALUE, "the tip is not of the log that is cut")


def _tip(ancestry: Ancestry, item: int, log: tuple[DeviceKey, Incarnation]) -> int | None:
    """The place of the tip that an item names for a team log."""
    for cut in cut_offs(ancestry.entries[item]):
        if cut.kind == Kind.TEAM and (cut.device, cut.incarnation) == log:
            return ancestry.place[cut.tip]
    return None


def is_beyond(ancestry: Ancestry, item: int, act: int) -> bool:
    """Whether an item that cuts the author of `act` leaves `act` beyond its cut-offs.

    An item never reaches itself, nor what is before it in its own log.
    """
    if ancestry.chain[item] >> act & 1:
        return False
    entry = ancestry.entries[act]
    tip = _tip(ancestry, item, (entry.device, entry.incarnation))
    return tip is None or not ancestry.chain[tip] >> act & 1


def is_spared(ancestry: Ancestry, item: int, extension: int, act: int) -> bool:
    """Whether an extension of `item` raises its cut-off, on the same branch, to `act` or more."""
    entry = ancestry.entries[act]
    log = (entry.device, entry.incarnation)
    old, new = _tip(ancestry, item, log), _tip(ancestry, extension, log)
    if new is None or not ancestry.chain[new] >> act & 1:
        return False
    return old is None or bool(ancestry.chain[new] >> old & 1)


def connect(facts: Facts, act: int) -> None:
    """Tell seniority which items reach a newly added act, and which acts it reaches as an item."""
    _reached(facts, act)
    match facts.ancestry.entries[act].operation:
        case SetRole(member=member, role=Role.MEMBER):
            for other in facts.acts[member]:
                _demote(facts, act, other)
        case RemoveMember(member=member):
            _cut_all(facts, act, facts.acts[member])
            _hit_seconded(facts, act, facts.seconded[member])
        case Leave():
            _cut_all(facts, act, facts.acts[facts.author[act]])
            _hit_seconded(facts, act, facts.seconded[facts.author[act]])
        case RevokeDevice(device=device):
            _cut_all(facts, act, facts.acts_with[device])
            for other, second in facts.second.items():
                if second.device == device:
                    _hit_unknown(facts, act, other)
        case Withdraw(invitation=ident):
            for use in facts.uses[facts.ancestry.place[ident]]:
                _hit_unknown(facts, act, use)
        case Extend(act=ident):
            item = facts.ancestry.place[ident]
            for other in places(facts.seniority.hits_by(item)):
                _spare(facts, item, act, other)


def _reached(facts: Facts, act: int) -> None:
    entry = facts.ancestry.entries[act]
    member = facts.author.get(act)
    if member is not None:
        for item in (*facts.member_cuts[member], *facts.device_cuts[entry.device]):
            _cut(facts, item, act)
        for item in facts.demotions[member]:
            _demote(facts, item, act)
    second = facts.second.get(act)
    if second is not None:
        for item in (*facts.member_cuts[second.member], *facts.device_cuts[second.device]):
            _hit_unknown(facts, item, act)
    if isinstance(entry.operation, Admit) and entry.operation.invitation is not None:
        invite = facts.ancestry.place[entry.operation.invitation]
        inviter = facts.ancestry.entries[invite].device
        cuts = (*facts.member_cuts[facts.author[invite]], *facts.device_cuts[inviter])
        for item in (*facts.withdrawals[invite], *cuts):
            _hit_unknown(facts, item, act)


def _hit_seconded(facts: Facts, item: int, acts: list[int]) -> None:
    """A co-signature is in no log: it counts where the item's author knew of it."""
    for act in acts:
        _hit_unknown(facts, item, act)


def _cut_all(facts: Facts, item: int, acts: list[int]) -> None:
    """An item cuts whoever did these acts: what is beyond falls, and invitations not known used."""
    for act in acts:
        _cut(facts, item, act)
        for use in facts.uses.get(act, ()):
            _hit_unknown(facts, item, use)


def _cut(facts: Facts, item: int, act: int) -> None:
    """What is beyond falls, but what the item itself rests on."""
    if is_beyond(facts.ancestry, item, act) and not facts.seniority.rests_on(item, act):
        _hit(facts, item, act)


def _demote(facts: Facts, item: int, act: int) -> None:
    """A demotion reaches what needed grants whose authors did not know of it."""
    needed = facts.charged.get(act)
    if needed and not any(facts.ancestry.ancestors[grant] >> item & 1 for grant in needed):
        _cut(facts, item, act)


def _hit_unknown(facts: Facts, item: int, act: int) -> None:
    ancestors = facts.ancestry.ancestors
    if not ancestors[item] >> act & 1 and not ancestors[act] >> item & 1:
        facts.seniority.hit(item, act)


def _hit(facts: Facts, item: int, act: int) -> None:
    facts.seniority.hit(item, act)
    for extension in facts.extensions[item]:
        _spare(facts, item, extension, act)


def _spare(facts: Facts, item: int, extension: int, act: int) -> None:
    if is_spared(facts.ancestry, item, extension, act):
        facts.seniority.spare(item, act, extension)


Log = tuple[DeviceKey, Incarnation, int]


def bounds(
    ancestry: Ancestry, items: Iterable[tuple[int, Iterable[int]]], device: DeviceKey
) -> dict[Log, CutOff]:
    """How far each log of a device counts under items, each with its standing extensions.

    The lowest of what the items allow. Logs that are not in the result are cut at 0.
    """
    result: dict[Log, CutOff] | None = None
    for item, extensions in items:
        allowed = _allowed(ancestry, item, extensions, device)
        if result is None:
            result = allowed
        else:
            common = result.keys() & allowed.keys()
            result = {log: min(result[log], allowed[log], key=height) for log in common}
    return result or {}


def _allowed(
    ancestry: Ancestry, item: int, extensions: Iterable[int], device: DeviceKey
) -> dict[Log, CutOff]:
    entry = ancestry.entries[item]
    allowed = {cut[:3]: cut for cut in cut_offs(entry) if cut.device == device}
    if entry.device == device:
        own = CutOff(device, entry.incarnation, Kind.TEAM, entry.seq, entry.id, NO_SIGNATURE)
        allowed[own[:3]] = max(own, allowed.get(own[:3], own), key=height)
    for extension in extensions:
        for cut in cut_offs(ancestry.entries[extension]):
            if cut.device == device and _raises(ancestry, allowed.get(cut[:3]), cut):
                allowed[cut[:3]] = cut
    return allowed


def _raises(ancestry: Ancestry, old: CutOff | None, new: CutOff) -> bool:
    if old is None:
        return True
    if new.kind == Kind.TEAM and old.tip in ancestry.place:
        return bool(ancestry.chain[ancestry.place[new.tip]] >> ancestry.place[old.tip] & 1)
    return height(new) > height(old)


def height(cut: CutOff) -> tuple[int, EntryId]:
    """What cut-offs of one log are compared by."""
    return cut.seq, cut.tip
