"""`protocol/operation.md`: bodies of team logs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, operation
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, TeamId
from p2pblog.protocol.limits import MAX_AFTER, MAX_CUTOFFS, MAX_NAME, MAX_PAYLOAD, SALT_SIZE
from p2pblog.protocol.operation import (
    Approved,
    CoSignature,
    CutOff,
    RemoveMember,
    Unknown,
    Unreadable,
    parse,
    read,
    to_approve,
)
from tests.support.mutate import mutated
from tests.support.vectors import vectors

VALID = vectors("operation", "valid")
BODIES = [bytes.fromhex(vector["body"]) for vector in VALID if "body" in vector]


@pytest.mark.parametrize("vector", [v for v in VALID if "fields" in v], ids=lambda v: v["name"])
def test_operations(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["body"])
    made = parse(body)
    assert type(made).__name__ == vector["name"]
    assert not isinstance(made, Unknown)
    assert made.pack() == body
    fields = {name: codec.to_json(getattr(made, name)) for name in vector["fields"]}
    assert fields == vector["fields"]


@pytest.mark.parametrize("vector", [v for v in VALID if "unknown" in v], ids=lambda v: v["name"])
def test_operations_of_later_versions(vector: dict[str, Any]) -> None:
    made = parse(bytes.fromhex(vector["body"]))
    assert isinstance(made, Unknown)
    assert made.code == vector["unknown"]


@pytest.mark.parametrize("vector", [v for v in VALID if "to_sign" in v])
def test_what_is_approved(vector: dict[str, Any]) -> None:
    team, device, incarnation = (
        bytes.fromhex(vector[name]) for name in ("team", "device", "incarnation")
    )
    made = parse(bytes.fromhex(vector["body"]))
    assert isinstance(made, Approved)
    signed = to_approve(
        TeamId(team),
        DeviceKey(device),
        Incarnation(incarnation),
        vector["seq"],
        made,
    )
    assert signed.hex() == vector["to_sign"]


def test_commitment() -> None:
    vector = VALID[-1]
    made = operation.commit(bytes.fromhex(vector["network_key"]))
    assert made.hex() == vector["commitment"]


@pytest.mark.parametrize("vector", vectors("operation", "invalid"), ids=lambda v: v["name"])
def test_refusals(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["body"])
    with pytest.raises(Refused) as refused:
        parse(body)
    assert refused.value.reason == vector["reason"]
    assert read(body) == Unreadable(Reason(vector["reason"]))


def test_the_largest_operation_fits_a_payload() -> None:
    high = 2**48
    after = tuple(EntryId(i.to_bytes(32, "big")) for i in range(MAX_AFTER))
    cuts = tuple(
        CutOff(
            DeviceKey(i.to_bytes(32, "big")),
            Incarnation(bytes(8)),
            1,
            high,
            EntryId(bytes(32)),
            bytes(64),
        )
        for i in range(MAX_CUTOFFS)
    )
    signed = CoSignature(DeviceKey(bytes(32)), bytes(64))
    body = RemoveMember(after, operation.MemberId(bytes(32)), cuts, bytes(64), signed).pack()
    assert SALT_SIZE + len(body) + MAX_NAME <= MAX_PAYLOAD
    assert parse(body).after == after


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(body: bytes) -> None:
    read(body)


@given(mutated(BODIES))
def test_any_change_is_read_or_refused_by_name(body: bytes) -> None:
    made = read(body)
    if not isinstance(made, Unknown | Unreadable):
        assert made.pack() == body
