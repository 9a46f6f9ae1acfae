"""Dialogues from the greeting to equal frontiers; messages that end a session."""

import random
from typing import Any

from p2pblog.protocol import message
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Row
from p2pblog.protocol.message import Message
from tests.support.logs import START, packed
from tests.support.replicas import ADMIT, CUT, Replica, team_of
from tests.vectors._dialogue import Vector, dialogue, refusal


def _two(rng: random.Random) -> tuple[Replica, Replica]:
    one, other = Replica(1, rng), Replica(2, rng)
    team_of(one, other)
    return one, other


def _proving(rng: random.Random) -> tuple[Replica, Replica]:
    """A founder admitted the second, which the first has not heard of."""
    founder, old, young = (Replica(number, rng) for number in (1, 2, 3))
    team_of(founder, old)
    log = founder.operate(ADMIT, young)
    young.ingest(packed(founder.logs[log].ways[0]))
    young.write()
    return old, young


def _valid(rng: random.Random) -> list[Vector]:
    equal = dialogue("equal frontiers", *_two(rng))
    one, other = _two(rng)
    one.write_many(3)
    other.write_many(2)
    news = dialogue("both have news", one, other)
    one, other = _two(rng)
    one.operate(ADMIT, Replica(7))
    other.operate(ADMIT, Replica(8))
    other.write()
    team = dialogue("team logs differ: they converge first", one, other)
    old, young = _proving(rng)
    dials = dialogue("the initiator is not known yet and proves itself", young, old)
    old, young = _proving(rng)
    dialled = dialogue("the responder is not known yet and proves itself", old, young)
    one, other = _two(rng)
    one.operate(CUT, other)
    other.write()
    cut = dialogue("the initiator was removed and does not know it", other, one)
    strangers = Replica(1, rng), Replica(2, rng)
    unknown = dialogue("strangers to each other", *strangers)
    one, other = Replica(1, rng), Replica(2, rng)
    one.operate(ADMIT, one)
    other.operate(ADMIT, one)
    nobody = dialogue("a stranger whose proof proves nothing", other, one)
    return [equal, news, team, dials, dialled, cut, unknown, nobody]


HELLO = message.Hello(1, 1, True, bytes(16), START, 4711)


def _invalid(rng: random.Random) -> list[Vector]:
    one, other = _two(rng)
    one.write()
    stranger = Replica(3, rng)
    row = Row(one.log_id(), ())
    page = message.PageMessage(packed(one.logs[one.log_id()].ways[0]), False)
    unproved = message.Hello(1, 1, False, None, 0, 0)
    announce = message.Announce((Row(LogId(bytes(16)), ()),))
    join = message.Join(b"i" * 32, b"d" * 32, "Anna", "laptop", b"p" * 128)  # type: ignore[arg-type]  # an id
    cases: list[tuple[str, Replica, list[Message]]] = [
        ("no common version", other, [message.Hello(2, 3, True, None, 0, 0)]),
        ("something before hello", other, [message.Done(0)]),
        ("hello twice", other, [HELLO, HELLO]),
        ("hello twice while we prove ourselves", other, [unproved, unproved]),
        ("a stranger asks instead of proving", stranger, [HELLO, message.Have((row,), False)]),
        ("posts asked for before the team", other, [HELLO, message.Have((row,), False)]),
        (
            "posts asked for among the team's rows",
            other,
            [HELLO, message.Rows(0, (), (row,), True, True)],
        ),
        ("posts sent before the team", other, [HELLO, page]),
        ("an announcement before the team", other, [HELLO, announce]),
        ("joining in a session", other, [HELLO, join]),
    ]
    return [refusal(name, one, peer, received, initiator=False) for name, peer, received in cases]


def make(rng: random.Random) -> Any:
    return {"module": "session", "valid": _valid(rng), "invalid": _invalid(rng)}
