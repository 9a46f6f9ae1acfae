"""`protocol/invitation.md`: what people type, and what its keys sign."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import invitation
from p2pblog.protocol.crypto import SIGNATURE_SIZE, DeviceKey, SigningKey, invitation_psk
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.invitation import ALPHABET, new_code, parse_code
from p2pblog.protocol.limits import CODE_BYTES, RECOVERY_BYTES
from tests.support.vectors import vectors

VALID = vectors("invitation", "valid")
CODES = st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES).map(new_code)


def _named(name: str) -> list[dict[str, Any]]:
    return [vector for vector in VALID if vector["name"] == name]


@pytest.mark.parametrize("vector", _named("invitation code"))
def test_codes(vector: dict[str, Any]) -> None:
    code = vector["code"]
    assert new_code(bytes.fromhex(vector["random"])) == code
    assert {parse_code(typed) for typed in (code, *vector["typed"])} == {code}
    assert invitation.key_of(vector["typed"][0]).public.hex() == vector["key"]
    assert invitation_psk(bytes.fromhex(vector["key"])).hex() == vector["psk"]


@pytest.mark.parametrize("vector", _named("recovery code"))
def test_recovery_codes(vector: dict[str, Any]) -> None:
    code = vector["code"]
    assert invitation.new_recovery_code(bytes.fromhex(vector["random"])) == code
    assert invitation.recovery_key(code.lower()).public.hex() == vector["key"]


@pytest.mark.parametrize("vector", _named("link"))
def test_links(vector: dict[str, Any]) -> None:
    assert invitation.read(vector["text"]) == (vector["code"], tuple(vector["addresses"]))


@pytest.mark.parametrize("vector", _named("binding"))
def test_bindings(vector: dict[str, Any]) -> None:
    key = SigningKey(bytes.fromhex(vector["seed"]))
    team, inviter = TeamId(bytes.fromhex(vector["team"])), bytes.fromhex(vector["inviter"])
    member = vector["member"] and bytes.fromhex(vector["member"])
    terms: tuple[int, bytes | None, int] = (vector["role"], member, vector["expires"])
    signature = invitation.sign_binding(key, team, DeviceKey(inviter), *terms)
    assert signature.hex() == vector["signature"]
    invitation.check_binding(key.public, team, DeviceKey(inviter), *terms, signature)
    others: tuple[tuple[int, bytes | None, int], ...] = (
        (1 - terms[0], *terms[1:]),
        (terms[0], b"m" * 32, terms[2]),
        (*terms[:2], 0),
    )
    for other in others:
        with pytest.raises(Refused, match=Reason.BAD_PROOF):
            invitation.check_binding(key.public, team, DeviceKey(inviter), *other, signature)


@pytest.mark.parametrize("vector", _named("proof"))
def test_proofs(vector: dict[str, Any]) -> None:
    key = SigningKey(bytes.fromhex(vector["seed"]))
    team = TeamId(bytes.fromhex(vector["team"]))
    joiner = SigningKey(bytes.fromhex(vector["device_seed"]))
    ident, device = EntryId(bytes.fromhex(vector["invitation"])), joiner.public
    assert device.hex() == vector["device"]
    proof = invitation.prove(key, team, ident, joiner)
    assert proof.hex() == vector["proof"]
    invitation.check_proof(key.public, team, ident, device, proof)
    by_code, by_device = proof[:SIGNATURE_SIZE], proof[SIGNATURE_SIZE:]
    for bad in (b"", by_code, 2 * by_code, 2 * by_device, by_device + by_code, proof + b"x"):
        with pytest.raises(Refused, match=Reason.BAD_PROOF):
            invitation.check_proof(key.public, team, ident, device, bad)
    with pytest.raises(Refused, match=Reason.BAD_PROOF):
        invitation.check_proof(key.public, team, ident, key.public, proof)


@pytest.mark.parametrize("vector", vectors("invitation", "invalid"), ids=lambda v: v["name"])
def test_refusals(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        invitation.read(vector["text"])
    assert refused.value.reason == vector["reason"]


@given(CODES, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_any_wrong_symbol_is_told(code: str, place: int, symbol: str) -> None:
    plain = code.replace("-", "")
    wrong = plain[:place] + symbol + plain[place + 1 :]
    _check_told(plain, wrong)


@given(CODES, st.integers(0, 15), st.integers(0, 15))
def test_any_two_symbols_swapped_are_told(code: str, one: int, two: int) -> None:
    plain = code.replace("-", "")
    symbols = list(plain)
    symbols[one], symbols[two] = symbols[two], symbols[one]
    _check_told(plain, "".join(symbols))


def _check_told(plain: str, wrong: str) -> None:
    if wrong == plain:
        assert parse_code(wrong).replace("-", "") == plain
        return
    with pytest.raises(Refused, match="mistyped"):
        parse_code(wrong)


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_every_used_bit_makes_another_code(data: bytes) -> None:
    codes = {
        new_code((int.from_bytes(data, "big") ^ 1 << bit).to_bytes(10, "big")) for bit in range(75)
    }
    assert len(codes | {new_code(data)}) == 76


@pytest.mark.parametrize("size", [0, 9, 11])
def test_random_bytes_have_one_size(size: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_code(bytes(size))
    assert RECOVERY_BYTES * 8 >= 128


def test_a_link_names_at_most_eight_addresses() -> None:
    code = new_code(bytes(CODE_BYTES))
    text = invitation.link(code, [f"host:{port}" for port in range(1, 20)])
    assert len(invitation.read(text)[1]) == 8


TEXTS = st.text() | CODES | st.text().map(lambda text: f"p2pblog:join/{text}")


@given(TEXTS, st.text())
def test_any_text_is_read_or_refused_by_name(text: str, more: str) -> None:
    for typed in (text, text + more):
        with suppress(Refused):
            code, addresses = invitation.read(typed)
            assert invitation.read(invitation.link(code, addresses)) == (code, addresses)
        with suppress(Refused):
            invitation.parse_recovery_code(typed)
