"""`protocol/beacon.md`: members recognise a tag, others learn nothing from it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Refused
from p2pblog.protocol import beacon
from p2pblog.protocol.beacon import Beacon
from p2pblog.protocol.crypto import network_psk
from tests.support.vectors import vectors

Txt = dict[str, str | None]


def _record(txt: Txt) -> dict[bytes, bytes | None]:
    return {name.encode(): None if text is None else text.encode() for name, text in txt.items()}


@pytest.mark.parametrize("vector", vectors("beacon", "valid"))
def test_tags(vector: dict[str, Any]) -> None:
    key, tag = bytes.fromhex(vector["network_key"]), bytes.fromhex(vector["tag"])
    assert beacon.make(key, bytes.fromhex(vector["nonce"])) == tag
    assert beacon.matches(key, tag)
    assert not beacon.matches(bytes(32), tag)
    assert beacon.encode(Beacon(tag)) == _record(vector["txt"])
    assert beacon.parse(_record(vector["txt"])) == Beacon(tag)
    assert network_psk(key).hex() == vector["network_psk"]


@pytest.mark.parametrize("vector", vectors("beacon", "invalid"))
def test_refusals(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        beacon.parse(_record(vector["txt"]))
    assert refused.value.reason == vector["reason"]


def test_capital_keys_and_unknown_ones_do_not_matter() -> None:
    tag = beacon.make(bytes(32), bytes(16))
    txt = {b"V": b"1", b"T": tag.hex().encode(), b"later": b"more", b"flag": None}
    assert beacon.parse(txt) == Beacon(tag)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_the_nonce_has_one_size(size: int) -> None:
    with pytest.raises(ValueError, match="a nonce of"):
        beacon.make(bytes(32), bytes(size))


@given(st.binary(max_size=40))
def test_no_other_tag_matches(tag: bytes) -> None:
    assert not beacon.matches(b"k" * 32, tag)


KEYS = st.sampled_from([b"v", b"t", b"x"])


@given(st.dictionaries(KEYS, st.none() | st.just(b"1") | st.binary(max_size=70)))
def test_any_record_is_refused_by_name(txt: dict[bytes, bytes | None]) -> None:
    with suppress(Refused):
        assert beacon.parse(txt).version == beacon.VERSION
