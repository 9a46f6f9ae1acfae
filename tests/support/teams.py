"""Makes teams out of real entries, one operation after the other, concurrent where asked for."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from p2pblog.protocol import entry, invitation, operation, page
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import (
    NO_BACKLINK,
    NO_TEAM,
    Entry,
    EntryId,
    Incarnation,
    Kind,
    PayloadClass,
    TeamId,
)
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES
from p2pblog.protocol.operation import (
    Admit,
    CoSignature,
    CutOff,
    Extend,
    Found,
    Invite,
    Leave,
    MemberId,
    Policy,
    RemoveMember,
    Rename,
    RevokeDevice,
    Role,
    SetPolicy,
    SetRole,
    Subject,
    Withdraw,
    to_approve,
)
from p2pblog.protocol.team import Team, TeamEntry, entry_of, evaluate

START = 1_700_000_000_000  # ms
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@dataclass(eq=False)
class Actor:
    """A device with its team log."""

    name: str
    signing: SigningKey
    incarnation: Incarnation
    member: MemberId
    log: list[Entry] = field(default_factory=list)

    @property
    def device(self) -> DeviceKey:
        return self.signing.public


@dataclass(frozen=True)
class Invited:
    """An invitation and the key that its code gives."""

    entry: Entry
    key: SigningKey
    member: MemberId | None

    @property
    def id(self) -> EntryId:
        return self.entry.id


class TeamBuilder:
    """A team as it grows. Everything follows from `rng`; time is a minute an entry.

    `after` of an operation: all heads there are, or the entries given. An actor's own log is always
    known to it. `before` continues the log after an earlier entry of its own: a fork.
    """

    def __init__(self, rng: random.Random | None = None) -> None:
        self.rng = rng or random.Random("team")
        self.entries: list[Entry] = []
        self.actors: list[Actor] = []
        self.network_key = self.rng.randbytes(32)
        self.recovery = self.key()
        self.time = START
        self.id = NO_TEAM

    def key(self) -> SigningKey:
        return SigningKey(self.rng.randbytes(32))

    def actor(self, name: str, member: MemberId | None = None) -> Actor:
        """A device that is in no team yet."""
        key = self.key()
        incarnation = Incarnation(self.rng.randbytes(8))
        made = Actor(name, key, incarnation, member or MemberId(key.public))
        self.actors.append(made)
        return made

    def found(self, team: str = "Acme", name: str = "Ana", policy: Policy | None = None) -> Actor:
        founder = self.actor(name)
        commitment = operation.commit(self.network_key)
        terms = (self.recovery.public, policy or Policy(), commitment)
        made = self._make(founder, Found(team, name, f"{name}'s desk", *terms).pack(), None)
        self.id = TeamId(made.id)
        return founder

    # -- operations --------------------------------------------------------------------------

    def invite(
        self,
        by: Actor,
        role: Role = Role.MEMBER,
        *,
        own: bool = False,
        days: float = 7,
        code: str = "",
        after: Iterable[Entry] | None = None,
    ) -> Invited:
        key = invitation.key_of(code) if code else self.key()
        member = by.member if own else None
        expires = self.time + int(days * DAY)
        signature = invitation.sign_binding(key, self.id, by.device, role, member, expires)
        terms = (key.public, role, member, expires, signature)
        return Invited(self.act(by, Invite((), *terms), after=after), key, member)

    def admit(
        self,
        by: Actor,
        invited: Invited,
        who: Actor | str = "Bea",
        *,
        after: Iterable[Entry] | None = None,
        **more: Any,
    ) -> Actor:
        """Admit a new actor of that name, or one that is there."""
        joiner = self.actor(who, invited.member) if isinstance(who, str) else who
        proof = invitation.prove(invited.key, self.id, invited.id, joiner.signing)
        names = (joiner.name, f"{joiner.name}'s desk")
        admit = Admit((), invited.id, joiner.device, invited.member, *names, proof)
        self.act(by, dataclasses.replace(admit, **more), after=after)
        return joiner

    def join(self, by: Actor, name: str = "Bea", role: Role = Role.MEMBER) -> Actor:
        """Invite and admit by one member."""
        return self.admit(by, self.invite(by, role), name)

    def own_device(self, by: Actor) -> Actor:
        """Another device of the same member."""
        return self.admit(by, self.invite(by, own=True), f"{by.name}'s laptop")

    def recover(self, **more: Any) -> Actor:
        """The founder comes back on a new device, by the recovery key."""
        found = self.entries[0].header.device
        joiner = self.actor("founder again", MemberId(found))
        names = (joiner.name, "new desk")
        admit = Admit((), None, joiner.device, joiner.member, *names, None)
        self.act(joiner, admit, recovery=True, **more)
        return joiner

    def withdraw(self, by: Actor, invited: Invited, **more: Any) -> Entry:
        return self.act(by, Withdraw((), invited.id), **more)

    def set_role(
        self, by: Actor, who: Actor, role: Role, cuts: Sequence[CutOff] = (), **more: Any
    ) -> Entry:
        return self.act(by, SetRole((), who.member, role, tuple(cuts)), **more)

    def remove(self, by: Actor, who: Actor, cuts: Sequence[CutOff] = (), **more: Any) -> Entry:
        return self.act(by, RemoveMember((), who.member, tuple(cuts)), **more)

    def revoke(self, by: Actor, who: Actor, cuts: Sequence[CutOff] = (), **more: Any) -> Entry:
        return self.act(by, RevokeDevice((), who.device, tuple(cuts)), **more)

    def leave(self, by: Actor, cuts: Sequence[CutOff] = (), **more: Any) -> Entry:
        return self.act(by, Leave((), tuple(cuts)), **more)

    def extend(self, by: Actor, act: Entry, cuts: Sequence[CutOff], **more: Any) -> Entry:
        return self.act(by, Extend((), act.id, tuple(cuts)), **more)

    def rename(self, by: Actor, who: Actor, name: str, **more: Any) -> Entry:
        return self.act(by, Rename((), Subject.MEMBER, who.member, name), **more)

    def set_policy(self, by: Actor, policy: Policy, **more: Any) -> Entry:
        return self.act(by, SetPolicy((), policy), **more)

    # -- entries -----------------------------------------------------------------------------

    def act(
        self,
        by: Actor,
        what: Any,
        *,
        after: Iterable[Entry] | None = None,
        before: Entry | None = None,
        recovery: bool = False,
        co_signer: Actor | None = None,
        fake: bool = False,
    ) -> Entry:
        """Append an operation, or the bytes of one, to the actor's log. `fake`: sign it wrongly."""
        if isinstance(what, bytes):
            return self._make(by, what, before)
        known = self.heads() if after is None else [one.id for one in after]
        what = dataclasses.replace(what, after=tuple(sorted(set(known))))
        last = before or (by.log[-1] if by.log else None)
        seq = last.header.seq + 1 if last else 1
        message = (
            to_approve(self.id, by.device, by.incarnation, seq, what)[fake:]
            if (recovery or co_signer)
            else b""
        )
        if recovery:
            what = dataclasses.replace(what, recovery_signature=self.recovery.sign(message))
        if co_signer:
            signed = CoSignature(co_signer.device, co_signer.signing.sign(message))
            what = dataclasses.replace(what, co_signature=signed)
        return self._make(by, what.pack(), before)

    def _make(self, by: Actor, content: bytes, before: Entry | None) -> Entry:
        last = before or (by.log[-1] if by.log else None)
        self.time += MINUTE
        made = entry.make(
            by.signing,
            self.id,
            by.incarnation,
            Kind.TEAM,
            seq=last.header.seq + 1 if last else 1,
            backlink=last.id if last else NO_BACKLINK,
            time=self.time,
            payload_class=PayloadClass.OPERATION,
            salt=self.rng.randbytes(16),
            content=content,
        )
        by.log.append(made)
        self.entries.append(made)
        return made

    def heads(self) -> list[EntryId]:
        """All heads, of what is pending or void too."""
        named: set[EntryId] = set()
        for made in self.entries:
            named.add(made.header.backlink)
            assert made.payload is not None
            named.update(operation.read(entry.body(made.payload)).after)
        return sorted({made.id for made in self.entries} - named)

    def cut_offs(self, *who: Actor, at: Entry | None = None) -> list[CutOff]:
        """Cut-offs of team logs, at their tips or, of one log, at an entry."""
        cuts = []
        for actor in who:
            tip = at or (actor.log[-1] if actor.log else None)
            if tip is not None:
                log = (actor.device, actor.incarnation, int(Kind.TEAM))
                cuts.append(CutOff(*log, tip.header.seq, tip.id, tip.signature))
        return sorted(cuts)

    # -- results -----------------------------------------------------------------------------

    def team_entries(self) -> list[TeamEntry]:
        return [team_entry(made) for made in self.entries]

    def team(self) -> Team:
        return evaluate(self.team_entries(), self.id)

    def pages(self) -> list[bytes]:
        """All logs as pages, the founder's first; of logs without forks."""
        return [
            page_of(actor.log[start : start + MAX_PAGE_ENTRIES])
            for actor in self.actors
            for start in range(0, len(actor.log), MAX_PAGE_ENTRIES)
        ]


def team_entry(made: Entry) -> TeamEntry:
    return entry_of(made.id, made.header, made.payload)


def page_of(run: Sequence[Entry]) -> bytes:
    """The page of some team entries in a row."""
    return page.pack(
        [made.header_bytes for made in run],
        [made.payload for made in run],
        [made.signature for made in run],
    )
