"""Whether a write-ahead log has lost what was synced: SQLite would go on without a word.

SQLite reads a log up to the first frame that does not verify, for that is where a power cut has
left it. But a frame that goes on from a commit was written when that commit was on the disk. Where
such a pair lies beyond the first bad frame, the disk has lost what was acknowledged, and the log
must not be thrown away. Layout: sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from p2pblog.errors import DiskError
from p2pblog.store.faults import REPAIR

PAGE = 4096
_HEADER, _FRAME = 32, 24
_BIG_ENDIAN = 0x377F0683  # the magic number's last bit says how words are summed
_MASK = 0xFFFFFFFF

_Sum = tuple[int, int]


class _Frame(NamedTuple):
    is_commit: bool
    salts: bytes
    kept: _Sum  # the checksum as it stands there
    summed: bytes  # what the checksum is of, beside the one of the frame before


def check(store: Path) -> None:
    """Raise `DiskError` where the log beside a store has lost what was synced."""
    log = store.with_name(store.name + "-wal")
    if log.exists() and _has_lost(log) and _has_lost(log):  # who writes now may have been seen half
        raise DiskError(f"store {store}: its write-ahead log is damaged: {REPAIR}")


def _has_lost(log: Path) -> bool:
    with log.open("rb") as file:
        head = file.read(_HEADER)
        if len(head) < _HEADER:
            return False
        order = ">" if int.from_bytes(head[:4], "big") == _BIG_ENDIAN else "<"
        kept = _sums(head[24:32])
        whole = _sum((0, 0), head[:24], order) == kept
        return _breaks(_frames(file), kept, head[16:24], order, whole=whole)


def _breaks(
    frames: Iterator[_Frame], before: _Sum, salts: bytes, order: str, *, whole: bool
) -> bool:
    """Whether a frame goes on from a commit beyond the first that is not `whole`."""
    committed = False  # whether the frame before is a commit, of this log and beyond a bad one
    known = whole  # whether the header says which frames are of this log
    for frame in frames:
        if frame.salts != salts and whole:
            return False  # of an earlier round: here the log ends
        if frame.salts != salts and known:
            committed, before = False, frame.kept  # so is what a power cut left behind a bad one
            continue
        goes_on = _sum(before, frame.summed, order) == frame.kept
        if committed and goes_on:
            return True
        whole = whole and goes_on
        committed = frame.is_commit and not whole
        before = frame.kept
    return False


def _frames(file: BinaryIO) -> Iterator[_Frame]:
    while len(data := file.read(_FRAME + PAGE)) == _FRAME + PAGE:
        commit = data[4:8] != bytes(4)
        yield _Frame(commit, data[8:16], _sums(data[16:24]), data[:8] + data[_FRAME:])


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
