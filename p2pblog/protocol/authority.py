"""Who may do what: each operation judged by the team that its ancestors alone make.

The verdict on an entry never changes, for it looks at nothing but its ancestors. What an act rests
on is kept with it. Spec: `protocol/authority.md`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, assert_never

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import crypto, cutoff, invitation
from p2pblog.protocol.ancestry import TeamEntry
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.limits import MIN_RETENTION_DAYS
from p2pblog.protocol.operation import (
    Admit,
    Approved,
    Extend,
    Found,
    Invite,
    Leave,
    MemberId,
    RemoveMember,
    Rename,
    RevokeDevice,
    Role,
    SetPolicy,
    SetRole,
    Subject,
    Unknown,
    Unreadable,
    Withdraw,
    to_approve,
)
from p2pblog.protocol.seniority import RECOVERY, Grounds, Rank
from p2pblog.protocol.standing import Author, View, grounds, rank, rank_against


class Ruling(NamedTuple):
    """An authorised act: by whom (None: the recovery key), what it rests on, how senior it is.

    `charged` are the grants without which it would not have been allowed, `second` who co-signed.
    """

    author: Author | None
    grounds: Grounds
    rank: Rank
    charged: tuple[int, ...] = ()
    second: Author | None = None


def judge(view: View, team: TeamId, entry: TeamEntry) -> Ruling:
    """The ruling on an entry, by the team of its ancestors. Raises `Refused` with the reason."""
    operation = entry.operation
    match operation:
        case None | Found():
            raise Refused(Reason.NOT_AUTHORISED, "not the founding entry of this team")
        case Unknown():
            raise Refused(Reason.NEEDS_NEWER_VERSION, f"operation {operation.code}")
        case Unreadable():
            raise Refused(operation.reason, "no operation")
    if view.facts.found is None or not view.mask >> view.facts.found & 1:
        raise Refused(Reason.UNKNOWN_AUTHOR, "knows nothing of the founding")
    cutoff.check(view.facts.ancestry, entry)
    if isinstance(operation, Approved) and operation.recovery_signature is not None:
        return _recover(view, team, entry, operation)
    author = view.author(entry.device)
    match operation:
        case Invite():
            return _invite(view, team, author, entry.proven, operation)
        case Withdraw():
            return _withdraw(view, author, operation)
        case Admit():
            return _admit(view, team, author, entry, operation)
        case SetRole() | RemoveMember():
            _check_target(view, operation.member)
            return _against(view, team, author, entry, operation, operation.member)
        case RevokeDevice():
            owner = _owner(view, operation.device)
            if owner == author.member and operation.co_signature is None:
                return _freely(view, author)
            return _against(view, team, author, entry, operation, owner)
        case Rename():
            return _rename(view, author, operation)
        case Leave():
            return _freely(view, author)
        case Extend():
            return _extend(view, author, operation)
        case SetPolicy():
            return _set_policy(view, author, operation)
    assert_never(operation)


def _freely(view: View, author: Author, *more: tuple[int, ...]) -> Ruling:
    """Any member may."""
    return Ruling(author, grounds(author, *more), rank(view.facts, author))


def _in_charge(view: View, author: Author, *more: tuple[int, ...]) -> Ruling:
    """Founder and admins may, and who stands in for them."""
    if author.member == view.facts.founder:
        return _freely(view, author, *more)
    grants = view.grants(author.member)
    if not grants and view.regent() != author.member:
        raise Refused(Reason.NOT_AUTHORISED, "for admins")
    ruling = _freely(view, author, grants, *more)
    return ruling._replace(charged=grants)


def _own_or_in_charge(view: View, author: Author, owner: MemberId | None) -> Ruling:
    return _freely(view, author) if author.member == owner else _in_charge(view, author)


def _check_target(view: View, member: MemberId) -> None:
    if view.member_of(DeviceKey(member)) != member:
        raise Refused(Reason.NOT_A_MEMBER, "no such member")


def _owner(view: View, device: DeviceKey) -> MemberId:
    owner = view.member_of(device)
    if owner is None:
        raise Refused(Reason.NOT_A_MEMBER, "no such device")
    return owner


def _against(
    view: View,
    team: TeamId,
    author: Author,
    entry: TeamEntry,
    operation: SetRole | RemoveMember | RevokeDevice,
    member: MemberId,
) -> Ruling:
    """What only those in charge may do to another, and nobody to the founder."""
    if member == view.facts.founder:
        raise Refused(Reason.NOT_AUTHORISED, "the founder is cut by the recovery key only")
    ruling = _in_charge(view, author)
    signed = None if isinstance(operation, SetRole) else operation.co_signature
    if signed is None:
        return ruling
    second = view.author(signed.device)
    _check_approval(signed.device, team, entry, operation, signed.signature)
    if second.member == author.member:
        raise Refused(Reason.NOT_AUTHORISED, "the co-signer is another admin")
    with_second = _in_charge(view, second)
    both = tuple(sorted({*ruling.grounds, *with_second.grounds}))
    return ruling._replace(grounds=both, rank=rank_against(view, member), second=second)


def _recover(view: View, team: TeamId, entry: TeamEntry, operation: Approved) -> Ruling:
    """What bears the recovery key's signature needs no other right."""
    assert operation.recovery_signature is not None
    key = view.facts.founding.recovery_key
    _check_approval(key, team, entry, operation, operation.recovery_signature)
    match operation:
        case Admit():
            member = operation.member
            if member is None or member != view.facts.founder or operation.invitation is not None:
                raise Refused(Reason.NOT_AUTHORISED, "recovery admits devices of the founder")
            if not view.is_present(member):
                raise Refused(Reason.NOT_A_MEMBER, "the founder has gone")
            _check_new(view, operation.device)
        case SetRole() | RemoveMember():
            _check_target(view, operation.member)
        case RevokeDevice():
            _owner(view, operation.device)
        case _:
            assert_never(operation)
    return Ruling(None, (), RECOVERY)


