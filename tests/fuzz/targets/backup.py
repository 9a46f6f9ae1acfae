"""Any records in a row are read as parts that are whole, or `Refused`; any head opens, or is.

A record packs to the same bytes, but for what a later version appended. A head that asks for more
time or memory than its limits is `Refused` before either is spent; here only cheap ones are tried.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import backup, codec, sealed
from p2pblog.protocol.backup import Cost, End, Part, Piece, Reader, Record, Start
from p2pblog.protocol.limits import MAX_HEAD, MAX_PASS_MEMORY, MAX_PASSES, MAX_RECORD
from p2pblog.protocol.sealed import Head
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import attempt, from_vectors, named, of_bytes, plan
from tests.support.vectors import vectors

CHEAP = 8 * 16  # KiB times passes
LENGTHS = {Start: 5, Part: 3, Piece: 2, End: 2}


def run(data: bytes) -> str:
    given = plan(data, tuple, bytes, bytes)
    if given is None:
        return NO_INPUT
    return f"{_read(of_bytes(given[0]))}, head: {_open(given[1], given[2])}"


def _read(records: list[bytes]) -> str:
    reader, left = Reader(), 0
    try:
        for data in records:
            record = reader.receive(data)
            _same(record, data)
            match record:
                case Part(_, size):
                    assert left == 0
                    left = size
                case Piece(piece):
                    left -= len(piece)
                    assert left >= 0
        reader.end()
    except Refused as refused:
        return named(refused)
    assert left == 0
    return TAKEN


def _same(record: Record, data: bytes) -> None:
    value = codec.unpack(data, MAX_RECORD)
    assert isinstance(value, tuple)
    assert backup.pack(record) == codec.pack(value[: LENGTHS[type(record)]])


def _open(data: bytes, body: bytes) -> str:
    head, _ = attempt(sealed.parse_head, backup.MAGIC, backup.VERSION, data)
    if head is None:
        head = Head(1, body, bytes(32), 0)
    cost, _ = attempt(codec.decode, backup.HEAD, head.body, MAX_HEAD)
    if cost is not None:
        assert cost[2] <= MAX_PASSES
        assert cost[3] <= MAX_PASS_MEMORY
        if cost[2] * cost[3] > CHEAP:
            return "dear"
    return attempt(backup.open_head, head, "a passphrase")[1]


def seeds() -> Iterator[bytes]:
    heads = list(from_vectors("backup", "head"))
    for part in ("valid", "invalid"):
        for vector in vectors("backup", part):
            records = [bytes.fromhex(item) for item in vector.get("records", [])]
            if sum(map(len, records)) < 3000:
                yield codec.pack((records, b"", b""))
    for head in heads:
        yield codec.pack(((), head[:1000], b""))
    cost = Cost(b"s" * 16, 1, 8)
    made = backup.make_head(backup.stretch("a passphrase", cost), cost, b"t" * 16)
    yield codec.pack(((), made, b""))
    yield codec.pack(((), b"", codec.pack((b"t" * 16, *cost, bytes(16)))))
