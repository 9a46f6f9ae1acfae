"""Every message, in bytes and in fields; messages to ignore and to refuse."""

import random
from typing import Any

from p2pblog.protocol import codec, message
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.message import Message, Missing

Vector = dict[str, Any]
INSTANCE = bytes.fromhex("a1b2c3d4e5f60718")


def _messages(rng: random.Random) -> list[Message]:
    def mark() -> Mark:
        return Mark(rng.randrange(1, 10_000), ShortId(rng.randbytes(12)))

    log = LogId(rng.randbytes(16))
    rows = (Row(log, (mark(), mark())), Row(LogId(rng.randbytes(16)), ()))
    wanted = Missing(log, 17, ShortId(rng.randbytes(12)))
    return [
        message.Hello(1, 1, True, rng.randbytes(16), 1_785_000_000_000, 47_110, INSTANCE),
        message.Hello(1, 1, False, None, 0, 0),
        message.Buckets(1, bytes(5) * 255 + rng.randbytes(5)),
        message.Rows(1, (7, 255), rows, True, True),
        message.Rows(0, (), (), True, True),
        message.Have(rows, False),
        message.Have((), True),
        message.Locate(rows[0], (mark(), mark(), mark()), False),
        message.Locate(Row(log, ()), (), True),
        message.Offer(512, 150_000),
        message.PageMessage(rng.randbytes(40), True, 2),
        message.Done(0),
        message.Announce(rows, bytes(range(len(rows)))),
        message.Want((wanted,)),
        message.Payloads(((log, 17, rng.randbytes(40)),)),
        message.Digest(rng.randbytes(16), rng.randbytes(16), None),
        message.Digest(rng.randbytes(16), rng.randbytes(16), rng.randbytes(16)),
        message.Peers(((rng.randbytes(32), ("192.0.2.17:47110", "[2001:db8::17]:47110")),)),
        message.Push((log,), False),
        message.Join(
            EntryId(rng.randbytes(32)), rng.randbytes(32), "Anna", "laptop", rng.randbytes(128)
        ),
        message.Admitted(rng.randbytes(32), EntryId(rng.randbytes(32))),
        message.Goodbye("cut", "removed from the team"),
        message.Recover(rng.randbytes(64)),
        message.Decline((log, LogId(rng.randbytes(16)))),
        message.Decline(()),
    ]


def _crowd(tips: int) -> codec.Value:
    """Rows with so many tips in all."""
    marks = tuple((1, bytes(12)) for _ in range(tips))
    return tuple(
        (number.to_bytes(16, "big"), marks[start : start + 64])
        for number, start in enumerate(range(0, tips, 64))
    )


def _vector(sent: Message) -> Vector:
    data = message.pack(sent)
    fields = codec.to_json(codec.unpack(data, 1 << 20))
    return {"name": type(sent).__name__, "message": data.hex(), "fields": fields}


def make(rng: random.Random) -> Vector:
    valid = [_vector(sent) for sent in _messages(rng)]
    hello = codec.unpack(message.pack(message.Hello(1, 1, False, None, 0, 0)), 100)
    assert isinstance(hello, tuple)
    longer = codec.pack((*hello, "more"))
    valid.append(
        {"name": "Hello", "message": longer.hex(), "fields": codec.to_json((*hello, "more"))}
    )
    for number in (19, 1000):
        data = codec.pack((number, "later"))
        valid.append({"name": "a later version's", "message": data.hex(), "fields": None})
    bad: list[tuple[str, codec.Value, str]] = [
        ("no array", 7, "bad_shape"),
        ("no type", (), "bad_shape"),
        ("a text for a type", ("hello",), "bad_shape"),
        ("a negative type", (-1,), "bad_shape"),
        ("a field too few", (0, 1, 1, False, None, 0), "bad_shape"),
        ("version 0", (0, 0, 1, False, None, 0, 0, bytes(8)), "bad_value"),
        ("a number for a bool", (0, 1, 1, 0, None, 0, 0, bytes(8)), "bad_shape"),
        ("a digest of 15 bytes", (0, 1, 1, True, bytes(15), 0, 0, bytes(8)), "bad_value"),
        ("port 65536", (0, 1, 1, True, bytes(16), 0, 65536, bytes(8)), "bad_value"),
        ("scope 2", (1, 2, bytes(1280)), "bad_value"),
        ("a summary of 1281 bytes", (1, 0, bytes(1281)), "bad_value"),
        ("a summary of 300 buckets", (1, 0, bytes(1500)), "bad_value"),
        ("bucket 2048", (2, 0, (2048,), (), True, True), "bad_value"),
        ("a height of 0", (3, ((bytes(16), ((0, bytes(12)),)),), True), "bad_value"),
        ("65 marks", (4, (bytes(16), ()), ((1, bytes(12)),) * 65, True), "bad_value"),
        ("a log named twice", (8, ((bytes(16), ()), (bytes(16), ())), b""), "bad_value"),
        ("8001 tips in rows", (3, _crowd(8001), False), "bad_value"),
        ("an empty page", (6, b"", True, 0), "bad_value"),
        ("256 hops", (6, b"p", True, 256), "bad_value"),
        ("17 payloads wanted", (9, ((bytes(16), 1, bytes(12)),) * 17), "bad_value"),
        ("an address of 81 bytes", (12, ((bytes(32), ("x" * 81,)),)), "bad_value"),
        ("a goodbye without words", (16, "cut"), "bad_shape"),
    ]
    invalid = [
        {"name": name, "message": codec.pack(value).hex(), "reason": reason}
        for name, value, reason in bad
    ]
    invalid += [
        {"name": "nothing", "message": "", "reason": "malformed"},
        {"name": "a type in two bytes", "message": "92cc0700", "reason": "not_canonical"},
        {"name": "a map", "message": "9180", "reason": "bad_shape"},
    ]
    return {"module": "message", "valid": valid, "invalid": invalid}
