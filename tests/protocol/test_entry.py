"""`protocol/entry.md`: headers are refused by name; ids and signatures bind what they say."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto, entry
from p2pblog.protocol.entry import NO_BACKLINK, NO_TEAM, Header, Kind, TeamId
from p2pblog.protocol.limits import MAX_PAYLOAD, MAX_SEQ, MAX_TIME_MS
from tests.support.logs import TEAM, LogMaker, key
from tests.support.mutate import mutated
from tests.support.vectors import vectors

FIRST, SECOND = LogMaker().run(2)
HASH = bytes(32)


def refused(data: bytes) -> Reason:
    with pytest.raises(Refused) as caught:
        entry.parse_header(data)
    return caught.value.reason


def changed(**fields: Any) -> bytes:
    return SECOND.header._replace(**fields).pack()


@pytest.mark.parametrize("made", [FIRST, SECOND])
def test_what_is_made_is_what_is_parsed(made: entry.Entry) -> None:
    assert entry.parse_header(made.header_bytes) == made.header
    assert made.id == entry.entry_id(made.header_bytes)
    entry.check_signature(TEAM, made.header.device, made.header_bytes, made.signature)
    assert made.payload is not None
    entry.check_payload(made.header, made.payload)
    assert len(made.header_bytes) <= 142


def test_the_chain_links_ids() -> None:
    assert FIRST.header.backlink == NO_BACKLINK
    assert SECOND.header.backlink == FIRST.id


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 0}, Reason.BAD_VALUE),
        ({"version": 128}, Reason.BAD_VALUE),
        ({"version": True}, Reason.BAD_SHAPE),
        ({"device": b"d" * 31}, Reason.BAD_VALUE),
        ({"device": "d" * 32}, Reason.BAD_SHAPE),
        ({"incarnation": b""}, Reason.BAD_VALUE),
        ({"kind": 16}, Reason.BAD_VALUE),
        ({"kind": -1}, Reason.BAD_VALUE),
        ({"seq": 0, "backlink": b""}, Reason.BAD_VALUE),
        ({"seq": MAX_SEQ + 1}, Reason.BAD_VALUE),
        ({"seq": 1}, Reason.BAD_BACKLINK),
        ({"backlink": b""}, Reason.BAD_BACKLINK),
        ({"backlink": b"b" * 31}, Reason.BAD_BACKLINK),
        ({"backlink": None}, Reason.BAD_SHAPE),
        ({"time": MAX_TIME_MS + 1}, Reason.BAD_VALUE),
        ({"time": -1}, Reason.BAD_VALUE),
        ({"payload_class": 256}, Reason.BAD_VALUE),
        ({"payload_hash": HASH + b"h"}, Reason.BAD_VALUE),
        ({"payload_size": 15}, Reason.BAD_VALUE),
        ({"payload_size": MAX_PAYLOAD + 1}, Reason.BAD_VALUE),
    ],
)
def test_refused_fields(fields: dict[str, Any], reason: Reason) -> None:
    assert refused(changed(**fields)) == reason


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 127},
        {"kind": 15},
        {"seq": MAX_SEQ},
        {"time": 0},
        {"time": MAX_TIME_MS},
        {"payload_class": 255},
        {"payload_size": 16},
        {"payload_size": MAX_PAYLOAD},
    ],
)
def test_what_a_later_version_may_say_is_valid(fields: dict[str, Any]) -> None:
    assert entry.parse_header(changed(**fields)) == SECOND.header._replace(**fields)


@pytest.mark.parametrize("extra", [(None,), (1, "two", b"3", (4, (5,))), (b"x" * 254,)])
def test_elements_may_follow(extra: codec.Value) -> None:
    assert isinstance(extra, tuple)
    data = codec.pack((*SECOND.header, *extra))
    assert entry.parse_header(data) == SECOND.header


def test_at_most_256_bytes_follow() -> None:
    assert refused(codec.pack((*SECOND.header, b"x" * 255))) == Reason.TOO_LARGE
    assert refused(codec.pack((*SECOND.header, b"x" * 1000))) == Reason.TOO_LARGE


def test_other_bytes_are_refused() -> None:
    assert refused(b"") == Reason.MALFORMED
    assert refused(SECOND.header_bytes[:-1]) == Reason.MALFORMED
    assert refused(SECOND.header_bytes + b"\0") == Reason.MALFORMED
    assert refused(codec.pack(SECOND.header[:9])) == Reason.BAD_SHAPE
    assert refused(codec.pack(7)) == Reason.BAD_SHAPE
    assert refused(b"\x9a\xcc\x01" + SECOND.header_bytes[2:]) == Reason.NOT_CANONICAL
    assert refused(b"\xcb" + bytes(8)) == Reason.BAD_SHAPE  # a float
    assert refused(bytes(1025)) == Reason.TOO_LARGE


def test_a_signature_binds_team_device_and_header() -> None:
    device, data, signature = SECOND.header.device, SECOND.header_bytes, SECOND.signature
    other_team, other_device = TeamId(b"U" * 32), key(2).public
    for team, signer, header in (
        (other_team, device, data),
        (NO_TEAM, device, data),
        (TEAM, other_device, data),
        (TEAM, device, FIRST.header_bytes),
    ):
        with pytest.raises(Refused) as caught:
            entry.check_signature(team, signer, header, signature)
        assert caught.value.reason == Reason.BAD_SIGNATURE


def test_the_signature_is_no_part_of_the_identity() -> None:
    """Two teams' signatures of one header: one id, because the team is not in the header."""
    twin = LogMaker(team=TeamId(b"U" * 32)).next(None)
    assert twin.id == FIRST.id
    assert twin.signature != FIRST.signature
    assert LogMaker().id != LogMaker(team=TeamId(b"U" * 32)).id


