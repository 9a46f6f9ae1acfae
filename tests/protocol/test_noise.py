"""`protocol/noise.md`: the published transcripts, our own, and everything that must be refused."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.crypto import exchange_base
from p2pblog.protocol.noise import MAX_NONCE, PATTERNS, SUITE, CipherState, Handshake, try_psks
from tests.support.published import published
from tests.support.vectors import vectors

PUBLISHED = "noise_25519_chachapoly_blake2b.json"


def _optional(vector: dict[str, Any], name: str) -> bytes | None:
    return bytes.fromhex(vector[name]) if name in vector else None


def _side(vector: dict[str, Any], side: str) -> Handshake:
    return Handshake(
        vector["protocol_name"].removeprefix("Noise_").removesuffix(f"_{SUITE}"),
        side == "init",
        bytes.fromhex(vector[f"{side}_prologue"]),
        _optional(vector, f"{side}_static"),
        bytes.fromhex(vector[f"{side}_ephemeral"]),
        _optional(vector, f"{side}_remote_static"),
        [bytes.fromhex(psk) for psk in vector.get(f"{side}_psks", ())],
    )


def _replay(vector: dict[str, Any]) -> None:
    """Both sides say what the transcript says, and understand each other."""
    sides = _side(vector, "init"), _side(vector, "resp")
    ciphers: list[tuple[CipherState, CipherState]] = []
    for place, message in enumerate(vector["messages"]):
        payload, due = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        here, there = place % 2, 1 - place % 2
        if not sides[0].finished:
            assert sides[here].write(payload) == due
            assert sides[there].read(due) == payload
        else:
            ciphers = ciphers or [side.split() for side in sides]
            assert ciphers[here][0].encrypt(payload) == due
            assert ciphers[there][1].decrypt(due) == payload
    assert sides[0].finished
    assert sides[1].finished
    assert sides[0].hash == sides[1].hash
    if "handshake_hash" in vector:
        assert sides[0].hash.hex() == vector["handshake_hash"]


def test_published_transcripts() -> None:
    transcripts = published(PUBLISHED)["vectors"]
    assert len(transcripts) == 17
    for vector in transcripts:
        _replay(vector)


@pytest.mark.parametrize("vector", vectors("noise", "valid"))
def test_own_transcripts(vector: dict[str, Any]) -> None:
    _replay(vector)


@pytest.mark.parametrize("vector", vectors("noise", "invalid"))
def test_own_refusals(vector: dict[str, Any]) -> None:
    side = _side(vector, vector["reader"])
    *before, last = (bytes.fromhex(frame) for frame in vector["messages"])
    cipher: CipherState | None = None
    writes = vector["reader"] == "init"

    def step(frame: bytes) -> None:
        nonlocal cipher, writes
        if side.finished:
            cipher = cipher or side.split()[1]
            cipher.decrypt(frame)
        elif writes:
            assert side.write() == frame
            writes = False
        else:
            side.read(frame)
            writes = True

    for frame in before:
        step(frame)
    with pytest.raises(Refused) as refused:
        step(last)
    assert refused.value.reason == vector["reason"]


def test_a_message_longer_than_a_frame_is_refused_unread() -> None:
    with pytest.raises(Refused) as refused:
        _pair()[1].read(bytes(65536))
    assert refused.value.reason == Reason.TOO_LARGE


def _pair(pattern: str = "XXpsk0", psks: tuple[bytes, ...] = (bytes(32),)) -> list[Handshake]:
    chance = random.Random(pattern)
    keys = [chance.randbytes(32) for _ in range(4)]
    known = exchange_base(keys[1]) if pattern.startswith("IK") else None
    return [
        Handshake(pattern, True, b"", keys[0], keys[2], known, psks),
        Handshake(pattern, False, b"", keys[1], keys[3], None, psks),
    ]


@pytest.mark.parametrize("base", PATTERNS)
@pytest.mark.parametrize("modifiers", ["", "psk0", "psk1", "psk2", "psk0+psk2"])
def test_every_pattern_runs(base: str, modifiers: str) -> None:
    psks = tuple(bytes([digit]) * 32 for digit in range(modifiers.count("psk")))
    writer, reader = _pair(base + modifiers, psks)
    while not writer.finished:
        assert reader.read(writer.write(b"hello")) == b"hello"
        writer, reader = reader, writer
    assert writer.hash == reader.hash
    assert reader.split()[1].decrypt(writer.split()[0].encrypt(b"x", b"ad"), b"ad") == b"x"


@pytest.mark.parametrize("name", ["", "XXpsk", "XX psk0", "xx", "XXpsk0+", "XXpsk0psk1"])
def test_a_pattern_name_that_means_nothing_is_our_error(name: str) -> None:
    with pytest.raises(ValueError, match="^" + name.replace("+", r"\+")):
        Handshake(name, True, b"", None, bytes(32))


def test_static_keys_are_told() -> None:
    initiator, responder = _pair()
    responder.read(initiator.write())
    assert responder.remote_static is None
    initiator.read(responder.write())
    responder.read(initiator.write())
    keys = random.Random("XXpsk0")
    assert responder.remote_static == exchange_base(keys.randbytes(32))
    assert initiator.remote_static == exchange_base(keys.randbytes(32))


def test_the_turns_are_held_and_a_refusal_ends_it() -> None:
    initiator, responder = _pair()
    with pytest.raises(ValueError, match="turn"):
        responder.write()
    with pytest.raises(ValueError, match="not finished"):
        responder.split()
    message = initiator.write()
    with pytest.raises(Refused):
        responder.read(bytes(48))
    with pytest.raises(ValueError, match="turn"):
        responder.read(message)


def test_a_responder_finds_the_psk_among_several() -> None:
    message = _pair()[0].write()

    def make(psk: bytes) -> Handshake:
        return _pair(psks=(psk,))[1]

    others = [bytes([n]) * 32 for n in range(1, 65)]
    handshake, place = try_psks(make, [*others, bytes(32)], message)
    assert place == 64
    assert handshake.write()
    with pytest.raises(Refused) as refused:
        try_psks(make, others, message)
    assert refused.value.reason == Reason.DECRYPT_FAILED
    with pytest.raises(Refused) as refused:
        try_psks(make, others, message[:31])
    assert refused.value.reason == Reason.MALFORMED


def test_the_last_nonce_is_never_used() -> None:
    cipher = CipherState(bytes(32), MAX_NONCE - 1)
    last = cipher.encrypt(b"x")
    with pytest.raises(Refused) as refused:
        cipher.encrypt(b"x")
    assert refused.value.reason == Reason.TOO_LARGE
    assert CipherState(bytes(32), MAX_NONCE - 1).decrypt(last) == b"x"


def test_a_frame_decrypts_once_and_in_its_place() -> None:
    sender, receiver = CipherState(bytes(32)), CipherState(bytes(32))
    first, second = sender.encrypt(b"1"), sender.encrypt(b"2")
    assert receiver.decrypt(first) == b"1"
    with pytest.raises(Refused):
        receiver.decrypt(first)
    with pytest.raises(Refused):
        CipherState(bytes(32)).decrypt(second)


@given(st.binary(max_size=200), st.integers(0, 2))
def test_any_bytes_are_refused_by_name(data: bytes, place: int) -> None:
    sides = _pair()
    for turn in range(place):
        sides[1 - turn % 2].read(sides[turn % 2].write())
    with pytest.raises(Refused):
        sides[1 - place % 2].read(data)
