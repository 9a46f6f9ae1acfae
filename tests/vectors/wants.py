"""Payloads that are missing: hashes of them, and two that give what the other lacks."""

import random
from typing import Any

from p2pblog.protocol import message, wants
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import short
from p2pblog.protocol.message import Message, Missing
from tests.support.logs import packed
from tests.support.pair import Node, World
from tests.support.replicas import Replica, team_of
from tests.vectors._dialogue import Vector, dialogue, refusal
from tests.vectors.session import HELLO


def _told(missing: list[Missing]) -> list[Any]:
    return [[one.log.hex(), one.seq, one.id.hex()] for one in missing]


def _digests(rng: random.Random) -> list[Vector]:
    logs = [LogId(rng.randbytes(16)) for _ in range(2)]

    def missing(log: int, seq: int) -> Missing:
        return Missing(logs[log], seq, short(EntryId(rng.randbytes(32))))

    some = [missing(0, 7), missing(1, 300), missing(0, 7), missing(1, 2)]
    cases = {"nothing": [], "one": some[:1], "several, of two branches too": some}
    return [
        {"name": name, "missing": _told(case), "digest": found and found.hex()}
        for name, case in cases.items()
        for found in (wants.digest(case),)
    ]


def _two(rng: random.Random, posts: int) -> tuple[Replica, Replica, LogId]:
    """Both hold some posts of the first."""
    one, other = Replica(1, rng), Replica(2, rng)
    team_of(one, other)
    log = one.write_many(posts)
    other.ingest(packed(one.logs[log].ways[0]))
    return one, other, log


def _later(world: World, one: Node, other: Node) -> None:
    """What both lack comes to the responder by another way."""
    other.find(*other.replica.lost)
    world.run(2)


def _dialogue(name: str, one: Replica, other: Replica, **how: Any) -> Vector:
    """`found`: what comes to the responder by itself. `left`: what is missing in the end."""
    lost = dict(other.lost) if "then" in how else {}
    told = dialogue(name, one, other, **how)
    sides = {"initiator": one.missing(), "responder": other.missing()}
    return told | {
        "found": [[log.hex(), seq, payload.hex()] for (log, seq), payload in lost.items()],
        "left": {side: left and left.hex() for side, left in sides.items()},
    }


def _dialogues(rng: random.Random) -> list[Vector]:
    one, other, log = _two(rng, 3)
    other.drop(log, 2)
    lacking = _dialogue("a text that one of the two lacks", one, other)
    one, other, log = _two(rng, 4)
    one.drop(log, 1, 2)
    other.drop(log, 2, 3)
    both = _dialogue("each lacks another, and one is lost to both", one, other, seconds=62.0)
    one, other, log = _two(rng, 2)
    one.drop(log, 1)
    other.drop(log, 1)
    return [lacking, both, _dialogue("a text that comes later", one, other, then=_later)]


def _invalid(rng: random.Random) -> list[Vector]:
    one, other, log = _two(rng, 1)
    first = one.logs[log].ways[0][0]
    cases: list[tuple[str, Message]] = [
        ("a want before team logs are equal", message.Want((Missing(log, 1, short(first.id)),))),
        ("payloads before team logs are equal", message.Payloads(())),
    ]
    return [refusal(name, one, other, [HELLO, said], initiator=False) for name, said in cases]


def make(rng: random.Random) -> Any:
    valid = [*_digests(rng), *_dialogues(rng)]
    return {"module": "wants", "valid": valid, "invalid": _invalid(rng)}
