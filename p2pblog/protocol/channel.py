"""A secure channel over a byte stream: handshake, framing and whole messages, without I/O.

Feed it what the socket gave (`receive_data`), do what the events say, send what `data_to_send`
gives. Each side proves its device key. Every length is checked before anything of that length is
held. After a `Refused` nothing more is received; what is queued may still go, to say why.

Spec: `protocol/channel.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pblog.errors import ConnectionLost, Reason, Refused
from p2pblog.protocol.crypto import (
    KEY_SIZE,
    TAG_SIZE,
    DeviceKey,
    SigningKey,
    equal,
    exchange_public,
)
from p2pblog.protocol.limits import MAX_FRAME, MAX_HANDSHAKE, MAX_MESSAGE
from p2pblog.protocol.noise import MAX_PLAINTEXT, CipherState, Handshake, try_psks

PATTERN: Final = "XXpsk0"
PROLOGUE: Final = b"p2pblog 1"
FRAME_PREFIX: Final = 2  # a frame's length, big-endian
MESSAGE_PREFIX: Final = 4  # a message's length, big-endian


@dataclass(frozen=True, slots=True)
class Established:
    """The handshake is done and `remote_device` has proved that it holds its key.

    `psk_index` is the place of the psk that the initiator used. `handshake_hash`, 64 bytes, is
    the same on both sides and differs for every channel.
    """

    remote_device: DeviceKey
    psk_index: int
    handshake_hash: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message of the other side."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The other side said that it sends nothing more."""


Event: TypeAlias = Established | Message | Ended


