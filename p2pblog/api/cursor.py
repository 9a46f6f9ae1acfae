"""Cursors: places in a list, opaque to the client. Spec: `protocol/api.md`, "Lists".

base64url without padding: of posts, 8 bytes of time and the 32 of the id; of search results, 8
bytes of arrival. An event position is readable: `STORE:ARRIVAL`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from p2pblog.protocol.entry import EntryId

_POSITION = re.compile(r"([0-9a-f]{1,64}):(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the event stream: arrival numbers are good only with their store."""

    store: str
    arrival: int

    def __str__(self) -> str:
        return f"{self.store}:{self.arrival}"


def write_place(time: int, post: EntryId) -> str:
    """The cursor of a place in (time, id) order."""
    return _encode(time.to_bytes(8, "big") + post)


def read_place(cursor: str) -> tuple[int, EntryId]:
    """The (time, id) of a cursor. ValueError for anything that `write_place` does not make."""
    data = _decode(cursor, 40)
    return int.from_bytes(data[:8], "big"), EntryId(data[8:])


def write_arrival(arrival: int) -> str:
    """The cursor of a search result."""
    return _encode(arrival.to_bytes(8, "big"))


def read_arrival(cursor: str) -> int:
    """The arrival number of a cursor. ValueError for anything else."""
    return int.from_bytes(_decode(cursor, 8), "big")


def read_position(text: str) -> Position:
    """The position that `text` names. ValueError for anything else."""
    found = _POSITION.fullmatch(text)
    if not found:
        raise ValueError("not STORE:ARRIVAL")
    return Position(found[1], int(found[2]))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(cursor: str, size: int) -> bytes:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a cursor") from error
    # a first byte above 0x7f would be no number of SQLite's; an odd form, no cursor of ours
    if len(data) != size or data[0] > 0x7F or _encode(data) != cursor:
        raise ValueError("not a cursor")
    return data