def _check_approval(
    key: bytes, team: TeamId, entry: TeamEntry, operation: Approved, signature: bytes
) -> None:
    message = to_approve(team, entry.device, entry.incarnation, entry.seq, operation)
    if not _verified(key, message, signature):
        raise Refused(Reason.BAD_SIGNATURE, "the approval is not of this operation")


@lru_cache(maxsize=1 << 12)
def _verified(key: bytes, message: bytes, signature: bytes) -> bool:
    return crypto.verify(key, message, signature)


def _invite(view: View, team: TeamId, author: Author, proven: bool, operation: Invite) -> Ruling:
    if not proven and not _is_bound(team, author.device, operation):
        raise Refused(Reason.BAD_PROOF, "the invitation is not of this team or inviter")
    if operation.member is not None:
        if operation.member != author.member:
            raise Refused(Reason.NOT_AUTHORISED, "devices are invited by their own member")
        return _freely(view, author)
    needed = max(operation.role, view.policy().invite_role)
    return _in_charge(view, author) if needed > Role.MEMBER else _freely(view, author)


@lru_cache(maxsize=1 << 14)
def _is_bound(team: TeamId, inviter: DeviceKey, operation: Invite) -> bool:
    terms = (operation.role, operation.member, operation.expires)
    try:
        invitation.check_binding(operation.key, team, inviter, *terms, operation.signature)
    except Refused:
        return False
    return True


def _find_invite(view: View, ident: EntryId) -> tuple[int, Invite]:
    """An invitation that counts, by its id."""
    place = view.facts.ancestry.place.get(ident)
    if place is None or place not in view.facts.author or not view.counts(place):
        raise Refused(Reason.INVITATION_UNKNOWN, "no such invitation")
    operation = view.facts.ancestry.entries[place].operation
    if not isinstance(operation, Invite):
        raise Refused(Reason.INVITATION_UNKNOWN, "not an invitation")
    return place, operation


def _withdraw(view: View, author: Author, operation: Withdraw) -> Ruling:
    place, _ = _find_invite(view, operation.invitation)
    return _own_or_in_charge(view, author, view.facts.author[place])