class Frames:
    """Cuts a byte stream into frames: 2 bytes of length, then that much."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._buffer += data

    def next(self, low: int, high: int) -> bytes | None:
        """The next whole frame, of `low` to `high` bytes; None when it is not all here."""
        if len(self._buffer) < FRAME_PREFIX:
            return None
        size = int.from_bytes(self._buffer[:FRAME_PREFIX], "big")
        if size > high:
            raise Refused(Reason.TOO_LARGE, f"a frame of {size} bytes, limit {high}")
        if size < low:
            raise Refused(Reason.MALFORMED, f"a frame of {size} bytes")
        end = FRAME_PREFIX + size
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            frame = bytes(view[FRAME_PREFIX:end])
        del self._buffer[:end]
        return frame


class Messages:
    """Puts messages together from decrypted frames: 4 bytes of length, then that much."""

    __slots__ = ("_buffer", "ended")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.ended = False

    def feed(self, plaintext: bytes) -> Iterator[Event]:
        """The messages that `plaintext` completes, and the end."""
        if self.ended:
            raise Refused(Reason.UNEXPECTED, "data after the end")
        self._buffer += plaintext
        start = 0
        while len(self._buffer) - start >= MESSAGE_PREFIX:
            body = start + MESSAGE_PREFIX
            size = int.from_bytes(self._buffer[start:body], "big")
            if size > MAX_MESSAGE:
                raise Refused(Reason.TOO_LARGE, f"a message of {size} bytes, limit {MAX_MESSAGE}")
            if size == 0:
                self._end(body)
                yield Ended()
                return
            if len(self._buffer) < body + size:
                break
            start = body + size
            with memoryview(self._buffer) as view:
                message = bytes(view[body:start])
            yield Message(message)
        del self._buffer[:start]

    def _end(self, after: int) -> None:
        if len(self._buffer) > after:
            raise Refused(Reason.UNEXPECTED, "data after the end")
        self.ended = True
        self._buffer.clear()


class SecureChannel:
    """One side of a channel. The initiator gives one psk, the responder those it would accept."""

    __slots__ = (
        *("_alive", "_ephemeral", "_frames", "_handshake", "_initiator", "_key", "_messages"),
        *("_out", "_plain", "_psk_index", "_psks", "_receive", "_said_end", "_send"),
    )

    def __init__(
        self,
        initiator: bool,
        signing_key: SigningKey,
        ephemeral_private: bytes,
        psks: Sequence[bytes],
    ) -> None:
        self._initiator = initiator
        self._key = signing_key
        self._ephemeral = ephemeral_private
        self._psks = psks
        self._psk_index = 0
        self._frames = Frames()
        self._messages = Messages()
        self._handshake: Handshake | None = None
        self._send: CipherState | None = None
        self._receive: CipherState | None = None
        self._out: list[bytes] = []  # frames, ready to go
        self._plain: list[bytes] = []  # messages that no frame holds yet
        self._said_end = False
        self._alive = True
        if initiator:
            (psk,) = psks
            self._handshake = self._start(psk)
            self._frame(self._handshake.write())

    @property
    def established(self) -> bool:
        """Whether messages can be sent."""
        return self._send is not None

    def receive_data(self, data: bytes) -> list[Event]:
        """What happened with these bytes. Raises `Refused`, now and ever after.

        Reasons: TOO_LARGE, MALFORMED, DECRYPT_FAILED, LOW_ORDER_KEY, BAD_SHAPE, BAD_PROOF,
        UNEXPECTED.
        """
        if not self._alive:
            raise Refused(Reason.UNEXPECTED, "the channel is dead")
        self._alive = False
        self._frames.feed(data)
        events: list[Event] = []
        while True:
            frame = self._next_frame()
            if frame is None:
                break
            if self._receive is None:
                events.extend(self._shake(frame))
            else:
                events.extend(self._messages.feed(self._receive.decrypt(frame)))
        self._alive = True
        return events

    def receive_end(self) -> None:
        """The socket ended: raises `ConnectionLost` unless the other side had said so."""
        if not self._messages.ended:
            raise ConnectionLost("cut off in the middle")

    def send(self, message: bytes) -> None:
        """Queue one message of 1 to `MAX_MESSAGE` bytes; small ones share a frame."""
        if not 0 < len(message) <= MAX_MESSAGE:
            raise ValueError(f"a message of {len(message)} bytes")
        self._queue(message)

    def end(self) -> None:
        """Queue the mark that nothing more will be sent."""
        self._queue(b"")
        self._said_end = True

    def data_to_send(self) -> bytes:
        """All bytes that have to go to the other side now; each is given once."""
        if self._send is not None and self._plain:
            plain = b"".join(self._plain)
            self._plain.clear()
            for start in range(0, len(plain), MAX_PLAINTEXT):
                self._frame(self._send.encrypt(plain[start : start + MAX_PLAINTEXT]))
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _queue(self, message: bytes) -> None:
        if self._send is None or self._said_end:
            raise ValueError("not established, or ended")
        self._plain += (len(message).to_bytes(MESSAGE_PREFIX, "big"), message)

    def _frame(self, data: bytes) -> None:
        self._out += (len(data).to_bytes(FRAME_PREFIX, "big"), data)

    def _next_frame(self) -> bytes | None:
        if self._receive is None:
            return self._frames.next(1, MAX_HANDSHAKE)
        return self._frames.next(TAG_SIZE + 1, MAX_FRAME)

    def _start(self, psk: bytes) -> Handshake:
        private = self._key.exchange_private()
        return Handshake(PATTERN, self._initiator, PROLOGUE, private, self._ephemeral, psks=(psk,))

    def _shake(self, frame: bytes) -> Iterator[Event]:
        """Read a handshake message, and write the next where there is one."""
        if self._handshake is None:
            self._handshake, self._psk_index = try_psks(self._start, self._psks, frame)
            self._frame(self._handshake.write(self._key.public))
            return
        device = _proved(self._handshake.read(frame), self._handshake.remote_static)
        if not self._handshake.finished:
            self._frame(self._handshake.write(self._key.public))
        self._send, self._receive = self._handshake.split()
        yield Established(device, self._psk_index, self._handshake.hash)


def _proved(device: bytes, static: bytes | None) -> DeviceKey:
    """The device key whose X25519 form is the static key that the handshake proved."""
    if len(device) != KEY_SIZE:
        raise Refused(Reason.BAD_SHAPE, f"a device key of {len(device)} bytes")
    if static is None or not equal(exchange_public(device), static):
        raise Refused(Reason.BAD_PROOF, "the device key does not belong to the static key")
    return DeviceKey(device)
