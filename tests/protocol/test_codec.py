"""`protocol/codec.md`: one encoding for each value, every other refused by name; shapes."""

import dataclasses
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.codec import (
    Array,
    Bool,
    Bytes,
    Constant,
    Many,
    Maybe,
    Shape,
    Text,
    Uint,
    Value,
    decode,
    pack,
    plain,
    to_json,
    unpack,
)
from tests.support.mutate import mutated
from tests.support.published import published
from tests.support.vectors import vectors

LIMIT = 10_000


def _value(told: Any) -> Value:
    if isinstance(told, dict) and "number" in told:
        return int(told["number"])
    if isinstance(told, dict):
        return bytes.fromhex(told["hex"])
    if isinstance(told, list):
        return tuple(map(_value, told))
    value: Value = told
    return value


@pytest.mark.parametrize("vector", vectors("codec", "valid"))
def test_values(vector: dict[str, Any]) -> None:
    value, data = _value(vector["value"]), bytes.fromhex(vector["bytes"])
    assert pack(value) == data
    assert unpack(data, len(data)) == value


@pytest.mark.parametrize("vector", vectors("codec", "invalid"))
def test_refusals(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        unpack(bytes.fromhex(vector["bytes"]), LIMIT)
    assert refused.value.reason == vector["reason"]


def test_the_limit_comes_first() -> None:
    with pytest.raises(Refused) as refused:
        unpack(b"\xc1\xc1", 1)
    assert refused.value.reason == Reason.TOO_LARGE


def _accepted(data: bytes) -> bool:
    with suppress(Refused):
        unpack(data, LIMIT)
        return True
    return False


def test_msgpack_test_suite() -> None:
    """Of the forms of a value the shortest is taken, of two shortest the unsigned one."""
    used = {"nil", "bool", "binary", "number", "bignum", "string", "array"}
    seen = 0
    for cases in published("msgpack_test_suite.json").values():
        for case in cases:
            kind = next(name for name in case if name != "msgpack")
            forms = [bytes.fromhex(form.replace("-", "")) for form in case["msgpack"]]
            fits = kind in used and not _holds_unused(case[kind])
            whole = [form for form in forms if form[0] not in (0xCA, 0xCB)]  # no floats
            due = min(whole, key=lambda form: (len(form), form)) if fits and whole else None
            for form in forms:
                assert _accepted(form) == (form == due), form.hex()
                seen += 1
    assert seen > 200


def _holds_unused(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_unused, value))
    return isinstance(value, float | dict)


VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=40),
    lambda items: st.lists(items, max_size=5).map(tuple),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_packed_comes_back(value: Value) -> None:
    with suppress(Refused):  # deeper than allowed
        assert unpack(pack(value), LIMIT) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name_or_are_canonical(data: bytes) -> None:
    with suppress(Refused):
        assert pack(unpack(data, LIMIT)) == data


SHAPES: list[tuple[Shape, list[Value], list[tuple[Value, Reason]]]] = [
    (
        Uint(10, 2),
        [2, 10],
        [(1, Reason.BAD_VALUE), (11, Reason.BAD_VALUE), (True, Reason.BAD_SHAPE)],
    ),
    (Bytes(2), [b"ab"], [(b"a", Reason.BAD_VALUE), (b"abc", Reason.BAD_VALUE)]),
    (Bytes(1, 2), [b"a", b"ab"], [(b"", Reason.BAD_VALUE), ("a", Reason.BAD_SHAPE)]),
    (Text(3, 1), ["abc"], [("", Reason.BAD_VALUE), ("abcd", Reason.BAD_VALUE)]),
    (Text(3), ["", "ü"], [("üü", Reason.BAD_VALUE), (b"a", Reason.BAD_SHAPE)]),
    (Bool(), [True, False], [(1, Reason.BAD_SHAPE), (None, Reason.BAD_SHAPE)]),
    (Maybe(Bytes(1)), [None, b"a"], [(b"", Reason.BAD_VALUE), (0, Reason.BAD_SHAPE)]),
    (
        Many(Uint(5), 2, 1),
        [(1,), (1, 5)],
        [((), Reason.BAD_VALUE), ((1, 6), Reason.BAD_VALUE), (1, Reason.BAD_SHAPE)],
    ),
    (Constant(3), [3], [(4, Reason.BAD_VALUE), (None, Reason.BAD_VALUE)]),
    (
        Array("pair", (("kind", Constant(1)), ("name", Text(5)))),
        [(1, "a")],
        [((1,), Reason.BAD_SHAPE), ((1, "a", 2), Reason.BAD_SHAPE), (None, Reason.BAD_SHAPE)],
    ),
    (
        Array("open", (("kind", Constant(1)),), extra=True),
        [(1,), (1, b"later")],
        [((), Reason.BAD_SHAPE), ((2, 3), Reason.BAD_VALUE)],
    ),
]


