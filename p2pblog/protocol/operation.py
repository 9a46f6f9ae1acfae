"""The bodies of team logs: what is founded, who is let in, what is changed, who goes.

A body is one array: code, `after` (the team heads that its author knew), then the fields of that
code. What a later version says is `Unknown`: kept, relayed, without effect, shown as "needs a newer
version". Whether an operation was allowed is for `team`. Spec: `protocol/operation.md`.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple, NewType, TypeAlias, TypeVar

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec
from p2pblog.protocol.codec import Array, Bytes, Constant, Many, Maybe, Text, Uint
from p2pblog.protocol.crypto import CHECK, SIGN_APPROVAL, DeviceKey, blake2b, to_sign
from p2pblog.protocol.entry import EntryId, Incarnation, TeamId
from p2pblog.protocol.limits import (
    MAX_AFTER,
    MAX_CUTOFFS,
    MAX_NAME,
    MAX_PAYLOAD,
    MAX_RETENTION_DAYS,
    MAX_SEQ,
    MAX_TEAM_NAME,
    MAX_TIME_MS,
)

MemberId = NewType("MemberId", bytes)  # the key of the member's first device


class Role(IntEnum):
    """What a member may do; each includes what is below it."""

    MEMBER = 0
    ADMIN = 1


class Subject(IntEnum):
    """What a rename renames."""

    TEAM = 0
    MEMBER = 1
    DEVICE = 2


class Policy(NamedTuple):
    """What the team agreed on. `retention_days` None: posts are kept for ever."""

    invite_role: Role = Role.MEMBER
    retention_days: int | None = None
    min_version: int = 1


class CutOff(NamedTuple):
    """How far a log counts: up to `seq`, whose entry is `tip`. `signature` is the log's own of it.

    It bounds and never authenticates.
    """

    device: DeviceKey
    incarnation: Incarnation
    kind: int
    seq: int
    tip: EntryId
    signature: bytes


class CoSignature(NamedTuple):
    """A second admin's approval, by one of that admin's devices."""

    device: DeviceKey
    signature: bytes


_KEY = Bytes(32)
_SIGNATURE = Bytes(64)
_NAME = Text(MAX_NAME, 1)
_ROLE = Uint(255, note="0 member, 1 admin")
AFTER = Many(_KEY, MAX_AFTER, note="ids of the team heads known, ascending")
POLICY = Array(
    "policy",
    (
        ("invite_role", _ROLE),
        ("retention_days", Maybe(Uint(MAX_RETENTION_DAYS, 1))),
        ("min_version", Uint(127, 1)),
    ),
)
CUT_OFF = Array(
    "cut-off",
    (
        ("device", _KEY),
        ("incarnation", Bytes(8)),
        ("kind", Uint(15)),
        ("seq", Uint(MAX_SEQ, 1)),
        ("tip", _KEY),
        ("signature", _SIGNATURE),
    ),
)
CUT_OFFS = Many(CUT_OFF, MAX_CUTOFFS, note="ascending by device, incarnation, kind; once each")
CO_SIGNATURE = Array("co-signature", (("device", _KEY), ("signature", _SIGNATURE)))
HEAD = Array("operation", (("code", Uint(255)), ("after", AFTER)), extra=True)


def _shape(name: str, code: int, *fields: tuple[str, codec.Shape]) -> Array:
    after = Many(_KEY, 0) if code == 1 else AFTER
    return Array(name, (("code", Constant(code)), ("after", after), *fields))


class _Operation:
    __slots__ = ()
    SHAPE: ClassVar[Array]

    def pack(self) -> bytes:
        """The body's bytes."""
        code = self.SHAPE.fields[0][1]
        assert isinstance(code, Constant)
        names = [name for name, _ in self.SHAPE.fields[1:]]
        return codec.pack((code.value, *(getattr(self, name) for name in names)))


@dataclass(frozen=True, slots=True)
class Found(_Operation):
    """The first entry of a team; its id is the team's, its device the founder's first."""

    SHAPE = _shape(
        "found",
        1,
        ("team_name", Text(MAX_TEAM_NAME, 1)),
        ("member_name", _NAME),
        ("device_name", _NAME),
        ("recovery_key", _KEY),
        ("policy", POLICY),
        ("network_commitment", Bytes(32, note="hash of the network key")),
    )
    team_name: str
    member_name: str
    device_name: str
    recovery_key: bytes
    policy: Policy
    network_commitment: bytes
    after: tuple[EntryId, ...] = ()


