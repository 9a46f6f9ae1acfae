"""Acts that did not know of each other: each rule of `protocol/seniority.md`."""

import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol.entry import Entry
from p2pblog.protocol.operation import Role
from tests.support.cases import Case
from tests.support.cases import make as make_cases
from tests.support.teams import Actor, TeamBuilder

ANA, BEA, CYD, DAN = "Ana founder", "Bea admin", "Cyd admin", "Dan admin"
BEYOND, FELL = Reason.BEYOND_CUTOFF, Reason.NOT_AUTHORISED


def _admins(b: TeamBuilder, *names: str) -> tuple[Actor, list[Actor], list[Entry]]:
    """A founder, admins of those names, and the last entry, which all know."""
    ana = b.found()
    return ana, [b.join(ana, name, Role.ADMIN) for name in names], b.entries[-1:]


def mutual_removal(b: TeamBuilder) -> Case:
    _, (bea, cyd), known = _admins(b, "Bea", "Cyd")
    junior = b.remove(cyd, bea, after=known)
    b.remove(bea, cyd, after=known)
    members = [ANA, BEA, "Cyd gone"]
    return Case("S1", "two admins remove each other", b, members, {junior: BEYOND})


def circle_of_three(b: TeamBuilder) -> Case:
    _, (bea, cyd, dan), known = _admins(b, "Bea", "Cyd", "Dan")
    b.remove(bea, cyd, after=known)
    second = b.remove(cyd, dan, after=known)
    b.remove(dan, bea, after=known)
    members = [ANA, "Bea gone", "Cyd gone", DAN]
    return Case("S1", "a circle of three removals", b, members, {second: BEYOND})


def junior_removes_senior(b: TeamBuilder) -> Case:
    _, (bea, cyd, _), known = _admins(b, "Bea", "Cyd", "Dan")
    dan = b.actors[-1]
    b.remove(bea, dan, after=known)
    b.remove(cyd, bea, after=known)
    members = [ANA, "Bea gone", CYD, "Dan gone"]
    return Case("S1", "a senior's removal stands though a junior removes it", b, members)


def founder_first(b: TeamBuilder) -> Case:
    ana, (bea, cyd), known = _admins(b, "Bea", "Cyd")
    lost = b.remove(bea, cyd, after=known)
    b.remove(ana, bea, after=known)
    members = [ANA, "Bea gone", CYD]
    return Case("S1", "the founder's removal voids what it leaves out", b, members, {lost: BEYOND})


def within_the_cut_off(b: TeamBuilder) -> Case:
    ana, (bea, cyd), known = _admins(b, "Bea", "Cyd")
    removal = b.remove(bea, cyd, after=known)
    b.remove(ana, bea, b.cut_offs(bea, at=removal), after=[*known, removal])
    members = [ANA, "Bea gone", "Cyd gone"]
    return Case("S1", "what is within the cut-off stays", b, members)


