"""Any body is a post, a profile, an opening, or `Refused` by each of the three.

What is read packs, but for what later versions append, to the same bytes, and what is packed is
read as the same.
"""

from collections.abc import Iterator

from p2pblog.protocol import codec, post
from p2pblog.protocol.codec import Array, Value
from p2pblog.protocol.limits import MAX_PAYLOAD
from tests.fuzz import TAKEN
from tests.fuzz.material import attempt, from_vectors

LONGEST = 16 * 1024


def run(data: bytes) -> str:
    outcomes = set()
    for parse, shape in (
        (post.parse_post, post.POST),
        (post.parse_profile, post.PROFILE),
        (post.parse_opening, post.OPENING),
    ):
        found, outcome = attempt(parse, data)
        outcomes.add(outcome)
        if found is not None:
            assert isinstance(found, post.Post | post.Profile | post.Opening)
            assert parse(found.pack()) == found
            if _is_bare(codec.unpack(data, MAX_PAYLOAD), shape):
                assert found.pack() == data
    return TAKEN if TAKEN in outcomes else min(outcomes)


def _is_bare(value: Value, shape: Array) -> bool:
    """Whether nothing was appended, in the record or in one within it."""
    assert isinstance(value, tuple)
    if len(value) != len(shape.fields):
        return False
    inner = (post.REFERENCE, 2), (post.SOURCE, 3)
    return shape is not post.POST or all(
        item is None or len(item) == len(record.fields)
        for record, place in inner
        if isinstance(item := value[place], tuple | None)
    )


def seeds() -> Iterator[bytes]:
    yield from from_vectors("post", "body")
