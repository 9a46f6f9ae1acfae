"""`protocol/backup.md`: the passphrase opens it, each part is whole; else it is refused by name."""

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Refused
from p2pblog.protocol import backup, sealed
from p2pblog.protocol.backup import Cost, Reader
from tests.support.mutate import mutated
from tests.support.vectors import vectors
from tests.vectors.backup import PASSPHRASE, sample

Vector = dict[str, Any]


def head_of(data: bytes) -> sealed.Head:
    head = sealed.parse_head(backup.MAGIC, backup.VERSION, data)
    assert head is not None
    return head


@pytest.mark.parametrize("vector", vectors("backup", "valid"))
def test_backups(vector: Vector) -> None:
    data, salt = bytes.fromhex(vector["file"]), bytes.fromhex(vector["salt"])
    cost = Cost(bytes.fromhex(vector["stretch_salt"]), vector["passes"], vector["memory"])
    secret = backup.stretch(vector["passphrase"], cost)
    assert secret.hex() == vector["secret"]
    assert backup.key_of(secret).hex() == vector["key"]
    head = head_of(data)
    assert backup.make_head(secret, cost, salt) == data[: head.size]
    opener = backup.open_head(head, vector["passphrase"])
    assert [one.hex() for one in opener.receive(data[head.size :])] == vector["records"]
    opener.end()
    reader = Reader()
    for raw in map(bytes.fromhex, vector["records"]):
        assert backup.pack(reader.receive(raw)) == raw
    reader.end()


def _use(vector: Vector) -> None:
    if vector["kind"] == "head":
        backup.open_head(head_of(bytes.fromhex(vector["head"])), vector["passphrase"])
        return
    reader = Reader()
    for raw in vector["records"]:
        reader.receive(bytes.fromhex(raw))
    reader.end()


@pytest.mark.parametrize("vector", vectors("backup", "invalid"), ids=lambda v: str(v["name"]))
def test_refusals(vector: Vector) -> None:
    with pytest.raises(Refused) as refused:
        _use(vector)
    assert refused.value.reason == vector["reason"]


def test_however_it_is_typed() -> None:
    cost = Cost(bytes(16), 1, 8)
    assert backup.stretch("Ko\u0308ln", cost) == backup.stretch("K\u00f6ln", cost)
    assert backup.stretch(PASSPHRASE, cost) != backup.stretch(PASSPHRASE.upper(), cost)


RECORDS = [backup.pack(record) for record in sample(random.Random("backup"))]


@given(st.lists(mutated(RECORDS) | st.sampled_from(RECORDS), max_size=6))
def test_any_records_are_refused_by_name(records: list[bytes]) -> None:
    reader = Reader()
    with suppress(Refused):
        for raw in records:
            assert reader.receive(raw)
        reader.end()


@given(mutated([bytes.fromhex(vectors("backup", "valid")[0]["file"])]))
def test_any_head_is_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        head = sealed.parse_head(backup.MAGIC, 1, data)
        if head is not None:
            backup.open_head(head, PASSPHRASE)
