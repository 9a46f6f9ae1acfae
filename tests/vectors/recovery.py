"""Proofs of the recovery key, and whole dialogues of a founder who comes back."""

import random
from collections.abc import Callable
from typing import Any

from p2pblog.errors import Refused
from p2pblog.protocol import message, recovery
from p2pblog.protocol.admission import Ask
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Incarnation
from p2pblog.protocol.recovery import Fresh, Recoverer
from tests.support.teams import TeamBuilder

Vector = dict[str, Any]
CHANNEL = b"\x11" * 64


def _team(rng: random.Random) -> TeamBuilder:
    b = TeamBuilder(rng)
    ana = b.found()
    b.join(ana)
    return b


def _proof(key: SigningKey, channel: bytes) -> Vector:
    proof = recovery.prove(key, channel)
    return {"seed": key.seed.hex(), "channel": channel.hex(), "proof": proof.hex()}


def _dialogue(b: TeamBuilder, rng: random.Random, name: str, device: SigningKey) -> Vector:
    """What the two sides say, as the new device sees it, until it has the network key."""
    fresh = Fresh(Incarnation(rng.randbytes(8)), rng.randbytes(16), b.time)
    recoverer = Recoverer(b.recovery, device, "new desk", CHANNEL, fresh)
    shown = [message.pack(message.PageMessage(data, live=False)) for data in b.pages()]
    shown.append(message.pack(message.Done(0)))
    said = [("device", out.data) for out in recoverer.start() if isinstance(out, Ask)]
    for data in shown:
        said.append(("host", data))
        said += [
            ("device", out.data)
            for out in recoverer.receive(message.parse(data))
            if isinstance(out, Ask)
        ]
    admission = b.entries[-1].id
    end = message.pack(message.Admitted(b.network_key, admission))
    recoverer.receive(message.parse(end))
    return {
        "kind": "dialogue",
        "name": name,
        "recovery_seed": b.recovery.seed.hex(),
        "device_seed": device.seed.hex(),
        "device_name": "new desk",
        "channel": CHANNEL.hex(),
        "incarnation": fresh.incarnation.hex(),
        "salt": fresh.salt.hex(),
        "now": fresh.now,
        "team": b.id.hex(),
        "messages": [{"from": who, "message": data.hex()} for who, data in [*said, ("host", end)]],
    }


def _refused(b: TeamBuilder, name: str, key: SigningKey, device: SigningKey) -> Vector:
    fresh = Fresh(Incarnation(bytes(8)), bytes(16), b.time)
    recoverer = Recoverer(key, device, "new desk", CHANNEL, fresh)
    pages = b.pages()
    for data in pages:
        recoverer.receive(message.PageMessage(data, live=False))
    try:
        recoverer.receive(message.Done(0))
    except Refused as refused:
        reason = str(refused.reason)
    return {
        "kind": "dialogue",
        "name": name,
        "recovery_seed": key.seed.hex(),
        "device_seed": device.seed.hex(),
        "pages": [data.hex() for data in pages],
        "reason": reason,
    }


def _gone(rng: random.Random) -> TeamBuilder:
    b = _team(rng)
    b.leave(b.actors[0])
    return b


def make(rng: random.Random) -> Vector:
    b = _team(rng)
    again = _team(rng)
    returned = again.recover()
    example = SigningKey(b"\x07" * 32)
    device = b.key()
    valid = [
        {"kind": "proof", "name": "the page's"} | _proof(example, CHANNEL),
        {"kind": "proof", "name": "another"} | _proof(b.recovery, rng.randbytes(64)),
        _dialogue(b, rng, "the founder comes back", device),
        _dialogue(again, rng, "the answer of an earlier try was lost", returned.signing),
    ]
    proof = recovery.prove(example, CHANNEL)
    wrong: list[tuple[str, Callable[[], tuple[SigningKey, bytes, bytes]]]] = [
        ("of another connection", lambda: (example, b"\x12" * 64, proof)),
        ("by another key", lambda: (device, CHANNEL, proof)),
        ("cut", lambda: (example, CHANNEL, proof[:63])),
    ]
    invalid: list[Vector] = [
        {
            "kind": "proof",
            "name": name,
            "public": pick()[0].public.hex(),
            "channel": pick()[1].hex(),
            "proof": pick()[2].hex(),
            "reason": "bad_proof",
        }
        for name, pick in wrong
    ]
    gone = _gone(rng)
    revoked = _team(rng)
    lost = revoked.recover()
    revoked.revoke(revoked.actors[0], lost)
    invalid += [
        _refused(b, "another team's code", example, device),
        _refused(gone, "the founder has left", gone.recovery, device),
        _refused(revoked, "a key that was revoked", revoked.recovery, lost.signing),
    ]
    return {"module": "recovery", "valid": valid, "invalid": invalid}
