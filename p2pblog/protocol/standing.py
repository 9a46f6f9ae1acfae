"""A team as a set of acts makes it: who is admitted, cut, in charge, by which of the acts.

`Facts` are the authorised acts, found by what they are about. A `View` asks them on behalf of a set
of acts that has all ancestors of its own. Spec: `protocol/standing.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.ancestry import Ancestry
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.operation import (
    Admit,
    Extend,
    Found,
    Invite,
    Leave,
    MemberId,
    Policy,
    RemoveMember,
    RevokeDevice,
    Role,
    SetPolicy,
    SetRole,
    Withdraw,
)
from p2pblog.protocol.seniority import (
    Grounds,
    Rank,
    Seniority,
    founder_rank,
    member_rank,
    rank_before,
)

Key = TypeVar("Key")


def _lists() -> defaultdict[Key, list[int]]:
    return defaultdict(list)


class Author(NamedTuple):
    """Who acts: the device, whose it is, by which admissions of member and of device."""

    device: DeviceKey
    member: MemberId
    first: tuple[int, ...]
    admissions: tuple[int, ...]


@dataclass(slots=True)
class Facts:
    """Authorised acts by what they are about. Acts are named by their place in the ancestry."""

    ancestry: Ancestry
    seniority: Seniority
    found: int | None = None
    admissions: defaultdict[DeviceKey, list[int]] = field(default_factory=_lists)
    admitted_to: dict[int, MemberId] = field(default_factory=dict)  # admission: whose device
    uses: defaultdict[int, list[int]] = field(default_factory=_lists)  # invite: admissions
    withdrawals: defaultdict[int, list[int]] = field(default_factory=_lists)  # invite: withdrawals
    member_cuts: defaultdict[MemberId, list[int]] = field(default_factory=_lists)
    device_cuts: defaultdict[DeviceKey, list[int]] = field(default_factory=_lists)
    grants: defaultdict[MemberId, list[int]] = field(default_factory=_lists)
    demotions: defaultdict[MemberId, list[int]] = field(default_factory=_lists)
    policies: list[int] = field(default_factory=list)
    extensions: defaultdict[int, list[int]] = field(default_factory=_lists)  # item: extends
    author: dict[int, MemberId] = field(default_factory=dict)  # acts but those of the recovery key
    acts: defaultdict[MemberId, list[int]] = field(default_factory=_lists)  # by author
    acts_with: defaultdict[DeviceKey, list[int]] = field(default_factory=_lists)
    second: dict[int, Author] = field(default_factory=dict)  # act: its co-signer
    seconded: defaultdict[MemberId, list[int]] = field(default_factory=_lists)  # by co-signer
    charged: dict[int, tuple[int, ...]] = field(default_factory=dict)  # act: grants it needed

    def add(self, act: int, author: MemberId | None, charged: tuple[int, ...]) -> None:
        """Take an authorised act in: its author (None: the recovery key), the grants it needed."""
        if author is not None:
            self.author[act] = author
            self.acts[author].append(act)
            self.acts_with[self.ancestry.entries[act].device].append(act)
        if charged:
            self.charged[act] = charged
        operation = self.ancestry.entries[act].operation
        match operation:
            case Found():
                self.found = act
                self._admit(act, self.ancestry.entries[act].device, None)
            case Admit():
                self._admit(act, operation.device, operation.member)
                self._use(act, operation)
            case Withdraw():
                self.withdrawals[self.ancestry.place[operation.invitation]].append(act)
            case SetRole():
                lists = self.grants if operation.role > Role.MEMBER else self.demotions
                lists[operation.member].append(act)
            case RemoveMember():
                self.member_cuts[operation.member].append(act)
            case Leave() if author is not None:
                self.member_cuts[author].append(act)
            case RevokeDevice():
                self.device_cuts[operation.device].append(act)
            case Extend():
                self.extensions[self.ancestry.place[operation.act]].append(act)
            case SetPolicy():
                self.policies.append(act)

    def _admit(self, act: int, device: DeviceKey, member: MemberId | None) -> None:
        self.admissions[device].append(act)
        self.admitted_to[act] = MemberId(device) if member is None else member

    def _use(self, act: int, operation: Admit) -> None:
        if operation.invitation is None:
            return
        place = self.ancestry.place[operation.invitation]
        self.uses[place].append(act)
        invite = self.ancestry.entries[place].operation
        if isinstance(invite, Invite) and invite.member is None and invite.role > Role.MEMBER:
            self.grants[MemberId(operation.device)].append(act)

    @property
    def founding(self) -> Found:
        """The founding operation. Only asked where it is known."""
        assert self.found is not None
        operation = self.ancestry.entries[self.found].operation
        assert isinstance(operation, Found)
        return operation

    @property
    def founder(self) -> MemberId | None:
        """The founder's member id."""
        return None if self.found is None else MemberId(self.ancestry.entries[self.found].device)


