"""How far logs count: each rule of `protocol/cutoff.md`."""

import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol.entry import EntryId, Incarnation, Kind
from p2pblog.protocol.operation import CutOff, Policy, Role
from tests.support.cases import Case
from tests.support.cases import make as make_cases
from tests.support.teams import Actor, TeamBuilder

ANA, BEA = "Ana founder", "Bea admin"
BEYOND = Reason.BEYOND_CUTOFF


def _posts(b: TeamBuilder, who: Actor, seq: int) -> CutOff:
    log = (who.device, who.incarnation, int(Kind.POSTS))
    return CutOff(*log, seq, EntryId(b.rng.randbytes(32)), b.rng.randbytes(64))


def _row(cut: CutOff) -> list[Any]:
    return [cut.device.hex(), cut.incarnation.hex(), cut.kind, cut.seq, cut.tip.hex()]


def within_and_beyond(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    b.rename(bea, bea, "Bo")
    known = b.entries[-1:]
    cuts = b.cut_offs(bea)
    late = b.rename(bea, bea, "Bob", after=known)
    b.remove(ana, bea, cuts, after=known)
    more = {"cut_offs": [_row(cuts[0])], "quarantined": [late.id.hex()]}
    return Case("C1", "up to the tip, and not beyond", b, [ANA, "Bo gone"], {late: BEYOND}, more)


def not_named(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known = b.entries[-1:]
    act = b.rename(bea, bea, "Bo")
    b.remove(ana, bea, after=known)
    more: dict[str, Any] = {"cut_offs": []}
    return Case("C2", "a log that is not named", b, [ANA, "Bea gone"], {act: BEYOND}, more)


def another_incarnation(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    b.rename(bea, bea, "Bo")
    known, cuts = b.entries[-1:], b.cut_offs(bea)
    bea.log, bea.incarnation = [], Incarnation(b.rng.randbytes(8))
    late = b.rename(bea, bea, "Bob", after=known)
    b.remove(ana, bea, cuts, after=known)
    return Case("C2", "another incarnation", b, [ANA, "Bo gone"], {late: BEYOND})


def another_branch(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known = b.entries[-1:]
    first = b.rename(bea, bea, "Bo")
    second = b.rename(bea, bea, "Bob")
    cuts = b.cut_offs(bea)
    other = b.rename(bea, bea, "Eve", before=first, after=known)
    b.remove(ana, bea, cuts, after=[second])
    return Case("C1", "another branch than the tip's", b, [ANA, "Bob gone"], {other: BEYOND})


def never_itself(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    invite = b.invite(bea)
    b.admit(ana, invite, "Cyd")
    b.leave(bea)
    log = [bea.device.hex(), bea.incarnation.hex(), 0, 2, b.entries[-1].id.hex()]
    more = {"cut_offs": [log], "quarantined": []}
    return Case(
        "C3", "who leaves keeps what came before", b, [ANA, "Bea gone", "Cyd member"], more=more
    )


def not_its_ground(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    laptop = b.own_device(bea)
    b.revoke(laptop, bea)
    more = {"active": sorted([ana.device.hex(), laptop.device.hex()]), "quarantined": []}
    return Case("C3", "an act does not take its own ground away", b, [ANA, "Bea member"], more=more)


def demotion_reaches_power(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known, cuts = b.entries[-1:], b.cut_offs(bea)
    power = b.set_policy(bea, Policy(retention_days=90), after=known)
    b.rename(bea, bea, "Bo", after=known)
    b.set_role(ana, bea, Role.MEMBER, cuts, after=known)
    more = {"policy": [0, None, 1], "cut_offs": []}
    members = [ANA, "Bo member"]
    return Case(
        "C4", "a demotion reaches only what needed the role", b, members, {power: BEYOND}, more
    )


def extended(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known = b.entries[-1:]
    b.rename(bea, bea, "Bo")
    removal = b.remove(ana, bea, after=known)
    b.extend(ana, removal, b.cut_offs(bea))
    log = [bea.device.hex(), bea.incarnation.hex(), 0, 1, b.entries[-3].id.hex()]
    more = {"cut_offs": [log]}
    return Case("C5", "an extension brings honest history back", b, [ANA, "Bo gone"], more=more)


def extended_in_part(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known = b.entries[-1:]
    middle = b.rename(bea, bea, "Bo")
    late = b.rename(bea, bea, "Bob")
    removal = b.remove(ana, bea, after=known)
    b.extend(ana, removal, b.cut_offs(bea, at=middle))
    return Case("C5", "an extension has its end", b, [ANA, "Bo gone"], {late: BEYOND})


def extended_on_another_branch(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    known = b.entries[-1:]
    first = b.rename(bea, bea, "Bo")
    kept = b.rename(bea, bea, "Bob")
    cuts = b.cut_offs(bea)
    b.rename(bea, bea, "Eve", before=first, after=known)
    other = b.rename(bea, bea, "Evi", after=known)
    fork = b.entries[-2]
    removal = b.remove(ana, bea, cuts, after=[kept])
    b.extend(ana, removal, b.cut_offs(bea), after=[removal, other])
    void = {fork: BEYOND, other: BEYOND}
    return Case("C5", "an extension of another branch", b, [ANA, "Bob gone"], void)


def extension_falls(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd", Role.ADMIN)
    known = b.entries[-1:]
    late = b.rename(bea, bea, "Bo")
    removal = b.remove(ana, bea, after=known)
    extension = b.extend(cyd, removal, b.cut_offs(bea), after=[removal])
    b.remove(ana, cyd, after=[removal])
    void = {late: BEYOND, extension: BEYOND}
    return Case("C5", "an extension by one who is cut", b, [ANA, "Bea gone", "Cyd gone"], void)


def lowest_counts(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd", Role.ADMIN)
    known = b.entries[-1:]
    high, low = _posts(b, bea, 9), _posts(b, bea, 4)
    b.remove(ana, bea, [high], after=known)
    b.remove(cyd, bea, [low], after=known)
    more = {"cut_offs": [_row(low)]}
    members = [ANA, "Bea gone", "Cyd admin"]
    return Case("C6", "of two removals the lower cut-off", b, members, more=more)


def posts_extended(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    low, high = _posts(b, bea, 4), _posts(b, bea, 9)
    removal = b.remove(ana, bea, [low])
    b.extend(ana, removal, [high])
    more = {"cut_offs": [_row(high)]}
    return Case("C6", "an extension of a posts log", b, [ANA, "Bea gone"], more=more)


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("cutoff", globals(), rng)
