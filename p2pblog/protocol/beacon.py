"""What a device tells the local network about itself: a tag that only its team can recognise.

No names, no keys, no dates. Spec: `protocol/beacon.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.crypto import BEACON, equal, mac

SERVICE: Final = "_p2pblog._tcp"
VERSION: Final = 1  # of the handshake: the number in the channel's prologue
NONCE_SIZE: Final = 16
MAC_SIZE: Final = 16  # 2^128 guesses to pass for a team; a tag only saves a dial, it admits nobody
TAG_SIZE: Final = NONCE_SIZE + MAC_SIZE


@dataclass(frozen=True, slots=True)
class Beacon:
    """The content of one mDNS TXT record."""

    tag: bytes
    version: int = VERSION


def make(network_key: bytes, nonce: bytes) -> bytes:
    """The tag, 32 bytes: the nonce, then its MAC under the team's network key."""
    if len(nonce) != NONCE_SIZE:
        raise ValueError(f"a nonce of {len(nonce)} bytes")
    return nonce + mac(network_key, BEACON, nonce, size=MAC_SIZE)


def matches(network_key: bytes, tag: bytes) -> bool:
    """Whether the tag was made with this network key; False for any other bytes."""
    return len(tag) == TAG_SIZE and equal(make(network_key, tag[:NONCE_SIZE]), tag)


def encode(beacon: Beacon) -> dict[bytes, bytes]:
    """The properties of the TXT record."""
    return {b"v": str(beacon.version).encode(), b"t": beacon.tag.hex().encode()}


def parse(properties: Mapping[bytes, bytes | None]) -> Beacon:
    """The beacon in a TXT record; keys are matched whatever their case, unknown ones ignored.

    Raises `Refused`: BAD_SHAPE (a key is missing), VERSION (not ours), BAD_VALUE (not 64 lower-case
    hex digits).
    """
    found = {key.lower(): value for key, value in properties.items()}
    version, tag = found.get(b"v"), found.get(b"t")
    if version is None or tag is None:
        raise Refused(Reason.BAD_SHAPE, "v and t are due")
    if version != str(VERSION).encode():
        raise Refused(Reason.VERSION, "another version of the handshake")
    if len(tag) != 2 * TAG_SIZE or tag.strip(b"0123456789abcdef"):
        raise Refused(Reason.BAD_VALUE, "the tag is 64 lower-case hex digits")
    return Beacon(bytes.fromhex(tag.decode()))
