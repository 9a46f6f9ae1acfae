"""A backup: a sealed file under a passphrase that holds the files of a home.

Its head says how the passphrase is stretched. Its records are parts by name, in pieces.
Spec: `protocol/backup.md`.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Final, NamedTuple, TypeAlias

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto, sealed
from p2pblog.protocol.codec import Array, Bytes, Constant, Text, Uint
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import TeamId
from p2pblog.protocol.limits import (
    MAX_CHUNK,
    MAX_HEAD,
    MAX_NAME,
    MAX_PASS_MEMORY,
    MAX_PASSES,
    MAX_RECORD,
    MAX_TIME_MS,
    PASSPHRASE_MEMORY,
    PASSPHRASE_PASSES,
)

MAGIC: Final = b"p2pblog backup\n"
VERSION: Final = 1
CHECK_SIZE: Final = 16
_MIN_MEMORY = 8  # KiB; argon2id takes no less

HEAD = Array(
    "head",
    (
        ("salt", Bytes(sealed.SALT_SIZE)),
        ("stretch_salt", Bytes(16)),
        ("passes", Uint(MAX_PASSES, 1)),
        ("memory", Uint(MAX_PASS_MEMORY, _MIN_MEMORY, note="KiB")),
        ("check", Bytes(CHECK_SIZE)),
    ),
)
START = Array(
    "start",
    (
        ("type", Constant(0)),
        ("team", Bytes(32)),
        ("device", Bytes(32)),
        ("made", Uint(MAX_TIME_MS, note="milliseconds since 1970 UTC")),
        ("version", Text(MAX_NAME, note="of the program that made it")),
    ),
    extra=True,
)
PART = Array(
    "part",
    (("type", Constant(1)), ("name", Text(MAX_NAME, 1)), ("size", Uint(note="bytes"))),
)
PIECE = Array("piece", (("type", Constant(2)), ("data", Bytes(1, MAX_CHUNK))))
END = Array("end", (("type", Constant(3)), ("parts", Uint(note="how many"))), extra=True)
_RECORDS = (START, PART, PIECE, END)


class Cost(NamedTuple):
    """How a passphrase is stretched; `memory` in KiB."""

    salt: bytes
    passes: int = PASSPHRASE_PASSES
    memory: int = PASSPHRASE_MEMORY


class Start(NamedTuple):
    """Of which team and device, made when (ms) and by which version of the program."""

    team: TeamId
    device: DeviceKey
    made: int
    version: str


class Part(NamedTuple):
    """A file; its bytes follow in pieces."""

    name: str
    size: int


class Piece(NamedTuple):
    """Some bytes of the part that was named last."""

    data: bytes


class End(NamedTuple):
    """How many parts there were."""

    parts: int


Record: TypeAlias = Start | Part | Piece | End


def pack(record: Record) -> bytes:
    """The bytes of a record."""
    match record:
        case Start():
            return codec.pack((0, *record))
        case Part():
            return codec.pack((1, *record))
        case Piece():
            return codec.pack((2, *record))
        case End():
            return codec.pack((3, *record))


class Reader:
    """Reads the records in order, and holds that each part is whole."""

    def __init__(self) -> None:
        self._begun = self._ended = False
        self._parts = 0
        self._left = 0  # bytes of the part that are still to come

    def receive(self, data: bytes) -> Record:
        """The record in `data`. Raises `Refused`."""
        value = codec.unpack(data, MAX_RECORD)
        if type(value) is not tuple or not value or type(value[0]) is not int:
            raise Refused(Reason.BAD_SHAPE, "a record is an array that starts with its type")
        number = value[0]
        if number >= len(_RECORDS) or number < 0 or self._ended or self._begun == (number == 0):
            raise Refused(Reason.UNEXPECTED, f"record {number}")
        _RECORDS[number].check(value)
        record = _read(value)
        self._count(record)
        return record

    def _count(self, record: Record) -> None:
        match record:
            case Start():
                self._begun = True
                return
            case Piece(data):
                self._left -= len(data)
                if self._left < 0:
                    raise Refused(Reason.BAD_VALUE, "a part is longer than it said")
                return
            case _ if self._left:
                raise Refused(Reason.BAD_VALUE, f"a part lacks {self._left} bytes")
            case Part(size=size):
                self._parts += 1
                self._left = size
            case End(parts):
                self._ended = True
                if parts != self._parts:
                    raise Refused(Reason.BAD_VALUE, f"{self._parts} parts, not {parts}")

    def end(self) -> None:
        """The records have ended. Raises `Refused` TRUNCATED where the last is missing."""
        if not self._ended:
            raise Refused(Reason.TRUNCATED, "without its end")


def _read(value: tuple[Any, ...]) -> Record:
    match value[0]:
        case 0:
            return Start(*value[1:5])
        case 1:
            return Part(*value[1:3])
        case 2:
            return Piece(value[1])
        case _:
            return End(value[1])


# The head


def stretch(passphrase: str, cost: Cost) -> bytes:
    """32 secret bytes of a passphrase, however it was typed: NFC, in UTF-8."""
    text = unicodedata.normalize("NFC", passphrase).encode()
    return crypto.stretch_passphrase(text, *cost)


def make_head(secret: bytes, cost: Cost, salt: bytes) -> bytes:
    """The file's head; `secret` is `stretch(passphrase, cost)`, `salt` 16 random bytes."""
    body = codec.pack((salt, *cost, _check(secret)))
    return sealed.make_head(MAGIC, VERSION, body)


def key_of(secret: bytes) -> bytes:
    """The key of the sealed stream."""
    return crypto.mac(secret, crypto.BACKUP)


def open_head(head: sealed.Head, passphrase: str) -> sealed.Opener:
    """What opens the file. Takes a second. Raises `Refused` WRONG_PASSPHRASE, or its fault."""
    salt, stretch_salt, passes, memory, check = codec.decode(HEAD, head.body, MAX_HEAD)
    secret = stretch(passphrase, Cost(stretch_salt, passes, memory))
    if not crypto.equal(check, _check(secret)):
        raise Refused(Reason.WRONG_PASSPHRASE, "or another backup")
    return sealed.Opener(key_of(secret), salt, head.binding)


def _check(secret: bytes) -> bytes:
    return crypto.mac(secret, crypto.PASSPHRASE, size=CHECK_SIZE)
