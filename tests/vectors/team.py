"""The team as people see it: each rule of `protocol/team.md`."""

import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol.operation import Rename, Subject
from tests.support.cases import Case
from tests.support.cases import make as make_cases
from tests.support.teams import TeamBuilder

ANA = "Ana founder"


def equal_names(b: TeamBuilder) -> Case:
    ana = b.found()
    b.join(b.join(ana, "Bea"), "bea")
    b.join(ana, "\u0412\u0435\u0430")
    members = [ANA, "Bea member", "bea 2 member", "\u0412\u0435\u0430 3 member"]
    return Case("T1", "the senior keeps the name", b, members)


def name_of_the_gone(b: TeamBuilder) -> Case:
    ana = b.found()
    b.leave(b.join(ana))
    b.join(ana)
    return Case("T1", "who is here before who is gone", b, [ANA, "Bea 2 gone", "Bea member"])


def unclean_name(b: TeamBuilder) -> Case:
    b.join(b.found(), "B\u202ee\na")
    return Case("T2", "what can't be shown is replaced", b, [ANA, "B\ufffde\ufffda member"])


def last_name_counts(b: TeamBuilder) -> Case:
    ana = b.found()
    known = b.entries[-1:]
    bea = b.join(ana)
    b.rename(bea, bea, "Bo")
    b.act(ana, Rename((), Subject.TEAM, None, "Apex"), after=known)
    more = {"team_name": "Apex"}
    return Case("T2", "the newest name", b, [ANA, "Bo member"], more=more)


def invitation_states(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    used, opened, withdrawn, voided = b.entries[1], b.invite(ana), b.invite(ana), b.invite(bea)
    b.withdraw(ana, withdrawn)
    b.remove(ana, bea, b.cut_offs(bea))
    more = {
        "invitations": {
            used.id.hex(): ["used", [bea.device.hex()]],
            opened.id.hex(): ["open", []],
            withdrawn.id.hex(): ["withdrawn", []],
            voided.id.hex(): ["voided", []],
        }
    }
    return Case("T3", "open, used, withdrawn, voided", b, [ANA, "Bea gone"], more=more)


def fallen_invitation(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    known = b.entries[-1:]
    fallen = b.invite(bea).entry
    b.remove(ana, bea, after=known)
    states = {b.entries[1].id.hex(): ["used", [bea.device.hex()]]}
    members = [ANA, "Bea gone"]
    void = {fallen: Reason.BEYOND_CUTOFF}
    return Case("T3", "one that fell is not listed", b, members, void, {"invitations": states})


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("team", globals(), rng)
