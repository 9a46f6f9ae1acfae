"""Codes that people type, the keys that come of them, and what those keys sign.

A code is symbols of an alphabet without look-alikes; its last symbol checks the others, so that a
slip of the hand is told before anything is sent. Spec: `protocol/invitation.md`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from typing import Final

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import crypto
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.limits import (
    CODE_BYTES,
    MAX_CODE_TEXT,
    MAX_LINK_ADDRESSES,
    RECOVERY_BYTES,
)

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # neither I, L and O nor U
CODE_SIZE: Final = 16  # symbols: 75 random bits and the check
RECOVERY_SIZE: Final = 28  # 135 random bits and the check
PROOF_SIZE: Final = 2 * crypto.SIGNATURE_SIZE
SCHEME: Final = "p2pblog:join/"

_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_MEANT: Final = _UPPER | str.maketrans("ILOilo", "110110")  # what a hand writes for 1 and 0
_GAPS: Final = re.compile("[- \t\r\n\u00a0\u2010-\u2015]+")  # also what typesetters put there
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}")


def _powers() -> Iterator[int]:
    """1, x, x^2 ... in the field of 32 elements, modulo x^5 + x^2 + 1."""
    power = 1
    while True:
        yield power
        power = power << 1 ^ (0b100101 if power & 16 else 0)


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0b100101 if a & 16 else 0)
        b >>= 1
    return product


def _weighed(values: Sequence[int]) -> int:
    """The sum that is 0 for a whole code: the weight of the last symbol is 1, then x, x^2 ..."""
    total = 0
    for weight, value in zip(_powers(), reversed(values), strict=False):
        total ^= _times(weight, value)
    return total


def _make(random_bytes: bytes, due: int, size: int) -> str:
    if len(random_bytes) != due:
        raise ValueError(f"{len(random_bytes)} random bytes, {due} due")
    number = int.from_bytes(random_bytes, "big")
    values = [number >> 5 * place & 31 for place in reversed(range(size - 1))]
    values.append(_weighed([*values, 0]))
    return _grouped("".join(ALPHABET[value] for value in values))


def _grouped(symbols: str) -> str:
    return "-".join(symbols[start : start + 4] for start in range(0, len(symbols), 4))


def _parse(text: str, size: int) -> str:
    if len(text) > MAX_CODE_TEXT:
        raise Refused(Reason.BAD_CODE, "too long")
    symbols = _GAPS.sub("", text).translate(_MEANT)
    values = [ALPHABET.find(symbol) for symbol in symbols]
    if -1 in values:
        raise Refused(Reason.BAD_CODE, f"{symbols[values.index(-1)]!r} is in no code")
    if len(values) != size:
        raise Refused(Reason.BAD_CODE, f"{len(values)} letters and digits, {size} are due")
    if _weighed(values) != 0:
        raise Refused(Reason.BAD_CODE, "a letter or digit is mistyped")
    return _grouped(symbols)


def new_code(random_bytes: bytes) -> str:
    """An invitation's code of `CODE_BYTES` random bytes, in four groups of four."""
    return _make(random_bytes, CODE_BYTES, CODE_SIZE)


def parse_code(text: str) -> str:
    """The code as `new_code` writes it. Raises `Refused` BAD_CODE, which tells what is wrong.

    Upper or lower case, with or without dashes and spaces; I and L are read as 1, O as 0.
    """
    return _parse(text, CODE_SIZE)


def new_recovery_code(random_bytes: bytes) -> str:
    """The founder's recovery code of `RECOVERY_BYTES` random bytes, in seven groups of four."""
    return _make(random_bytes, RECOVERY_BYTES, RECOVERY_SIZE)


def parse_recovery_code(text: str) -> str:
    """As `parse_code`, for a recovery code."""
    return _parse(text, RECOVERY_SIZE)


def key_of(code: str) -> SigningKey:
    """The invitation's key pair. Slow on purpose; raises `Refused` BAD_CODE."""
    return _key(parse_code(code), crypto.INVITATION)


def recovery_key(code: str) -> SigningKey:
    """The team's recovery key. Slow on purpose; raises `Refused` BAD_CODE."""
    return _key(parse_recovery_code(code), crypto.RECOVERY)


