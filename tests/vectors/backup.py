"""A small backup, and records and heads that must be refused. Stretched cheaply."""

import random
from collections.abc import Sequence
from typing import Any

from p2pblog.protocol import backup, codec, sealed
from p2pblog.protocol.backup import Cost, End, Part, Piece, Record, Start
from p2pblog.protocol.crypto import SigningKey
from tests.support.logs import START, TEAM

Vector = dict[str, Any]
PASSPHRASE = "Straße nach Köln, 7 Uhr"


def sample(rng: random.Random) -> list[Record]:
    """The records of a small backup."""
    return [
        Start(TEAM, SigningKey(rng.randbytes(32)).public, START, "0.1.0"),
        Part("identity", 5),
        Piece(b"first"),
        Part("empty", 0),
        Part("store", 12),
        Piece(b"second "),
        Piece(b"piece"),
        End(3),
    ]


def file(records: Sequence[bytes], cost: Cost, salt: bytes) -> bytes:
    secret = backup.stretch(PASSPHRASE, cost)
    head = backup.make_head(secret, cost, salt)
    sealer = sealed.Sealer(backup.key_of(secret), salt, head[-sealed.BINDING_SIZE :])
    return head + b"".join(map(sealer.add, records)) + sealer.end()


def _bad_records(whole: list[bytes]) -> list[tuple[str, list[bytes], str]]:
    start, part, piece, *_, end = whole
    return [
        ("nothing", [], "truncated"),
        ("without its end", whole[:-1], "truncated"),
        ("no start", [part], "unexpected"),
        ("two starts", [start, start], "unexpected"),
        ("a piece of nothing", [start, piece], "bad_value"),
        ("a piece too many", [start, part, piece, piece], "bad_value"),
        ("a part cut short", [start, part, end], "bad_value"),
        ("an end that counts otherwise", [start, part, piece, end], "bad_value"),
        ("a part behind the end", [*whole, part], "unexpected"),
        ("a type of no version", [start, codec.pack((9,))], "unexpected"),
        ("a negative type", [start, codec.pack((-1,))], "unexpected"),
        ("an empty piece", [start, part, codec.pack((2, b""))], "bad_value"),
        ("a part without a name", [start, codec.pack((1, "", 5))], "bad_value"),
        ("a name that is no text", [start, codec.pack((1, b"identity", 5))], "bad_shape"),
        ("no array", [codec.pack(b"start")], "bad_shape"),
        ("no msgpack", [b"\xc1"], "malformed"),
    ]


def _bad_heads(good: sealed.Head) -> list[tuple[str, bytes, str, str]]:
    fields = codec.decode(backup.HEAD, good.body, 1000)
    salt, stretch_salt, passes, memory, check = fields

    def head(*body: object) -> bytes:
        return sealed.make_head(backup.MAGIC, 1, codec.pack(body))

    return [
        ("another passphrase", head(*fields), "Strasse", "wrong_passphrase"),
        ("another salt", head(salt, salt, passes, memory, check), PASSPHRASE, "wrong_passphrase"),
        ("no pass", head(salt, stretch_salt, 0, memory, check), PASSPHRASE, "bad_value"),
        ("too many passes", head(salt, stretch_salt, 33, memory, check), PASSPHRASE, "bad_value"),
        ("too little memory", head(salt, stretch_salt, 1, 7, check), PASSPHRASE, "bad_value"),
        ("too much", head(salt, stretch_salt, 1, 2**20 + 1, check), PASSPHRASE, "bad_value"),
        ("a field too few", head(salt, stretch_salt, 1, 8), PASSPHRASE, "bad_shape"),
        (
            "a bundle",
            sealed.make_head(b"p2pblog bundle\n", 1, b""),
            PASSPHRASE,
            "unknown_file",
        ),
        ("a later version", sealed.make_head(backup.MAGIC, 2, b""), PASSPHRASE, "version"),
    ]


def make(rng: random.Random) -> Vector:
    records = [backup.pack(record) for record in sample(rng)]
    cost, salt = Cost(rng.randbytes(16), 1, 8), rng.randbytes(16)
    secret = backup.stretch(PASSPHRASE, cost)
    valid: Vector = {
        "name": "three parts",
        "passphrase": PASSPHRASE,
        "stretch_salt": cost.salt.hex(),
        "passes": cost.passes,
        "memory": cost.memory,
        "salt": salt.hex(),
        "secret": secret.hex(),
        "key": backup.key_of(secret).hex(),
        "records": [one.hex() for one in records],
        "file": file(records, cost, salt).hex(),
    }
    good = sealed.parse_head(backup.MAGIC, 1, bytes.fromhex(valid["file"]))
    assert good is not None
    invalid: list[Vector] = [
        {"kind": "records", "name": name, "records": [one.hex() for one in raw], "reason": why}
        for name, raw, why in _bad_records(records)
    ]
    invalid += [
        {"kind": "head", "name": name, "passphrase": phrase, "head": head.hex(), "reason": why}
        for name, head, phrase, why in _bad_heads(good)
    ]
    return {"module": "backup", "valid": [valid], "invalid": invalid}
