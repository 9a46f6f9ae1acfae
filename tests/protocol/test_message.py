"""`protocol/message.md`: every message survives the wire; any other bytes are refused by name."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, message
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.limits import MAX_MESSAGE, MAX_PAGE_BYTES, MAX_PAYLOAD, MAX_WANTS
from p2pblog.protocol.message import Message, Missing
from tests.support.mutate import mutated
from tests.support.vectors import vectors

LOG = LogId(b"l" * 16)
MARK = Mark(7, ShortId(b"i" * 12))
ROWS = (Row(LOG, (MARK, MARK)), Row(LogId(b"m" * 16), ()))
MESSAGES: tuple[Message, ...] = (
    message.Hello(1, 1, True, b"d" * 16, 1_700_000_000_000, 4711),
    message.Hello(1, 3, False, None, 0, 0),
    message.Buckets(0, b"h" * 1280),
    message.Rows(1, (1, 255), ROWS, True, False),
    message.Have(ROWS, True),
    message.Locate(ROWS[0], (MARK,), False),
    message.Offer(10, 2**40),
    message.PageMessage(b"p" * 100, True, 3),
    message.Done(1),
    message.Announce(ROWS, bytes(len(ROWS))),
    message.Want((Missing(LOG, 3, ShortId(b"i" * 12)),)),
    message.Payloads(((LOG, 3, b"p" * 20),)),
    message.Digest(b"t" * 16, b"p" * 16, b"m" * 16),
    message.Digest(b"t" * 16, b"p" * 16, None),
    message.Peers(((b"d" * 32, ("192.0.2.1:4711", "[2001:db8::1]:4711")),)),
    message.Push((LOG,), False),
    message.Join(EntryId(b"i" * 32), b"d" * 32, "Anna", "laptop", b"p" * 128),
    message.Admitted(b"k" * 32, EntryId(b"a" * 32)),
    message.Goodbye("cut", "removed from the team"),
    message.Recover(b"p" * 64),
    message.Decline((LOG,)),
)
NAMES = [
    "Hello",
    "Buckets",
    "Rows",
    "Have",
    "Locate",
    "Offer",
    "PageMessage",
    "Done",
    "Announce",
    "Want",
    "Payloads",
    "Digest",
    "Peers",
    "Push",
    "Join",
    "Admitted",
    "Goodbye",
    "Recover",
    "Decline",
]


def refused(data: bytes) -> Reason:
    with pytest.raises(Refused) as caught:
        message.parse(data)
    return caught.value.reason


@pytest.mark.parametrize("sent", MESSAGES)
def test_every_message_survives_the_wire(sent: Message) -> None:
    received = message.parse(message.pack(sent))
    assert received == sent
    assert type(received) is type(sent)


@pytest.mark.parametrize("sent", MESSAGES)
def test_a_page_is_told_by_its_first_bytes(sent: Message) -> None:
    assert message.seems_page(message.pack(sent)) == isinstance(sent, message.PageMessage)


@given(st.binary(max_size=4), st.binary(max_size=40))
def test_what_seems_a_page_is_one_or_is_refused(start: bytes, rest: bytes) -> None:
    for data in (start + rest, b"\x94\x06" + rest, rest):
        if message.seems_page(data):
            with suppress(Refused):
                assert isinstance(message.parse(data), message.PageMessage)


def test_the_numbers_are_frozen() -> None:
    assert {NAMES[message.pack(sent)[1]] for sent in MESSAGES} == set(NAMES)
    for sent in MESSAGES:
        assert NAMES[message.pack(sent)[1]] == type(sent).__name__
    assert [shape.name for shape in message.SHAPES] == NAMES


def test_a_type_of_a_later_version_is_no_fault() -> None:
    assert message.parse(codec.pack((19, "whatever", (1, 2)))) is None
    assert message.parse(codec.pack((2**60,))) is None


@pytest.mark.parametrize("sent", MESSAGES)
def test_later_versions_may_append(sent: Message) -> None:
    fields = codec.unpack(message.pack(sent), MAX_MESSAGE)
    assert isinstance(fields, tuple)
    assert message.parse(codec.pack((*fields, "more", 7))) == sent


@pytest.mark.parametrize("sent", MESSAGES)
def test_a_field_less_is_refused(sent: Message) -> None:
    fields = codec.unpack(message.pack(sent), MAX_MESSAGE)
    assert isinstance(fields, tuple)
    assert refused(codec.pack(fields[:-1])) == Reason.BAD_SHAPE


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ((), Reason.BAD_SHAPE),
        (None, Reason.BAD_SHAPE),
        (7, Reason.BAD_SHAPE),
        (("hello",), Reason.BAD_SHAPE),
        ((True,), Reason.BAD_SHAPE),
        ((-1,), Reason.BAD_SHAPE),
        ((0, 0, 1, True, None, 0, 0, bytes(8)), Reason.BAD_VALUE),
        ((0, 1, 1, 1, None, 0, 0, bytes(8)), Reason.BAD_SHAPE),
        ((0, 1, 1, True, b"d" * 15, 0, 0, bytes(8)), Reason.BAD_VALUE),
        ((1, 2, b"h" * 2048), Reason.BAD_VALUE),
        ((1, 0, b"h" * 2047), Reason.BAD_VALUE),
        ((3, ((b"l" * 15, ()),), True), Reason.BAD_VALUE),
        ((3, ((b"l" * 16, ((0, b"i" * 12),)),), True), Reason.BAD_VALUE),
        ((6, b"", True, 0), Reason.BAD_VALUE),
        ((6, bytes(MAX_PAGE_BYTES + 1), True, 0), Reason.BAD_VALUE),
        ((6, b"p", True, 256), Reason.BAD_VALUE),
        ((9, ((b"l" * 16, 1, b"i" * 12),) * (MAX_WANTS + 1)), Reason.BAD_VALUE),
        ((16, "x" * 65, ""), Reason.BAD_VALUE),
    ],
)
def test_refusals(value: Any, reason: Reason) -> None:
    assert refused(codec.pack(value)) == reason


def test_too_long_is_refused_before_it_is_read() -> None:
    assert refused(bytes(MAX_MESSAGE + 1)) == Reason.TOO_LARGE


def test_the_largest_fit() -> None:
    full = ((LOG, 2**48, bytes(MAX_PAYLOAD)),) * MAX_WANTS
    for sent in (message.Payloads(full), message.PageMessage(bytes(MAX_PAGE_BYTES), False)):
        assert message.parse(message.pack(sent)) == sent


@given(st.binary(max_size=100) | mutated([message.pack(sent) for sent in MESSAGES]))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        received = message.parse(data)
        assert received is None or type(received).__name__ in NAMES


@pytest.mark.parametrize("vector", vectors("message", "valid"))
def test_vectors(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["message"])
    received = message.parse(data)
    if vector["fields"] is None:
        assert received is None
        return
    assert type(received).__name__ == vector["name"]
    assert codec.to_json(codec.unpack(data, MAX_MESSAGE)) == vector["fields"]
    assert received is not None
    assert codec.to_json(tuple(received)) == vector["fields"][1 : len(received) + 1]


@pytest.mark.parametrize("vector", vectors("message", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    assert refused(bytes.fromhex(vector["message"])) == vector["reason"]
