"""Reads the dialogues of our vectors, and plays them again."""

from __future__ import annotations

from typing import Any

from p2pblog.protocol import message
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.effects import Close
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.message import PageMessage
from p2pblog.protocol.session import Session
from tests.support.replicas import Replica

SIDES = ("initiator", "responder")


def replica(side: dict[str, Any]) -> Replica:
    """What a side holds at the start."""
    made = Replica(1)
    made.signing = SigningKey(bytes.fromhex(side["seed"]))
    pages = sorted(side["holds"], key=len)
    for data in [*pages, *pages]:  # what an author's admission comes after is taken again
        made.ingest(bytes.fromhex(data))
    return made


def tips(held: Replica) -> list[Any]:
    return [
        [log.hex(), sorted([tip.seq, tip.id.hex()] for tip in at)]
        for log, at in sorted(held.snapshot().items())
    ]


def pages_played(vector: dict[str, Any]) -> dict[str, list[Any]]:
    """The tips of each side once it took every page that was sent, its own that are new too."""
    sides = {name: replica(vector[name]) for name in SIDES}
    for sent in vector["messages"]:
        data = message.parse(bytes.fromhex(sent["message"]))
        if isinstance(data, PageMessage):
            for side in sides.values():
                side.ingest(data.page)
    return {name: tips(side) for name, side in sides.items()}


def reason_of(vector: dict[str, Any]) -> str:
    """Why a side alone ends its session over the last of what it received."""
    session = Session(
        replica(vector),
        Claims(),
        initiator=vector["initiator"],
        remote=DeviceKey(bytes.fromhex(vector["peer"])),
        key=bytes.fromhex(vector["key"]),
        port=4711,
        relays=False,
        now=0.0,
    )
    session.start(0.0, 0)
    for data in vector["received"]:
        effects = session.receive(message.parse(bytes.fromhex(data)), 0.0, 0)
        while job := session.next_job():
            effects += session.served(job, job.upto, 0.0)
    (close,) = [effect for effect in effects if isinstance(effect, Close)]
    return close.reason