@pytest.mark.parametrize(("shape", "good", "bad"), SHAPES)
def test_shapes(shape: Shape, good: list[Value], bad: list[tuple[Value, Reason]]) -> None:
    schema = Draft202012Validator(shape.schema())
    for value in good:
        shape.check(value)
        schema.validate(to_json(value))
    for value, reason in bad:
        with pytest.raises(Refused) as refused:
            shape.check(value)
        assert refused.value.reason == reason


@pytest.mark.parametrize("shape", [shape for shape, _, _ in SHAPES])
@given(value=VALUES)
def test_any_value_is_refused_by_name(shape: Shape, value: Value) -> None:
    with suppress(Refused):
        shape.check(value)
        Draft202012Validator(shape.schema()).validate(to_json(value))


def test_a_record_is_an_array() -> None:
    pair = Array("pair", (("kind", Constant(1)), ("name", Text(5))))
    assert decode(pair, pack((1, "a")), LIMIT) == (1, "a")
    with pytest.raises(Refused) as refused:
        decode(Uint(5), pack(1), LIMIT)
    assert refused.value.reason == Reason.BAD_SHAPE


ANY_SHAPE = Array(
    "any",
    (
        ("number", Uint(9, 1)),
        ("bytes", Bytes(1, 3)),
        ("text", Text(4, 1)),
        ("bool", Bool()),
        ("maybe", Maybe(Uint(3))),
        ("many", Many(Array("pair", (("one", Constant(1)), ("more", Many(Bytes(2), 2)))), 2)),
    ),
    extra=True,
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 10), st.binary(max_size=4), st.text(max_size=3)
)
PAIRS = st.tuples(st.integers(0, 1), st.lists(st.binary(min_size=2, max_size=3)).map(tuple))
RECORDS = st.tuples(
    st.one_of(st.integers(0, 10), LEAVES),
    st.one_of(st.binary(max_size=4), LEAVES),
    st.one_of(st.text(max_size=5), LEAVES),
    LEAVES,
    LEAVES,
    st.one_of(st.lists(PAIRS, max_size=3).map(tuple), LEAVES),
)


@given(st.one_of(RECORDS, RECORDS.map(lambda r: r[:-1]), LEAVES))
def test_the_quick_test_of_a_shape_agrees_with_its_slow_one(value: Any) -> None:
    if type(value) is not tuple or len(value) < len(ANY_SHAPE.fields):
        passes = False
    else:
        try:
            for (_, shape), item in zip(ANY_SHAPE.fields, value, strict=True):
                slowly(shape, item)
            passes = True
        except Refused:
            passes = False
    try:
        ANY_SHAPE.check(value)
        assert passes
    except Refused:
        assert not passes


def slowly(shape: Shape, value: Any) -> None:
    """`check`, without any quick test on the way down."""
    if isinstance(shape, Many):
        dataclasses.replace(shape, shape=Maybe(shape.shape)).check(
            value if type(value) is not tuple else (None,) * len(value)
        )
        for item in value:
            slowly(shape.shape, item)
    elif isinstance(shape, Array):
        with pytest.raises((Refused, AssertionError)) as caught:
            shape._explain(value)
        if isinstance(caught.value, Refused):
            raise caught.value
    else:
        shape.check(value)


LAYERS = Array(
    "layers",
    (
        ("number", Uint(9)),
        ("inner", Maybe(Array("inner", (("name", Text(4)),), extra=True))),
        ("many", Many(Array("one", (("flag", Bool()),), extra=True), 2)),
    ),
    extra=True,
)
LAYER = pack((1, ("a",), ((True,),)))


@given(st.lists(mutated([LAYER, pack((9, None, ((False,), (True,))))]), max_size=4))
def test_many_at_once_are_what_each_is(items: list[bytes]) -> None:
    found = plain(LAYERS, items, 20)
    if found is not None:
        assert found == [decode(LAYERS, item, 20) for item in items]


def test_what_a_later_version_appends_is_looked_at_alone() -> None:
    assert plain(LAYERS, [LAYER, LAYER], 20) == [(1, ("a",), ((True,),))] * 2
    assert plain(LAYERS, [], 20) == []
    for other in ((1, None, (), 2), (1, ("a", 1), ()), (1, None, ((True, 1),)), (10, None, ())):
        assert plain(LAYERS, [LAYER, pack(other)], 20) is None
    overlong = b"\x93\xcc\x01\xc0\x90"
    for bad in (overlong, b"", LAYER + b"\x00", b"\x80"):
        assert plain(LAYERS, [LAYER, bad], 20) is None
    assert plain(LAYERS, [LAYER], len(LAYER) - 1) is None
