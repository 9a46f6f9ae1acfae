"""Any bytes are a value, or `Refused` for one of the four reasons that `codec.unpack` names.

What decodes encodes again to the same bytes. Every shape of the protocol takes a value or refuses
it as BAD_SHAPE or BAD_VALUE: its compiled test and its explanation never disagree.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec
from tests.fuzz import TAKEN
from tests.fuzz.material import from_vectors, named
from tests.schema import shapes

REASONS = {Reason.TOO_LARGE, Reason.MALFORMED, Reason.BAD_SHAPE, Reason.NOT_CANONICAL}
LIMIT = 4000
SHAPES = tuple(shapes().values())


def run(data: bytes) -> str:
    try:
        value = codec.unpack(data, LIMIT)
    except Refused as refused:
        return named(refused, REASONS)
    assert codec.pack(value) == data
    for shape in SHAPES:
        try:
            shape.check(value)
        except Refused as refused:
            named(refused, {Reason.BAD_SHAPE, Reason.BAD_VALUE})
        else:
            assert codec.decode(shape, data, LIMIT) == value
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from from_vectors("codec", "bytes")
    yield from from_vectors("operation", "body")
    yield from from_vectors("bundle", "records")
    yield from from_vectors("backup", "records")
