"""`protocol/crypto.md`: our vectors, Wycheproof's, the speccheck cases, and refusals."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import crypto
from p2pblog.protocol.crypto import SigningKey
from tests.support.published import published
from tests.support.vectors import vectors

PAGE = Path(__file__).parents[2] / "protocol" / "crypto.md"
SPECCHECK_ACCEPTED = {3}  # crypto.md, "Edge cases"

Vector = dict[str, Any]


def _bytes(vector: Vector, *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def _check_key(vector: Vector) -> None:
    seed, public, message, signature, other = _bytes(
        vector, "seed", "public", "message", "signature", "other"
    )
    key = SigningKey(seed)
    assert (key.public, key.seed) == (public, seed)
    assert key.sign(message) == signature
    assert crypto.verify(public, message, signature)
    assert key.exchange_private().hex() == vector["exchange_private"]
    assert crypto.exchange_public(public).hex() == vector["exchange_public"]
    assert crypto.exchange_base(key.exchange_private()).hex() == vector["exchange_public"]
    assert crypto.x25519(key.exchange_private(), other).hex() == vector["shared"]
    assert crypto.invitation_psk(public).hex() == vector["invitation_psk"]


def _check_signature(vector: Vector) -> None:
    assert crypto.verify(*_bytes(vector, "public", "message", "signature"))


def _check_cipher(vector: Vector) -> None:
    key, ad, plaintext, ciphertext = _bytes(vector, "key", "ad", "plaintext", "ciphertext")
    assert crypto.encrypt(key, int(vector["nonce"]), ad, plaintext) == ciphertext
    assert crypto.decrypt(key, int(vector["nonce"]), ad, ciphertext) == plaintext


def _check_long_cipher(vector: Vector) -> None:
    key, nonce, ad = _bytes(vector, "key", "nonce", "ad")
    plaintext, ciphertext = _bytes(vector, "plaintext", "ciphertext")
    assert crypto.encrypt_long(key, nonce, ad, plaintext) == ciphertext
    assert crypto.decrypt_long(key, nonce, ad, ciphertext) == plaintext


def _check_passphrase(vector: Vector) -> None:
    salt, secret = _bytes(vector, "salt", "secret")
    cost = vector["passes"], vector["memory"]
    assert crypto.stretch_passphrase(vector["passphrase"].encode(), salt, *cost) == secret


def _check_hash(vector: Vector) -> None:
    key, data, hashed = _bytes(vector, "key", "data", "hash")
    label, size = vector["label"].encode(), len(hashed)
    if key:
        assert crypto.mac(key, label, data[:1], data[1:], size=size) == hashed
    else:
        assert crypto.blake2b(label, data[:1], data[1:], size=size) == hashed


def _check_to_sign(vector: Vector) -> None:
    data, signed = _bytes(vector, "data", "signed")
    assert crypto.to_sign(vector["label"].encode(), data) == signed


def _check_stretch(vector: Vector) -> None:
    salt, secret = _bytes(vector, "salt", "secret")
    assert crypto.stretch(vector["code"].encode(), salt) == secret


CHECKS = {
    "key": _check_key,
    "signature": _check_signature,
    "cipher": _check_cipher,
    "hash": _check_hash,
    "to_sign": _check_to_sign,
    "stretch": _check_stretch,
    "long_cipher": _check_long_cipher,
    "passphrase": _check_passphrase,
}


@pytest.mark.parametrize("vector", vectors("crypto", "valid"))
def test_vectors(vector: Vector) -> None:
    CHECKS[vector["kind"]](vector)


def _use(vector: Vector) -> None:
    if vector["kind"] == "device":
        crypto.exchange_public(*_bytes(vector, "public"))
    elif vector["kind"] == "exchange":
        crypto.x25519(*_bytes(vector, "private", "public"))
    elif vector["kind"] == "long_cipher":
        crypto.decrypt_long(*_bytes(vector, "key", "nonce", "ad", "ciphertext"))
    else:
        key, ad, ciphertext = _bytes(vector, "key", "ad", "ciphertext")
        crypto.decrypt(key, int(vector["nonce"]), ad, ciphertext)


@pytest.mark.parametrize("vector", vectors("crypto", "invalid"))
def test_refusals(vector: Vector) -> None:
    if vector["kind"] == "signature":
        assert vector["reason"] == Reason.BAD_SIGNATURE
        assert not crypto.verify(*_bytes(vector, "public", "message", "signature"))
        return
    with pytest.raises(Refused) as refused:
        _use(vector)
    assert refused.value.reason == vector["reason"]


def test_wycheproof_ed25519() -> None:
    for group in published("wycheproof_ed25519.json")["testGroups"]:
        (public,) = _bytes(group["publicKey"], "pk")
        for case in group["tests"]:
            verified = crypto.verify(public, *_bytes(case, "msg", "sig"))
            assert verified == (case["result"] == "valid"), case["comment"]


def test_wycheproof_x25519() -> None:
    """Zero secrets are refused; keys on the twist and not in canonical form are accepted."""
    for group in published("wycheproof_x25519.json")["testGroups"]:
        for case in group["tests"]:
            private, public, shared = _bytes(case, "private", "public", "shared")
            if "ZeroSharedSecret" in case["flags"]:
                with pytest.raises(Refused):
                    crypto.x25519(private, public)
            else:
                assert crypto.x25519(private, public) == shared, case["comment"]


def test_speccheck() -> None:
    cases = published("ed25519_speccheck.json")
    assert len(cases) == 12
    accepted = {
        number
        for number, case in enumerate(cases)
        if crypto.verify(*_bytes(case, "pub_key", "message", "signature"))
    }
    assert accepted == SPECCHECK_ACCEPTED


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=70))
@example(bytes(32), b"", bytes(64))
@example(b"\xff" * 32, b"", b"\xff" * 64)
def test_verify_never_raises(public: bytes, message: bytes, signature: bytes) -> None:
    assert not crypto.verify(public, message, signature)


@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32))
def test_any_key_is_refused_by_name(key: bytes) -> None:
    with suppress(Refused):
        assert len(crypto.exchange_public(key)) == 32
    with suppress(Refused):
        assert len(crypto.x25519(bytes(32), key)) == 32


@given(st.binary(max_size=60))
def test_any_ciphertext_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        crypto.decrypt(b"k" * 32, 0, b"", data)
    assert refused.value.reason == Reason.DECRYPT_FAILED


def test_labels_are_few_short_and_on_the_page() -> None:
    named = [value for value in vars(crypto).values() if isinstance(value, bytes)]
    assert sorted(named) == sorted(crypto.HASH_LABELS + crypto.SIGN_LABELS)
    assert len(set(named)) == len(named)
    page = PAGE.read_text(encoding="utf-8")
    for label in named:
        assert len(label) <= crypto.LABEL_SIZE
        assert f"`{label.decode()}`" in page


def test_a_key_does_not_show_its_secret() -> None:
    key = SigningKey(b"secret--" * 4)
    assert key.seed.hex() not in repr(key)
    assert repr(key).startswith("SigningKey(public=")
    assert "secret" not in repr(key)


def test_equal_is_equality() -> None:
    assert crypto.equal(b"a", b"a")
    assert not crypto.equal(b"a", b"b")
    assert not crypto.equal(b"a", b"ab")