@dataclass(frozen=True, slots=True)
class Invite(_Operation):
    """Opens an invitation. `member` binds it: another device of that member, no new one.

    `signature` is the invitation key's own: `invitation.sign_binding`.
    """

    SHAPE = _shape(
        "invite",
        2,
        ("key", Bytes(32, note="the invitation's public key")),
        ("role", _ROLE),
        ("member", Maybe(_KEY)),
        ("expires", Uint(MAX_TIME_MS)),
        ("signature", _SIGNATURE),
    )
    after: tuple[EntryId, ...]
    key: bytes
    role: Role
    member: MemberId | None
    expires: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Withdraw(_Operation):
    """Closes an invitation; beats an admission that did not know of it."""

    SHAPE = _shape("withdraw", 3, ("invitation", _KEY))
    after: tuple[EntryId, ...]
    invitation: EntryId


@dataclass(frozen=True, slots=True)
class Admit(_Operation):
    """Lets a device in: on an invitation with its proof, or by the recovery key without either."""

    SHAPE = _shape(
        "admit",
        4,
        ("invitation", Maybe(_KEY)),
        ("device", _KEY),
        ("member", Maybe(Bytes(32, note="whose further device this is"))),
        ("member_name", _NAME),
        ("device_name", _NAME),
        ("proof", Maybe(Bytes(128))),
        ("recovery_signature", Maybe(_SIGNATURE)),
    )
    after: tuple[EntryId, ...]
    invitation: EntryId | None
    device: DeviceKey
    member: MemberId | None
    member_name: str
    device_name: str
    proof: bytes | None
    recovery_signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class SetRole(_Operation):
    """Gives a member a role. Lowering it bounds what counts of the old one by `cut_offs`."""

    SHAPE = _shape(
        "set role",
        5,
        ("member", _KEY),
        ("role", _ROLE),
        ("cut_offs", CUT_OFFS),
        ("recovery_signature", Maybe(_SIGNATURE)),
    )
    after: tuple[EntryId, ...]
    member: MemberId
    role: Role
    cut_offs: tuple[CutOff, ...] = ()
    recovery_signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rename(_Operation):
    """Names the team, a member or a device anew; `key` is None for the team."""

    SHAPE = _shape(
        "rename",
        6,
        ("subject", Uint(255, note="0 team, 1 member, 2 device")),
        ("key", Maybe(_KEY)),
        ("name", _NAME),
    )
    after: tuple[EntryId, ...]
    subject: Subject
    key: bytes | None
    name: str


@dataclass(frozen=True, slots=True)
class RemoveMember(_Operation):
    """Removes a member with every device. Logs that `cut_offs` leaves out are cut at 0."""

    SHAPE = _shape(
        "remove member",
        7,
        ("member", _KEY),
        ("cut_offs", CUT_OFFS),
        ("recovery_signature", Maybe(_SIGNATURE)),
        ("co_signature", Maybe(CO_SIGNATURE)),
    )
    after: tuple[EntryId, ...]
    member: MemberId
    cut_offs: tuple[CutOff, ...]
    recovery_signature: bytes | None = None
    co_signature: CoSignature | None = None


@dataclass(frozen=True, slots=True)
class RevokeDevice(_Operation):
    """Removes one device; its member stays. Logs that `cut_offs` leaves out are cut at 0."""

    SHAPE = _shape(
        "revoke device",
        8,
        ("device", _KEY),
        ("cut_offs", CUT_OFFS),
        ("recovery_signature", Maybe(_SIGNATURE)),
        ("co_signature", Maybe(CO_SIGNATURE)),
    )
    after: tuple[EntryId, ...]
    device: DeviceKey
    cut_offs: tuple[CutOff, ...]
    recovery_signature: bytes | None = None
    co_signature: CoSignature | None = None


@dataclass(frozen=True, slots=True)
class Leave(_Operation):
    """The author's member goes, with every device."""

    SHAPE = _shape("leave", 9, ("cut_offs", CUT_OFFS))
    after: tuple[EntryId, ...]
    cut_offs: tuple[CutOff, ...]


