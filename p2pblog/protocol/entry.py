"""One entry: a signed header and, apart from it, its payload.

The bytes are never encoded again to be verified: what was received is hashed, stored and forwarded.
Validity depends on header bytes and chain alone, never on the body, a clock or configuration.
Spec: `protocol/entry.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple, NewType

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto
from p2pblog.protocol.codec import Array, Bytes, Uint
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.limits import (
    MAX_HEADER,
    MAX_HEADER_EXTRA,
    MAX_PAYLOAD,
    MAX_SEQ,
    MAX_TIME_MS,
    SALT_SIZE,
)

EntryId = NewType("EntryId", bytes)
TeamId = NewType("TeamId", bytes)
LogId = NewType("LogId", bytes)
Incarnation = NewType("Incarnation", bytes)

VERSION = 1
NO_TEAM = TeamId(b"")  # what the founding entry's signature binds: its id is the team's
NO_BACKLINK = EntryId(b"")  # what the first entry of a log names


class Kind(IntEnum):
    """What a log is for. Any kind but TEAM follows the rules of POSTS."""

    TEAM = 0
    POSTS = 1


class PayloadClass(IntEnum):
    """What a payload is, readable without it: retention and erasure go by class.

    An unknown class is valid, stored, relayed, and shown as "needs a newer version".
    """

    OPERATION = 0  # a team operation (team logs only)
    OPENING = 1  # names the tips known when an incarnation was opened
    POST = 2
    EDIT = 3
    DELETE = 4
    REACTION = 5
    SEALED = 6
    KEYS = 7
    PROFILE = 8


SHAPE = Array(
    "header",
    (
        ("version", Uint(127, 1)),
        ("device", Bytes(32, note="Ed25519 public key")),
        ("incarnation", Bytes(8)),
        ("kind", Uint(15)),
        ("seq", Uint(MAX_SEQ, 1)),
        ("backlink", Bytes(0, 32, note="id of the entry before; empty where seq is 1")),
        ("time", Uint(MAX_TIME_MS, note="milliseconds since 1970 UTC")),
        ("payload_class", Uint(255)),
        ("payload_hash", Bytes(32)),
        ("payload_size", Uint(MAX_PAYLOAD, SALT_SIZE)),
    ),
    extra=True,
)
_FIELDS = len(SHAPE.fields)
_LABEL = crypto.SIGN_ENTRY.ljust(crypto.LABEL_SIZE, b"\0")


class Header(NamedTuple):
    """The ten leading fields, frozen for ever. Later versions may append, up to 256 bytes."""

    version: int
    device: DeviceKey
    incarnation: Incarnation
    kind: int
    seq: int
    backlink: EntryId
    time: int
    payload_class: int
    payload_hash: bytes
    payload_size: int

    def pack(self) -> bytes:
        """The header's bytes, as they are hashed and signed."""
        return codec.pack(tuple(self))


class Entry(NamedTuple):
    """A whole entry as it was made or received."""

    id: EntryId
    header: Header
    header_bytes: bytes
    signature: bytes
    payload: bytes | None


def parse_header(data: bytes) -> Header:
    """The header that `data` encodes. Raises `Refused` for anything but a valid one."""
    if len(data) > MAX_HEADER:
        raise Refused(Reason.TOO_LARGE, f"header of {len(data)} bytes")
    value = codec.unpack(data, MAX_HEADER)
    SHAPE.check(value)
    assert type(value) is tuple
    if len(value) > _FIELDS:
        _check_extra(value)
    header = Header(*_leading(value))
    if len(header.backlink) != (0 if header.seq == 1 else 32):
        raise Refused(Reason.BAD_BACKLINK, f"{len(header.backlink)} bytes at seq {header.seq}")
    return header


def parse_headers(items: Sequence[bytes]) -> list[Header]:
    """`parse_header` of each; those of a page take half the time together."""
    values = codec.plain(SHAPE, items, MAX_HEADER)
    if values is None or not all(len(v[5]) == (0 if v[4] == 1 else 32) for v in values):
        return [parse_header(item) for item in items]
    make = tuple.__new__  # `Header._make` without looking at the length once more
    return [make(Header, value) for value in values]


def _leading(value: tuple[Any, ...]) -> tuple[Any, ...]:
    return value[:_FIELDS]


def _check_extra(value: tuple[Any, ...]) -> None:
    size = sum(len(codec.pack(item)) for item in value[_FIELDS:])
    if size > MAX_HEADER_EXTRA:
        raise Refused(Reason.TOO_LARGE, f"{size} bytes beyond the known fields")


def entry_id(header: bytes) -> EntryId:
    """BLAKE2b-256 of the header's bytes; the signature is no part of an entry's identity."""
    return EntryId(crypto.blake2b(crypto.ENTRY, header))


def payload_hash(payload: bytes) -> bytes:
    """What a header commits to: BLAKE2b-256 of salt and body."""
    return crypto.blake2b(crypto.PAYLOAD, payload)


def log_id(team: TeamId, device: DeviceKey, incarnation: Incarnation, kind: int) -> LogId:
    """16 bytes that name a log within its team."""
    return LogId(crypto.blake2b(crypto.LOG, team, device, incarnation, bytes([kind]), size=16))


def signed_bytes(team: TeamId, header: bytes) -> bytes:
    """What an entry's signature signs: label, length of the team's id, that id, header."""
    return _LABEL + bytes([len(team)]) + team + header


def check_signature(team: TeamId, device: DeviceKey, header: bytes, signature: bytes) -> None:
    """Raise `Refused` BAD_SIGNATURE unless `device` signed `header` for `team`."""
    if not crypto.verify(device, signed_bytes(team, header), signature):
        raise Refused(Reason.BAD_SIGNATURE, f"device {device[:4].hex()}")


def check_payload(header: Header, payload: bytes) -> None:
    """Raise `Refused` BAD_PAYLOAD unless it is what `header` commits to."""
    if len(payload) != header.payload_size or payload_hash(payload) != header.payload_hash:
        raise Refused(Reason.BAD_PAYLOAD, f"seq {header.seq}")


def body(payload: bytes) -> bytes:
    """What follows the salt."""
    return payload[SALT_SIZE:]


def drawn(
    device: DeviceKey,
    incarnation: Incarnation,
    kind: int,
    *,
    seq: int,
    backlink: EntryId,
    time: int,
    payload_class: int,
    payload: bytes,
) -> Entry:
    """The next entry of a log, yet to be checked and signed."""
    hashed, size = payload_hash(payload), len(payload)
    header = Header(
        *(VERSION, device, incarnation, kind, seq, backlink, time, payload_class, hashed, size)
    )
    data = header.pack()
    return Entry(entry_id(data), header, data, b"", payload)


def sign(key: SigningKey, team: TeamId, header: bytes) -> bytes:
    """The signature of an entry, by its header's bytes."""
    return key.sign(signed_bytes(team, header))


def make(
    key: SigningKey,
    team: TeamId,
    incarnation: Incarnation,
    kind: int,
    *,
    seq: int,
    backlink: EntryId,
    time: int,
    payload_class: int,
    salt: bytes,
    content: bytes,
) -> Entry:
    """The next entry of a log of `key`. `salt` is 16 random bytes, `content` the body."""
    one = drawn(
        key.public,
        incarnation,
        kind,
        seq=seq,
        backlink=backlink,
        time=time,
        payload_class=payload_class,
        payload=salt + content,
    )
    parse_header(one.header_bytes)
    return one._replace(signature=sign(key, team, one.header_bytes))
