"""A store's file, from nothing or from an older version to the schema of this one.

Migrations are the numbered files of `schema/`; each runs in a transaction of its own with the
number it leads to. What a newer version wrote is refused before anything is opened for writing.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from importlib import resources
from pathlib import Path

from p2pblog.errors import DiskError, StoreTooNew
from p2pblog.store.faults import REPAIR, unreadable

APPLICATION = 0x70327062  # "p2pb": what `file` and others tell the store by
OLDEST_SQLITE = (3, 34, 0)  # what the oldest system that has Python 3.11 brings (RHEL 9)
_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes; version at 60, application at 68 (sqlite.org/fileformat2.html)


@cache
def migrations() -> tuple[str, ...]:
    """The scripts in order; the first leads to version 1."""
    folder = resources.files("p2pblog.store") / "schema"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    for number, file in enumerate(files, 1):
        assert int(file.name[:4]) == number, file.name
    return tuple(file.read_text(encoding="utf-8") for file in files)


def check_sqlite(connection: sqlite3.Connection) -> None:
    """Raise `DiskError` where this SQLite is too old or built without full-text search."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise DiskError(
            f"SQLite {sqlite3.sqlite_version} is too old, {wanted} or newer is needed: "
            "use a newer Python or system"
        )
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.probe USING fts5 (text)")
        connection.execute("DROP TABLE temp.probe")
    except sqlite3.OperationalError as error:
        if "no such module" not in str(error):  # the disk takes not even this
            raise
        raise DiskError(
            "this SQLite was built without FTS5, which search needs: use another Python"
        ) from error


def check_file(path: Path) -> None:
    """Read the file's header alone; raise `StoreTooNew` or `DiskError` if it is not for us."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except OSError as error:
        raise unreadable(f"store {path}", error) from error
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise DiskError(f"store {path}: it is no SQLite file: {REPAIR}")
    _check(path, int.from_bytes(header[60:64], "big"), int.from_bytes(header[68:72], "big"))


def _check(path: Path, version: int, application: int) -> None:
    if application != APPLICATION:
        raise DiskError(f"store {path}: it belongs to another program, or is damaged: {REPAIR}")
    if version > len(migrations()):
        raise StoreTooNew(
            f"store {path} was written by a newer p2pblog (schema {version}, "
            f"this one knows {len(migrations())}); nothing was touched",
            "install the newer version again",
        )


def create(connection: sqlite3.Connection, path: Path) -> None:
    """Make an empty store of this version."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    _run(connection, 0)
    _check(path, len(migrations()), APPLICATION)


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an opened store to this version."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    _check(path, version, application)
    if version < len(migrations()):
        _run(connection, version)


def _run(connection: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(migrations()[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )
    # from the WAL into the file's header, where `check_file` of an older version looks
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
