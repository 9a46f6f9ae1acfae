"""Values with their one encoding, and encodings to refuse."""

import random
from typing import Any

from p2pblog.protocol.codec import Value, pack, to_json
from p2pblog.protocol.limits import MAX_DEPTH, MAX_ITEMS

INTEGERS = (
    *(0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32),
    *(2**63 - 1, 2**63, 2**64 - 1, -1, -32, -33, -128, -129, -32768, -32769, -(2**31)),
    *(-(2**31) - 1, -(2**63)),
)


def nested(depth: int) -> Value:
    value: Value = ()
    for _ in range(depth - 1):
        value = (value,)
    return value


def _values(rng: random.Random) -> list[Value]:
    sized = [0, 1, 31, 32, 255, 256]
    return [
        None,
        False,
        True,
        *INTEGERS,
        *(rng.randbytes(size) for size in sized),
        *("a" * size for size in sized),
        *(tuple(range(size)) for size in (0, 1, 15, 16)),
        "Grüße, 世界 \U0001f44b",
        nested(MAX_DEPTH),
        (1, rng.randbytes(32), "text", None, True, (2, (3,))),
    ]


INVALID = (
    ("nothing", "", "malformed"),
    ("a byte left over", "c0c0", "malformed"),
    ("bytes cut", "c40301", "malformed"),
    ("text cut", "a361", "malformed"),
    ("array cut", "9201", "malformed"),
    ("number cut", "cd01", "malformed"),
    ("a claim of 4 GiB of bytes", "c6ffffffff", "malformed"),
    ("a claim of 4 Gi elements", "ddffffffff", "malformed"),
    ("no such type", "c1", "malformed"),
    ("text that is no UTF-8", "a1ff", "malformed"),
    ("text with a lone surrogate", "a3eda080", "malformed"),
    ("text in an overlong form", "a2c080", "malformed"),
    ("more elements than allowed", f"dc{MAX_ITEMS + 1:04x}" + "c0" * (MAX_ITEMS + 1), "malformed"),
    ("a map", "80", "bad_shape"),
    ("a map with an entry twice", "82a16101a16102", "bad_shape"),
    ("a map in an array", "9180", "bad_shape"),
    ("float 32", "ca3f800000", "bad_shape"),
    ("float 64", "cb3ff0000000000000", "bad_shape"),
    ("not a number", "cb7ff8000000000000", "bad_shape"),
    ("an extension", "d40100", "bad_shape"),
    ("a timestamp", "d6ff00000000", "bad_shape"),
    ("nested too deep", pack(nested(MAX_DEPTH + 1)).hex(), "bad_shape"),
    ("nested far too deep", "91" * 2000 + "90", "bad_shape"),
    ("1 in 2 bytes", "cc01", "not_canonical"),
    ("1 in 3 bytes", "cd0001", "not_canonical"),
    ("1 in 9 bytes", "cf0000000000000001", "not_canonical"),
    ("128 as a signed number", "d10080", "not_canonical"),
    ("32767 as a signed number", "d17fff", "not_canonical"),
    ("-1 in 2 bytes", "d0ff", "not_canonical"),
    ("short text with a long head", "d90161", "not_canonical"),
    ("short bytes with a long head", "c50001ff", "not_canonical"),
    ("a short array with a long head", "dc0001c0", "not_canonical"),
    ("an overlong number inside", "91cc01", "not_canonical"),
)


def make(rng: random.Random) -> dict[str, Any]:
    valid = [{"value": _told(value), "bytes": pack(value).hex()} for value in _values(rng)]
    invalid = [{"name": name, "bytes": data, "reason": reason} for name, data, reason in INVALID]
    return {"module": "codec", "valid": valid, "invalid": invalid}


def _told(value: Value) -> Any:
    """As JSON; bytes are marked, and so are numbers that not every JSON reader keeps."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, int) and abs(value) >= 2**53:
        return {"number": str(value)}
    if isinstance(value, tuple):
        return [_told(item) for item in value]
    return to_json(value)
