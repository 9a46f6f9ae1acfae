"""Any TXT record is a beacon, or `Refused` as BAD_SHAPE, VERSION or BAD_VALUE.

A beacon that is read encodes to a record that reads as the same. Only a tag made with a network's
key matches it.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import beacon, codec
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import named, plan
from tests.support.vectors import vectors

KEY = b"n" * 32
REASONS = {Reason.BAD_SHAPE, Reason.VERSION, Reason.BAD_VALUE}


def run(data: bytes) -> str:
    given = plan(data, tuple)
    if given is None:
        return NO_INPUT
    properties: dict[bytes, bytes | None] = {
        item[0]: item[1] if isinstance(item[1], bytes) else None
        for item in given[0]
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], bytes)
    }
    try:
        found = beacon.parse(properties)
    except Refused as refused:
        return named(refused, REASONS)
    assert len(found.tag) == beacon.TAG_SIZE
    assert beacon.parse(beacon.encode(found)) == found
    if beacon.matches(KEY, found.tag):
        assert found.tag == beacon.make(KEY, found.tag[: beacon.NONCE_SIZE])
        return "ours"
    return TAKEN


def seeds() -> Iterator[bytes]:
    for part in ("valid", "invalid"):
        for vector in vectors("beacon", part):
            if isinstance(vector["txt"], dict):
                txt = vector["txt"].items()
                yield codec.pack(([(key.encode(), str(value).encode()) for key, value in txt],))
    tag = beacon.make(KEY, bytes(16)).hex().encode()
    yield codec.pack((((b"V", b"1"), (b"T", tag), (b"x", None)),))
