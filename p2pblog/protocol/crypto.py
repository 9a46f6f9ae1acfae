"""Keys, signatures, hashes and ciphers: the primitives that everything else is made of.

Keys and nonces come in as bytes; nothing here is random but libsodium's own blinding. Every hash
and every signature is bound to a label of its own, so that none can be mistaken for another.

The only importer of nacl. Spec: `protocol/crypto.md`.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final, NewType

from nacl import bindings, exceptions

from p2pblog.errors import Reason, Refused

DeviceKey = NewType("DeviceKey", bytes)  # Ed25519 public key, 32 bytes

KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
TAG_SIZE: Final = 16
LABEL_SIZE: Final = 16

# Labels of hashes: BLAKE2b's person parameter, padded with zeros to 16 bytes.
ENTRY: Final = b"p2pblog entry"
PAYLOAD: Final = b"p2pblog payload"
LOG: Final = b"p2pblog log"
BUCKET: Final = b"p2pblog bucket"
WANTED: Final = b"p2pblog wanted"
PSK: Final = b"p2pblog psk"
BEACON: Final = b"p2pblog beacon"
INVITATION_PSK: Final = b"p2pblog joining"
INVITATION: Final = b"p2pblog invite"
RECOVERY: Final = b"p2pblog recovery"
STRETCH: Final = b"p2pblog stretch"
CHECK: Final = b"p2pblog check"
HEAD: Final = b"p2pblog head"
WRAP: Final = b"p2pblog wrap"
BACKUP: Final = b"p2pblog backup"
PASSPHRASE: Final = b"p2pblog phrase"
CONTENTS: Final = b"p2pblog contents"

# Labels of signatures: the first 16 bytes of what is signed.
SIGN_ENTRY: Final = b"p2pblog sign"
SIGN_INVITATION: Final = b"p2pblog invited"
SIGN_PROOF: Final = b"p2pblog proof"
SIGN_APPROVAL: Final = b"p2pblog approval"
SIGN_BUNDLE: Final = b"p2pblog bundle"
SIGN_RECOVERY: Final = b"p2pblog recover"

HASH_LABELS: Final = (
    *(ENTRY, PAYLOAD, LOG, BUCKET, PSK, BEACON),
    *(INVITATION_PSK, INVITATION, RECOVERY, STRETCH, CHECK),
    *(HEAD, WRAP, BACKUP, PASSPHRASE, CONTENTS, WANTED),
)
SIGN_LABELS: Final = (
    *(SIGN_ENTRY, SIGN_INVITATION, SIGN_PROOF, SIGN_APPROVAL, SIGN_RECOVERY),
    SIGN_BUNDLE,
)

STRETCH_PASSES: Final = 3
STRETCH_MEMORY: Final = 32 * 1024 * 1024  # a code has 75 random bits: the cost need only be felt


def blake2b(label: bytes, *parts: bytes, size: int = 32) -> bytes:
    """BLAKE2b of the parts one after the other, personalised with a label of the table."""
    digest = hashlib.blake2b(digest_size=size, person=label)
    for part in parts:
        digest.update(part)
    return digest.digest()


def blake2b_each(label: bytes, items: Iterable[bytes]) -> list[bytes]:
    """`blake2b` of each of many, without a call for each."""
    begun = hashlib.blake2b(digest_size=32, person=label)

    def hashed(item: bytes) -> bytes:
        digest = begun.copy()
        digest.update(item)
        return digest.digest()

    return [hashed(item) for item in items]


def mac(key: bytes, label: bytes, *parts: bytes, size: int = 32) -> bytes:
    """Keyed BLAKE2b of the parts one after the other, personalised with a label of the table."""
    digest = hashlib.blake2b(digest_size=size, person=label, key=key)
    for part in parts:
        digest.update(part)
    return digest.digest()


def to_sign(label: bytes, *parts: bytes) -> bytes:
    """What is signed: the label padded with zeros to 16 bytes, then the parts."""
    return b"".join((label.ljust(LABEL_SIZE, b"\0"), *parts))


def equal(a: bytes, b: bytes) -> bool:
    """Whether two secrets are the same, in a time that depends on their length alone."""
    return hmac.compare_digest(a, b)


class SigningKey:
    """An Ed25519 private key, from its 32-byte seed."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        public, self._secret = bindings.crypto_sign_seed_keypair(seed)
        self.public = DeviceKey(public)
        self.seed = seed

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()[:8]}...)"

    def sign(self, message: bytes) -> bytes:
        """The detached signature of `message`, 64 bytes; always the same for the same message."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_SIZE]

    def exchange_private(self) -> bytes:
        """The X25519 private key that belongs to `exchange_public(self.public)`."""
        return bindings.crypto_sign_ed25519_sk_to_curve25519(self._secret)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is `public`'s of `message`, by libsodium's rule; never raises."""
    if len(public) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except exceptions.BadSignatureError:
        return False
    return True


