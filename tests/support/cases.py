"""Cases of team rules: real entries, and the team that has to come out, stated by hand.

A vector of a case has the pages, one an entry, and what of the team the case is about. `check`
holds an evaluation to it, in the order of the pages and in the opposite one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol import page
from p2pblog.protocol.entry import Entry, TeamId
from p2pblog.protocol.team import Member, Team, TeamEntry, entries_of, evaluate
from tests.support.teams import Actor, TeamBuilder, page_of


@dataclass
class Case:
    """What a rule does to some entries.

    `members`: "NAME ROLE" by seniority, the role one of founder, admin, member, gone.
    `void`: the entries without effect, all of them. `more`: other parts of the summary.
    """

    rule: str
    name: str
    builder: TeamBuilder
    members: Sequence[str]
    void: Mapping[Entry, Reason] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def make(module: str, scripts: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """The vectors of a module's cases, its functions of one builder; void entries: invalid."""
    own = [one for one in scripts.values() if is_script(one, f"tests.vectors.{module}")]
    cases = [script(TeamBuilder(rng)) for script in own]
    return {
        "module": module,
        "valid": [_vector(case) for case in cases if not case.void],
        "invalid": [_vector(case) for case in cases if case.void],
    }


def is_script(candidate: object, module: str) -> bool:
    """Whether a module's global is a case of its own."""
    here = getattr(candidate, "__module__", "") == module
    return here and getattr(candidate, "__annotations__", {}).get("return") is Case


def _vector(case: Case) -> dict[str, Any]:
    reasons = {made.id.hex(): str(reason) for made, reason in case.void.items()}
    vector = {
        "rule": case.rule,
        "name": case.name,
        "team": case.builder.id.hex(),
        "pages": [page_of([made]).hex() for made in case.builder.entries],
        "ids": [made.id.hex() for made in case.builder.entries],
        "members": list(case.members),
        **case.more,
    }
    if reasons:
        vector |= {"reason": next(iter(reasons.values())), "void": reasons}
    return vector


def check(vector: Mapping[str, Any]) -> None:
    """Hold our evaluation to a vector."""
    team = TeamId(bytes.fromhex(vector["team"]))
    entries: list[TeamEntry] = []
    for data in vector["pages"]:
        entries += entries_of(page.verify(bytes.fromhex(data), team))
    assert [entry.id.hex() for entry in entries] == vector["ids"]
    found = evaluate(entries, team)
    assert found == evaluate(reversed(entries), team)
    void = {ident.hex(): str(reason) for ident, reason in found.void.items()}
    assert void == vector.get("void", {})
    summary = summarise(found)
    stated = {key: vector[key] for key in summary if key in vector}
    assert {key: summary[key] for key in stated} == stated


def summarise(team: Team) -> dict[str, Any]:
    """A team in plain words, as vectors have it."""
    return {
        "members": [f"{member.display_name} {_role(member)}" for member in team.members.values()],
        "in_charge": [m.display_name for m in team.members.values() if m.id in team.in_charge],
        "team_name": team.name,
        "policy": list(team.policy),
        "active": sorted(key.hex() for key in team.devices if team.is_active(key)),
        "cut": sorted(key.hex() for key in team.devices if team.is_cut(key)),
        "invitations": {
            one.id.hex(): [str(one.state), [key.hex() for key in one.used_by]]
            for one in team.invitations.values()
        },
        "heads": [head.hex() for head in team.heads],
        "pending": team.pending,
        "quarantined": sorted(ident.hex() for ident in team.quarantined),
        "cut_offs": [
            [device.hex(), incarnation.hex(), kind, cut.seq, cut.tip.hex()]
            for bounds in team.bounds.values()
            for (device, incarnation, kind), cut in sorted(bounds.items())
        ],
    }


def _role(member: Member) -> str:
    if not member.present:
        return "gone"
    return "founder" if member.founder else member.role.name.lower()


def keys(*actors: Actor) -> list[str]:
    """Devices as they stand in a vector."""
    return sorted(actor.device.hex() for actor in actors)
