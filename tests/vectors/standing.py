"""Who is admitted, cut and in charge: each rule of `protocol/standing.md`."""

import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol.operation import Policy, Role
from tests.support.cases import Case, keys
from tests.support.cases import make as make_cases
from tests.support.teams import TeamBuilder

ANA, BEA, CYD = "Ana founder", "Bea member", "Cyd member"


def admitted_twice(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    invited = b.invite(ana)
    known = b.entries[-1:]
    dan = b.admit(bea, invited, "Dan", after=known)
    b.admit(cyd, invited, dan, after=known)
    more = {"active": keys(ana, bea, cyd, dan)}
    members = [ANA, BEA, CYD, "Dan member"]
    return Case("V1", "two members admit one device: one member", b, members, more=more)


def device_of_its_member(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    laptop = b.own_device(bea)
    phone = b.own_device(laptop)
    b.revoke(phone, bea, b.cut_offs(bea))
    more = {"active": keys(ana, laptop, phone), "cut": keys(bea)}
    return Case("V1", "a member outlives its first device", b, [ANA, BEA], more=more)


def removed_with_devices(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    laptop = b.own_device(bea)
    b.remove(ana, bea, b.cut_offs(bea, laptop))
    more = {"active": keys(ana), "cut": keys(bea, laptop)}
    return Case("V2", "a member goes with every device", b, [ANA, "Bea gone"], more=more)


def device_not_yet_seen(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    invited = b.invite(bea, own=True)
    known = b.entries[-1:]
    b.remove(ana, bea, b.cut_offs(bea), after=known)
    b.admit(cyd, invited, "Bea's laptop", after=known)
    void = {b.entries[-1]: Reason.BEYOND_CUTOFF}
    more = {"active": keys(ana, cyd)}
    members = [ANA, "Bea gone", CYD]
    return Case("V2", "a device that the remover had not seen", b, members, void, more)


def demotion_beats_promotion(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd", Role.ADMIN)
    known = b.entries[-1:]
    b.set_role(ana, cyd, Role.MEMBER, b.cut_offs(cyd), after=known)
    b.set_role(bea, cyd, Role.ADMIN, after=known)
    more = {"in_charge": ["Ana", "Bea"]}
    members = [ANA, "Bea admin", CYD]
    return Case("V3", "a promotion that knew of no demotion", b, members, more=more)


def promoted_again(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd")
    b.set_role(ana, bea, Role.MEMBER, b.cut_offs(bea))
    b.set_role(ana, bea, Role.ADMIN)
    b.set_role(bea, cyd, Role.ADMIN)
    members = [ANA, "Bea admin", "Cyd admin"]
    return Case("V3", "a promotion that knew of the demotion", b, members)


def demoted_acts(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    b.set_role(ana, bea, Role.MEMBER, b.cut_offs(bea))
    act = b.set_policy(bea, Policy(retention_days=90))
    void = {act: Reason.NOT_AUTHORISED}
    return Case("V3", "an admin that knows of its demotion", b, [ANA, BEA], void)


def regent(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    b.leave(ana)
    b.remove(bea, cyd)
    members = ["Ana gone", BEA, "Cyd gone"]
    more = {"in_charge": ["Bea"]}
    return Case("V4", "with nobody in charge the most senior is", b, members, more=more)


def second_to_regent(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    b.leave(ana)
    act = b.remove(cyd, bea)
    members = ["Ana gone", BEA, CYD]
    void = {act: Reason.NOT_AUTHORISED}
    return Case("V4", "the second most senior is not", b, members, void)


def admin_before_regent(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, _ = b.join(ana), b.join(ana, "Cyd", Role.ADMIN)
    b.leave(ana)
    act = b.set_policy(bea, Policy(retention_days=90))
    members = ["Ana gone", BEA, "Cyd admin"]
    void = {act: Reason.NOT_AUTHORISED}
    return Case("V4", "nor anybody while an admin is there", b, members, void)


def newest_policy(b: TeamBuilder) -> Case:
    ana = b.found()
    b.set_policy(ana, Policy(Role.ADMIN, 60, 3))
    b.set_policy(ana, Policy(Role.MEMBER, None, 2))
    more = {"policy": [0, None, 3]}
    return Case("V5", "the newest policy, the highest version", b, [ANA], more=more)


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("standing", globals(), rng)
