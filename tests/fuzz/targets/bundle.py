"""Any records in a row are read in their order, or `Refused`; any head opens, or is `Refused`.

A record packs to the same bytes, but for what a later version appended. What ended well began with
its start, and its maker signed all that it says it holds. The input's last record may be signed
first, with the fuzzer's key.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import bundle, codec, sealed
from p2pblog.protocol.bundle import Contents, End, PostPage, Reader, Record, Start, TeamPage
from p2pblog.protocol.entry import TeamId
from p2pblog.protocol.limits import MAX_RECORD
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import attempt, from_vectors, named, of_bytes, plan
from tests.support.logs import TEAM, key
from tests.support.vectors import vectors

LENGTHS = {Start: 5, Contents: 2, TeamPage: 2, PostPage: 2, End: 4}


def run(data: bytes) -> str:
    given = plan(data, tuple, bytes, bool)
    if given is None:
        return NO_INPUT
    records, head, signs = of_bytes(given[0]), given[1], given[2]
    opened = _open(head)
    outcome = _read(_signed(records) if signs else records)
    return f"{outcome}, head: {opened}"


def _open(data: bytes) -> str:
    head, outcome = attempt(sealed.parse_head, bundle.MAGIC, bundle.VERSION, data)
    if head is None:
        return outcome
    return attempt(bundle.open_head, head, key(1))[1]


def _read(records: list[bytes]) -> str:
    reader, read = Reader(), []
    try:
        for data in records:
            record = reader.receive(data)
            read.append(record)
            if record is not None:
                _same(record, data)
        reader.end()
    except Refused as refused:
        return named(refused)
    assert isinstance(read[0], Start)
    assert isinstance(read[-1], End)
    return TAKEN


def _same(record: Record, data: bytes) -> None:
    value = codec.unpack(data, MAX_RECORD)
    assert isinstance(value, tuple)
    assert bundle.pack(record) == codec.pack(value[: LENGTHS[type(record)]])


def _signed(records: list[bytes]) -> list[bytes]:
    """With an end that counts and signs what is before it."""
    values = [attempt(codec.unpack, data, MAX_RECORD)[0] for data in records]
    pages = [
        value[1]
        for value in values
        if isinstance(value, tuple) and len(value) == 2 and value[0] in (2, 3)
    ]
    told = [
        data
        for data, value in zip(records, values, strict=True)
        if isinstance(value, tuple) and value and value[0] in (0, 1)
    ]
    size = sum(len(item) for item in pages if isinstance(item, bytes))
    end = End(len(pages), size, bundle.sign(key(1), TeamId(TEAM), told))
    return [*records, bundle.pack(end)]


def seeds() -> Iterator[bytes]:
    heads = list(from_vectors("bundle", "head"))
    for part in ("valid", "invalid"):
        for vector in vectors("bundle", part):
            records = [bytes.fromhex(item) for item in vector.get("records", [])]
            if sum(map(len, records)) < 3000:
                yield codec.pack((records, b"", False))
    for head in heads:
        yield codec.pack(((), head[:2000], False))
    yield codec.pack(((), bundle.make_head(b"k" * 32, b"s" * 16, b"e" * 32, [key(1).public]), True))
    start = bundle.pack(Start(TEAM, 1, key(1).public, None))
    yield codec.pack(((start, bundle.pack(Contents(())), bundle.pack(TeamPage(b"x"))), b"", True))
    yield codec.pack(((start, bundle.pack(PostPage(b"x"))), b"", True))
