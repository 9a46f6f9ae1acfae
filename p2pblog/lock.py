"""One daemon a home: a lock that the system gives back when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from p2pblog.errors import CantWrite, HomeLocked


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; its file names the holder. Raises `HomeLocked`, `CantWrite`."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = "Check its folder's permissions, and how the disk is mounted."
        raise CantWrite(f"Can't use {path}: {error.strerror}.", hint) from error
    try:
        if not _lock(handle):
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise HomeLocked(
                f"A daemon runs on {path.parent} already (process {holder or 'unknown'}).",
                "Use it, end it with: p2pblog down, or give this one another --home.",
            )
        with suppress(OSError):  # on a full disk nobody reads who holds it
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _lock_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_windows(handle: int) -> bool:
    import msvcrt

    os.lseek(handle, 64, os.SEEK_SET)  # beyond the number of the holder, which others may read
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows only
    except OSError:
        return False
    return True
