"""How much a session holds: its own state, without what it shares with others of its device."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.session import Session
from tests.simulation.office import Office

SHARED = {"_view", "_claims", "_sources", "_tips", "_told", "_end"}  # and tips: the catalogue's own


def size_of(session: Session) -> int:
    """Bytes, by walking everything that it refers to."""
    seen: set[int] = set()
    return sum(map(sys.getsizeof, _parts(session, seen)))


def _parts(value: object, seen: set[int]) -> Iterator[object]:
    if id(value) in seen or isinstance(value, (type, Claims)) or callable(value):
        return
    seen.add(id(value))
    yield value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(key, seen)
            yield from _parts(item, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _parts(item, seen)
    else:
        for name in (*getattr(value, "__dict__", ()), *getattr(value, "__slots__", ())):
            if name not in SHARED:
                yield from _parts(getattr(value, name), seen)


def largest(office: Office) -> int:
    """Of all sessions of an office."""
    return max(size_of(end.session) for device in office.on for end in device.ends)
