"""Small sealed files, and what has to be refused of them."""

import random
from typing import Any

from p2pblog.protocol import crypto, sealed
from p2pblog.protocol.limits import MAX_CHUNK, MAX_HEAD

Vector = dict[str, Any]
MAGIC = b"p2pblog-vectors"
KEY = bytes(range(32))
SALT = bytes(range(64, 80))


def file(records: list[bytes], body: bytes = b"head") -> list[bytes]:
    """The head, then the chunks; each record in a chunk of its own."""
    head = sealed.make_head(MAGIC, 1, body)
    binding = head[-sealed.BINDING_SIZE :]
    parts = [
        chunk(number, number == len(records), text, binding)
        for number, text in enumerate([*map(record, records), b""])
    ]
    return [head, *parts]


def record(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def chunk(number: int, last: int, text: bytes, binding: bytes, key: bytes = KEY) -> bytes:
    frame = number.to_bytes(4, "big") + bytes([last]) + len(text).to_bytes(3, "big")
    nonce = SALT + number.to_bytes(8, "big")
    return frame + crypto.encrypt_long(key, nonce, binding + frame, text)


def _valid(name: str, records: list[bytes], data: bytes) -> Vector:
    fields = {"magic": MAGIC.hex(), "key": KEY.hex(), "salt": SALT.hex()}
    return {
        "name": name,
        **fields,
        "records": [one.hex() for one in records],
        "file": data.hex(),
        "flushed": name == "a chunk a record",
    }


def _sealed(records: list[bytes]) -> bytes:
    head = sealed.make_head(MAGIC, 1, b"head")
    sealer = sealed.Sealer(KEY, SALT, head[-sealed.BINDING_SIZE :])
    return head + b"".join([sealer.add(one) for one in records]) + sealer.end()


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _invalid(rng: random.Random) -> list[Vector]:
    head, one, two, end = file([b"one", b"two"])
    binding = head[-sealed.BINDING_SIZE :]
    *_, foreign = file([b"one", b"two"], b"another")
    huge = MAGIC + b"\1" + (MAX_HEAD + 1).to_bytes(4, "big")
    long = chunk(0, 1, (2**20).to_bytes(4, "big"), binding)
    # of each: the file, the reason, and the records that are good before it
    cases: list[tuple[str, bytes, str, list[bytes]]] = [
        ("nothing", b"", "truncated", []),
        ("a part of the head", head[:20], "truncated", []),
        ("only the head", head, "truncated", []),
        ("a chunk cut", head + one + two[:-1], "truncated", [b"one"]),
        ("the last chunk missing", head + one + two, "truncated", [b"one", b"two"]),
        ("a frame cut", head + one + two[:5], "truncated", [b"one"]),
        ("another file", b"%PDF-1.7 and so on, and more", "unknown_file", []),
        ("a later version", MAGIC + b"\2" + head[16:], "version", []),
        ("version 0", MAGIC + b"\0" + head[16:], "version", []),
        ("a head too long", huge, "too_large", []),
        ("the head altered", _flipped(head, 21) + one + two + end, "bad_head", []),
        ("a chunk left out", head + two + end, "out_of_order", []),
        ("two chunks swapped", head + two + one + end, "out_of_order", []),
        ("a chunk twice", head + one + one + two + end, "out_of_order", [b"one"]),
        ("a chunk of another file", head + one + two + foreign, "decrypt_failed", [b"one", b"two"]),
        ("a text altered", head + one + _flipped(two, -20) + end, "decrypt_failed", [b"one"]),
        ("a tag altered", head + one + _flipped(two, -1) + end, "decrypt_failed", [b"one"]),
        ("marked as last", head + one + two[:4] + b"\1" + two[5:], "decrypt_failed", [b"one"]),
        ("last not marked", head + one + two + end[:4] + b"\0" + end[5:], "bad_value", []),
        (
            "another key",
            head + chunk(0, 1, record(b"one"), binding, rng.randbytes(32)),
            "decrypt_failed",
            [],
        ),
        ("last is 2", head + chunk(0, 2, record(b"one"), binding), "bad_value", []),
        (
            "a chunk too long",
            head + chunk(0, 1, bytes(MAX_CHUNK + 1), binding)[:8],
            "bad_value",
            [],
        ),
        ("an empty chunk before the last", head + chunk(0, 0, b"", binding), "bad_value", []),
        ("bytes behind the end", head + one + two + end + b"\0", "malformed", []),
        ("an end within a record", head + chunk(0, 1, b"\0\0\0\5four", binding), "malformed", []),
        ("a record too long", head + long, "too_large", []),
    ]
    return [
        {
            "name": name,
            "magic": MAGIC.hex(),
            "key": KEY.hex(),
            "salt": SALT.hex(),
            "file": data.hex(),
            "before": [item.hex() for item in before],
            "reason": reason,
        }
        for name, data, reason, before in cases
    ]


def make(rng: random.Random) -> Vector:
    some = [rng.randbytes(size) for size in (1, 0, 40)]
    valid = [
        _valid("no record", [], _sealed([])),
        _valid("three records", some, _sealed(some)),
        _valid("a chunk a record", some, b"".join(file(some))),
    ]
    return {"module": "sealed", "valid": valid, "invalid": _invalid(rng)}
