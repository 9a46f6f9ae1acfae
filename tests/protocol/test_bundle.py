"""`protocol/bundle.md`: whom it is for opens it, in its order; anything else is refused by name."""

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import bundle, sealed
from p2pblog.protocol.bundle import Contents, Reader, Run
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import EntryId, Incarnation
from p2pblog.protocol.limits import MAX_CONTENTS, MAX_RECIPIENTS, MAX_RECORD, MAX_RUNS
from p2pblog.protocol.log import Tip
from tests.support.mutate import mutated
from tests.support.vectors import vectors
from tests.vectors.bundle import sample

Vector = dict[str, Any]


def head_of(data: bytes) -> sealed.Head:
    head = sealed.parse_head(bundle.MAGIC, bundle.VERSION, data)
    assert head is not None
    return head


@pytest.mark.parametrize("vector", vectors("bundle", "valid"), ids=lambda v: str(v["name"]))
def test_bundles(vector: Vector) -> None:
    data = bytes.fromhex(vector["file"])
    head = head_of(data)
    keys = [SigningKey(bytes.fromhex(seed)) for seed in vector["seeds"]]
    key, salt, private = (bytes.fromhex(vector[n]) for n in ("key", "salt", "ephemeral_private"))
    made = bundle.make_head(key, salt, private, [device.public for device in keys])
    assert made == data[: head.size]
    for device in keys:
        opener = bundle.open_head(head, device)
        assert [one.hex() for one in opener.receive(data[head.size :])] == vector["records"]
        opener.end()
    reader = Reader()
    for raw in map(bytes.fromhex, vector["records"]):
        record = reader.receive(raw)
        assert record is None or bundle.pack(record) == raw
    reader.end()


def _use(vector: Vector) -> None:
    if vector["kind"] == "head":
        device = SigningKey(bytes.fromhex(vector["seed"]))
        bundle.open_head(head_of(bytes.fromhex(vector["head"])), device)
        return
    reader = Reader()
    for raw in vector["records"]:
        reader.receive(bytes.fromhex(raw))
    reader.end()


@pytest.mark.parametrize("vector", vectors("bundle", "invalid"), ids=lambda v: str(v["name"]))
def test_refusals(vector: Vector) -> None:
    with pytest.raises(Refused) as refused:
        _use(vector)
    assert refused.value.reason == vector["reason"]


def test_a_stranger_can_not_open_it() -> None:
    data = bytes.fromhex(vectors("bundle", "valid")[0]["file"])
    with pytest.raises(Refused) as refused:
        bundle.open_head(head_of(data), SigningKey(bytes(32)))
    assert refused.value.reason == Reason.NOT_FOR_US


def test_the_largest_head_and_contents_fit() -> None:
    keys = [SigningKey(b"k" * 32).public] * MAX_RECIPIENTS
    head = head_of(bundle.make_head(bytes(32), bytes(16), b"e" * 32, keys))
    bundle.open_head(head, SigningKey(b"k" * 32))
    tip = Tip(2**40, EntryId(b"t" * 32))
    run = Run(DeviceKey(b"d" * 32), Incarnation(b"incarnat"), 1, tip, tip)
    first, second = bundle.contents([run] * (MAX_RUNS + 1))
    assert len(bundle.pack(first)) < MAX_RECORD
    assert len(second.runs) == 1
    assert list(bundle.contents([])) == [Contents(())]
    assert run.entries == 0


def test_contents_without_end_are_not_held() -> None:
    reader, (start, *_) = Reader(), RECORDS
    reader.receive(start)
    for _ in range(MAX_CONTENTS):
        reader.receive(bundle.pack(Contents(())))
    with pytest.raises(Refused) as refused:
        reader.receive(bundle.pack(Contents(())))
    assert refused.value.reason == Reason.TOO_LARGE


RECORDS = [bundle.pack(record) for record in sample(random.Random("bundle"))]


@given(st.lists(mutated(RECORDS) | st.sampled_from(RECORDS), max_size=6))
def test_any_records_are_refused_by_name(records: list[bytes]) -> None:
    reader = Reader()
    with suppress(Refused):
        for raw in records:
            record = reader.receive(raw)
            assert record is None or raw[1] < 5


@given(mutated([bytes.fromhex(vectors("bundle", "valid")[0]["file"])]))
def test_any_head_is_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        head = sealed.parse_head(bundle.MAGIC, 1, data)
        if head is not None:
            bundle.open_head(head, SigningKey(bytes(32)))
