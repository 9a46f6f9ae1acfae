"""Transcripts of XXpsk0 as the channel uses it, and what a reader must refuse."""

import random
from typing import Any

from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.noise import SUITE, CipherState, Handshake

PATTERN = "XXpsk0"
PROLOGUE = b"p2pblog 1"
LOW_ORDER = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")

Vector = dict[str, Any]


def _setup(rng: random.Random) -> Vector:
    psk = rng.randbytes(32).hex()
    setup: Vector = {"protocol_name": f"Noise_{PATTERN}_{SUITE}"}
    for side in ("init", "resp"):
        setup |= {
            f"{side}_prologue": PROLOGUE.hex(),
            f"{side}_static": SigningKey(rng.randbytes(32)).exchange_private().hex(),
            f"{side}_ephemeral": rng.randbytes(32).hex(),
            f"{side}_psks": [psk],
        }
    return setup


def _side(setup: Vector, side: str) -> Handshake:
    return Handshake(
        PATTERN,
        side == "init",
        PROLOGUE,
        bytes.fromhex(setup[f"{side}_static"]),
        bytes.fromhex(setup[f"{side}_ephemeral"]),
        psks=[bytes.fromhex(setup[f"{side}_psks"][0])],
    )


def _transcript(setup: Vector, payloads: list[bytes]) -> Vector:
    sides = _side(setup, "init"), _side(setup, "resp")
    ciphers: list[CipherState] = []
    messages = []
    for turn, payload in enumerate(payloads):
        if sides[0].finished:
            ciphers = ciphers or [side.split()[0] for side in sides]
            data = ciphers[turn % 2].encrypt(payload)
        else:
            data = sides[turn % 2].write(payload)
            sides[1 - turn % 2].read(data)
        messages.append({"payload": payload.hex(), "ciphertext": data.hex()})
    return {**setup, "handshake_hash": sides[0].hash.hex(), "messages": messages}


def _flip(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _invalid(setup: Vector) -> list[Vector]:
    """Each: the reader's whole side; the last of `messages` is refused."""
    frames = [
        bytes.fromhex(message["ciphertext"])
        for message in _transcript(setup, [b""] * 3 + [b"answer", b"first", b"answer", b"second"])[
            "messages"
        ]
    ]
    first, second, third, reflected, data, _, later = frames

    def vector(name: str, reader: str, messages: list[bytes], reason: str, **other: Any) -> Vector:
        read = {"name": name, **setup, **other, "reader": reader}
        return {**read, "messages": [frame.hex() for frame in messages], "reason": reason}

    return [
        vector("another psk", "resp", [first], "decrypt_failed", resp_psks=["11" * 32]),
        vector("another prologue", "resp", [first], "decrypt_failed", resp_prologue="00"),
        vector("message 1 cut in its key", "resp", [first[:31]], "malformed"),
        vector("message 1 cut in its tag", "resp", [first[:47]], "decrypt_failed"),
        vector("message 1 with a byte more", "resp", [first + b"\0"], "decrypt_failed"),
        vector("message 1, key flipped", "resp", [_flip(first, 0)], "decrypt_failed"),
        vector("message 1, tag flipped", "resp", [_flip(first, 47)], "decrypt_failed"),
        vector("message 2 cut in its static key", "init", [first, second[:79]], "malformed"),
        vector(
            "message 2, static key flipped", "init", [first, _flip(second, 40)], "decrypt_failed"
        ),
        vector(
            *("message 2 with an ephemeral key of low order", "init"),
            *([first, LOW_ORDER + second[32:]], "low_order_key"),
        ),
        vector("message 2 is our message 1", "init", [first, first], "malformed"),
        vector(
            "message 3, payload flipped",
            "resp",
            [first, second, _flip(third, 60)],
            "decrypt_failed",
        ),
        vector("message 3 is message 1 again", "resp", [first, second, first], "decrypt_failed"),
        vector("frame flipped", "resp", [first, second, third, _flip(data, 3)], "decrypt_failed"),
        vector("frame cut", "resp", [first, second, third, data[:-1]], "decrypt_failed"),
        vector(
            "frame shorter than a tag", "resp", [first, second, third, data[:15]], "decrypt_failed"
        ),
        vector("frame replayed", "resp", [first, second, third, data, data], "decrypt_failed"),
        vector("frame left out", "resp", [first, second, third, later], "decrypt_failed"),
        vector("own frame reflected", "resp", [first, second, third, reflected], "decrypt_failed"),
    ]


def make(rng: random.Random) -> Vector:
    setup = _setup(rng)
    keys = [b"", rng.randbytes(32), rng.randbytes(32)]
    valid = [
        _transcript(setup, [b""] * 3),
        _transcript(_setup(rng), [*keys, b"one", b"two", b"", b"four"]),
        _transcript(_setup(rng), [b"early", b"middle", b"late", b"a", b"b"]),
    ]
    invalid = _invalid(setup)
    return {"module": "noise", "valid": valid, "invalid": invalid}
