"""Steps of claims and of a link, each with its due answer."""

import random
from typing import Any

from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.gossip import Claims, Link, Sources
from p2pblog.protocol.log import Tip

Vector = dict[str, Any]
LOG = LogId(bytes(16))


def _claims() -> Vector:
    claims, steps = Claims(), list[Vector]()

    def claim(owner: str, scope: int, buckets: list[int], now: float) -> None:
        won = claims.claim(owner, scope, bytes(buckets), now)
        steps.append(
            {"at": now, "claim": owner, "scope": scope, "buckets": buckets, "won": list(won)}
        )

    def touch(owner: str, now: float) -> None:
        claims.touch(owner, now)
        steps.append({"at": now, "touch": owner})

    def release(owner: str, scope: int | None, now: float) -> None:
        had = claims.release(owner, scope)
        steps.append({"at": now, "release": owner, "scope": scope, "had": had})

    claim("a", 1, [1, 2, 3], 0.0)
    claim("b", 1, [2, 3, 4], 1.0)
    claim("b", 0, [2], 1.0)
    touch("a", 14.0)
    claim("b", 1, [1], 15.0)
    release("a", 0, 16.0)
    release("a", 1, 16.0)
    claim("b", 1, [1, 2], 17.0)
    claim("c", 1, [1, 9], 31.9)
    claim("c", 1, [1], 32.0)
    release("b", None, 33.0)
    claim("c", 0, [2], 33.0)
    return {"name": "claims", "steps": steps}


def _liar() -> Vector:
    """Promises again and again, then brings a little of something else."""
    claims, steps = Claims(), list[Vector]()

    def claim(owner: str, now: float) -> None:
        won = claims.claim(owner, 1, bytes([7]), now)
        steps.append({"at": now, "claim": owner, "scope": 1, "buckets": [7], "won": list(won)})

    claim("a", 0.0)
    claim("a", 14.0)
    claim("b", 15.0)
    claims.touch("b", 15.0)
    steps.append({"at": 15.0, "touch": "b"})
    for now in range(20, 321, 60):
        claims.touch("b", float(now))
        steps.append({"at": float(now), "touch": "b"})
        claim("c", float(now))
    claims.touch("b", 320.0)
    steps.append({"at": 320.0, "touch": "b"})
    claim("a", 320.0)
    return {"name": "claims against a liar", "steps": steps}


def _link(relays: bool) -> Vector:
    link, steps = Link(relays=relays), list[Vector]()

    def do(what: str, result: object = None, **fields: Any) -> None:
        steps.append({"do": what, **fields, "result": result})

    def pushes(seq: int, *, own: bool = True) -> None:
        due = link.pushes(LOG, Tip(seq, EntryId(bytes(32))), own=own)
        do("pushes", seq=seq, own=own, result=due)

    pushes(1)
    pushes(5)
    link.agreed = True
    do("agree")
    pushes(5)
    link.note(Row(LOG, (Mark(5, ShortId(bytes(12))),)))
    do("note", seq=5)
    pushes(6)
    pushes(6, own=False)
    pushes(7)
    link.pushed(LOG, 6)
    do("pushed", seq=6)
    do("has", seq=6, result=link.has(LOG, 6))
    do("has", seq=7, result=link.has(LOG, 7))
    pushes(7, own=False)
    link.ask([LOG], eager=True)
    do("ask", eager=True)
    pushes(7, own=False)
    link.ask([LOG], eager=False)
    do("ask", eager=False)
    pushes(7, own=False)
    pushes(7)
    do("tries", result=link.tries(LOG))
    do("tries", result=link.tries(LOG))
    link.announced(Row(LOG, (Mark(9, ShortId(bytes(12))),)), 1.0)
    do("announced", at=1.0, seq=9, at_once=False)
    do("deadline", result=link.next_deadline())
    link.announced(Row(LOG, (Mark(9, ShortId(bytes(12))),)), 1.125, at_once=True)
    do("announced", at=1.125, seq=9, at_once=True)
    do("deadline", result=link.next_deadline())
    for at, at_once in ((1.125, False), (1.0625, True)):
        link.announce(LOG, 8, at, at_once=at_once)
        do("announce", seq=8, at=at, at_once=at_once)
        do("deadline", result=link.next_deadline())
    name = f"a link that {'relays' if relays else 'does not relay'}"
    return {"name": name, "relays": relays, "steps": steps}


def _sources() -> Vector:
    """A session that is asked, one that proves to be first, the end of one."""
    sources, steps = Sources(), list[Vector]()

    def now() -> None:
        source = sources.get(LOG)
        steps[-1]["source"] = source and list(source)
        steps[-1]["hops"] = sources.hops(LOG)

    def choose(owner: str, hops: int, *, proved: bool) -> None:
        sources.choose(LOG, owner, hops, proved=proved)
        steps.append({"choose": owner, "hops_of_it": hops, "proved": proved})
        now()

    def leave(owner: str) -> None:
        sources.leave(owner)
        steps.append({"leave": owner})
        now()

    def tries() -> None:
        steps.append({"tries": sources.tries(LOG)})
        now()

    tries()
    choose("a", 255, proved=False)
    choose("a", 2, proved=True)
    tries()
    tries()
    choose("b", 0, proved=True)
    leave("a")
    leave("b")
    sources.own(LOG)
    steps.append({"own": True})
    now()
    return {"name": "sources of a log", "sources": steps}


def make(_: random.Random) -> Vector:
    valid = [_claims(), _link(relays=False), _link(relays=True), _liar(), _sources()]
    return {"module": "gossip", "valid": valid, "invalid": []}