def exchange_public(device: bytes) -> bytes:
    """The X25519 form of an Ed25519 public key; LOW_ORDER_KEY when it is no point of full order."""
    if len(device) != KEY_SIZE:
        raise Refused(Reason.LOW_ORDER_KEY, f"a key of {len(device)} bytes")
    try:
        return bindings.crypto_sign_ed25519_pk_to_curve25519(device)
    except exceptions.RuntimeError as error:
        raise Refused(Reason.LOW_ORDER_KEY, "not a point of full order") from error


def exchange_base(private: bytes) -> bytes:
    """The X25519 public key of a private one."""
    return bindings.crypto_scalarmult_base(private)


def x25519(private: bytes, public: bytes) -> bytes:
    """The shared secret; LOW_ORDER_KEY when it is all zeros, whatever the private key."""
    if len(public) != KEY_SIZE:
        raise Refused(Reason.LOW_ORDER_KEY, f"a key of {len(public)} bytes")
    try:
        return bindings.crypto_scalarmult(private, public)
    except exceptions.RuntimeError as error:
        raise Refused(Reason.LOW_ORDER_KEY, "the shared secret is zero") from error


def encrypt(key: bytes, nonce: int, ad: bytes, plaintext: bytes) -> bytes:
    """ChaCha20-Poly1305 with Noise's nonce (4 zero bytes, 64 bits little-endian): text and tag."""
    return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, ad, _nonce(nonce), key)


def decrypt(key: bytes, nonce: int, ad: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of `encrypt`; DECRYPT_FAILED for anything else."""
    if len(ciphertext) < TAG_SIZE:
        raise Refused(Reason.DECRYPT_FAILED, "shorter than a tag")
    try:
        return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
            ciphertext, ad, _nonce(nonce), key
        )
    except exceptions.CryptoError as error:
        raise Refused(Reason.DECRYPT_FAILED, "altered, replayed or another key") from error


def _nonce(number: int) -> bytes:
    return bytes(4) + number.to_bytes(8, "little")


def encrypt_long(key: bytes, nonce: bytes, ad: bytes, plaintext: bytes) -> bytes:
    """XChaCha20-Poly1305, for nonces that are random in part (24 bytes): text and tag."""
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, ad, nonce, key)


def decrypt_long(key: bytes, nonce: bytes, ad: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of `encrypt_long`; DECRYPT_FAILED for anything else."""
    if len(ciphertext) < TAG_SIZE:
        raise Refused(Reason.DECRYPT_FAILED, "shorter than a tag")
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, ad, nonce, key)
    except exceptions.CryptoError as error:
        raise Refused(Reason.DECRYPT_FAILED, "altered, or another key") from error


def network_psk(network_key: bytes) -> bytes:
    """The Noise PSK between members: from the key that every member of the team holds."""
    return mac(network_key, PSK)


def invitation_psk(invitation_key: bytes) -> bytes:
    """The Noise PSK of a joiner: from the invitation's public key, which its code gives too."""
    return blake2b(INVITATION_PSK, invitation_key)


def stretch(code: bytes, salt: bytes) -> bytes:
    """32 bytes of a code that people type, made costly to guess: argon2id, 3 passes, 32 MiB."""
    return bindings.crypto_pwhash_alg(
        KEY_SIZE,
        code,
        blake2b(STRETCH, salt, size=bindings.crypto_pwhash_SALTBYTES),
        STRETCH_PASSES,
        STRETCH_MEMORY,
        bindings.crypto_pwhash_ALG_ARGON2ID13,
    )


def stretch_passphrase(passphrase: bytes, salt: bytes, passes: int, memory: int) -> bytes:
    """32 bytes of a passphrase: argon2id with a random salt of 16 bytes; `memory` in KiB."""
    return bindings.crypto_pwhash_alg(
        KEY_SIZE, passphrase, salt, passes, memory * 1024, bindings.crypto_pwhash_ALG_ARGON2ID13
    )
