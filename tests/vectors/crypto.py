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

# Of ed25519-speccheck (cases 3, 4, 6, 8, 10): name, key, message, signature. The first is accepted.
EDGE_CASES = (
    (
        "holds with and without the cofactor",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "holds only with the cofactor",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "S above the group order",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "R not canonical",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
    (
        "key not canonical",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
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
        "nonce": str(nonce),  # in decimal: not every JSON reader keeps 64 bits
        "ad": ad.hex(),
        "plaintext": plaintext.hex(),
        "ciphertext": crypto.encrypt(key, nonce, ad, plaintext).hex(),
    }


def _long_cipher(rng: random.Random, size: int) -> Vector:
    key, nonce, ad = rng.randbytes(32), rng.randbytes(24), rng.randbytes(size % 7)
    plaintext = rng.randbytes(size)
    return {
        "kind": "long_cipher",
        "key": key.hex(),
        "nonce": nonce.hex(),
        "ad": ad.hex(),
        "plaintext": plaintext.hex(),
        "ciphertext": crypto.encrypt_long(key, nonce, ad, plaintext).hex(),
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


def _edge_case() -> Vector:
    name, public, message, signature = EDGE_CASES[0]
    case = {"public": public, "message": message, "signature": signature}
    return {"kind": "signature", "name": name, **case}


def _stretch(code: bytes, salt: bytes) -> Vector:
    secret = crypto.stretch(code, salt)
    return {"kind": "stretch", "code": code.decode(), "salt": salt.hex(), "secret": secret.hex()}


def _passphrase(text: str, salt: bytes, passes: int, memory: int) -> Vector:
    secret = crypto.stretch_passphrase(text.encode(), salt, passes, memory)
    fields = {"passphrase": text, "salt": salt.hex(), "passes": passes, "memory": memory}
    return {"kind": "passphrase", **fields, "secret": secret.hex()}


def _flipped(data: str, place: int) -> str:
    changed = bytearray.fromhex(data)
    changed[place] ^= 1
    return changed.hex()


def _invalid(key: Vector, cipher: Vector, long: Vector) -> list[Vector]:
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
    for name, public, message, edge in EDGE_CASES[1:]:
        fields = {"public": public, "message": message, "signature": edge}
        add("signature", name, "bad_signature", **fields)
    for name, public in NO_KEYS.items():
        add("device", name, "low_order_key", public=public)
    for public in ZERO_SECRETS:
        private = key["exchange_private"]
        add("exchange", "zero secret", "low_order_key", private=private, public=public)
    sealed = {name: cipher[name] for name in ("key", "nonce", "ad", "ciphertext")}
    for name, change in {
        "text flipped": {"ciphertext": _flipped(cipher["ciphertext"], 0)},
        "tag flipped": {"ciphertext": _flipped(cipher["ciphertext"], -1)},
        "next nonce": {"nonce": str(int(cipher["nonce"]) + 1)},
        "other ad": {"ad": cipher["ad"] + "00"},
        "15 bytes": {"ciphertext": "00" * 15},
        "nothing": {"ciphertext": ""},
    }.items():
        add("cipher", name, "decrypt_failed", **(sealed | change))
    sealed = {name: long[name] for name in ("key", "nonce", "ad", "ciphertext")}
    for name, change in {
        "text flipped": {"ciphertext": _flipped(long["ciphertext"], 0)},
        "first half of the nonce flipped": {"nonce": _flipped(long["nonce"], 0)},
        "second half of the nonce flipped": {"nonce": _flipped(long["nonce"], -1)},
        "other ad": {"ad": long["ad"] + "00"},
        "15 bytes": {"ciphertext": "00" * 15},
    }.items():
        add("long_cipher", name, "decrypt_failed", **(sealed | change))
    return cases


def make(rng: random.Random) -> Vector:
    keys = [_key(rng) for _ in range(3)]
    ciphers = [_cipher(rng, nonce, size) for nonce, size in ((0, 0), (1, 13), (2**64 - 2, 64))]
    hashes = [_hash(label, b"text", b"", 32) for label in crypto.HASH_LABELS]
    hashes.append(_hash(crypto.LOG, b"", b"", 16))
    hashes.append(_hash(crypto.BEACON, b"text", rng.randbytes(32), 16))
    signed = [_to_sign(label, b"text") for label in crypto.SIGN_LABELS]
    codes = [_stretch(b"ABCDEFGHJKLMNPQR", b"p2pblog"), _stretch(b"", b"")]
    longs = [_long_cipher(rng, size) for size in (0, 13, 64)]
    phrases = [_passphrase("Straße nach Köln, 7 Uhr", rng.randbytes(16), 1, 8)]
    phrases.append(_passphrase("", rng.randbytes(16), 3, 64))
    return {
        "module": "crypto",
        "valid": [*keys, _edge_case(), *ciphers, *hashes, *signed, *codes, *longs, *phrases],
        "invalid": _invalid(keys[0], ciphers[1], longs[1]),
    }
