"""A disk that loses power: a real SQLite file, put back to what was synced.

SQLite runs on a connection whose fuse can be lit: at the n-th statement from then on the power
goes, before the statement or after it. What is on the disk then is what was there at the last
sync, and of what was written since, any sectors: each of 512 bytes got there, or did not.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from p2pblog.store.replica import Replica

SECTOR = 512
FILES = ("", "-wal")
WAL_HEADER = 32  # of a log that begins anew SQLite syncs the header before what follows
SMALL = {  # so that little data meets what much would: spilled pages, checkpoints
    "PRAGMA cache_size": "PRAGMA cache_size = 10",
    "PRAGMA wal_autocheckpoint": "PRAGMA wal_autocheckpoint = 50",
}


Image = dict[str, bytes]  # a store's files


class Crashed(BaseException):
    """The power is gone: nothing catches it but the simulation."""


class Fused(sqlite3.Connection):
    """A connection that can crash."""

    disk: Disk | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.disk is not None:
            sql = SMALL.get(sql.split(" =")[0], sql)
        return self._burn(sql, lambda: super(Fused, self).execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        return self._burn(sql, lambda: super(Fused, self).executemany(sql, parameters))

    def _burn(self, sql: str, run: Any) -> sqlite3.Cursor:
        disk = self.disk
        if disk is None:
            return run()  # type: ignore[no-any-return]  # a cursor
        disk.before()
        cursor: sqlite3.Cursor = run()
        disk.after(sql)
        return cursor


class Disk:
    """What one device keeps: a store at `path`. Without `fused` it can't lose power."""

    def __init__(self, folder: Path, rng: random.Random, *, fused: bool) -> None:
        self._folder = folder
        self._rng = rng
        self._fused = fused
        self._generation = 0
        self._fuse: int | None = None
        self._is_after = False
        self._dead = False
        self._synced: Image = {}
        self._replica: Replica | None = None
        folder.mkdir(parents=True)

    @property
    def path(self) -> Path:
        return self._folder / f"store{self._generation}"

    def image(self) -> Image:
        """What is on it now."""
        return self._read()

    def put(self, image: Image) -> None:
        """Begin anew with what some disk had."""
        self._generation += 1
        for end in FILES:
            Path(f"{self.path}{end}").write_bytes(image[end])

    def open(self) -> Replica:
        self._dead, self._fuse = False, None
        with self._connections():
            self._replica = Replica.open(self.path)
        self._sync()
        return self._replica

    @contextlib.contextmanager
    def _connections(self) -> Iterator[None]:
        """The store's connections are fused: a shim where SQLite is opened, beneath our code."""
        if not self._fused:
            yield
            return
        real = sqlite3.connect

        def connect(database: Any, **options: Any) -> sqlite3.Connection:
            made: Fused = real(database, factory=Fused, **options)
            if not options.get("uri"):
                made.disk = self
            return made

        with mock.patch.object(sqlite3, "connect", connect):
            yield

    # -- losing power ------------------------------------------------------------------------

    def light(self, statements: int, *, after: bool) -> None:
        """The power goes at the n-th statement from now on."""
        self._fuse, self._is_after = statements, after

    @property
    def is_lit(self) -> bool:
        """Whether it is about to lose power."""
        return self._fuse is not None

    def before(self) -> None:
        """A statement is about to run."""
        if self._dead:
            raise Crashed
        if self._fuse is not None:
            self._fuse -= 1
            if self._fuse <= 0 and not self._is_after:
                self._dead = True
                raise Crashed

    def after(self, sql: str) -> None:
        """A statement has run."""
        if self._fuse is not None and self._fuse <= 0:
            self._dead = True
            raise Crashed
        if sql == "COMMIT":
            self._sync()

    def _sync(self) -> None:
        if self._fused:
            self._synced = self._read()

    def _read(self) -> Image:
        return read(self.path)

    def lose_power(self) -> None:
        """Go on with what the disk has, in another file."""
        assert self._fused
        self._dead = True
        now, synced = self._read(), self._synced
        if now[""] != synced[""]:  # a checkpoint: it syncs before and after, and in order
            synced = now
        header = now["-wal"][:WAL_HEADER]
        synced = {**synced, "-wal": header + synced["-wal"][len(header) :]}
        self._generation += 1
        for end in FILES:
            Path(f"{self.path}{end}").write_bytes(self._torn(synced[end], now[end]))
        if self._replica is not None:
            with contextlib.suppress(Crashed):
                self._replica.close()

    def _torn(self, synced: bytes, now: bytes) -> bytes:
        """What was synced, and of what was written since any sectors."""
        size = max(len(synced), self._rng.randint(len(synced), max(len(synced), len(now))))
        data = bytearray(synced.ljust(size, b"\0"))
        for at in range(0, size, SECTOR):
            part = now[at : at + SECTOR][: size - at]
            if data[at : at + len(part)] != part and self._rng.random() < 0.5:
                data[at : at + len(part)] = part
        return bytes(data)


def read(path: Path) -> Image:
    """The files of a store."""
    files = {end: Path(f"{path}{end}") for end in FILES}
    return {end: file.read_bytes() if file.exists() else b"" for end, file in files.items()}
