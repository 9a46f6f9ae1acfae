"""Whole dialogues of two sessions, written down as they went over a pretend wire."""

from collections.abc import Callable
from typing import Any

from p2pblog.protocol import message
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.session import Close, Session
from tests.support.logs import START, packed
from tests.support.pair import KEY, LATENCY, End, Node, World, clock, connect
from tests.support.replicas import Replica

Vector = dict[str, Any]
SIDES = ("initiator", "responder")


def holds(replica: Replica) -> list[str]:
    """Its logs, a page a branch, each whole."""
    ways = (way for log in replica.logs.values() for way in log.ways)
    return [packed(way).hex() for way in ways]


def tips(replica: Replica) -> list[Any]:
    return [
        [log.hex(), sorted([tip.seq, tip.id.hex()] for tip in at)]
        for log, at in sorted(replica.snapshot().items())
    ]


def _side(replica: Replica) -> Vector:
    return {"seed": replica.signing.seed.hex(), "holds": holds(replica)}


def dialogue(
    name: str,
    initiator: Replica,
    responder: Replica,
    *,
    seconds: float = 2.0,
    then: Callable[[World, Node, Node], None] | None = None,
) -> Vector:
    """Connect the two; `then` makes something happen while they are live."""
    told: Vector = {"name": name, "key": KEY.hex(), "clock": START, "latency_ms": LATENCY * 1000}
    told |= {"initiator": _side(initiator), "responder": _side(responder)}
    world = World()
    one, other = world.node(initiator), world.node(responder)
    ends = connect(one, other)
    world.run(seconds)
    if then is not None:
        then(world, one, other)
    return told | {
        "messages": _messages(*ends),
        "closed": {side: _closed(end) for side, end in zip(SIDES, ends, strict=True)},
        "tips": {"initiator": tips(initiator), "responder": tips(responder)},
    }


def _messages(*ends: End) -> list[Vector]:
    sent = [
        {"at_ms": round(at * 1000), "from": side, "message": data.hex()}
        for side, end in zip(SIDES, ends, strict=True)
        for at, data in zip(end.wire_at, end.wire, strict=True)
    ]
    return sorted(sent, key=lambda item: item["at_ms"])


def _closed(end: End) -> str | None:
    return end.closed.reason.value if end.closed else None


def refusal(
    name: str, me: Replica, peer: Replica, received: list[message.Message], *, initiator: bool
) -> Vector:
    """One side alone; the last of `received` ends its session."""
    session = Session(
        me,
        Claims(),
        initiator=initiator,
        remote=peer.device,
        key=KEY,
        port=4711,
        relays=False,
        now=0.0,
    )
    told = {
        "name": name,
        "key": KEY.hex(),
        "initiator": initiator,
        **_side(me),
        "peer": peer.device.hex(),
        "received": [message.pack(data).hex() for data in received],
    }
    session.start(0.0, clock(World()))
    for data in received:
        effects = session.receive(data, 0.0, START)
        while job := session.next_job():
            effects += session.served(job, job.upto, 0.0)
    close = effects[-1]
    assert isinstance(close, Close)
    return told | {"reason": close.reason.value}
