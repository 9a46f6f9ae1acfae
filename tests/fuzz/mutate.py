"""Changes an input as what it is: msgpack, with msgpack within, one place and encoded anew.

What is no msgpack, and now and then what is, is changed byte by byte by libFuzzer.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from p2pblog.errors import Refused
from p2pblog.protocol import codec
from p2pblog.protocol.codec import Value

Raw = Callable[[bytes, int], bytes]

NUMBERS = (0, 1, 2, 7, 15, 16, 31, 32, 64, 127, 128, 255, 256, 512, 1023, 1024, 16384, 65535)
EDGES = (2**32 - 1, 2**32, 2**48 - 1, 2**48, 2**48 + 1, 2**63 - 1, 2**64 - 1, -1)
SIZES = (0, 1, 8, 12, 16, 31, 32, 33, 64, 128)
ROOM = 4096  # bytes that a leaf may grow to


class Mutator:
    """`raw(data, size)` is libFuzzer's own change."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._rng = random.Random()

    def __call__(self, data: bytes, size: int, seed: int) -> bytes:
        """`data` changed, at most `size` bytes; all follows from `seed`."""
        self._rng.seed(seed)
        tree = _tree(data)
        if tree is None or self._rng.random() < 0.2:
            return self._raw(data, size)
        for _ in range(self._rng.choice((1, 1, 1, 2, 4))):
            tree = self._change(tree)
        made = _packed(tree)
        return made if made is not None and len(made) <= size else self._raw(data, size)

    def _change(self, value: Value) -> Value:
        match value:
            case tuple():
                return self._change_items(list(value))
            case bool() | None:
                return self._rng.choice((True, False, None, 0, b"", ()))
            case int():
                return self._change_number(value)
            case str():
                changed = self._raw(value.encode(), ROOM)
                return changed.decode("utf-8", "replace")
            case bytes():
                return self._change_bytes(value)

    def _change_items(self, items: list[Value]) -> Value:
        rng = self._rng
        place = rng.randrange(len(items)) if items else 0
        match rng.randrange(12) if items else 11:
            case 0:
                del items[place]
            case 1:
                items.insert(place, items[rng.randrange(len(items))])
            case 2:
                items[place] = items[rng.randrange(len(items))]
            case 3:
                items.append(rng.choice((0, 1, b"", "", None, True, (), b"x" * 32)))
            case 4:
                items *= rng.choice((1, 2, 3))
            case 11 if not items:
                items.append(0)
            case _:
                items[place] = self._change(items[place])
        return tuple(items)

    def _change_number(self, value: int) -> Value:
        near = (value + 1, value - 1, value ^ 1 << self._rng.randrange(48))
        return self._rng.choice((*near, self._rng.choice(NUMBERS), self._rng.choice(EDGES)))

    def _change_bytes(self, value: bytes) -> Value:
        inner = _tree(value)
        if inner is not None and self._rng.random() < 0.8:
            return _packed(self._change(inner)) or value
        if self._rng.random() < 0.1:
            return value.ljust(max(SIZES), b"\0")[: self._rng.choice(SIZES)]
        return self._raw(value, ROOM)


def _tree(data: bytes) -> Value:
    """The array in `data`; None where there is none with anything in it."""
    if not data or not (0x91 <= data[0] <= 0x9F or data[0] in (0xDC, 0xDD)):
        return None
    try:
        return codec.unpack(data, 1 << 20)
    except Refused:
        return None


def _packed(value: Value) -> bytes | None:
    try:
        return codec.pack(value)
    except (ValueError, OverflowError):  # a number that msgpack can't hold
        return None
