"""A write-ahead log after a crash: what was seen stays, and what was synced must be there.

SQLite reads a log up to the first frame that does not verify, and says nothing of what stands
beyond. A power cut leaves such a frame, and behind it any mixture, sector by sector, of what was
being written and what stood there before: frames of earlier rounds of the log, or of transactions
that were lost. But the header of a round is synced before its first frame, and a commit before
anything goes on from it. So where a frame goes on from a commit beyond the first bad frame, or
beyond a bad header, the disk has lost what was acknowledged, and the log must not be thrown away.

Not told, for a power cut could leave the same: damage in the last transaction of a log, or in the
frame that ends the last but one, where that frame's header is of two sectors; and a log that ends
too early, or from some place on is what it was before.

Layout: sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from p2pblog.errors import DiskError
from p2pblog.store.faults import REPAIR, unreadable

PAGE = 4096
SECTOR = 512  # bytes that are written whole or not at all; where they are more, so are these
_HEADER, _FRAME = 32, 24
_MAGIC = {
    "<": 0x377F0682,
    ">": 0x377F0683,
}  # by the order of the bytes in the words that are summed
_MASK = 0xFFFFFFFF
_HALF = 1 << 31

_Sum = tuple[int, int]


class _Frame(NamedTuple):
    is_commit: bool
    salts: bytes  # of the round it was written in
    kept: _Sum  # the checksum as it stands there
    summed: bytes  # what the checksum is of, beside the one of the frame before
    is_split: bool  # its header is of two sectors: fields of two frames may have met in it


def keep(store: Path) -> None:
    """Sync the log beside a store.

    A commit that a kill has cut short may be in it and not on the disk. It is read from now on,
    told to others, and written on from: it must not be lost by a power cut any more.
    """
    log = _log(store)
    with _mapped(store):
        if log.exists():
            with log.open("r+b" if sys.platform == "win32" else "rb") as file:
                os.fsync(file.fileno())


def check(store: Path) -> None:
    """Raise `DiskError` where the log beside a store has lost what was synced."""
    log = _log(store)
    with _mapped(store):
        lost = log.exists() and _has_lost(log) and _has_lost(log)  # who writes may be seen half
    if lost:
        raise DiskError(f"store {store}: its write-ahead log is damaged: {REPAIR}")


@contextmanager
def _mapped(store: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unreadable(f"store {store}: its write-ahead log", error) from error


def _log(store: Path) -> Path:
    return store.with_name(store.name + "-wal")


def _has_lost(log: Path) -> bool:
    with log.open("rb") as file:
        head = file.read(_HEADER)
        if len(head) < _HEADER:
            return False
        for order, magic in _MAGIC.items():
            known = int.from_bytes(head[:4], "big") == magic
            if known and _sum((0, 0), head[:24], order) == _sums(head[24:]):
                return _breaks(_frames(file), order, head[16:24], _sums(head[24:]))
        return any(_breaks(_frames(file), order, None, (0, 0)) for order in _MAGIC)


def _breaks(frames: Iterable[_Frame], order: str, salts: bytes | None, before: _Sum) -> bool:
    """Whether a frame goes on from a commit beyond the first bad one; without `salts` all are."""
    whole = salts is not None
    committed = False  # whether the frame before is a commit, beyond a bad one
    for frame in frames:
        if salts is not None and _is_earlier(frame.salts, salts):
            whole, committed, before = False, False, frame.kept
            continue
        goes_on = _sum(before, frame.summed, order) == frame.kept
        if committed and goes_on:
            return True
        whole = whole and goes_on and frame.salts == salts
        committed = not whole and frame.is_commit and (goes_on or not frame.is_split)
        before = frame.kept
    return False


def _is_earlier(salts: bytes, than: bytes) -> bool:
    """Whether a frame is of a round before; the first word of the salts counts them."""
    return 0 < (int.from_bytes(than[:4], "big") - int.from_bytes(salts[:4], "big")) & _MASK < _HALF


def _frames(file: BinaryIO) -> Iterator[_Frame]:
    start = file.seek(_HEADER)
    while len(data := file.read(_FRAME + PAGE)) == _FRAME + PAGE:
        commit, is_split = data[4:8] != bytes(4), start % SECTOR > SECTOR - _FRAME
        yield _Frame(commit, data[8:16], _sums(data[16:24]), data[:8] + data[_FRAME:], is_split)
        start += len(data)


def _sums(data: bytes) -> _Sum:
    one, two = struct.unpack(">II", data)
    return one, two


def _sum(seed: _Sum, data: bytes, order: str) -> _Sum:
    one, two = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = one + even + two & _MASK
        two = two + odd + one & _MASK
    return one, two
