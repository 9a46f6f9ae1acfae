"""A team as a Hypothesis state machine: members on machines that are apart, and meet now and then.

Up to 12 members and 6 machines. Whoever acts knows what its machine holds; what machines tell each
other comes in part and in any order. Some acts are not allowed, some logs fork. Whatever happened,
machines with the same entries have the same team, and what was not allowed never has effect.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2pblog.protocol.ancestry import TeamEntry, arrange, places
from p2pblog.protocol.entry import Entry, EntryId
from p2pblog.protocol.operation import (
    Admit,
    Extend,
    Invite,
    Policy,
    RemoveMember,
    Rename,
    RevokeDevice,
    Role,
    SetPolicy,
    SetRole,
    Subject,
    Withdraw,
)
from p2pblog.protocol.team import Team, evaluate
from tests.support.teams import Actor, Invited, TeamBuilder, team_entry

MACHINES = 6
MEMBERS = 12
NUMBER = st.integers(0, 1000)
SHARE = st.floats(0, 1)


def is_allowed(before: Team, entry: TeamEntry) -> bool:
    """What a reader of the team before an act says of it, by its public face alone."""
    operation = entry.operation
    if getattr(operation, "recovery_signature", None) is not None:
        return True
    if not before.is_active(entry.device):
        return False
    charged = before.may(entry.device, "admin")
    mine = before.devices[entry.device].member
    match operation:
        case Invite(member=None, role=role):
            return before.may(entry.device, "admin" if role is Role.ADMIN else "invite")
        case Invite(member=member):
            return member == mine
        case Withdraw(invitation=invitation):
            opened = before.invitations.get(invitation)
            own = opened is not None and before.devices[opened.inviter].member == mine
            return opened is not None and (charged or own)
        case Admit(invitation=invitation, device=device):
            known = before.invitations.get(invitation) if invitation else None
            return known is not None and known.state != "withdrawn" and device not in before.devices
        case SetRole() | RemoveMember() as against:
            target = before.members.get(against.member)
            return target is not None and not target.founder and charged
        case RevokeDevice(device=device):
            owner = before.devices.get(device)
            if owner is None:
                return False
            foreign = charged and not before.members[owner.member].founder
            return owner.member == mine or foreign
        case Rename(subject=Subject.TEAM):
            return charged
        case Rename(subject=Subject.MEMBER, key=key):
            return charged or key == mine
        case SetPolicy() | Extend():
            return charged
    return True


class TeamMachine(RuleBasedStateMachine):
    """`machines` hold entries in the order of arrival; an actor sits at one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.b = TeamBuilder(random.Random("machine"))
        self.machines: list[list[Entry]] = [[] for _ in range(MACHINES)]
        self.seat: dict[bytes, int] = {}
        self.invited: list[Invited] = []
        self.cutting: list[Entry] = []
        self.forbidden: set[EntryId] = set()
        self.apart: set[frozenset[int]] = set()
        self.turn = 0
        founder = self.b.found()
        for name, role in (("Bea", Role.ADMIN), ("Cyd", Role.ADMIN), ("Dee", Role.MEMBER)):
            self.b.join(founder, name, role)
        for number, actor in enumerate(self.b.actors):
            self.sit(actor, number)
        for machine in self.machines:
            machine += self.b.entries

    # -- parts -------------------------------------------------------------------------------

    def sit(self, actor: Actor, machine: int) -> None:
        self.seat[actor.device] = machine % MACHINES

    def actor(self, number: int) -> Actor:
        return self.b.actors[number % len(self.b.actors)]

    def held(self, by: Actor) -> list[Entry]:
        return self.machines[self.seat[by.device]]

    def team_at(self, machine: int) -> Team:
        return evaluate(map(team_entry, self.machines[machine]), self.b.id)

    def knows(self, by: Actor) -> list[Entry]:
        """What the act's author names: the heads of its machine's team."""
        heads = set(self.team_at(self.seat[by.device]).heads)
        return [one for one in self.held(by) if one.id in heads]

    def cuts(self, by: Actor, who: Actor) -> list[Any]:
        """The end of a team log as the author's machine holds it."""
        held = {one.id for one in self.held(by)}
        seen = [one for one in who.log if one.id in held]
        return self.b.cut_offs(who, at=seen[-1]) if seen else []

    def note(self, by: Actor, made: Entry) -> Entry:
        """Put the act on its machine; remember for ever whether it was allowed."""
        self.held(by).append(made)
        ancestry = arrange(self.b.team_entries())
        place = ancestry.place.get(made.id)
        if place is not None:
            known = [ancestry.entries[other] for other in places(ancestry.ancestors[place])]
            if not is_allowed(evaluate(known, self.b.id), ancestry.entries[place]):
                self.forbidden.add(made.id)
        return made

    def fork(self, by: Actor, number: int) -> Entry | None:
        """Now and then an earlier entry of the log to go on after: its machine was rolled back."""
        return by.log[number % len(by.log)] if by.log and number % 7 == 0 else None

    # -- acts --------------------------------------------------------------------------------

    @rule(by=NUMBER, admin=st.booleans(), own=st.booleans())
    def invite(self, by: int, admin: bool, own: bool) -> None:
        actor, role = self.actor(by), Role.ADMIN if admin else Role.MEMBER
        made = self.b.invite(actor, role, own=own, after=self.knows(actor))
        self.invited.append(made)
        self.note(actor, made.entry)

    @precondition(lambda self: self.invited and len(self.b.actors) < MEMBERS)
    @rule(by=NUMBER, which=NUMBER, machine=NUMBER)
    def admit(self, by: int, which: int, machine: int) -> None:
        actor = self.actor(by)
        invited = self.invited[which % len(self.invited)]
        name = f"N{len(self.b.actors)}"
        joined = self.b.admit(actor, invited, name, after=self.knows(actor))
        self.sit(joined, machine)
        self.note(actor, self.b.entries[-1])

    @precondition(lambda self: self.invited)
    @rule(by=NUMBER, which=NUMBER)
    def withdraw(self, by: int, which: int) -> None:
        actor = self.actor(by)
        invited = self.invited[which % len(self.invited)]
        self.note(actor, self.b.withdraw(actor, invited, after=self.knows(actor)))

    @rule(by=NUMBER, who=NUMBER, recovery=st.booleans(), at=NUMBER)
    def remove(self, by: int, who: int, recovery: bool, at: int) -> None:
        actor, target = self.actor(by), self.actor(who)
        more = {"after": self.knows(actor), "before": self.fork(actor, at)}
        cuts = self.cuts(actor, target)
        made = self.b.remove(actor, target, cuts, recovery=recovery and at % 5 == 0, **more)
        self.cutting.append(self.note(actor, made))

    @rule(by=NUMBER, who=NUMBER, recovery=st.booleans(), at=NUMBER)
    def revoke(self, by: int, who: int, recovery: bool, at: int) -> None:
        actor, target = self.actor(by), self.actor(who)
        more = {"after": self.knows(actor), "before": self.fork(actor, at)}
        cuts = self.cuts(actor, target)
        made = self.b.revoke(actor, target, cuts, recovery=recovery and at % 5 == 0, **more)
        self.cutting.append(self.note(actor, made))

    @rule(by=NUMBER, who=NUMBER, admin=st.booleans())
    def set_role(self, by: int, who: int, admin: bool) -> None:
        actor, target = self.actor(by), self.actor(who)
        role = Role.ADMIN if admin else Role.MEMBER
        cuts = [] if admin else self.cuts(actor, target)
        made = self.b.set_role(actor, target, role, cuts, after=self.knows(actor))
        self.note(actor, made)
        if not admin:
            self.cutting.append(made)

    @rule(by=NUMBER)
    def leave(self, by: int) -> None:
        actor = self.actor(by)
        self.cutting.append(self.note(actor, self.b.leave(actor, after=self.knows(actor))))

    @precondition(lambda self: self.cutting)
    @rule(by=NUMBER, which=NUMBER, who=NUMBER)
    def extend(self, by: int, which: int, who: int) -> None:
        actor = self.actor(by)
        act = self.cutting[which % len(self.cutting)]
        cuts = self.cuts(actor, self.actor(who))
        self.note(actor, self.b.extend(actor, act, cuts, after=self.knows(actor)))

    @rule(by=NUMBER, who=NUMBER, at=NUMBER)
    def rename(self, by: int, who: int, at: int) -> None:
        actor = self.actor(by)
        more = {"after": self.knows(actor), "before": self.fork(actor, at)}
        self.note(actor, self.b.rename(actor, self.actor(who), "xyz"[at % 3], **more))

    @rule(by=NUMBER, admin=st.booleans())
    def set_policy(self, by: int, admin: bool) -> None:
        actor = self.actor(by)
        policy = Policy(Role.ADMIN if admin else Role.MEMBER)
        self.note(actor, self.b.set_policy(actor, policy, after=self.knows(actor)))

    @precondition(lambda self: len(self.b.actors) < MEMBERS)
    @rule(machine=NUMBER)
    def recover(self, machine: int) -> None:
        known = self.machines[machine % MACHINES]
        heads = set(self.team_at(machine % MACHINES).heads)
        joiner = self.b.recover(after=[one for one in known if one.id in heads])
        self.sit(joiner, machine)
        self.note(joiner, self.b.entries[-1])

    # -- the network -------------------------------------------------------------------------

    @rule(one=NUMBER, other=NUMBER)
    def part(self, one: int, other: int) -> None:
        """Two machines lose sight of each other."""
        self.apart.add(frozenset((one % MACHINES, other % MACHINES)))

    @rule()
    def heal(self) -> None:
        self.apart.clear()

    @rule(one=NUMBER, other=NUMBER, share=SHARE, chance=st.randoms(use_true_random=False))
    def meet(self, one: int, other: int, share: float, chance: random.Random) -> None:
        """One tells another a part of what it has, in any order."""
        one, other = one % MACHINES, other % MACHINES
        if frozenset((one, other)) in self.apart:
            return
        held = {entry.id for entry in self.machines[other]}
        lacking = [entry for entry in self.machines[one] if entry.id not in held]
        self.machines[other] += chance.sample(lacking, round(share * len(lacking)))

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def nothing_forbidden_has_effect(self) -> None:
        """On one machine after the other, whatever it has heard of by now."""
        self.turn = (self.turn + 1) % MACHINES
        team = self.team_at(self.turn)
        known = {entry.id for entry in self.machines[self.turn]}
        judged = known & self.forbidden
        pending = arrange(map(team_entry, self.machines[self.turn])).pending
        assert judged - pending <= team.void.keys()
        assert bool(team.in_charge) == bool(team.present_members())
        for device in team.devices.values():
            assert not device.active or team.members[device.member].present

    def teardown(self) -> None:
        """All meet: all have the same team, in whatever order they heard."""
        due = evaluate(self.b.team_entries(), self.b.id)
        assert due.pending == 0
        assert self.forbidden <= due.void.keys()
        for machine in self.machines:
            held = {entry.id for entry in machine}
            late = [entry for entry in reversed(self.b.entries) if entry.id not in held]
            assert evaluate(map(team_entry, [*machine, *late]), self.b.id) == due
