"""`import`: posts that were written elsewhere, from JSON lines.

A line is an object with `id time channel author text` and perhaps `reply_to`, the id of another
line. Importing again stores nothing twice, so an import that was cut off is simply run again.
While the daemon stores one batch, the next one is read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Final, Protocol, cast

import click

from p2pblog.cli import output, when
from p2pblog.cli.api import Api
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import Imported, ImportItem
from p2pblog.errors import Exit, UsageError, UserError

MAX_BATCH: Final = 512  # items of a request: a page; one answer in a few hundredths of a second
MAX_BYTES: Final = 4 * 1024 * 1024  # of a request; the API takes 8 MiB
MAX_LINE: Final = 60 * 1024  # four times the longest post
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEEDED: Final = ("id", "time", "channel", "author", "text")
Refusal = tuple[int, str, str]  # the line, its id, and why
SHOWN: Final = 20  # refused lines that are listed; --json has them all


class Progress(Protocol):
    """What we use of a progress bar."""

    def update(self, n_steps: int) -> None:
        """Go on by so many bytes."""


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    stored: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)


@click.command(
    "import",
    epilog="""\b
Examples
  p2pblog import chat.jsonl.gz
  jq -c 'select(.channel == "pumps")' old.jsonl | p2pblog import -""",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@pass_app
def import_(app: App, file: str) -> int:
    """Import posts that were written elsewhere.

    FILE has JSON lines; it is gzipped if it ends in .gz; - is standard input.

    Each line has id, time, channel, author, text and perhaps reply_to. They become posts of yours
    that name author and time. Doing it again stores nothing twice.
    """
    tally = Tally()
    api = app.api()
    try:
        with _opened(file) as raw, _bar(app, file) as bar:
            conveyor = Conveyor(api, tally, bar)
            try:
                for batch in _batches(raw, file):
                    conveyor.put(batch)
            finally:
                conveyor.settle()
            conveyor.show(_position(raw))
    except UserError as e:
        e.hint = f"{e.hint.rstrip('.')}. Run it again: what is here is not stored twice".lstrip(
            ". "
        )
        raise
    except (OSError, EOFError) as e:
        raise UserError(f"Can't read {file}: {e}") from e
    _report(app, tally)
    return Exit.PARTIAL if tally.refused else Exit.OK


@dataclass(slots=True)
class Batch:
    """Items, the lines they stand in, lines that hold none, and where in the file they end."""

    items: list[ImportItem] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    size: int = 0
    end: int = 0

    def add(self, number: int, item: ImportItem, size: int) -> None:
        """Put in what stands in a line."""
        self.numbers[item["id"]] = number
        self.items.append(item)
        self.size += size

    def has_room(self, item: ImportItem, size: int) -> bool:
        """Whether it can go into the same request: an id stands there once."""
        small = len(self.items) < MAX_BATCH and self.size + size <= MAX_BYTES
        return small and item["id"] not in self.numbers


@dataclass(slots=True)
class Conveyor:
    """Takes batches to the daemon: one is on its way while the next is read."""

    api: Api
    tally: Tally
    bar: Progress | None
    _on_its_way: Batch | None = None
    _shown: int = 0

    def put(self, batch: Batch) -> None:
        """Send a batch, once the one before is stored."""
        self.settle()
        if batch.items:
            self.api.begin_import(batch.items)
        self._on_its_way = batch

    def settle(self) -> None:
        """Wait for the batch that is on its way, if there is one."""
        batch, self._on_its_way = self._on_its_way, None
        if batch is None:
            return
        self.tally.refused += batch.refused
        if batch.items:
            self._count(batch, self.api.finish_import())
        self.show(batch.end)

    def _count(self, batch: Batch, answer: Imported) -> None:
        self.tally.stored += answer["stored"]
        self.tally.known += answer["known"]
        self.tally.refused += [(batch.numbers.get(i, 0), i, why) for i, why in answer["refused"]]

    def show(self, position: int) -> None:
        """Say that all up to a position in the file is stored."""
        if self.bar:
            self.bar.update(position - self._shown)
            self._shown = position


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(cast(BinaryIO, sys.stdin.buffer))
    return Path(file).open("rb")


def _bar(app: App, file: str) -> AbstractContextManager[Progress | None]:
    if file == "-" or app.json or app.quiet or not sys.stderr.isatty():
        return nullcontext(None)
    length = Path(file).stat().st_size
    bar = click.progressbar(length=length, label="Importing", file=sys.stderr)
    return cast(AbstractContextManager["Progress | None"], bar)


def _batches(raw: BinaryIO, file: str) -> Iterator[Batch]:
    """The lines of a file in batches."""
    batch = Batch()
    for number, line in enumerate(_lines(raw, file), 1):
        if not line.strip():
            continue
        try:
            item = _checked(line)
        except ValueError as e:
            batch.refused.append((number, _id_of(line), str(e)))
            continue
        if not batch.has_room(item, len(line)):
            batch.end = _position(raw)
            yield batch
            batch = Batch()
        batch.add(number, item, len(line))
    if batch.items or batch.refused:
        batch.end = _position(raw)
        yield batch


def _position(raw: BinaryIO) -> int:
    """How far a file was read; 0 of what has no end."""
    return raw.tell() if raw.seekable() else 0


def _lines(raw: BinaryIO, file: str) -> Iterator[bytes]:
    """The lines of a file. Raises `OSError` and `EOFError` where it can't be read."""
    if not file.endswith(".gz"):
        yield from raw
        return
    import gzip
    import zlib

    try:
        yield from cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    except zlib.error as e:
        raise OSError(f"it is damaged ({e})") from e


