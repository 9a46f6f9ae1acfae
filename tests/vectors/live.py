"""Dialogues of two that are live: pushes, announcements, pulls, digests; what does not belong."""

import random
from typing import Any

from p2pblog.protocol import message
from p2pblog.protocol.message import Message
from tests.support.pair import Node, World
from tests.support.replicas import ADMIT, Replica, team_of
from tests.vectors._dialogue import Vector, dialogue, refusal
from tests.vectors.session import HELLO


def _two(rng: random.Random) -> tuple[Replica, Replica]:
    one, other = Replica(1, rng), Replica(2, rng)
    team_of(one, other)
    return one, other


def _push(world: World, one: Node, other: Node) -> None:
    one.write()
    world.run(1)
    other.write()
    world.run(1)


def _gap(world: World, one: Node, other: Node) -> None:
    one.replica.write_many(2)  # of which nothing is said
    one.write()
    world.run(1)


def _operation(world: World, one: Node, other: Node) -> None:
    one.operate(ADMIT, world.node(Replica(9)))
    world.run(1)


def _missed(world: World, one: Node, other: Node) -> None:
    world.run(30)  # equal
    other.replica.write_many(2)
    world.run(30)


def _invalid(rng: random.Random) -> list[Vector]:
    one, other = _two(rng)
    live: list[Message] = [HELLO, message.Rows(0, (), (), True, True), message.Done(0)]
    join = message.Join(b"i" * 32, b"d" * 32, "Anna", "laptop", b"p" * 128)  # type: ignore[arg-type]  # an id
    cases: list[tuple[str, Message]] = [
        ("hello again", HELLO),
        ("joining", join),
        ("done without a comparison", message.Done(0)),
    ]
    return [refusal(name, one, other, [*live, refused], initiator=False) for name, refused in cases]


def make(rng: random.Random) -> Any:
    valid = [
        dialogue("a post each, pushed and acknowledged", *_two(rng), then=_push),
        dialogue("a push over a gap is followed by a pull", *_two(rng), then=_gap),
        dialogue("an operation while live", *_two(rng), then=_operation),
        dialogue("digests that agree, and one that does not", *_two(rng), then=_missed),
    ]
    return {"module": "live", "valid": valid, "invalid": _invalid(rng)}
