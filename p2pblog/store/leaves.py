"""Rows of a SQLite file, read past everything that SQLite needs to be whole.

Header, schema, inner pages of trees and lists of free pages are not looked at: each page that is a
leaf is taken for itself, in every version that the file and its write-ahead log have. What is found
may be old, cut short or nonsense; who uses it has to verify it. See sqlite.org/fileformat2.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

PAGE = 4096  # bytes: SQLite's default, which stores are made with
MAX_ROW = 4 * 1024 * 1024  # bytes; an entry has 18 KiB at most, the largest setting 2 MiB
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER = 0x0D, 0x0A, 0x02
_FIRST_PAGE = 100  # bytes of the file's header, before its first page begins
_WAL_HEADER, _FRAME_HEADER = 32, 24

Value = int | bytes | str | None


class Row(NamedTuple):
    """A row as it was found; `number` is its rowid, None in an index or a table without."""

    number: int | None
    values: tuple[Value, ...]


@dataclass(slots=True)
class _Pages:
    """The pages of a file and of its write-ahead log; `newest` says where a page's last one is."""

    file: BinaryIO
    wal: BinaryIO | None
    newest: dict[int, int]

    def get(self, number: int) -> bytes:
        """The newest version of a page."""
        if self.wal is not None and number in self.newest:
            return _at(self.wal, self.newest[number])
        return _at(self.file, (number - 1) * PAGE)


def _at(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(PAGE)


def rows(path: Path, look: Callable[[int, int], object]) -> Iterator[Row]:
    """Every row that can be made out; `look` is told how many bytes are read, of how many."""
    log = path.with_name(path.name + "-wal")
    if not path.exists():
        return
    with path.open("rb") as file:
        size = path.stat().st_size
        wal = log.open("rb") if log.exists() else None
        try:
            frames = list(_frames(wal, log.stat().st_size)) if wal is not None else []
            pages = _Pages(file, wal, dict(frames))
            for number in range(1, size // PAGE + 2):
                yield from _of_page(_at(file, (number - 1) * PAGE), number, pages)
                if number % 256 == 0:
                    look(number * PAGE, size)
            for number, place in frames:
                assert wal is not None
                yield from _of_page(_at(wal, place), number, pages)
        finally:
            if wal is not None:
                wal.close()


def _frames(wal: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """The number of each frame's page, and where the page stands; those of earlier rounds too."""
    for place in range(_WAL_HEADER, size - _FRAME_HEADER, _FRAME_HEADER + PAGE):
        wal.seek(place)
        yield int.from_bytes(wal.read(4), "big"), place + _FRAME_HEADER


def _of_page(page: bytes, number: int, pages: _Pages) -> Iterator[Row]:
    start = _FIRST_PAGE if number == 1 else 0
    if len(page) < start + 12 or page[start] not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
        return
    inner = page[start] == _INDEX_INNER
    first = start + (12 if inner else 8)
    for cell in range(int.from_bytes(page[start + 3 : start + 5], "big")):
        at = first + 2 * cell
        place = int.from_bytes(page[at : at + 2], "big") + (4 if inner else 0)
        row = _cell(page, place, pages, table=page[start] == _TABLE_LEAF)
        if row is not None:
            yield row


def _cell(page: bytes, at: int, pages: _Pages, *, table: bool) -> Row | None:
    """One row; None where it makes no sense."""
    try:
        size, at = _varint(page, at)
        number = None
        if table:
            number, at = _varint(page, at)
        if size > MAX_ROW:
            return None
        local = _local(size, table)
        data = page[at : at + local]
        if size > local:
            data += _overflow(page[at + local : at + local + 4], size - local, pages)
        return Row(number, _values(data)) if len(data) == size else None
    except (IndexError, ValueError):
        return None


def _local(size: int, table: bool) -> int:
    """How many bytes of a row stand on its own page."""
    most = PAGE - 35 if table else (PAGE - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (PAGE - 12) * 32 // 255 - 23
    kept = least + (size - least) % (PAGE - 4)
    return kept if kept <= most else least


def _overflow(pointer: bytes, size: int, pages: _Pages) -> bytes:
    data = b""
    while len(data) < size:
        number = int.from_bytes(pointer, "big")
        page = pages.get(number) if number else b""
        if len(page) < PAGE:
            raise ValueError("a row breaks off")
        pointer = page[:4]
        data += page[4:]
    return data[:size]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for taken in range(8):
        byte = data[at + taken]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + taken + 1
    return value << 8 | data[at + 8], at + 9


def _values(data: bytes) -> tuple[Value, ...]:
    head, at = _varint(data, 0)
    kinds = []
    while at < head:
        kind, at = _varint(data, at)
        kinds.append(kind)
    found: list[Value] = []
    at = head
    for kind in kinds:
        value, at = _value(data, at, kind)
        found.append(value)
    if at != len(data):
        raise ValueError("a row of another length")
    return tuple(found)


def _value(data: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind >= 12:
        size = (kind - 12) // 2
        raw = data[at : at + size]
        return (raw.decode() if kind % 2 else raw), at + size
    if kind in (0, 8, 9):
        return (None, 0, 1)[(0, 8, 9).index(kind)], at
    if kind > 6:
        raise ValueError("a kind of value that no store has")
    size = (1, 2, 3, 4, 6, 8)[kind - 1]
    return int.from_bytes(data[at : at + size], "big", signed=True), at + size
