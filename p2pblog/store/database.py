"""One SQLite file: a connection that writes, guarded by a lock, and a few that read beside it.

WAL, and every commit is on the disk when it returns. Reads are short, so that the WAL can be
checkpointed. Nothing here knows what is stored.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from p2pblog.errors import DiskError
from p2pblog.store import migrate, wal
from p2pblog.store.faults import mapped

READERS = 4  # kept open: about as many as there are threads that read at a time
WRITER_CACHE = 32 * 1024  # KiB; the hot ends of ten logs and of five indexes at a million posts
READER_CACHE = 4 * 1024  # KiB
CHECKPOINT = 1000  # pages: 4 MiB of WAL before it is copied back; posts wait meanwhile
SMALL_WAL = 1024 * 1024  # bytes that may stay in it while nothing is written
BUSY_MS = 5000  # for a backup tool that looks at the file


class Database:
    """An open store file. Safe to use from several threads."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self.path = path
        self._writer = writer
        self._lock = threading.RLock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def create(cls, path: Path) -> Database:
        """Make the file. Raises `DiskError`, also where there is one already."""
        if path.exists():
            raise DiskError(f"store {path}: it exists already")
        return cls._start(path, migrate.create)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the file and bring it to this version. Raises `DiskError`, `StoreTooNew`."""
        migrate.check_file(path)
        wal.check(path)
        wal.keep(path)
        return cls._start(path, migrate.upgrade)

    @classmethod
    def _start(cls, path: Path, prepare: Callable[[sqlite3.Connection, Path], None]) -> Database:
        with mapped(path):
            writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            with ExitStack() as failing:
                failing.callback(writer.close)
                migrate.check_sqlite(writer)
                _set_up(writer, WRITER_CACHE)
                prepare(writer, path)
                failing.pop_all()
        return cls(path, writer)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: on the disk when the block is left, undone when it raises."""
        with self._lock, mapped(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:  # a full disk has rolled back already
                    self._writer.execute("ROLLBACK")

    @property
    def changes(self) -> int:
        """How many rows were written since the file was opened."""
        return self._writer.total_changes

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads from writing through several transactions."""
        with self._lock:
            yield

    def rest(self) -> None:
        """Copy a long WAL back and give its room to the disk, unless somebody reads just now."""
        log = Path(f"{self.path}-wal")
        with self._lock, mapped(self.path):
            if log.exists() and log.stat().st_size > SMALL_WAL:
                self._writer.execute("PRAGMA busy_timeout = 0")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._writer.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees what is committed; each statement is a transaction of its own."""
        with mapped(self.path):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: several statements that see the same state."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def _take(self) -> sqlite3.Connection:
        try:
            return self._readers.pop()
        except IndexError:
            uri = f"{self.path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False
            )
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE}")
            return connection

    def _give(self, connection: sqlite3.Connection) -> None:
        if self._closed or len(self._readers) >= READERS:
            connection.close()
        else:
            self._readers.append(connection)

    def close(self) -> None:
        """Close every connection; the WAL is copied back and removed."""
        self._closed = True
        with self._lock, mapped(self.path):
            while self._readers:
                self._readers.pop().close()
            self._writer.close()


def _set_up(connection: sqlite3.Connection, cache: int) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "fullfsync = 1",  # macOS: fsync alone does not reach the disk there
        "checkpoint_fullfsync = 1",
        "secure_delete = ON",  # what is erased must not linger in free pages
        "temp_store = MEMORY",
        f"cache_size = -{cache}",
        f"wal_autocheckpoint = {CHECKPOINT}",
    ):
        connection.execute(f"PRAGMA {pragma}")
