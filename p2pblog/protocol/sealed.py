"""A sealed file: a head in the clear, then an authenticated stream of records in chunks.

Every chunk bears its number and whether it is the last, and is bound to the head; so what is cut
off, put in, left out, doubled or moved is refused by name, and all before it is good. A pure
machine: bytes in, bytes out. Used by `bundle.py` and `backup.py`. Spec: `protocol/sealed.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import crypto
from p2pblog.protocol.crypto import TAG_SIZE
from p2pblog.protocol.limits import MAX_CHUNK, MAX_HEAD, MAX_RECORD

MAGIC_SIZE: Final = 15
BINDING_SIZE: Final = 32
FRAME_SIZE: Final = 8  # number (4), last (1), length of the text (3)
SALT_SIZE: Final = 16  # the random part of the nonces
_BEFORE: Final = MAGIC_SIZE + 1 + 4  # of the head's body: magic, version, length
_LENGTH: Final = 4  # bytes before a record


class Head(NamedTuple):
    """What a file says in the clear. `binding` is what its chunks are bound to."""

    version: int
    body: bytes
    binding: bytes
    size: int  # bytes of the file before its first chunk


def make_head(magic: bytes, version: int, body: bytes) -> bytes:
    """The bytes before the first chunk; the last 32 are the binding."""
    assert len(magic) == MAGIC_SIZE
    before = magic + bytes([version]) + len(body).to_bytes(4, "big") + body
    return before + crypto.blake2b(crypto.HEAD, before)


def parse_head(magic: bytes, version: int, data: bytes) -> Head | None:
    """The head that `data` begins with; None where more bytes are needed.

    Raises `Refused`: UNKNOWN_FILE, VERSION (above `version`), TOO_LARGE, BAD_HEAD.
    """
    if data[:MAGIC_SIZE] != magic[: len(data)]:
        raise Refused(Reason.UNKNOWN_FILE, "begins otherwise")
    if len(data) > MAGIC_SIZE and not 1 <= data[MAGIC_SIZE] <= version:
        raise Refused(Reason.VERSION, f"version {data[MAGIC_SIZE]}")
    if len(data) < _BEFORE:
        return None
    end = _BEFORE + int.from_bytes(data[MAGIC_SIZE + 1 : _BEFORE], "big")
    if end - _BEFORE > MAX_HEAD:
        raise Refused(Reason.TOO_LARGE, f"a head of {end - _BEFORE} bytes")
    if len(data) < end + BINDING_SIZE:
        return None
    binding = data[end : end + BINDING_SIZE]
    if binding != crypto.blake2b(crypto.HEAD, data[:end]):
        raise Refused(Reason.BAD_HEAD, "its hash is another")
    return Head(data[MAGIC_SIZE], data[_BEFORE:end], binding, end + BINDING_SIZE)


class Sealer:
    """Makes the chunks. `key` is for this file alone; `salt`: 16 random bytes of its head."""

    def __init__(self, key: bytes, salt: bytes, binding: bytes) -> None:
        self._cipher = _Cipher(key, salt, binding)
        self._number = 0
        self._waiting = bytearray()

    def add(self, record: bytes) -> bytes:
        """Take a record in; the chunks that are full now, perhaps none."""
        if len(record) > MAX_RECORD:
            raise Refused(Reason.TOO_LARGE, f"a record of {len(record)} bytes")
        self._waiting += len(record).to_bytes(_LENGTH, "big") + record
        chunks = []
        while len(self._waiting) > MAX_CHUNK:
            chunks.append(self._seal(bytes(self._waiting[:MAX_CHUNK]), last=False))
            del self._waiting[:MAX_CHUNK]
        return b"".join(chunks)

    def flush(self) -> bytes:
        """What waits, as a chunk of its own: readable whatever becomes of the rest."""
        text = bytes(self._waiting)
        self._waiting.clear()
        return self._seal(text, last=False) if text else b""

    def end(self) -> bytes:
        """The last chunk."""
        return self._seal(bytes(self._waiting), last=True)

    def _seal(self, text: bytes, *, last: bool) -> bytes:
        frame = _frame(self._number, last, len(text))
        self._number += 1
        return frame + self._cipher.seal(frame, text)


class Opener:
    """Reads the chunks. Records come out as soon as the chunk that ends them is here."""

    def __init__(self, key: bytes, salt: bytes, binding: bytes) -> None:
        self._cipher = _Cipher(key, salt, binding)
        self._number = 0
        self._ended = False
        self._fault: Refused | None = None
        self._sealed = bytearray()
        self._open = bytearray()

    def receive(self, data: bytes) -> list[bytes]:
        """The records that `data` completes; a fault behind them is raised by the next call.

        Raises `Refused`: OUT_OF_ORDER, DECRYPT_FAILED, BAD_VALUE (a chunk's frame), TOO_LARGE (a
        record), MALFORMED (bytes behind the end, or an end within a record).
        """
        self._sealed += data
        records: list[bytes] = []
        try:
            while self._fault is None and self._next_chunk():
                records += self._records()
            if self._ended and (self._open or self._sealed):
                raise Refused(Reason.MALFORMED, "bytes behind the end")
        except Refused as refused:
            self._fault = self._fault or refused
        if self._fault is not None and not records:
            raise self._fault
        return records

    def end(self) -> None:
        """The file has ended. Raises `Refused` TRUNCATED unless it was whole, or its fault."""
        if self._fault is not None:
            raise self._fault
        if not self._ended:
            raise Refused(Reason.TRUNCATED, f"in chunk {self._number}")

    def _next_chunk(self) -> bool:
        if self._ended or len(self._sealed) < FRAME_SIZE:
            return False
        frame = bytes(self._sealed[:FRAME_SIZE])
        last, size = self._check(frame)
        end = FRAME_SIZE + size + TAG_SIZE
        if len(self._sealed) < end:
            return False
        self._open += self._cipher.open(frame, bytes(self._sealed[FRAME_SIZE:end]))
        del self._sealed[:end]
        self._number += 1
        self._ended = last
        return True

    def _check(self, frame: bytes) -> tuple[bool, int]:
        number, size = int.from_bytes(frame[:4], "big"), int.from_bytes(frame[5:], "big")
        if number != self._number:
            raise Refused(Reason.OUT_OF_ORDER, f"chunk {number} where {self._number} is due")
        if frame[4] > 1 or size > MAX_CHUNK or not (size or frame[4]):
            raise Refused(Reason.BAD_VALUE, f"the frame of chunk {number}")
        return frame[4] == 1, size

    def _records(self) -> Iterator[bytes]:
        while len(self._open) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._open[:_LENGTH], "big")
            if end - _LENGTH > MAX_RECORD:
                raise Refused(Reason.TOO_LARGE, f"a record of {end - _LENGTH} bytes")
            if len(self._open) < end:
                return
            yield bytes(self._open[_LENGTH:end])
            del self._open[:end]


def _frame(number: int, last: bool, size: int) -> bytes:
    return number.to_bytes(4, "big") + bytes([last]) + size.to_bytes(3, "big")


class _Cipher:
    """XChaCha20-Poly1305 of one file: the nonce is salt and chunk number."""

    def __init__(self, key: bytes, salt: bytes, binding: bytes) -> None:
        self._key = key
        self._salt = salt
        self._binding = binding

    def seal(self, frame: bytes, text: bytes) -> bytes:
        return crypto.encrypt_long(self._key, self._nonce(frame), self._binding + frame, text)

    def open(self, frame: bytes, sealed: bytes) -> bytes:
        return crypto.decrypt_long(self._key, self._nonce(frame), self._binding + frame, sealed)

    def _nonce(self, frame: bytes) -> bytes:
        return self._salt + bytes(4) + frame[:4]
