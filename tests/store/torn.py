"""The files of a store as a kill or a power cut leaves them in the middle of a write.

SQLite appends to its log first, in order, and syncs that before it says that a commit is done; only
then, at a checkpoint, pages of the file itself are written, while the log still has them. So of one
commit there is in the log a beginning of what was to be written, or after a power cut any sectors
of it, but for the log's header, which is synced before all else; of the file there are any pages.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
PAGE = 4096
HEADER = 32


@dataclass(frozen=True)
class Files:
    """What is on the disk at one moment: the file, and its log."""

    main: bytes
    wal: bytes

    @classmethod
    def of(cls, path: Path) -> Files:
        wal = _wal(path)
        return cls(path.read_bytes(), wal.read_bytes() if wal.exists() else b"")

    def write(self, path: Path) -> None:
        path.write_bytes(self.main)
        _wal(path).write_bytes(self.wal)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def torn(before: Files, after: Files, rng: random.Random) -> Files:
    """Somewhere on the way from one moment to the other, with no more than one commit between."""
    if before.main != after.main:  # a checkpoint: the log stays until all pages are written
        return Files(_mixed(before.main, after.main, PAGE, rng), before.wal)
    cut = _prefix if rng.random() < 0.5 else _sectors
    return Files(before.main, cut(before.wal, after.wal, rng))


def _prefix(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A kill: what was written came in order."""
    start = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    size = rng.randint(start or min(len(old), len(new)), len(new))
    return new[:size] + old[size:]


def _sectors(old: bytes, new: bytes, rng: random.Random) -> bytes:
    """A power cut before the sync: what was written came in any order, or not."""
    return _mixed(new[:HEADER] + old[HEADER:], new, SECTOR, rng)


def _mixed(old: bytes, new: bytes, size: int, rng: random.Random) -> bytes:
    share = rng.random()
    padded = old.ljust(len(new), b"\0")
    parts = (
        (new if rng.random() < share else padded)[at : at + size] for at in range(0, len(new), size)
    )
    return b"".join(parts)
