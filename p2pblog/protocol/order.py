"""The order of posts, the time that a writer gives its entry, and times ahead of the reader.

Posts are ordered by (header time, entry id), the same everywhere and for ever. Times of entries
merely received never enter a writer's time, or one machine a year ahead would move every clock.
Spec: `protocol/order.md`.
"""

from __future__ import annotations

from typing import NamedTuple

from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS


class Position(NamedTuple):
    """A post's place in the order; positions compare as they stand. `time` in ms."""

    time: int
    id: EntryId


def writer_time(now: int, last: int, not_before: int) -> int:
    """The header time of a new entry: the latest of the three that is not too far ahead.

    `now` is the writer's wall clock, `last` the header time of the entry before it in its log (0
    for the first), `not_before` the time of what it answers + 1 (0 for none); all ms.
    """
    latest = now
    for bound in (last + 1, not_before):
        if latest < bound and not is_ahead(bound, now):
            latest = bound
    return latest


def is_ahead(time: int, now: int) -> bool:
    """Whether a header time is to be flagged: more than 10 minutes ahead of the reader's clock."""
    return time > now + CLOCK_TOLERANCE_MS
