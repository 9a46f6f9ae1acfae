"""Any body is an operation, `Unknown` to this version, or `Refused`; `read` says the same.

An operation that this version knows packs to the same bytes, and what is packed is read as the
same: what a recovery key or a second admin signed is what everybody reads.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import operation
from p2pblog.protocol.operation import Unknown, Unreadable
from tests.fuzz import TAKEN
from tests.fuzz.material import from_vectors, named


def run(data: bytes) -> str:
    try:
        found = operation.parse(data)
    except Refused as refused:
        unreadable = Unreadable(refused.reason)
        assert operation.read(data) == unreadable
        return named(refused)
    assert operation.read(data) == found
    assert list(found.after) == sorted(set(found.after))
    if isinstance(found, Unknown):
        return "unknown"
    assert found.pack() == data
    assert operation.parse(found.pack()) == found
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from from_vectors("operation", "body")
