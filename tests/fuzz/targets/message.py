"""Any bytes are a message, None for a type that only a later version knows, or `Refused`.

What is read packs to the same bytes, but for elements that a later version appended; and what is
packed is read as the same.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import codec, message
from p2pblog.protocol.limits import MAX_MESSAGE, MAX_ROWS_MARKS
from tests.fuzz import TAKEN
from tests.fuzz.material import from_vectors, named


def run(data: bytes) -> str:
    try:
        found = message.parse(data)
    except Refused as refused:
        return named(refused)
    value = codec.unpack(data, MAX_MESSAGE)
    assert isinstance(value, tuple)
    if found is None:
        assert isinstance(value[0], int)
        assert value[0] >= len(message.SHAPES)
        return "later"
    assert message.pack(found) == codec.pack(value[: 1 + len(found)])
    assert message.parse(message.pack(found)) == found
    match found:
        case message.Rows() | message.Have() | message.Announce():
            assert sum(len(row.tips) for row in found.rows) <= MAX_ROWS_MARKS
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from from_vectors("message", "message")
    for module in ("session", "comparison", "live", "admission", "recovery"):
        yield from from_vectors(module, "message", "received", "host", "asks", "request")