def is_recovery(code: str) -> bool:
    """Whether this has the length of a recovery code, well typed or not."""
    return len(_GAPS.sub("", code)) == RECOVERY_SIZE


def any_key(code: str) -> SigningKey:
    """The key of a code of either kind. Slow on purpose; raises `Refused` BAD_CODE."""
    return recovery_key(code) if is_recovery(code) else key_of(code)


def _key(code: str, salt: bytes) -> SigningKey:
    return SigningKey(crypto.stretch(code.replace("-", "").encode(), salt))


def link(code: str, addresses: Sequence[str] = ()) -> str:
    """The code as a link, with the first eight addresses, `host:port`, where members listen."""
    told = "&".join(f"a={address}" for address in _checked(addresses)[:MAX_LINK_ADDRESSES])
    return SCHEME + parse_code(code) + (f"?{told}" if told else "")


def read(text: str) -> tuple[str, tuple[str, ...]]:
    """The code and the addresses in a link, or a code alone. Raises `Refused` BAD_CODE."""
    text = text.strip()
    if text[: len(SCHEME)].lower() != SCHEME:
        return parse_code(text), ()
    if len(text) > MAX_CODE_TEXT:
        raise Refused(Reason.BAD_CODE, "too long")
    code, _, query = text[len(SCHEME) :].partition("?")
    items = [item.partition("=") for item in query.split("&")]
    addresses = _checked([value for name, _, value in items if name.lower() == "a"])
    if len(addresses) > MAX_LINK_ADDRESSES:
        raise Refused(Reason.BAD_CODE, f"{len(addresses)} addresses in the link")
    return parse_code(code), addresses


def _checked(addresses: Sequence[str]) -> tuple[str, ...]:
    for address in addresses:
        if not _ADDRESS.fullmatch(address) or not 0 < int(address.rpartition(":")[2]) < 2**16:
            raise Refused(Reason.BAD_CODE, f"{address[:80]!r} is no address")
    return tuple(addresses)


def _binding(
    team: TeamId, inviter: DeviceKey, role: int, member: bytes | None, expires: int
) -> bytes:
    bound = member or b""
    terms = bytes([len(bound)]) + bound + bytes([role]) + expires.to_bytes(8, "big")
    return crypto.to_sign(crypto.SIGN_INVITATION, team, inviter, terms)


def sign_binding(
    key: SigningKey,
    team: TeamId,
    inviter: DeviceKey,
    role: int,
    member: bytes | None,
    expires: int,
) -> bytes:
    """The invitation key's signature of what it opens: no other team or inviter can use it."""
    return key.sign(_binding(team, inviter, role, member, expires))


def check_binding(
    public: bytes,
    team: TeamId,
    inviter: DeviceKey,
    role: int,
    member: bytes | None,
    expires: int,
    signature: bytes,
) -> None:
    """Raise `Refused` BAD_PROOF unless the invitation key signed these terms."""
    if not crypto.verify(public, _binding(team, inviter, role, member, expires), signature):
        raise Refused(Reason.BAD_PROOF, "the invitation is not of this team or inviter")


def _claim(team: TeamId, invitation: EntryId, device: DeviceKey) -> bytes:
    return crypto.to_sign(crypto.SIGN_PROOF, team, invitation, device)


def prove(key: SigningKey, team: TeamId, invitation: EntryId, device: SigningKey) -> bytes:
    """The joiner's proof, by both keys: it holds the code, and asks for this device of its own."""
    claim = _claim(team, invitation, device.public)
    return key.sign(claim) + device.sign(claim)


def check_proof(
    public: bytes, team: TeamId, invitation: EntryId, device: DeviceKey, proof: bytes
) -> None:
    """Raise `Refused` BAD_PROOF unless the invitation's key and the device's signed for it."""
    claim = _claim(team, invitation, device)
    by_code, by_device = proof[: crypto.SIGNATURE_SIZE], proof[crypto.SIGNATURE_SIZE :]
    if not (crypto.verify(public, claim, by_code) and crypto.verify(device, claim, by_device)):
        raise Refused(Reason.BAD_PROOF, "not the invitation's key, or for another device")
