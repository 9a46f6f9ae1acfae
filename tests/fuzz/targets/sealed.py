"""Any bytes are a sealed file's records up to a fault that has a name, in whatever pieces.

The input is the file as it stands, or the frames of chunks that are then encrypted as their maker
would have done: so what lies behind the cipher is reached as well. A record is never longer than
its limit, and no more than a chunk is held of what is not yet opened.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto, sealed
from p2pblog.protocol.crypto import TAG_SIZE
from p2pblog.protocol.limits import MAX_CHUNK, MAX_RECORD
from p2pblog.protocol.sealed import Opener
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import cut, from_vectors, named, plan

MAGIC = b"p2pblog-vectors"
KEY, SALT = bytes(range(32)), bytes(range(0x40, 0x50))
HELD = sealed.FRAME_SIZE + MAX_CHUNK + TAG_SIZE
REASONS = {
    *(Reason.UNKNOWN_FILE, Reason.VERSION, Reason.TOO_LARGE, Reason.BAD_HEAD, Reason.TRUNCATED),
    *(Reason.OUT_OF_ORDER, Reason.DECRYPT_FAILED, Reason.BAD_VALUE, Reason.MALFORMED),
}


def run(data: bytes) -> str:
    given = plan(data, bytes, bytes, tuple)
    if given is None:
        return NO_INPUT
    sizes, file, chunks = given
    try:
        head = sealed.parse_head(MAGIC, 1, file)
        _heads_alike(file, head)
    except Refused as refused:
        return named(refused, REASONS)
    if head is None:
        return "more"
    rest = file[head.size :] + b"".join(_chunk(head.binding, item) for item in chunks)
    whole, pieces = (_opened(head.binding, rest, how) for how in (b"", sizes))
    assert whole == pieces
    return whole[1]


def _heads_alike(file: bytes, head: sealed.Head | None) -> None:
    """Fewer bytes say the same, or that more are needed."""
    for size in {0, 1, 15, 16, 20, len(file) // 2}:
        before = sealed.parse_head(MAGIC, 1, file[:size])
        assert before is None or before == head


def _chunk(binding: bytes, item: object) -> bytes:
    match item:
        case (int(number), int(last), bytes(text)):
            frame = (number % 2**32).to_bytes(4, "big") + bytes([last % 256])
            frame += len(text).to_bytes(3, "big")
            nonce = SALT + bytes(4) + frame[:4]
            return frame + crypto.encrypt_long(KEY, nonce, binding + frame, text)
        case bytes():
            return item
    return b""


def _opened(binding: bytes, data: bytes, sizes: bytes) -> tuple[list[bytes], str]:
    opener, records = Opener(KEY, SALT, binding), []
    try:
        for piece in cut(data, sizes):
            got = opener.receive(piece)
            assert all(len(record) <= MAX_RECORD for record in got)
            records += got
            assert len(opener._sealed) <= HELD + len(piece)
        opener.end()
    except Refused as refused:
        return records, named(refused, REASONS)
    return records, TAKEN


def seeds() -> Iterator[bytes]:
    for data in from_vectors("sealed", "file"):
        if len(data) < 1000:
            yield codec.pack((b"\x07", data, ()))
    head = sealed.make_head(MAGIC, 1, b"head")
    two = b"\0\0\0\3abc\0\0\0\0\0\0\0\5hel"
    yield codec.pack((b"\x01\x21", head, ((0, 0, two), (1, 1, b"lo"))))
    yield codec.pack((b"", head, ((0, 0, two), (1, 0, b""), (2, 1, b""))))
    yield codec.pack((b"", head, ((0, 1, b"\xff" * 5), b"\0")))