@dataclass(frozen=True, slots=True)
class Extend(_Operation):
    """Raises cut-offs of an earlier operation, for a log whose honest end it had not seen."""

    SHAPE = _shape("extend", 10, ("act", _KEY), ("cut_offs", CUT_OFFS))
    after: tuple[EntryId, ...]
    act: EntryId
    cut_offs: tuple[CutOff, ...]


@dataclass(frozen=True, slots=True)
class SetPolicy(_Operation):
    """Replaces the policy; `min_version` never falls."""

    SHAPE = _shape("set policy", 11, ("policy", POLICY))
    after: tuple[EntryId, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Unknown:
    """An operation of a later version: without effect here."""

    code: int
    after: tuple[EntryId, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that is no operation in any version: without effect. Its author errs, or lies."""

    reason: Reason
    after: tuple[EntryId, ...] = ()


Operation: TypeAlias = (
    Found
    | Invite
    | Withdraw
    | Admit
    | SetRole
    | Rename
    | RemoveMember
    | RevokeDevice
    | Leave
    | Extend
    | SetPolicy
)
Approved: TypeAlias = Admit | SetRole | RemoveMember | RevokeDevice

_KINDS: tuple[type[Operation], ...] = (
    *(Found, Invite, Withdraw, Admit, SetRole, Rename),
    *(RemoveMember, RevokeDevice, Leave, Extend, SetPolicy),
)


def parse(body: bytes) -> Operation | Unknown:
    """The operation in `body`. Raises `Refused`.

    Unknown: a code, a role or a subject without a meaning yet, or more fields than the code has.
    """
    value = codec.decode(HEAD, body, MAX_PAYLOAD)
    code, after = value[:2]
    _check_ascending(after, "after")
    if not 1 <= code <= len(_KINDS):
        return Unknown(code, after)
    kind = _KINDS[code - 1]
    if len(value) > len(kind.SHAPE.fields):
        return Unknown(code, after)
    kind.SHAPE.check(value)
    fields = dict(zip((name for name, _ in kind.SHAPE.fields[1:]), value[1:], strict=True))
    try:
        made: Operation = kind(**{name: _convert(name, item) for name, item in fields.items()})
    except _Newer:
        return Unknown(code, after)
    return made


def read(body: bytes) -> Operation | Unknown | Unreadable:
    """As `parse`, with `Unreadable` for what it refuses: an entry is valid whatever its body."""
    try:
        return parse(body)
    except Refused as refused:
        return Unreadable(refused.reason)


def commit(network_key: bytes) -> bytes:
    """What the founding operation says of the network key, so that a newcomer can check it."""
    return blake2b(CHECK, network_key)


def to_approve(
    team: TeamId, device: DeviceKey, incarnation: Incarnation, seq: int, operation: Approved
) -> bytes:
    """What recovery key and co-signer sign: this operation, at this place and no other."""
    bare = dataclasses.replace(operation, recovery_signature=None)
    if isinstance(bare, RemoveMember | RevokeDevice):
        bare = dataclasses.replace(bare, co_signature=None)
    place = (team, device, incarnation, seq.to_bytes(8, "big"))
    return to_sign(SIGN_APPROVAL, *place, bare.pack())


_Number = TypeVar("_Number", Role, Subject)


class _Newer(Exception):
    """A number that a later version gave a meaning to."""


def _convert(name: str, item: Any) -> Any:
    match name:
        case "role":
            return _known(Role, item)
        case "subject":
            return _known(Subject, item)
        case "policy":
            return Policy(_known(Role, item[0]), *item[1:])
        case "cut_offs":
            _check_ascending([cut_off[:3] for cut_off in item], "cut-offs")
            return tuple(CutOff(*cut_off) for cut_off in item)
        case "co_signature":
            return item and CoSignature(*item)
    return item


def _known(numbers: type[_Number], number: int) -> _Number:
    if number not in list(numbers):
        raise _Newer
    return numbers(number)


def _check_ascending(items: Any, what: str) -> None:
    if any(a >= b for a, b in itertools.pairwise(items)):
        raise Refused(Reason.BAD_VALUE, f"{what} not ascending")
