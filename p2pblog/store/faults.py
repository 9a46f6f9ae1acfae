"""The one place where SQLite's errors become ours: what went wrong, and what to do about it.

Only what the disk can do is mapped; a wrong statement is a bug and stays what it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from p2pblog.errors import CantWrite, DiskError, Refused, SearchDamaged

# Nothing was written and nothing is lost: what is here can be read, and writing tried again.
_REFUSALS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space on it."),
    sqlite3.SQLITE_IOERR_SHMSIZE: ("the disk is full", "Free some space on it."),
    sqlite3.SQLITE_IOERR_WRITE: (
        "the system refuses to write",
        "Look for a quota, a limit of the size of files (ulimit -f), or a fault of the disk.",
    ),
    sqlite3.SQLITE_READONLY: (
        "it is read-only",
        "Check its permissions, those of its folder, and how the disk is mounted.",
    ),
}
ACCESS = "check its permissions and those of its folder"
REPAIR = "mend it with: p2pblog doctor --repair"
_FAULTS = {
    sqlite3.SQLITE_PERM: f"access is denied: {ACCESS}",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: check that it and its folder exist",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check the disk, then start again",
    sqlite3.SQLITE_CORRUPT: f"it is damaged: {REPAIR}",
    sqlite3.SQLITE_NOTADB: f"it is no SQLite file: {REPAIR}",
    sqlite3.SQLITE_BUSY: "another program holds it locked: close that program",
    sqlite3.SQLITE_LOCKED: "another program holds it locked: close that program",
    sqlite3.SQLITE_NOLFS: "this file system can't hold files so large: move it to another",
    sqlite3.SQLITE_PROTOCOL: "its lock can't be taken: it must not lie on a network drive",
    sqlite3.SQLITE_NOMEM: "memory ran out",
}
_PRIMARY = 0xFF  # the low byte of an extended code is its class


def unreadable(what: str, error: OSError) -> DiskError:
    """What is said of a file of the store that the system does not let us read."""
    cure = ACCESS if isinstance(error, PermissionError) else REPAIR
    return DiskError(f"{what}: {error.strerror}: {cure}")


@contextmanager
def of_search() -> Iterator[None]:
    """What is damaged here is the index, as long as nothing else says so: `SearchDamaged`."""
    try:
        yield
    except DiskError as error:
        code = getattr(error.__cause__, "sqlite_errorcode", 0)
        if code & _PRIMARY != sqlite3.SQLITE_CORRUPT:
            raise
        hint = "Make it anew: p2pblog doctor --repair"
        raise SearchDamaged("The search index is damaged.", hint) from error


# What reading rows that make no sense raises, while a store is opened.
NONSENSE = (Refused, AssertionError, LookupError, TypeError, ValueError)


def damaged(path: Path, error: Exception) -> DiskError:
    """What is said of a store that SQLite finds whole, and that makes no sense."""
    return DiskError(f"store {path}: it is damaged: {REPAIR} ({type(error).__name__}: {error})")


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn what the disk did to `path` into a `DiskError`; into `CantWrite` where it is whole."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        refusal = _REFUSALS.get(code) or _REFUSALS.get(code & _PRIMARY)
        if refusal is not None:
            raise CantWrite(
                f"Nothing can be written to {path}: {refusal[0]}.", refusal[1]
            ) from error
        what = _FAULTS.get(code & _PRIMARY)
        if what is None:
            raise
        raise DiskError(f"store {path}: {what} ({error})") from error
