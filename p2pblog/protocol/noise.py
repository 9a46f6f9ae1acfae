"""The Noise Protocol Framework, revision 34, for the suite 25519_ChaChaPoly_BLAKE2b.

Patterns are a table; psk modifiers are read from the pattern's name. Ephemeral keys come in as
bytes. A handshake or cipher that refused anything can't be used again.

Spec: `protocol/noise.md`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.crypto import KEY_SIZE, TAG_SIZE, decrypt, encrypt, exchange_base, x25519
from p2pblog.protocol.limits import MAX_FRAME

SUITE: Final = "25519_ChaChaPoly_BLAKE2b"
MAX_PLAINTEXT: Final = MAX_FRAME - TAG_SIZE
MAX_NONCE: Final = 2**64 - 1  # reserved by Noise; never used to encrypt


class Pattern(NamedTuple):
    """Whether the initiator knows the responder's static key, and the tokens of each message."""

    known_responder: bool
    messages: tuple[str, ...]


PATTERNS: Final = {
    "NN": Pattern(False, ("e", "e ee")),
    "XX": Pattern(False, ("e", "e ee s es", "s se")),
    "IK": Pattern(True, ("e es s ss", "e ee se")),
}


def parse_pattern(name: str) -> tuple[bool, list[list[str]]]:
    """As `PATTERNS`, with the psks where the modifiers of the name put them."""
    parts = re.fullmatch(r"([A-Z]+)((?:psk\d(?:\+psk\d)*)?)", name)
    if parts is None:
        raise ValueError(name)
    pattern = PATTERNS[parts[1]]
    messages = [message.split() for message in pattern.messages]
    for digit in re.findall(r"\d", parts[2]):
        place = int(digit)
        if place:
            messages[place - 1].append("psk")
        else:
            messages[0].insert(0, "psk")
    return pattern.known_responder, messages


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts)).digest()


def _derive(chaining_key: bytes, secret: bytes) -> Iterator[bytes]:
    """Noise's HKDF: as many outputs of 64 bytes as are asked for."""
    master = hmac.new(chaining_key, secret, hashlib.blake2b).digest()
    output = b""
    for count in range(1, 4):
        output = hmac.new(master, output + bytes((count,)), hashlib.blake2b).digest()
        yield output


class CipherState:
    """One direction's key and its counter: each call takes the next nonce."""

    __slots__ = ("_key", "nonce")

    def __init__(self, key: bytes, nonce: int = 0) -> None:
        self._key = key
        self.nonce = nonce

    def encrypt(self, plaintext: bytes, ad: bytes = b"") -> bytes:
        """The next ciphertext; TOO_LARGE when no nonce is left."""
        return encrypt(self._key, self._next(), ad, plaintext)

    def decrypt(self, ciphertext: bytes, ad: bytes = b"") -> bytes:
        """The next plaintext; DECRYPT_FAILED, or TOO_LARGE when no nonce is left."""
        return decrypt(self._key, self._next(), ad, ciphertext)

    def _next(self) -> int:
        nonce = self.nonce
        if nonce >= MAX_NONCE:
            raise Refused(Reason.TOO_LARGE, "no nonce left")
        self.nonce = nonce + 1
        return nonce


class _Symmetric:
    """Noise's SymmetricState: chaining key, transcript hash, and the cipher once there is one."""

    __slots__ = ("_chaining_key", "_cipher", "hash")

    def __init__(self, name: bytes) -> None:
        self.hash = name.ljust(64, b"\0") if len(name) <= 64 else _hash(name)
        self._chaining_key = self.hash
        self._cipher: CipherState | None = None

    def mix_hash(self, data: bytes) -> None:
        self.hash = _hash(self.hash, data)

    def mix_key(self, secret: bytes) -> None:
        outputs = _derive(self._chaining_key, secret)
        self._chaining_key = next(outputs)
        self._cipher = CipherState(next(outputs)[:KEY_SIZE])

    def mix_key_and_hash(self, secret: bytes) -> None:
        self._chaining_key, mixed, key = _derive(self._chaining_key, secret)
        self.mix_hash(mixed)
        self._cipher = CipherState(key[:KEY_SIZE])

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        data = self._cipher.encrypt(plaintext, self.hash) if self._cipher else plaintext
        self.mix_hash(data)
        return data

    def decrypt_and_hash(self, data: bytes) -> bytes:
        plaintext = self._cipher.decrypt(data, self.hash) if self._cipher else data
        self.mix_hash(data)
        return plaintext

    @property
    def overhead(self) -> int:
        """What encrypting adds at present."""
        return TAG_SIZE if self._cipher else 0

    def split(self) -> tuple[CipherState, CipherState]:
        outputs = _derive(self._chaining_key, b"")
        return CipherState(next(outputs)[:KEY_SIZE]), CipherState(next(outputs)[:KEY_SIZE])