def _checked(line: bytes) -> ImportItem:
    """The item in a line; ValueError says what the API would refuse a whole batch for."""
    if len(line) > MAX_LINE:
        raise ValueError("too long")
    found = _object(line)
    for key in NEEDED:
        if not isinstance(found.get(key), str):
            raise ValueError(f"{key} is missing or no text")
    item = {key: str(found[key]) for key in NEEDED}
    item["time"] = _time(item["time"])
    if found.get("reply_to"):
        item["reply_to"] = str(found["reply_to"])
    for key, text in item.items():
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise ValueError(f"{key} has a lone surrogate, which is no character")
    return cast(ImportItem, item)


def _object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise ValueError("not JSON") from e
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise ValueError("time is not RFC 3339") from e
    if moment.tzinfo is None:
        raise ValueError("time has no zone")
    if moment < EPOCH:
        raise ValueError("time is before 1970")
    try:
        return when.rfc3339(moment)
    except OverflowError as e:  # its zone puts it beyond the year 9999
        raise ValueError("time is out of range") from e


def _id_of(line: bytes) -> str:
    try:
        return str(_object(line).get("id", "")) if len(line) <= MAX_LINE else ""
    except ValueError:
        return ""


def _report(app: App, tally: Tally) -> None:
    if app.json:
        refused = [{"line": line, "id": item, "why": why} for line, item, why in tally.refused]
        app.emit({"stored": tally.stored, "known": tally.known, "refused": refused})
        return
    if not (tally.stored or tally.known or tally.refused):
        raise UsageError("There is nothing to import", "The file has no lines.")
    parts = [f"{output.count(tally.stored, 'post')} stored"]
    if tally.known:
        parts.append(f"{tally.known:,} known already")
    if tally.refused:
        parts.append(f"{len(tally.refused):,} refused")
    app.say(", ".join(parts))
    for line, item, why in tally.refused[:SHOWN]:
        app.note(f"  line {line}{f' ({output.clean(item)})' if item else ''}: {output.clean(why)}")
    if len(tally.refused) > SHOWN:
        app.note(f"  and {len(tally.refused) - SHOWN:,} more; all with --json")
