"""Any bytes are a header, or `Refused` with a reason.

A header packs, with what a later version appended, to the same bytes: nothing is read in two ways.
Its fields are within their bounds, and only the first entry of a log names none before it.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import codec, entry
from p2pblog.protocol.limits import MAX_HEADER, MAX_HEADER_EXTRA, MAX_PAYLOAD, MAX_SEQ, SALT_SIZE
from tests.fuzz import TAKEN
from tests.fuzz.material import from_vectors, named


def run(data: bytes) -> str:
    try:
        header = entry.parse_header(data)
    except Refused as refused:
        return named(refused)
    value = codec.unpack(data, MAX_HEADER)
    assert isinstance(value, tuple)
    extra = value[len(header) :]
    assert codec.pack((*header, *extra)) == data
    assert sum(len(codec.pack(item)) for item in extra) <= MAX_HEADER_EXTRA
    assert len(header.device) == len(header.payload_hash) == 32
    assert 1 <= header.seq <= MAX_SEQ
    assert (header.backlink == entry.NO_BACKLINK) == (header.seq == 1)
    assert SALT_SIZE <= header.payload_size <= MAX_PAYLOAD
    if not extra:
        assert header.pack() == data
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from from_vectors("entry", "header")