@dataclass(frozen=True, slots=True)
class View:
    """The team of a set of acts, as a mask; `standing` are those of its items that stand."""

    facts: Facts
    mask: int
    standing: int

    @classmethod
    def of(cls, facts: Facts, mask: int) -> View:
        """The team of the acts in `mask`."""
        return cls(facts, mask, facts.seniority.standing(mask))

    def counts(self, act: int) -> bool:
        """Whether an authorised act is among ours and has effect."""
        return self.mask >> act & 1 == 1 and self.facts.seniority.counts(act, self.standing)

    def counting(self, acts: Iterable[int]) -> Iterator[int]:
        """Those of some authorised acts that count."""
        return (act for act in acts if self.counts(act))

    def admissions(self, device: DeviceKey) -> tuple[int, ...]:
        """The admissions that made the device one of its member; of several members', the first."""
        counting = tuple(self.counting(self.facts.admissions.get(device, ())))
        if len(counting) < 2:
            return counting
        to = self.facts.admitted_to
        return tuple(act for act in counting if to[act] == to[counting[0]])

    def member_of(self, device: DeviceKey) -> MemberId | None:
        """Whose device it is, cut or not."""
        admissions = self.admissions(device)
        return self.facts.admitted_to[admissions[0]] if admissions else None

    def has_gone(self, member: MemberId) -> bool:
        """Whether the member was removed or left."""
        return any(self.counting(self.facts.member_cuts.get(member, ())))

    def is_present(self, member: MemberId) -> bool:
        """Whether it was admitted, and did not go."""
        return bool(self.admissions(DeviceKey(member))) and not self.has_gone(member)

    def is_revoked(self, device: DeviceKey) -> bool:
        """Whether the device itself was revoked."""
        return any(self.counting(self.facts.device_cuts.get(device, ())))

    def author(self, device: DeviceKey) -> Author:
        """Who acts with a device. Raises `Refused` UNKNOWN_AUTHOR or BEYOND_CUTOFF."""
        admissions = self.admissions(device)
        if not admissions:
            raise Refused(Reason.UNKNOWN_AUTHOR, "no device of the team")
        member = self.facts.admitted_to[admissions[0]]
        first = self.admissions(DeviceKey(member))
        if not first:
            raise Refused(Reason.UNKNOWN_AUTHOR, "its member was never admitted")
        if self.is_revoked(device) or self.has_gone(member):
            raise Refused(Reason.BEYOND_CUTOFF, "the author knew that it was cut")
        return Author(device, member, first, admissions)

    def grants(self, member: MemberId) -> tuple[int, ...]:
        """What makes the member an admin: grants whose authors knew of every demotion of it."""
        given = tuple(self.counting(self.facts.grants.get(member, ())))
        if not given:
            return ()
        demoted = 0
        for act in self.counting(self.facts.demotions.get(member, ())):
            demoted |= 1 << act
        ancestors = self.facts.ancestry.ancestors
        return tuple(act for act in given if not demoted & ~ancestors[act])

    def role(self, member: MemberId) -> Role:
        """The role that was given; the founder is an admin for ever."""
        admin = member == self.facts.founder or self.grants(member)
        return Role.ADMIN if admin else Role.MEMBER

    def is_orphaned(self) -> bool:
        """Whether neither the founder nor an admin is present."""
        founder = self.facts.founder
        if founder is not None and self.is_present(founder):
            return False
        return not any(
            self.grants(member) and self.is_present(member) for member in self.facts.grants
        )

    def by_seniority(self) -> list[MemberId]:
        """Every member that was admitted: the founder, then by first admission."""
        first = []
        for device in self.facts.admissions:
            member, admissions = MemberId(device), self.admissions(device)
            if admissions and self.facts.admitted_to[admissions[0]] == member:
                first.append((member != self.facts.founder, admissions[0], member))
        return [member for _, _, member in sorted(first)]

    def regent(self) -> MemberId | None:
        """The most senior present member, where nobody else is in charge."""
        if not self.is_orphaned():
            return None
        return next(filter(self.is_present, self.by_seniority()), None)

    def in_charge(self, member: MemberId) -> bool:
        """Whether a present member is the founder or an admin, or stands in for them."""
        return self.role(member) is Role.ADMIN or self.regent() == member

    def policy(self) -> Policy:
        """The newest policy; its `min_version` is the highest that was ever set."""
        policies = [self.facts.founding.policy]
        for act in self.counting(self.facts.policies):
            operation = self.facts.ancestry.entries[act].operation
            assert isinstance(operation, SetPolicy)
            policies.append(operation.policy)
        return policies[-1]._replace(min_version=max(policy.min_version for policy in policies))


def rank(facts: Facts, author: Author) -> Rank:
    """How senior an author is: the founder, then by admission of member, then of device."""
    if author.member == facts.founder:
        return founder_rank(author.admissions[0])
    return member_rank(author.first[0], author.admissions[0])


def rank_against(view: View, member: MemberId) -> Rank:
    """Just more senior than a member."""
    return rank_before(view.admissions(DeviceKey(member))[0])


def grounds(author: Author, *more: tuple[int, ...]) -> Grounds:
    """What an act of this author rests on: its admissions, and any `more` that it needed."""
    groups = {author.first, author.admissions, *more} - {()}
    return tuple(sorted(groups))
