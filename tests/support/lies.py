"""Messages that lie: every type, every field, with extremes, chance, others' values, wrong types.

All follows from `rng`, so a run is repeated by its seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from p2pblog.protocol import codec, frontier, message
from p2pblog.protocol.codec import Array, Bool, Bytes, Constant, Many, Maybe, Shape, Text, Uint
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import HASH
from p2pblog.protocol.limits import BUCKETS, MAX_MESSAGE
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Message, Missing, Scope

TEXTS = ("", "x", "\x1b[2J\n\r\0", "\u202egnp.exe", "\U0001f4a5")
ROW_TIPS = 3  # of a row made by chance: 2,000 such rows stay a message


@dataclass(frozen=True)
class Known:
    """What the liar truly knows, to lie near the truth: logs with their tips, a device, a page."""

    logs: Sequence[tuple[LogId, Tip]]
    device: bytes
    page: bytes


def honest(known: Known) -> list[Message]:
    """A message of each type, with values that are right as such."""
    log, tip = known.logs[0]
    row = frontier.row(log, [tip])
    mark = row.tips[0]
    missing = Missing(log, tip.seq, mark.id)
    return [
        message.Hello(1, 1, True, bytes(16), 1, 1, b"instance"),
        message.Buckets(Scope.POSTS, bytes(BUCKETS * HASH)),
        message.Rows(Scope.POSTS, (log[0],), (row,), True, True),
        message.Have((row,), True),
        message.Locate(row, (mark,), False),
        message.Offer(1, 300),
        message.PageMessage(known.page, True),
        message.Done(Scope.POSTS),
        message.Announce((row,)),
        message.Want((missing,)),
        message.Payloads(((log, tip.seq, bytes(40)),)),
        message.Digest(bytes(16), bytes(16), bytes(16)),
        message.Peers(((known.device, ("127.0.0.1:1",)),)),
        message.Push((log,), False),
        message.Join(EntryId(bytes(32)), known.device, "Eve", "box", bytes(128)),
        message.Admitted(bytes(32), EntryId(bytes(32))),
        message.Goodbye("busy", ""),
        message.Recover(bytes(64)),
        message.Decline((log,)),
    ]


def lies(known: Known, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Every lie about every field of every message: what it is about, and its bytes."""
    for number, base in enumerate(honest(known)):
        shape = message.SHAPES[number]
        value = (number, *_plain(tuple(base)))
        name = type(base).__name__
        yield f"{name} as such", codec.pack(value)
        yield f"{name} cut short", codec.pack(value[:-1])
        yield f"{name} of a later version", codec.pack((*value, rng.randbytes(9), (None,) * 9))
        for at, (field, kind) in enumerate(shape.fields):
            for lie in _values(kind, known, rng):
                data = codec.pack((*value[:at], lie, *value[at + 1 :]))
                if len(data) <= MAX_MESSAGE:
                    yield f"{name}.{field}", data
    yield "a type that nobody knows", codec.pack((len(message.SHAPES) + 3, 1))
    yield "no message", rng.randbytes(200)


def _plain(value: Any) -> Any:
    """Named tuples as plain ones."""
    return tuple(map(_plain, value)) if isinstance(value, tuple | list) else value


def _values(shape: Shape, known: Known, rng: random.Random) -> Iterator[Any]:
    """Values of one field: right ones, extremes, and some that the shape does not allow."""
    match shape:
        case Uint(high=high, low=low):
            yield from (low, high, rng.randint(low, high), min(high + 1, 2**64 - 1), -1, "1", None)
        case Bytes(low=low, high=above):
            high = low if above is None else above
            yield from (bytes(low), b"\xff" * high, rng.randbytes(high), bytes(high + 1), 0)
            yield from (theirs for theirs in _of_others(known) if low <= len(theirs) <= high)
        case Text(high=high):
            yield from (*TEXTS, "x" * high, "ä" * high, 7, b"x")
        case Bool():
            yield from (True, False, 1, None)
        case Maybe(shape=inner):
            yield None
            yield from _values(inner, known, rng)
        case Many(shape=inner, high=high):
            full = tuple(chance(inner, rng) for _ in range(high + 1))
            yield from ((), full[:1], full[:1] * 2, full[:-1], full, None, (None,))
            yield from ((one,) for one in _values(inner, known, rng))
        case Array(fields=fields):
            right = tuple(chance(kind, rng) for _, kind in fields)
            for at, (_, kind) in enumerate(fields):
                for lie in _values(kind, known, rng):
                    yield (*right[:at], lie, *right[at + 1 :])
        case Constant():
            yield from (255, -1, "0")


def _of_others(known: Known) -> Iterator[bytes]:
    for log, tip in known.logs:
        yield from (log, tip.id, frontier.short(tip.id))
    yield known.device


def chance(shape: Shape, rng: random.Random) -> Any:
    """A value by chance that the shape allows."""
    match shape:
        case Uint(high=high, low=low):
            return rng.randint(low, high)
        case Bytes(low=low, high=above):
            return rng.randbytes(low if above is None else min(above, low + 64))
        case Text(high=high):
            return "x" * rng.randint(1, high)
        case Bool():
            return rng.random() < 0.5
        case Maybe(shape=inner):
            return chance(inner, rng)
        case Many(shape=inner, high=high):
            return tuple(chance(inner, rng) for _ in range(min(high, ROW_TIPS)))
        case Array(fields=fields):
            return tuple(chance(kind, rng) for _, kind in fields)
    raise AssertionError(shape)
