"""What targets are made of: the bytes of our vectors, pieces, and pages signed again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, entry
from p2pblog.protocol.codec import Value
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import NO_TEAM, EntryId, Header, TeamId
from tests.fuzz import TAKEN
from tests.support.logs import key
from tests.support.vectors import vectors

_T = TypeVar("_T")
_P = ParamSpec("_P")

KEYS: dict[DeviceKey, SigningKey] = {one.public: one for one in map(key, range(1, 10))}
CHAIN, PAYLOADS, SIGNATURES = 1, 2, 4  # what `mended` makes right


def from_vectors(module: str, *fields: str) -> Iterator[bytes]:
    """Every hex string that stands under one of `fields` in a module's vectors."""
    for part in ("valid", "invalid"):
        for vector in vectors(module, part):
            yield from _hexes(vector, fields)


def _hexes(value: Any, fields: Sequence[str]) -> Iterator[bytes]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item) if name in fields else _hexes(item, fields)
    elif isinstance(value, list):
        for item in value:
            yield from _hexes(item, fields)


def _strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield bytes.fromhex(value)
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def plan(data: bytes, *kinds: type) -> tuple[Any, ...] | None:
    """The fields of a structured input, each of its kind; None for any other bytes."""
    try:
        value = codec.unpack(data, 1 << 20)
    except Refused:
        return None
    if type(value) is not tuple or len(value) != len(kinds):
        return None
    return value if all(map(isinstance, value, kinds)) else None


def texts(data: bytes) -> str:
    """Bytes as text, as the system hands arguments to a program."""
    return data.decode("utf-8", "surrogateescape")


def cut(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """`data` in pieces of these sizes, over and over; whole where there are none."""
    if not any(sizes):
        yield data
        return
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def attempt(call: Callable[_P, _T], *args: _P.args, **more: _P.kwargs) -> tuple[_T | None, str]:
    """What it gave, and `TAKEN` or the reason why it was refused."""
    try:
        return call(*args, **more), TAKEN
    except Refused as refused:
        return None, refused.reason.value


def named(refused: Refused, allowed: Collection[Reason] = tuple(Reason)) -> str:
    """The reason, which has to be one of those allowed."""
    assert refused.reason in allowed, refused.reason
    return refused.reason.value


def of_bytes(value: Value) -> list[bytes]:
    """The items of a value that are bytes."""
    return [item for item in value if isinstance(item, bytes)] if isinstance(value, tuple) else []


def mended(data: bytes, how: int, team: TeamId) -> bytes:
    """A page with its chain, its payloads' hashes or its signatures made right; else as it is.

    So that fuzzing gets past the signatures: devices are those of `KEYS`, as a liar of the team
    has its own key.
    """
    value = plan(data, tuple, tuple, tuple)
    if value is None or not how:
        return data
    headers, payloads, signatures = of_bytes(value[0]), value[1], of_bytes(value[2])
    before: Header | None = None
    last = EntryId(b"")
    for index, raw in enumerate(headers):
        read, _ = attempt(entry.parse_header, raw)
        if read is None:
            before = None
            continue
        payload = payloads[index] if index < len(payloads) else None
        headers[index] = _header(raw, read, before, last, payload, how)
        before, last = read._replace(seq=_seq(read, before, how)), entry.entry_id(headers[index])
    if how & SIGNATURES:
        for offset in range(1, min(len(signatures), len(headers)) + 1):
            signatures[-offset] = _signature(headers[-offset], signatures[-offset], team)
    return codec.pack((headers, payloads, signatures))


def _seq(read: Header, before: Header | None, how: int) -> int:
    return before.seq + 1 if before and how & CHAIN else read.seq


def _header(
    raw: bytes, read: Header, before: Header | None, last: EntryId, payload: Value, how: int
) -> bytes:
    value = codec.unpack(raw, len(raw))
    assert isinstance(value, tuple)
    if how & CHAIN and before is not None:
        read = read._replace(seq=before.seq + 1, backlink=last)
    if how & PAYLOADS and isinstance(payload, bytes):
        read = read._replace(payload_hash=entry.payload_hash(payload), payload_size=len(payload))
    return codec.pack((*read, *value[len(read) :]))


def _signature(raw: bytes, old: bytes, team: TeamId) -> bytes:
    read, _ = attempt(entry.parse_header, raw)
    signing = KEYS.get(read.device) if read else None
    if signing is None:
        return old
    founds = TeamId(entry.entry_id(raw)) == team
    return signing.sign(entry.signed_bytes(NO_TEAM if founds else team, raw))
