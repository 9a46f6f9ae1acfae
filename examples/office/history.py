"""What people of the office write: a slice of a real chat, or a small history of our own.

A line is one message as `p2pblog import` takes it: JSON with `id time channel author text` and
perhaps `reply_to`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

EXAMPLES: Final = Path(__file__).parents[1]
CHAT: Final = EXAMPLES.parents[1] / "shared" / "data" / "chat-ubuntu.jsonl.gz"
OWN: Final = EXAMPLES / "history.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """One message, as it stands in the file."""

    author: str
    text: str


def lines(count: int, authors: int | None, seed: int) -> tuple[str, list[Line]]:
    """Where the history is from, and `count` messages of it in order (our own has fewer).

    With `authors` only those of that many people, the most talkative. The seed says where to begin.
    """
    if CHAT.exists():
        with gzip.open(CHAT, "rt", encoding="utf-8") as file:
            name, found = CHAT.name, [_line(text) for text in file]
    else:
        name, found = OWN.name, [_line(text) for text in OWN.read_text("utf-8").splitlines(True)]
    if authors is not None:
        heard = {who for who, _ in Counter(one.author for one in found).most_common(authors)}
        found = [one for one in found if one.author in heard]
    start = random.Random(seed).randrange(max(1, len(found) - count)) if seed else 0
    return name, found[start : start + count]


def _line(text: str) -> Line:
    return Line(json.loads(text)["author"], text)


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
