"""A message of many rows, handled as several of few: others get their turn in between.

Whoever sends rows may put them into as many messages as it likes (`protocol/message.md`), so to a
session it makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pblog.protocol.frontier import Row
from p2pblog.protocol.message import Announce, Have, Message, Rows

PIECE = 500  # rows and marks: some 3 ms, or 7 where each is looked up in the store


def pieces(data: Message | None) -> Iterator[Message | None]:
    """The same, in pieces."""
    match data:
        case Announce(rows, hops):
            for start, end in _cuts(rows):
                yield Announce(rows[start:end], hops[start:end])
        case Have(rows, last):
            for start, end in _cuts(rows):
                yield Have(rows[start:end], last and end == len(rows))
        case Rows(scope, buckets, rows, pull, last):
            for start, end in _cuts(rows):
                ended = end == len(rows)
                yield Rows(scope, buckets if ended else (), rows[start:end], pull, last and ended)
        case _:
            yield data


def _cuts(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """From where to where; one cut at least."""
    start, weight = 0, 0
    for at, row in enumerate(rows):
        weight += 1 + len(row.tips)
        if weight > PIECE and at > start:
            yield start, at
            start, weight = at, 1 + len(row.tips)
    yield start, len(rows)
