"""Entries with all that follows from them; headers, signatures and payloads to refuse."""

import random
from typing import Any

from p2pblog.protocol import codec, entry
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, NO_TEAM, Entry, EntryId, Header, Incarnation, TeamId
from p2pblog.protocol.post import Post

Vector = dict[str, Any]


def _vector(name: str, key: SigningKey, team: TeamId, made: Entry) -> Vector:
    header, payload = made.header, made.payload
    assert payload is not None
    return {
        "name": name,
        "team": team.hex(),
        "seed": key.seed.hex(),
        "salt": payload[:16].hex(),
        "body": payload[16:].hex(),
        "fields": codec.to_json(tuple(header)),
        "header": made.header_bytes.hex(),
        "id": made.id.hex(),
        "signed": entry.signed_bytes(team, made.header_bytes).hex(),
        "signature": made.signature.hex(),
        "log": entry.log_id(team, header.device, header.incarnation, header.kind).hex(),
    }


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.key = SigningKey(rng.randbytes(32))
        self.team = TeamId(rng.randbytes(32))
        self.incarnation = Incarnation(rng.randbytes(8))

    def make(
        self,
        seq: int,
        backlink: EntryId,
        content: bytes,
        *,
        kind: int = 1,
        payload_class: int = 2,
        time: int = 0,
        team: TeamId | None = None,
    ) -> Entry:
        return entry.make(
            self.key,
            self.team if team is None else team,
            self.incarnation,
            kind,
            seq=seq,
            backlink=backlink,
            time=time or 1_785_000_000_000 + seq,
            payload_class=payload_class,
            salt=self.rng.randbytes(16),
            content=content,
        )


def _valid(maker: _Maker) -> tuple[list[Vector], Entry]:
    key, team, rng = maker.key, maker.team, maker.rng
    first = maker.make(1, NO_BACKLINK, Post("Good morning", "general").pack())
    second = maker.make(2, first.id, Post("Grüße", "büro").pack())
    empty = maker.make(3, second.id, b"")
    large = maker.make(2**48, EntryId(rng.randbytes(32)), rng.randbytes(200), time=2**48)
    later = maker.make(4, empty.id, b"what?", kind=9, payload_class=200)
    founding = maker.make(1, NO_BACKLINK, b"found", kind=0, payload_class=0, team=NO_TEAM)
    vectors = [
        _vector("the first of a log", key, team, first),
        _vector("the second", key, team, second),
        _vector("an empty body", key, team, empty),
        _vector("the highest numbers", key, team, large),
        _vector("a kind and a class of a later version", key, team, later),
        _vector("a founding entry, signed for no team", key, NO_TEAM, founding),
        {**_extended(maker, second), "name": "with two elements that a later version appended"},
    ]
    return vectors, second


def _extended(maker: _Maker, made: Entry) -> Vector:
    header = codec.pack((*made.header, "more", 7))
    signed = entry.signed_bytes(maker.team, header)
    longer = made._replace(
        id=entry.entry_id(header), header_bytes=header, signature=maker.key.sign(signed)
    )
    return _vector("", maker.key, maker.team, longer)


def _headers(made: Entry) -> list[tuple[str, bytes, str]]:
    header, data = made.header, made.header_bytes

    def changed(**fields: Any) -> bytes:
        return header._replace(**fields).pack()

    return [
        ("nothing", b"", "malformed"),
        ("cut short", data[:-1], "malformed"),
        ("a byte more", data + b"\0", "malformed"),
        ("longer than 1 KiB", bytes(1025), "too_large"),
        ("257 bytes appended", codec.pack((*header, bytes(255))), "too_large"),
        ("version 1 in two bytes", b"\x9a\xcc\x01" + data[2:], "not_canonical"),
        ("nine elements", codec.pack(tuple(header)[:9]), "bad_shape"),
        ("no array", codec.pack(b"header"), "bad_shape"),
        ("version as true", changed(version=True), "bad_shape"),
        ("version 0", changed(version=0), "bad_value"),
        ("version 128", changed(version=128), "bad_value"),
        ("a device key of 31 bytes", changed(device=bytes(31)), "bad_value"),
        ("an incarnation of 9 bytes", changed(incarnation=bytes(9)), "bad_value"),
        ("kind 16", changed(kind=16), "bad_value"),
        ("seq 0", changed(seq=0, backlink=b""), "bad_value"),
        ("seq above 2^48", changed(seq=2**48 + 1), "bad_value"),
        ("seq 1 with a backlink", changed(seq=1), "bad_backlink"),
        ("seq 2 without one", changed(backlink=b""), "bad_backlink"),
        ("a backlink of 31 bytes", changed(backlink=bytes(31)), "bad_backlink"),
        ("a backlink of 33 bytes", changed(backlink=bytes(33)), "bad_value"),
        ("a negative time", changed(time=-1), "bad_value"),
        ("a time after the year 10889", changed(time=2**48 + 1), "bad_value"),
        ("a payload hash of 31 bytes", changed(payload_hash=bytes(31)), "bad_value"),
        ("a payload of 15 bytes", changed(payload_size=15), "bad_value"),
        ("a payload above 16 KiB", changed(payload_size=16385), "bad_value"),
    ]


def _invalid(maker: _Maker, made: Entry) -> list[Vector]:
    cases = [
        {"check": "header", "name": name, "header": data.hex(), "reason": reason}
        for name, data, reason in _headers(made)
    ]
    signed = {
        "check": "signature",
        "team": maker.team.hex(),
        "device": made.header.device.hex(),
        "header": made.header_bytes.hex(),
        "signature": made.signature.hex(),
    }
    flipped = bytes([made.signature[0] ^ 1]) + made.signature[1:]
    for name, change in {
        "a bit of the signature flipped": {"signature": flipped.hex()},
        "another team": {"team": maker.rng.randbytes(32).hex()},
        "no team": {"team": ""},
        "another device": {"device": SigningKey(maker.rng.randbytes(32)).public.hex()},
        "another header": {"header": made.header._replace(time=7).pack().hex()},
    }.items():
        cases.append({**signed, **change, "name": name, "reason": "bad_signature"})
    assert made.payload is not None
    for name, payload in {
        "a bit of the payload flipped": bytes([made.payload[0] ^ 1]) + made.payload[1:],
        "a payload with a byte more": made.payload + b"\0",
        "a payload without its salt": made.payload[16:],
    }.items():
        header = made.header_bytes.hex()
        cases.append(
            {"check": "payload", "name": name, "header": header, "payload": payload.hex()}
            | {"reason": "bad_payload"}
        )
    return cases


def make(rng: random.Random) -> Vector:
    maker = _Maker(rng)
    valid, made = _valid(maker)
    assert Header(*entry.parse_header(made.header_bytes)) == made.header
    return {"module": "entry", "valid": valid, "invalid": _invalid(maker, made)}