def overturned_later(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    wrong = b.remove(bea, cyd, b.cut_offs(cyd))
    b.remove(ana, bea)
    b.rename(cyd, cyd, "Cy")
    members = [ANA, "Bea gone", "Cy admin"]
    return Case(
        "S1", "a known removal is overturned by a lower cut-off", b, members, {wrong: BEYOND}
    )


def earlier_is_senior(b: TeamBuilder) -> Case:
    ana, (bea,), _ = _admins(b, "Bea")
    cyd = b.join(ana, "Cyd", Role.ADMIN)
    known = b.entries[-1:]
    demotion = b.set_role(cyd, bea, Role.MEMBER, after=known)
    b.set_role(bea, cyd, Role.MEMBER, after=known)
    members = [ANA, BEA, "Cyd member"]
    return Case("S1", "two admins demote each other", b, members, {demotion: BEYOND})


def admission_falls(b: TeamBuilder) -> Case:
    ana, (bea,), known = _admins(b, "Bea")
    eve = b.admit(bea, b.invite(bea, Role.ADMIN, after=known), "Eve")
    invite, admit = b.entries[-2:]
    cyd = b.join(ana, "Cyd")
    attack = b.remove(eve, cyd, b.cut_offs(cyd))
    b.remove(ana, bea, after=known)
    members = [ANA, "Bea gone", "Cyd member"]
    void = {invite: BEYOND, admit: BEYOND, attack: FELL}
    return Case("S2", "an act falls with the admission it rests on", b, members, void)


def promotion_falls(b: TeamBuilder) -> Case:
    ana, (bea,), _ = _admins(b, "Bea")
    cyd, dan = b.join(ana, "Cyd"), b.join(ana, "Dan")
    known = b.entries[-1:]
    promotion = b.set_role(bea, cyd, Role.ADMIN, after=known)
    attack = b.remove(cyd, dan)
    b.remove(ana, bea, after=known)
    members = [ANA, "Bea gone", "Cyd member", "Dan member"]
    void = {promotion: BEYOND, attack: FELL}
    return Case("S2", "an act falls with the promotion it rests on", b, members, void)


def removed_re_added(b: TeamBuilder) -> Case:
    """Two introducers that re-add each other's removals."""
    ana, (bea, cyd), known = _admins(b, "Bea", "Cyd")
    b.remove(ana, cyd, b.cut_offs(cyd), after=known)
    invite = b.invite(cyd, Role.ADMIN, after=known)
    b.admit(bea, invite, "Eve", after=[invite.entry])
    void = {invite.entry: BEYOND, b.entries[-1]: BEYOND}
    members = [ANA, BEA, "Cyd gone"]
    return Case("S2", "the removed comes not back by its own invitation", b, members, void)


def second_admission_holds(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    invited = b.invite(ana)
    known = b.entries[-1:]
    dan = b.admit(bea, invited, "Dan", after=known)
    fallen = b.entries[-1]
    b.admit(cyd, invited, dan, after=known)
    b.rename(dan, dan, "Dana")
    b.remove(ana, bea, after=known)
    members = [ANA, "Bea gone", CYD, "Dana member"]
    void = {fallen: BEYOND}
    return Case("S2", "one of two admissions is ground enough", b, members, void)


def older_device(b: TeamBuilder) -> Case:
    _, (bea,), _ = _admins(b, "Bea")
    laptop = b.own_device(bea)
    known = b.entries[-1:]
    lost = b.revoke(laptop, bea, b.cut_offs(bea), after=known)
    b.revoke(bea, laptop, after=known)
    more = {"cut": [laptop.device.hex()]}
    return Case("S3", "of one's own devices the older wins", b, [ANA, BEA], {lost: BEYOND}, more)


def thief_on_the_laptop(b: TeamBuilder) -> Case:
    ana, (bea,), _ = _admins(b, "Bea")
    cyd, laptop = b.join(ana, "Cyd"), b.own_device(bea)
    known = b.entries[-1:]
    attack = b.remove(laptop, cyd, after=known)
    b.revoke(bea, laptop, after=known)
    members = [ANA, BEA, "Cyd member"]
    return Case("S3", "a stolen laptop removes a member", b, members, {attack: BEYOND})


def recovery_outranks(b: TeamBuilder) -> Case:
    ana, (bea,), known = _admins(b, "Bea")
    good = b.cut_offs(ana)
    attack = b.remove(ana, bea, after=known)
    new = b.recover(after=known)
    b.revoke(new, ana, good, recovery=True, after=known)
    more = {"cut": [ana.device.hex()]}
    return Case("S4", "a stolen founder's desk", b, [ANA, BEA], {attack: BEYOND}, more)


def thief_revokes_recovered(b: TeamBuilder) -> Case:
    ana, _, known = _admins(b, "Bea")
    good = b.cut_offs(ana)
    new = b.recover(after=known)
    attack = b.revoke(ana, new, after=b.entries[-1:])
    b.revoke(new, ana, good, recovery=True, after=known)
    more = {"cut": [ana.device.hex()]}
    void = {attack: BEYOND}
    return Case("S4", "the thief revokes the founder's new desk", b, [ANA, BEA], void, more)


def two_admins_outrank(b: TeamBuilder) -> Case:
    _, (bea, cyd, dan), known = _admins(b, "Bea", "Cyd", "Dan")
    first = b.remove(bea, cyd, after=known)
    second = b.remove(bea, dan)
    b.revoke(cyd, bea, co_signer=dan, after=known)
    void = {first: BEYOND, second: BEYOND}
    return Case("S5", "two juniors revoke a senior's device", b, [ANA, BEA, CYD, DAN], void)


def two_admins_below_senior(b: TeamBuilder) -> Case:
    ana, (bea, cyd, dan), known = _admins(b, "Bea", "Cyd", "Dan")
    b.remove(ana, cyd, after=known)
    lost = b.revoke(dan, bea, co_signer=cyd, after=known)
    members = [ANA, BEA, "Cyd gone", DAN]
    return Case("S5", "a co-signer whom a senior removes", b, members, {lost: BEYOND})


def withdrawal_wins(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    invited = b.invite(bea)
    known = b.entries[-1:]
    b.admit(ana, invited, "Eve", after=known)
    admit = b.entries[-1]
    b.withdraw(cyd, invited, after=known)
    members = [ANA, BEA, CYD]
    void = {admit: Reason.INVITATION_WITHDRAWN}
    return Case("S6", "a withdrawal beats an admission", b, members, void)


def withdrawn_admin_acts(b: TeamBuilder) -> Case:
    ana, (bea,), _ = _admins(b, "Bea")
    cyd = b.join(ana, "Cyd")
    invited = b.invite(ana, Role.ADMIN)
    known = b.entries[-1:]
    eve = b.admit(bea, invited, "Eve", after=known)
    admit = b.entries[-1]
    attack = b.remove(eve, cyd)
    b.withdraw(ana, invited, after=known)
    members = [ANA, BEA, "Cyd member"]
    void = {admit: Reason.INVITATION_WITHDRAWN, attack: FELL}
    return Case("S6", "with the admission falls what it allowed", b, members, void)


def removal_beats_admission(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    invited = b.invite(bea)
    known = b.entries[-1:]
    b.admit(cyd, invited, "Eve", after=known)
    admit = b.entries[-1]
    b.remove(ana, bea, b.cut_offs(bea), after=known)
    members = [ANA, "Bea gone", CYD]
    return Case("S7", "the inviter is removed meanwhile", b, members, {admit: BEYOND})


def known_admission_stays(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    b.admit(cyd, b.invite(bea), "Eve")
    b.remove(ana, bea, b.cut_offs(bea))
    members = [ANA, "Bea gone", CYD, "Eve member"]
    return Case("S7", "an admission that the remover knew stays", b, members)


def both_admitted(b: TeamBuilder) -> Case:
    ana, (bea, cyd), _ = _admins(b, "Bea", "Cyd")
    invited = b.invite(ana)
    known = b.entries[-1:]
    one = b.admit(bea, invited, "Eve", after=known)
    two = b.admit(cyd, invited, "Fay", after=known)
    pair = [
        a for _, a in sorted([(e.id, a) for e, a in zip(b.entries[-2:], (one, two), strict=True)])
    ]
    members = [ANA, BEA, CYD, *(f"{actor.name} member" for actor in pair)]
    states = {
        entry.id.hex(): ["used", [actor.device.hex()]]
        for entry, actor in ((b.entries[1], bea), (b.entries[3], cyd))
    }
    more = {
        "invitations": states | {invited.id.hex(): ["used", [actor.device.hex() for actor in pair]]}
    }
    return Case("S8", "two members admit on one invitation", b, members, more=more)


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("seniority", globals(), rng)
