"""What becomes of entries: each rule of `protocol/history.md`."""

import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol.operation import Role
from tests.support.cases import Case
from tests.support.cases import make as make_cases
from tests.support.teams import TeamBuilder

ANA, BEA = "Ana founder", "Bea member"


def missing_ancestor(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.rename(bea, bea, "Bo")
    b.rename(ana, ana, "Anna")
    lost = b.entries.pop(-2)
    ana.log.clear()
    more = {"pending": 1, "heads": [b.entries[2].id.hex()]}
    assert lost.header.device == bea.device
    return Case("H1", "what names a missing entry is pending", b, [ANA, BEA], more=more)


def nothing_but_founding_missing(b: TeamBuilder) -> Case:
    b.join(b.found())
    b.entries.pop(0)
    return Case("H1", "without the founding everything is pending", b, [], more={"pending": 2})


def concurrent_heads(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    known = b.entries[-1:]
    pair = [b.rename(ana, ana, "Anna", after=known), b.rename(bea, bea, "Bo", after=known)]
    more = {"heads": sorted(made.id.hex() for made in pair)}
    return Case("H2", "two heads", b, ["Anna founder", "Bo member"], more=more)


def void_heads(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    act = b.set_role(bea, bea, Role.ADMIN)
    more = {"heads": [act.id.hex()], "quarantined": []}
    void = {act: Reason.NOT_AUTHORISED}
    return Case("H2", "what a member may not is void, and passed on", b, [ANA, BEA], void, more)


def quarantine(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    known = b.entries[-1:]
    late = b.rename(bea, bea, "Bo", after=known)
    removal = b.remove(ana, bea, after=known)
    more = {"heads": [removal.id.hex()], "quarantined": [late.id.hex()]}
    void = {late: Reason.BEYOND_CUTOFF}
    return Case("H3", "what is beyond is not passed on", b, [ANA, "Bea gone"], void, more)


def strangers_quarantined(b: TeamBuilder) -> Case:
    b.found()
    act = b.leave(b.actor("Eve"))
    more = {"heads": [b.id.hex()], "quarantined": [act.id.hex()]}
    return Case("H3", "nor what strangers say", b, [ANA], {act: Reason.UNKNOWN_AUTHOR}, more)


def built_upon(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    known = b.entries[-1:]
    late = b.rename(bea, bea, "Bo", after=known)
    b.rename(cyd, cyd, "Cy", after=[late])
    b.remove(ana, bea, after=known)
    more: dict[str, Any] = {"quarantined": []}
    void = {late: Reason.BEYOND_CUTOFF}
    members = [ANA, "Bea gone", "Cy member"]
    return Case("H3", "what others build upon is passed on", b, members, void, more)


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("history", globals(), rng)
