"""Dialogues over logs that are behind, ahead, parted; turns out of order."""

import random
from typing import Any

from p2pblog.protocol import message
from p2pblog.protocol.entry import Entry
from p2pblog.protocol.frontier import HASH
from p2pblog.protocol.limits import BUCKETS
from p2pblog.protocol.message import Message
from tests.support.logs import packed
from tests.support.replicas import ADMIT, Replica, team_of
from tests.vectors._dialogue import Vector, dialogue, refusal
from tests.vectors.session import HELLO


def _parted(rng: random.Random, shared: int, mine: int, theirs: int) -> tuple[Replica, Replica]:
    """A third device's log, forked: one branch on each side."""
    one, other, author = (Replica(number, rng) for number in (1, 2, 3))
    team_of(one, other, author)
    for count, side in ((mine, one), (theirs, other)):
        if author.logs.get(author.log_id()):
            del author.logs[author.log_id()].ways[0][shared:]
        while _height(author) < shared + count:
            author.write()
        side.ingest(packed(_way(author)))
    return one, other


def _way(author: Replica) -> list[Entry]:
    return author.logs[author.log_id()].ways[0]


def _height(author: Replica) -> int:
    return len(_way(author)) if author.log_id() in author.logs else 0


def _valid(rng: random.Random) -> list[Vector]:
    one, other, third = (Replica(number, rng) for number in (1, 2, 3))
    team_of(one, other, third)
    third.write_many(6)
    one.ingest(packed(_way(third)))
    other.ingest(packed(_way(third)[:2]))
    behind = dialogue("the responder is behind", one, other)
    fork = dialogue("a log that parted", *_parted(rng, 3, 2, 2))
    deep = dialogue("a log that parted far below its tips", *_parted(rng, 4, 30, 7))
    root = dialogue("a log that parted at its first entry", *_parted(rng, 0, 2, 1))
    one, other = _parted(rng, 3, 2, 2)
    log = next(log for log, at in other.logs.items() if at.kind and log in one.logs)
    one.ingest(packed(other.logs[log].ways[0]))
    branch = dialogue("one side lacks a branch", one, other)
    one, other = _team_parted(rng)
    team = dialogue("a team log that parted", one, other)
    return [behind, fork, deep, root, branch, team]


def _team_parted(rng: random.Random) -> tuple[Replica, Replica]:
    founder, one, other = (Replica(number, rng) for number in (1, 2, 3))
    team_of(founder, one, other)
    log = founder.log_id(0)
    shared = list(founder.logs[log].ways[0])
    for side, newcomer in ((one, Replica(8)), (other, Replica(9))):
        founder.logs[log].ways[:] = [list(shared)]
        founder.operate(ADMIT, newcomer)
        side.ingest(packed(founder.logs[log].ways[0]))
    return one, other


def _invalid(rng: random.Random) -> list[Vector]:
    one, other = Replica(1, rng), Replica(2, rng)
    team_of(one, other)
    rows = message.Rows(0, (), (), True, True)
    buckets = message.Buckets(0, bytes(BUCKETS * HASH))
    responder: list[tuple[str, list[Message]]] = [
        ("rows of another scope", [HELLO, message.Rows(1, (), (), True, True)]),
        ("rows after the last", [HELLO, rows, rows]),
        ("done before the rows", [HELLO, message.Done(0)]),
        ("done with another scope", [HELLO, rows, message.Done(1)]),
        ("buckets from the initiator", [HELLO, buckets]),
        ("a last have from the initiator", [HELLO, message.Have((), True)]),
    ]
    initiator: list[tuple[str, list[Message]]] = [
        ("buckets in the middle of a comparison", [HELLO, buckets, buckets]),
        ("rows from the responder", [HELLO, buckets, rows]),
        ("done before the last have", [HELLO, buckets, message.Done(0)]),
        (
            "a last have twice",
            [HELLO, buckets, message.Have((), True), message.Have((), True)],
        ),
    ]
    return [
        refusal(name, one, other, received, initiator=side)
        for side, cases in ((False, responder), (True, initiator))
        for name, received in cases
    ]


def make(rng: random.Random) -> Any:
    return {"module": "comparison", "valid": _valid(rng), "invalid": _invalid(rng)}
