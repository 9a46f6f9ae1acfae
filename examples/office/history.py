"""What people of the office write: a slice of a real chat, or a small history of our own.

A line is one message as `p2pblog import` takes it: JSON with `id time channel author text` and
perhaps `reply_to`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

EXAMPLES: Final = Path(__file__).parents[1]
CHAT: Final = EXAMPLES.parents[1] / "shared" / "data" / "chat-ubuntu.jsonl.gz"
OWN: Final = EXAMPLES / "history.jsonl"
CHAT_LINES: Final = 200_000  # of the chat; a slice begins at a place in them that the seed chooses


@dataclass(frozen=True, slots=True)
class Line:
    """One message, as it stands in the file."""

    author: str
    text: str


def lines(count: int, seed: int) -> tuple[str, list[Line]]:
    """Where the history is from, and `count` messages of it (our own has fewer), in order."""
    chance = random.Random(seed)
    if CHAT.exists():
        with gzip.open(CHAT, "rt", encoding="utf-8") as file:
            start = chance.randrange(max(1, CHAT_LINES - count)) if seed else 0
            return CHAT.name, _read(file, start, count)
    with OWN.open(encoding="utf-8") as file:
        return OWN.name, _read(file, 0, count)


def _read(file: Iterator[str], start: int, count: int) -> list[Line]:
    found: list[Line] = []
    for number, line in enumerate(file):
        if number >= start:
            found.append(Line(json.loads(line)["author"], line))
        if len(found) == count:
            break
    return found


def parts(history: Sequence[Line], shares: Sequence[float]) -> list[list[Line]]:
    """The history cut into consecutive parts of these shares, which add up to one."""
    ends = [round(len(history) * sum(shares[: place + 1])) for place in range(len(shares))]
    starts = [0, *ends[:-1]]
    return [list(history[start:end]) for start, end in zip(starts, ends, strict=True)]


@dataclass(slots=True)
class Seats:
    """Who sits at which machine: an author who is new takes the next one of those that are on."""

    _seats: dict[str, int] = field(default_factory=dict)

    def spread(self, part: Sequence[Line], present: Sequence[int]) -> Mapping[int, list[Line]]:
        """What is written at each machine. Authors keep theirs, whether it is on or not."""
        written: dict[int, list[Line]] = {}
        for line in part:
            if line.author not in self._seats:
                self._seats[line.author] = present[len(self._seats) % len(present)]
            written.setdefault(self._seats[line.author], []).append(line)
        return written

    @property
    def authors(self) -> int:
        """How many have a seat."""
        return len(self._seats)