class Handshake:
    """One side of a handshake. `write` and `read` by turns until `finished`, then `split`.

    `psks` are in the order of the pattern's psk tokens. Private keys are X25519's.
    """

    __slots__ = (
        *("_symmetric", "_initiator", "_messages", "_place", "_alive", "_has_psk"),
        *("_psks", "_private", "_remote"),
    )

    def __init__(
        self,
        pattern: str,
        initiator: bool,
        prologue: bytes,
        static_private: bytes | None,
        ephemeral_private: bytes,
        remote_static: bytes | None = None,
        psks: Sequence[bytes] = (),
    ) -> None:
        known_responder, self._messages = parse_pattern(pattern)
        self._has_psk = any("psk" in message for message in self._messages)
        self._initiator = initiator
        self._place = 0
        self._alive = True
        self._psks = iter(psks)
        self._private = {"e": ephemeral_private}
        if static_private is not None:
            self._private["s"] = static_private
        self._remote = {} if remote_static is None else {"s": remote_static}
        self._symmetric = _Symmetric(f"Noise_{pattern}_{SUITE}".encode())
        self._symmetric.mix_hash(prologue)
        if known_responder:
            known = self._remote["s"] if initiator else exchange_base(self._private["s"])
            self._symmetric.mix_hash(known)

    @property
    def finished(self) -> bool:
        """Whether every message of the pattern has gone."""
        return self._alive and self._place == len(self._messages)

    @property
    def hash(self) -> bytes:
        """The handshake hash, 64 bytes: the same on both sides, and only there."""
        return self._symmetric.hash

    @property
    def remote_static(self) -> bytes | None:
        """The other side's static X25519 key, once it was told."""
        return self._remote.get("s")

    def write(self, payload: bytes = b"") -> bytes:
        """The next message; LOW_ORDER_KEY when the other side's keys give a zero secret."""
        pieces = []
        for token in self._take(ours=True):
            if token in ("e", "s"):
                pieces.append(self._send_key(token))
            else:
                self._mix(token)
        pieces.append(self._symmetric.encrypt_and_hash(payload))
        self._alive = True
        return b"".join(pieces)

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's next message.

        Raises `Refused`: TOO_LARGE, MALFORMED (too short for its keys), LOW_ORDER_KEY,
        DECRYPT_FAILED.
        """
        if len(message) > MAX_FRAME:
            raise Refused(Reason.TOO_LARGE, f"a message of {len(message)} bytes")
        for token in self._take(ours=False):
            if token in ("e", "s"):
                message = self._receive_key(token, message)
            else:
                self._mix(token)
        payload = self._symmetric.decrypt_and_hash(message)
        self._alive = True
        return payload

    def split(self) -> tuple[CipherState, CipherState]:
        """The ciphers of the session: to send with, to receive with."""
        if not self.finished:
            raise ValueError("the handshake is not finished")
        first, second = self._symmetric.split()
        return (first, second) if self._initiator else (second, first)

    def _take(self, ours: bool) -> list[str]:
        """The tokens of the next message. Dead until the caller has come to its end."""
        writer_is_initiator = self._place % 2 == 0
        if not self._alive or (writer_is_initiator == self._initiator) != ours:
            raise ValueError("not this side's turn")
        self._alive = False
        self._place += 1
        return self._messages[self._place - 1]

    def _send_key(self, token: str) -> bytes:
        public = exchange_base(self._private[token])
        if token == "s":
            return self._symmetric.encrypt_and_hash(public)
        self._mix_ephemeral(public)
        return public

    def _receive_key(self, token: str, message: bytes) -> bytes:
        """Take a key off the front of `message`; the rest."""
        size = KEY_SIZE if token == "e" else KEY_SIZE + self._symmetric.overhead
        key, rest = message[:size], message[size:]
        if len(key) < size:
            raise Refused(Reason.MALFORMED, "too short for its keys")
        if token == "s":
            self._remote["s"] = self._symmetric.decrypt_and_hash(key)
        else:
            self._remote["e"] = key
            self._mix_ephemeral(key)
        return rest

    def _mix_ephemeral(self, public: bytes) -> None:
        self._symmetric.mix_hash(public)
        if self._has_psk:
            self._symmetric.mix_key(public)

    def _mix(self, token: str) -> None:
        if token == "psk":
            self._symmetric.mix_key_and_hash(next(self._psks))
            return
        pair = token if self._initiator else token[::-1]
        self._symmetric.mix_key(x25519(self._private[pair[0]], self._remote[pair[1]]))


def try_psks(
    make: Callable[[bytes], Handshake], psks: Sequence[bytes], message: bytes
) -> tuple[Handshake, int]:
    """The handshake that reads a first message, and the place of the psk that did.

    Raises `Refused` DECRYPT_FAILED when none of the psks fits.
    """
    for place, psk in enumerate(psks):
        handshake = make(psk)
        try:
            handshake.read(message)
        except Refused as refused:
            if refused.reason is not Reason.DECRYPT_FAILED:
                raise
        else:
            return handshake, place
    raise Refused(Reason.DECRYPT_FAILED, "none of the keys fits")