@pytest.mark.parametrize("payload", [b"", bytes(15), b"p" * 16, b"p" * 40])
def test_another_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused) as caught:
        entry.check_payload(FIRST.header, payload)
    assert caught.value.reason == Reason.BAD_PAYLOAD


def test_the_salt_hides_the_body() -> None:
    one, two = (LogMaker().next(None, "yes") for _ in range(2))
    maker = LogMaker()
    maker.rng.randbytes(1)
    three = maker.next(None, "yes")
    assert one.payload == two.payload
    assert one.header.payload_hash != three.header.payload_hash
    assert one.payload is not None
    assert three.payload is not None
    assert entry.body(one.payload) == entry.body(three.payload)


def test_each_part_of_a_log_names_another_log() -> None:
    base: dict[str, Any] = {
        "signing": key(1),
        "team": TEAM,
        "incarnation": b"incarn 1",
        "kind": Kind.POSTS,
    }
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"signing": key(2)},
        {"incarnation": b"incarn 2"},
        {"kind": Kind.TEAM},
    )
    names = {LogMaker(**(base | change)).id for change in changes}
    assert len(names) == 4
    assert {len(name) for name in names} == {16}


def test_what_would_be_refused_is_not_made() -> None:
    maker = LogMaker()
    with pytest.raises(Refused):
        maker.next(None, "x" * MAX_PAYLOAD)


def test_the_label_is_that_of_the_table() -> None:
    assert entry.signed_bytes(TEAM, b"h") == crypto.to_sign(
        crypto.SIGN_ENTRY, bytes([32]), TEAM, b"h"
    )


@given(st.binary(max_size=200) | mutated([FIRST.header_bytes, SECOND.header_bytes]))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        header = entry.parse_header(data)
        assert isinstance(header, Header)
        assert codec.unpack(data, len(data)) is not None


@pytest.mark.parametrize("vector", vectors("entry", "valid"), ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    team, header, signature = (
        bytes.fromhex(vector[name]) for name in ("team", "header", "signature")
    )
    parsed = entry.parse_header(header)
    assert codec.to_json(tuple(parsed)) == vector["fields"]
    assert entry.entry_id(header).hex() == vector["id"]
    assert entry.signed_bytes(TeamId(team), header).hex() == vector["signed"]
    entry.check_signature(TeamId(team), parsed.device, header, signature)
    entry.check_payload(parsed, bytes.fromhex(vector["salt"] + vector["body"]))
    log = entry.log_id(TeamId(team), parsed.device, parsed.incarnation, parsed.kind)
    assert log.hex() == vector["log"]
    assert crypto.SigningKey(bytes.fromhex(vector["seed"])).public == parsed.device


@pytest.mark.parametrize("vector", vectors("entry", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        check(vector)
    assert caught.value.reason == vector["reason"]


def check(vector: dict[str, Any]) -> None:
    header = bytes.fromhex(vector["header"])
    match vector["check"]:
        case "header":
            entry.parse_header(header)
        case "signature":
            team, device, signature = (
                bytes.fromhex(vector[name]) for name in ("team", "device", "signature")
            )
            entry.check_signature(TeamId(team), crypto.DeviceKey(device), header, signature)
        case _:
            payload = bytes.fromhex(vector["payload"])
            entry.check_payload(entry.parse_header(header), payload)


def read(parse: Callable[[], object]) -> object:
    """What it gives, or why it refuses."""
    try:
        return parse()
    except Refused as refused:
        return refused.reason, refused.detail


@given(st.lists(mutated([FIRST.header_bytes, SECOND.header_bytes]), max_size=3))
def test_headers_of_a_page_are_read_as_each_is(items: list[bytes]) -> None:
    each = read(lambda: [entry.parse_header(item) for item in items])
    assert read(lambda: entry.parse_headers(items)) == each
