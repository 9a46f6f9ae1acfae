"""Keys, signatures, hashes, the cipher and stretched codes; what must be refused of them."""

import random
from typing import Any

from p2pblog.protocol import crypto
from p2pblog.protocol.crypto import SigningKey

Vector = dict[str, Any]

# Points of order 1, 2, 4 and 8, and one that is not on the curve.
NO_KEYS = {
    "order 1": "01" + "00" * 31,
    "order 2": "ec" + "ff" * 30 + "7f",
    "order 4": "00" * 32,
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "not on the curve": "02" + "00" * 31,
    "order 8 times a prime": "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "31 bytes": "02" * 31,
}
# The X25519 keys that give a zero secret with every private key.
ZERO_SECRETS = (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
)


def _key(rng: random.Random) -> Vector:
    key, message = SigningKey(rng.randbytes(32)), rng.randbytes(rng.randrange(100))
    other = SigningKey(rng.randbytes(32))
    private = key.exchange_private()
    return {
        "kind": "key",
        "seed": key.seed.hex(),
        "public": key.public.hex(),
        "exchange_private": private.hex(),
        "exchange_public": crypto.exchange_public(key.public).hex(),
        "message": message.hex(),
        "signature": key.sign(message).hex(),
        "other": crypto.exchange_public(other.public).hex(),
        "shared": crypto.x25519(private, crypto.exchange_public(other.public)).hex(),
        "invitation_psk": crypto.invitation_psk(key.public).hex(),
    }


def _cipher(rng: random.Random, nonce: int, size: int) -> Vector:
    key, ad, plaintext = rng.randbytes(32), rng.randbytes(size % 7), rng.randbytes(size)
    return {
        "kind": "cipher",
        "key": key.hex(),
        "nonce": nonce,
        "ad": ad.hex(),
        "plaintext": plaintext.hex(),
        "ciphertext": crypto.encrypt(key, nonce, ad, plaintext).hex(),
    }


def _hash(label: bytes, data: bytes, key: bytes, size: int) -> Vector:
    hashed = (
        crypto.mac(key, label, data, size=size) if key else crypto.blake2b(label, data, size=size)
    )
    return {
        "kind": "hash",
        "label": label.decode(),
        "key": key.hex(),
        "data": data.hex(),
        "hash": hashed.hex(),
    }


def _to_sign(label: bytes, data: bytes) -> Vector:
    signed = crypto.to_sign(label, data).hex()
    return {"kind": "to_sign", "label": label.decode(), "data": data.hex(), "signed": signed}


def _stretch(code: bytes, salt: bytes) -> Vector:
    secret = crypto.stretch(code, salt)
    return {"kind": "stretch", "code": code.decode(), "salt": salt.hex(), "secret": secret.hex()}


def _flipped(data: str, place: int) -> str:
    changed = bytearray.fromhex(data)
    changed[place] ^= 1
    return changed.hex()


def _invalid(key: Vector, cipher: Vector) -> list[Vector]:
    signature = {name: key[name] for name in ("public", "message", "signature")}
    cases: list[Vector] = []

    def add(kind: str, name: str, reason: str, **fields: Any) -> None:
        cases.append({"kind": kind, "name": name, **fields, "reason": reason})

    for name, change in {
        "first half flipped": {"signature": _flipped(key["signature"], 0)},
        "second half flipped": {"signature": _flipped(key["signature"], 32)},
        "63 bytes": {"signature": key["signature"][:-2]},
        "65 bytes": {"signature": key["signature"] + "00"},
        "another message": {"message": key["message"] + "00"},
        "another key": {"public": key["other"]},
        "all zeros": {"public": "00" * 32, "signature": "00" * 64},
    }.items():
        add("signature", name, "bad_signature", **(signature | change))
    for name, public in NO_KEYS.items():
        add("device", name, "low_order_key", public=public)
    for public in ZERO_SECRETS:
        private = key["exchange_private"]
        add("exchange", "zero secret", "low_order_key", private=private, public=public)
    sealed = {name: cipher[name] for name in ("key", "nonce", "ad", "ciphertext")}
    for name, change in {
        "text flipped": {"ciphertext": _flipped(cipher["ciphertext"], 0)},
        "tag flipped": {"ciphertext": _flipped(cipher["ciphertext"], -1)},
        "next nonce": {"nonce": cipher["nonce"] + 1},
        "other ad": {"ad": cipher["ad"] + "00"},
        "15 bytes": {"ciphertext": "00" * 15},
        "nothing": {"ciphertext": ""},
    }.items():
        add("cipher", name, "decrypt_failed", **(sealed | change))
    return cases


def make(rng: random.Random) -> Vector:
    keys = [_key(rng) for _ in range(3)]
    ciphers = [_cipher(rng, nonce, size) for nonce, size in ((0, 0), (1, 13), (2**64 - 2, 64))]
    hashes = [_hash(label, b"text", b"", 32) for label in crypto.HASH_LABELS]
    hashes.append(_hash(crypto.LOG, b"", b"", 16))
    hashes.append(_hash(crypto.BEACON, b"text", rng.randbytes(32), 16))
    signed = [_to_sign(label, b"text") for label in crypto.SIGN_LABELS]
    codes = [_stretch(b"ABCDEFGHJKLMNPQR", b"p2pblog"), _stretch(b"", b"")]
    return {
        "module": "crypto",
        "valid": keys + ciphers + hashes + signed + codes,
        "invalid": _invalid(keys[0], ciphers[1]),
    }