def _admit(view: View, team: TeamId, author: Author, entry: TeamEntry, operation: Admit) -> Ruling:
    if operation.invitation is None:
        raise Refused(Reason.INVITATION_UNKNOWN, "no invitation")
    place, invite = _find_invite(view, operation.invitation)
    terms = (operation.invitation, operation.device, operation.proof)
    if not entry.proven and not _is_proved(invite.key, team, *terms):
        raise Refused(Reason.BAD_PROOF, "not the invitation's key, or for another device")
    if any(view.counting(view.facts.withdrawals.get(place, ()))):
        raise Refused(Reason.INVITATION_WITHDRAWN, "withdrawn")
    if any(view.counting(view.facts.uses.get(place, ()))):
        raise Refused(Reason.INVITATION_USED, "somebody was admitted with it")
    if not is_reissue(view, place, operation.device):
        if inviter_is_cut(view, place):
            raise Refused(Reason.INVITATION_WITHDRAWN, "its inviter was cut")
        if entry.time > invite.expires:
            raise Refused(Reason.INVITATION_EXPIRED, "expired")
    if operation.member != invite.member:
        raise Refused(Reason.NOT_AUTHORISED, "the invitation is for another member's device")
    if operation.member is not None and not view.is_present(operation.member):
        raise Refused(Reason.NOT_A_MEMBER, "the device's member has gone")
    _check_new(view, operation.device)
    return _freely(view, author, (place,))


@lru_cache(maxsize=1 << 14)
def _is_proved(
    key: bytes, team: TeamId, ident: EntryId, device: DeviceKey, proof: bytes | None
) -> bool:
    try:
        invitation.check_proof(key, team, ident, device, proof or b"")
    except Refused:
        return False
    return True


def is_reissue(view: View, invite: int, device: DeviceKey) -> bool:
    """Whether the device was admitted on this invitation before, by an act that fell."""
    return any(
        view.mask >> use & 1 and use in view.facts.admissions.get(device, ())
        for use in view.facts.uses.get(invite, ())
    )


def inviter_is_cut(view: View, invite: int) -> bool:
    """Whether the device or the member that opened the invitation was cut since."""
    device = view.facts.ancestry.entries[invite].device
    return view.is_revoked(device) or view.has_gone(view.facts.author[invite])


def _check_new(view: View, device: DeviceKey) -> None:
    if view.is_revoked(device) or view.has_gone(MemberId(device)):
        raise Refused(Reason.CUT, "a cut key never returns")
    if view.admissions(device):
        raise Refused(Reason.ALREADY_ADMITTED, "the device is of the team, or was")


def _rename(view: View, author: Author, operation: Rename) -> Ruling:
    key = DeviceKey(operation.key or b"")
    match operation.subject:
        case Subject.TEAM:
            return _in_charge(view, author)
        case Subject.MEMBER:
            _check_target(view, MemberId(key))
            return _own_or_in_charge(view, author, MemberId(key))
        case Subject.DEVICE:
            return _own_or_in_charge(view, author, _owner(view, key))
    assert_never(operation.subject)


def _extend(view: View, author: Author, operation: Extend) -> Ruling:
    place = view.facts.ancestry.place.get(operation.act)
    if place is None or not view.facts.seniority.items >> place & 1 or not view.counts(place):
        raise Refused(Reason.BAD_VALUE, "nothing that cuts")
    if isinstance(view.facts.ancestry.entries[place].operation, Extend | Withdraw):
        raise Refused(Reason.BAD_VALUE, "nothing that cuts")
    return _in_charge(view, author)


def _set_policy(view: View, author: Author, operation: SetPolicy) -> Ruling:
    days = operation.policy.retention_days
    if days is not None and days < MIN_RETENTION_DAYS and author.member != view.facts.founder:
        raise Refused(Reason.NOT_AUTHORISED, f"under {MIN_RETENTION_DAYS} days: the founder's")
    return _in_charge(view, author)
