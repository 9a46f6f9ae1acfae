"""`protocol/sealed.md`: what was sealed comes out; anything else is refused by name."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import sealed
from p2pblog.protocol.limits import MAX_CHUNK, MAX_RECORD
from p2pblog.protocol.sealed import Opener, Sealer
from tests.support.mutate import mutated
from tests.support.vectors import vectors
from tests.vectors.sealed import KEY, MAGIC, SALT, file

Vector = dict[str, Any]


def opened(data: bytes, step: int, key: bytes = KEY, salt: bytes = SALT) -> list[bytes]:
    """All records of a file that is read in steps. Raises `Refused` with those before in `args`."""
    records: list[bytes] = []
    head = sealed.parse_head(MAGIC, 1, data)
    if head is None:
        raise Refused(Reason.TRUNCATED, "head")
    opener = Opener(key, salt, head.binding)
    try:
        for at in range(head.size, len(data), step):
            records += opener.receive(data[at : at + step])
        opener.end()
    except Refused as refused:
        refused.args = (*refused.args, records)
        raise
    return records


@pytest.mark.parametrize("vector", vectors("sealed", "valid"), ids=lambda v: str(v["name"]))
def test_files(vector: Vector) -> None:
    data, records = bytes.fromhex(vector["file"]), list(map(bytes.fromhex, vector["records"]))
    for step in (1, 7, len(data)):
        assert opened(data, step) == records
    head = sealed.parse_head(MAGIC, 1, data)
    assert head is not None
    assert sealed.make_head(MAGIC, 1, head.body) == data[: head.size]
    sealer = Sealer(KEY, SALT, head.binding)
    made = b""
    for record in records:
        made += sealer.add(record) + (sealer.flush() if vector["flushed"] else b"")
    assert made + sealer.end() == data[head.size :]


@pytest.mark.parametrize("vector", vectors("sealed", "invalid"), ids=lambda v: str(v["name"]))
def test_refusals(vector: Vector) -> None:
    data = bytes.fromhex(vector["file"])
    for step in (1, 50, len(data) + 1):
        with pytest.raises(Refused) as refused:
            opened(data, step, bytes.fromhex(vector["key"]))
        assert refused.value.reason == vector["reason"]
        before = [item.hex() for item in refused.value.args[-1]] if vector["before"] else []
        assert before == vector["before"]


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=200) | st.just(bytes(MAX_CHUNK)), max_size=4))
def test_what_goes_in_comes_out(records: list[bytes]) -> None:
    head = sealed.make_head(MAGIC, 1, b"")
    sealer = Sealer(KEY, SALT, head[-sealed.BINDING_SIZE :])
    data = head + b"".join(map(sealer.add, records)) + sealer.end()
    assert opened(data, MAX_CHUNK) == records


def test_chunks_are_full_and_nothing_more_is_held() -> None:
    sealer = Sealer(KEY, SALT, bytes(32))
    out = sum(len(sealer.add(bytes(MAX_RECORD))) for _ in range(20))
    assert 20 * MAX_RECORD - MAX_CHUNK <= out <= 20 * (MAX_RECORD + 200)


def test_a_record_too_long_is_not_sealed() -> None:
    with pytest.raises(Refused):
        Sealer(KEY, SALT, bytes(32)).add(bytes(MAX_RECORD + 1))


FILES = [b"".join(file([b"one", b"two"])), b"".join(file([]))]


@given(mutated(FILES), st.integers(1, 90))
def test_any_other_file_is_refused_by_name(data: bytes, step: int) -> None:
    with suppress(Refused):
        opened(data, step)
        assert data in FILES


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    head = sealed.make_head(MAGIC, 1, b"")
    for start in (b"", head):
        with pytest.raises(Refused):
            opened(start + data, 7)
