"""Channels from the first byte to the goodbye, written with Noise and lengths by hand."""

import random
from dataclasses import dataclass
from typing import Any

from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.noise import CipherState, Handshake

Vector = dict[str, Any]


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def message(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


END = message(b"")


@dataclass
class Side:
    """What a side is made of, and its hand-made handshake."""

    seed: bytes
    ephemeral: bytes
    psks: list[bytes]
    initiator: bool
    proves: bytes | None = None

    def __post_init__(self) -> None:
        self.key = SigningKey(self.seed)

    def handshake(self, psk: bytes, prologue: bytes = b"p2pblog 1") -> Handshake:
        private = self.key.exchange_private()
        return Handshake("XXpsk0", self.initiator, prologue, private, self.ephemeral, psks=[psk])

    def told(self) -> Vector:
        return {
            "seed": self.seed.hex(),
            "ephemeral": self.ephemeral.hex(),
            "psks": [psk.hex() for psk in self.psks],
        }


@dataclass
class Wire:
    """A channel of two sides, all bytes at hand."""

    initiator: Side
    responder: Side
    hello: list[bytes]
    hash: bytes
    forth: CipherState
    back: CipherState

    def told(self) -> Vector:
        return {"initiator": self.initiator.told(), "responder": self.responder.told()}


def connect(initiator: Side, responder: Side, prologue: bytes = b"p2pblog 1") -> Wire:
    """Shake hands; `Side.proves` replaces the device key that a side sends."""
    (psk,) = initiator.psks
    a, b = initiator.handshake(psk, prologue), responder.handshake(psk, prologue)
    hello = [a.write()]
    b.read(hello[0])
    hello.append(b.write(responder.proves or responder.key.public))
    a.read(hello[1])
    hello.append(a.write(initiator.proves or initiator.key.public))
    b.read(hello[2])
    return Wire(initiator, responder, [framed(data) for data in hello], a.hash, *a.split())


def sides(rng: random.Random, psk_index: int = 0, psks: int = 1) -> tuple[Side, Side]:
    accepted = [rng.randbytes(32) for _ in range(psks)]
    initiator = Side(rng.randbytes(32), rng.randbytes(32), [accepted[psk_index]], True)
    return initiator, Side(rng.randbytes(32), rng.randbytes(32), accepted, False)


def _valid(rng: random.Random, name: str, psk_index: int, psks: int, cut: int | None) -> Vector:
    """A dialogue; with `cut` the frames of the responder hold that many bytes each."""
    wire = connect(*sides(rng, psk_index, psks))
    asked, answered = [b"hello", b"x" * 300], [b"\0", b"world"]
    forth = b"".join(map(message, asked)) + END
    back = b"".join(map(message, answered)) + END
    pieces = [back[at : at + (cut or len(back))] for at in range(0, len(back), cut or len(back))]
    return {
        "name": name,
        **wire.told(),
        "handshake": [data.hex() for data in wire.hello],
        "handshake_hash": wire.hash.hex(),
        "initiator_device": wire.initiator.key.public.hex(),
        "responder_device": wire.responder.key.public.hex(),
        "psk_index": psk_index,
        "initiator_messages": [data.hex() for data in asked],
        "initiator_bytes": framed(wire.forth.encrypt(forth)).hex(),
        "responder_messages": [data.hex() for data in answered],
        "responder_bytes": b"".join(framed(wire.back.encrypt(p)) for p in pieces).hex(),
        "canonical": cut is None,
    }


def _bad_hello(rng: random.Random) -> list[Vector]:
    """What the responder (or the initiator) must refuse while shaking hands."""

    def vector(name: str, wire: Wire, reader: str, *data: bytes, reason: str) -> Vector:
        received = [frame.hex() for frame in data]
        return {"name": name, **wire.told(), "reader": reader, "received": received} | {
            "reason": reason
        }

    good = connect(*sides(rng))
    first, second, _ = good.hello
    foreign = connect(*sides(rng))
    initiator, responder = sides(rng)
    initiator.proves = SigningKey(rng.randbytes(32)).public
    liar = connect(initiator, responder)
    initiator, responder = sides(rng)
    responder.proves = initiator.key.public
    mirror = connect(initiator, responder)
    initiator, responder = sides(rng)
    initiator.proves = bytes(32)
    low = connect(initiator, responder)
    initiator, responder = sides(rng)
    initiator.proves = initiator.key.public + b"\0"
    long = connect(initiator, responder)
    other = connect(*sides(rng), prologue=b"p2pblog 2")
    return [
        vector("none of the psks", good, "responder", foreign.hello[0], reason="decrypt_failed"),
        vector("another version", other, "responder", other.hello[0], reason="decrypt_failed"),
        vector("a web browser", good, "responder", b"GET / HTTP/1.1\r\n", reason="too_large"),
        vector("length 0", good, "responder", b"\0\0", reason="malformed"),
        vector("length 1025", good, "responder", b"\x04\x01", reason="too_large"),
        vector("message 1 cut", good, "responder", framed(first[2:33]), reason="malformed"),
        vector("message 1 twice", good, "responder", first, first, reason="decrypt_failed"),
        vector(
            "message 2 flipped", good, "initiator", second[:-1] + b"\0", reason="decrypt_failed"
        ),
        vector("message 1 comes back", good, "initiator", first, reason="malformed"),
        vector("another's device key", liar, "responder", *liar.hello[::2], reason="bad_proof"),
        vector("our own device key", mirror, "initiator", mirror.hello[1], reason="bad_proof"),
        vector("a key that is no point", low, "responder", *low.hello[::2], reason="low_order_key"),
        vector("a key of 33 bytes", long, "responder", *long.hello[::2], reason="bad_shape"),
    ]


def _bad_stream(rng: random.Random) -> list[Vector]:
    """What the responder must refuse once the channel stands; `plain` is in frames."""
    initiator, responder = sides(rng)

    def vector(name: str, *plain: bytes, reason: str, then: bytes = b"") -> Vector:
        wire = connect(initiator, responder)
        data = b"".join(framed(wire.forth.encrypt(piece)) for piece in plain) + then
        received = [wire.hello[0], wire.hello[2] + data]
        return {
            "name": name,
            **wire.told(),
            "reader": "responder",
            "received": [frame.hex() for frame in received],
            "reason": reason,
        }

    wire = connect(initiator, responder)
    frame = framed(wire.forth.encrypt(message(b"pay")))
    flipped = frame[:-1] + bytes([frame[-1] ^ 1])
    ok = message(b"ok")
    over = (288 * 1024 + 1).to_bytes(4, "big")
    return [
        vector("a message longer than 288 KiB", over, reason="too_large"),
        vector("the longest length", b"\xff" * 4, reason="too_large"),
        vector("data after the end", END + b"\0", reason="unexpected"),
        vector("a frame after the end", ok, END, ok, reason="unexpected"),
        vector("an empty frame", b"", reason="malformed"),
        vector("a frame shorter than a tag", reason="malformed", then=framed(bytes(15))),
        vector("a frame flipped", reason="decrypt_failed", then=flipped),
        vector("a frame replayed", message(b"pay"), reason="decrypt_failed", then=frame),
        vector(
            "a frame in the clear", ok, reason="decrypt_failed", then=framed(message(b"x" * 20))
        ),
    ]


def make(rng: random.Random) -> Vector:
    return {
        "module": "channel",
        "valid": [
            _valid(rng, "one psk", 0, 1, None),
            _valid(rng, "the third of four psks", 2, 4, None),
            _valid(rng, "a message over many frames", 0, 1, 3),
        ],
        "invalid": _bad_hello(rng) + _bad_stream(rng),
    }
