"""`protocol/channel.md`: two sides on a pretend wire, and everything that must be refused."""

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.errors import ConnectionLost, Reason, Refused
from p2pblog.protocol.channel import Ended, Established, Event, Message, SecureChannel
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.limits import MAX_FRAME, MAX_MESSAGE
from tests.support.vectors import vectors


def _side(vector: dict[str, Any], name: str) -> SecureChannel:
    side = vector[name]
    return SecureChannel(
        name == "initiator",
        SigningKey(bytes.fromhex(side["seed"])),
        bytes.fromhex(side["ephemeral"]),
        [bytes.fromhex(psk) for psk in side["psks"]],
    )


def _messages(events: list[Event]) -> list[str]:
    return [event.data.hex() for event in events if isinstance(event, Message)]


@pytest.mark.parametrize("vector", vectors("channel", "valid"))
def test_dialogues(vector: dict[str, Any]) -> None:
    initiator, responder = _side(vector, "initiator"), _side(vector, "responder")
    first, second, third = (bytes.fromhex(data) for data in vector["handshake"])
    hash_, place = bytes.fromhex(vector["handshake_hash"]), vector["psk_index"]
    assert initiator.data_to_send() == first
    assert responder.receive_data(first) == []
    assert responder.data_to_send() == second
    device = bytes.fromhex(vector["responder_device"])
    assert initiator.receive_data(second) == [Established(DeviceKey(device), 0, hash_)]
    assert initiator.data_to_send() == third
    device = bytes.fromhex(vector["initiator_device"])
    assert responder.receive_data(third) == [Established(DeviceKey(device), place, hash_)]
    for writer, reader, name in (
        (initiator, responder, "initiator"),
        (responder, initiator, "responder"),
    ):
        data = bytes.fromhex(vector[f"{name}_bytes"])
        for message in vector[f"{name}_messages"]:
            writer.send(bytes.fromhex(message))
        writer.end()
        if vector["canonical"]:
            assert writer.data_to_send() == data
        events = reader.receive_data(data)
        assert _messages(events) == vector[f"{name}_messages"]
        assert events[-1] == Ended()
        reader.receive_end()


@pytest.mark.parametrize("vector", vectors("channel", "invalid"))
def test_refusals(vector: dict[str, Any]) -> None:
    side = _side(vector, vector["reader"])
    *before, last = (bytes.fromhex(data) for data in vector["received"])
    for data in before:
        side.receive_data(data)
    with pytest.raises(Refused) as refused:
        side.receive_data(last)
    assert refused.value.reason == vector["reason"]
    with pytest.raises(Refused):
        side.receive_data(b"")


def _unconnected(seed: int = 0) -> tuple[SecureChannel, SecureChannel]:
    chance = random.Random(seed)
    keys = [SigningKey(chance.randbytes(32)) for _ in range(2)]
    psk = chance.randbytes(32)
    return (
        SecureChannel(True, keys[0], chance.randbytes(32), [psk]),
        SecureChannel(False, keys[1], chance.randbytes(32), [bytes(32), psk]),
    )


def _connected() -> tuple[SecureChannel, SecureChannel]:
    initiator, responder = _unconnected()
    responder.receive_data(initiator.data_to_send())
    initiator.receive_data(responder.data_to_send())
    (event,) = responder.receive_data(initiator.data_to_send())
    assert isinstance(event, Established)
    assert event.psk_index == 1
    return initiator, responder


def test_large_messages_fill_frames_and_small_ones_share_them() -> None:
    initiator, responder = _connected()
    initiator.send(b"x" * MAX_MESSAGE)
    data = initiator.data_to_send()
    assert data[:2] == MAX_FRAME.to_bytes(2, "big")
    assert len(data) == 4 + MAX_MESSAGE + 5 * (2 + 16)
    assert _messages(responder.receive_data(data)) == [b"x".hex() * MAX_MESSAGE]
    for _ in range(100):
        responder.send(b"small")
    data = responder.data_to_send()
    assert len(data) == 2 + 100 * (4 + 5) + 16
    assert _messages(initiator.receive_data(data)) == [b"small".hex()] * 100
    assert initiator.data_to_send() == responder.data_to_send() == b""


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20), st.integers(1, 999))
def test_how_the_stream_is_cut_does_not_matter(messages: list[bytes], size: int) -> None:
    initiator, responder = _unconnected()
    responder.receive_data(initiator.data_to_send())
    initiator.receive_data(responder.data_to_send())
    for message in messages:
        initiator.send(message)
    initiator.end()
    data = initiator.data_to_send()
    events: list[Event] = []
    for start in range(0, len(data), size):
        events += responder.receive_data(data[start : start + size])
    assert isinstance(events[0], Established)
    assert events[1:] == [*map(Message, messages), Ended()]


def test_an_end_of_the_socket_without_a_goodbye_is_a_loss() -> None:
    initiator, responder = _connected()
    with pytest.raises(ConnectionLost):
        responder.receive_end()
    initiator.end()
    assert responder.receive_data(initiator.data_to_send()) == [Ended()]
    responder.receive_end()
    responder.send(b"the other way is still open")
    assert len(initiator.receive_data(responder.data_to_send())) == 1


def test_after_a_refusal_the_reason_may_still_be_said() -> None:
    initiator, responder = _connected()
    with pytest.raises(Refused):
        responder.receive_data(b"\0\x20" + bytes(32))
    responder.send(b"decrypt_failed")
    assert _messages(initiator.receive_data(responder.data_to_send())) == [b"decrypt_failed".hex()]


def test_what_we_may_not_send_is_our_error() -> None:
    initiator, _ = _unconnected()
    assert not initiator.established
    with pytest.raises(ValueError, match="not established"):
        initiator.send(b"x")
    initiator, _ = _connected()
    for message in (b"", b"x" * (MAX_MESSAGE + 1)):
        with pytest.raises(ValueError, match="a message of"):
            initiator.send(message)
    initiator.end()
    with pytest.raises(ValueError, match="ended"):
        initiator.send(b"x")


def test_a_length_is_refused_before_anything_of_it_is_held() -> None:
    _, responder = _unconnected()
    with pytest.raises(Refused) as refused:
        responder.receive_data(b"\xff\xff")
    assert refused.value.reason == Reason.TOO_LARGE


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(0, 3))
@settings(max_examples=60)
def test_any_bytes_are_refused_by_name(pieces: list[bytes], progress: int) -> None:
    sides = _unconnected()
    for turn in range(progress):
        sides[1 - turn % 2].receive_data(sides[turn % 2].data_to_send())
    with suppress(Refused):
        for data in pieces:
            assert sides[1 - progress % 2].receive_data(data) == []
