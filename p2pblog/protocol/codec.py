"""Strict msgpack, and shapes: the one declaration of every record and message.

A value is None, a bool, an int, bytes, a str or a tuple of values. Maps, floats and extension
types are refused, and so is every form but the shortest: `pack(unpack(b)) == b`. A `Shape` checks
a value and draws its JSON Schema, so that no record is declared twice.

The only importer of msgpack. Spec: `protocol/codec.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import eq
from typing import Any, TypeAlias

import msgpack

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.limits import MAX_DEPTH, MAX_ITEMS

Value: TypeAlias = "bool | int | bytes | str | tuple[Value, ...] | None"
JsonSchema: TypeAlias = dict[str, Any]
EXACT = "exact"  # the name in a scope that says whether records may have appended elements

_packb: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True, strict_types=False).pack


def pack(value: Value | Sequence[Any]) -> bytes:
    """The one encoding of `value`: the shortest."""
    return _packb(value)


def _refuse_map(_: object) -> Any:
    raise Refused(Reason.BAD_SHAPE, "maps are not used")


def _refuse_ext(_code: int, _data: bytes) -> Any:
    raise Refused(Reason.BAD_SHAPE, "extension types are not used")


_unpack_plain: Callable[..., Any] = msgpack.unpackb
_unpackb: Callable[..., Any] = partial(
    msgpack.unpackb,
    use_list=False,
    object_pairs_hook=_refuse_map,
    ext_hook=_refuse_ext,
    strict_map_key=False,
    max_array_len=MAX_ITEMS,
)


def unpack(data: bytes, limit: int) -> Value:
    """The value that `data` encodes, at most `limit` bytes.

    Raises `Refused`: TOO_LARGE, MALFORMED (also an array of more than `MAX_ITEMS`), BAD_SHAPE (a
    map, float or extension type, or nested deeper than `MAX_DEPTH`), NOT_CANONICAL.
    """
    if len(data) > limit:
        raise Refused(Reason.TOO_LARGE, f"{len(data)} bytes, limit {limit}")
    try:
        value: Value = _unpackb(data, max_array_len=min(len(data), MAX_ITEMS))
    except Refused:
        raise
    except msgpack.StackError as error:
        raise Refused(Reason.BAD_SHAPE, f"nested deeper than {MAX_DEPTH}") from error
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        # msgpack's own tree, its ValueErrors for sizes and UTF-8, TypeError for unhashable keys
        raise Refused(Reason.MALFORMED, type(error).__name__) from error
    _check_kinds(value, MAX_DEPTH)
    if _packb(value) != data:
        raise Refused(Reason.NOT_CANONICAL, "not the shortest form")
    return value


_PLAIN = frozenset({int, bytes, str, bool, type(None)})


def _check_kinds(value: Value, depth: int) -> None:
    if type(value) is tuple:
        if depth == 0:
            raise Refused(Reason.BAD_SHAPE, f"nested deeper than {MAX_DEPTH}")
        for item in value:
            if type(item) not in _PLAIN:
                _check_kinds(item, depth - 1)
    elif type(value) not in _PLAIN:
        raise Refused(Reason.BAD_SHAPE, f"{type(value).__name__} is not used")


class Shape(ABC):
    """What a value has to look like. `check` raises `Refused`; `schema` draws JSON Schema.

    In schemas and vectors bytes stand as lower-case hex strings.
    """

    @abstractmethod
    def check(self, value: Value) -> None:
        """Raise `Refused` BAD_SHAPE (wrong type or count) or BAD_VALUE (out of range)."""

    @abstractmethod
    def schema(self) -> JsonSchema:
        """The JSON Schema of this shape."""

    @abstractmethod
    def test(self, value: str, scope: dict[str, Any]) -> str:
        """A Python expression that is true of what `check` passes; `value` is an expression.

        What it needs besides is put into `scope`. With `scope[EXACT]` nothing may be appended
        anywhere: then every element is of a known shape.
        """


@dataclass(frozen=True, slots=True)
class Uint(Shape):
    """A whole number from `low` to `high`."""

    high: int = 2**64 - 1
    low: int = 0
    note: str = ""

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless an int, BAD_VALUE outside the range."""
        if type(value) is not int:
            raise Refused(Reason.BAD_SHAPE, f"number due{_for(self.note)}")
        if not self.low <= value <= self.high:
            raise Refused(Reason.BAD_VALUE, f"number out of range{_for(self.note)}")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type and range."""
        return f"type({value}) is int and {self.low} <= {value} <= {self.high}"

    def schema(self) -> JsonSchema:
        """An integer with bounds."""
        return _noted({"type": "integer", "minimum": self.low, "maximum": self.high}, self.note)


@dataclass(frozen=True, slots=True)
class Bytes(Shape):
    """`low` to `high` bytes; `Bytes(32)` is exactly 32."""

    low: int
    high: int | None = None
    note: str = ""

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless bytes, BAD_VALUE for another length."""
        if type(value) is not bytes:
            raise Refused(Reason.BAD_SHAPE, f"bytes due{_for(self.note)}")
        if not self.low <= len(value) <= (self.low if self.high is None else self.high):
            raise Refused(Reason.BAD_VALUE, f"length {len(value)}{_for(self.note)}")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type and length."""
        high = self.low if self.high is None else self.high
        return f"type({value}) is bytes and {self.low} <= len({value}) <= {high}"

    def schema(self) -> JsonSchema:
        """A hex string of twice the length."""
        high = self.low if self.high is None else self.high
        return _noted(
            {
                "type": "string",
                "pattern": "^([0-9a-f]{2})*$",
                "minLength": 2 * self.low,
                "maxLength": 2 * high,
            },
            self.note,
        )


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """UTF-8 text of `low` to `high` bytes."""

    high: int
    low: int = 0
    note: str = ""

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless text, BAD_VALUE for another length in bytes."""
        if type(value) is not str:
            raise Refused(Reason.BAD_SHAPE, f"text due{_for(self.note)}")
        if not self.low <= len(value.encode()) <= self.high:
            raise Refused(Reason.BAD_VALUE, f"text length{_for(self.note)}")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type and length in UTF-8."""
        return f"type({value}) is str and {self.low} <= len({value}.encode()) <= {self.high}"

    def schema(self) -> JsonSchema:
        """A string; its bound in characters is that in bytes."""
        bounds: JsonSchema = {"type": "string", "maxLength": self.high}
        return _noted(bounds | ({"minLength": 1} if self.low else {}), self.note)


@dataclass(frozen=True, slots=True)
class Bool(Shape):
    """True or false."""

    note: str = ""

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless a bool."""
        if type(value) is not bool:
            raise Refused(Reason.BAD_SHAPE, f"true or false due{_for(self.note)}")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type."""
        return f"type({value}) is bool"

    def schema(self) -> JsonSchema:
        """A boolean."""
        return _noted({"type": "boolean"}, self.note)


@dataclass(frozen=True, slots=True)
class Maybe(Shape):
    """`shape`, or nil."""

    shape: Shape

    def check(self, value: Value) -> None:
        """As `shape`, but nil is fine."""
        if value is not None:
            self.shape.check(value)

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Nil, or the shape."""
        return f"({value} is None or {self.shape.test(value, scope)})"

    def schema(self) -> JsonSchema:
        """Either of the two."""
        return {"anyOf": [{"type": "null"}, self.shape.schema()]}


@dataclass(frozen=True, slots=True)
class Many(Shape):
    """A list of `low` to `high` items of one shape."""

    shape: Shape
    high: int
    low: int = 0
    note: str = ""

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless an array, BAD_VALUE for another count, then each item."""
        if type(value) is not tuple:
            raise Refused(Reason.BAD_SHAPE, f"array due{_for(self.note)}")
        if not self.low <= len(value) <= self.high:
            raise Refused(Reason.BAD_VALUE, f"{len(value)} items{_for(self.note)}")
        check = self.shape.check
        for item in value:
            check(item)

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type, count, and each item."""
        name = f"each{len(scope)}"
        scope[name] = _compiled(self.shape, scope[EXACT])
        count = f"type({value}) is tuple and {self.low} <= len({value}) <= {self.high}"
        return f"{count} and all(map({name}, {value}))"

    def schema(self) -> JsonSchema:
        """An array of `shape`."""
        items = {"type": "array", "items": self.shape.schema()}
        return _noted(items | {"minItems": self.low, "maxItems": self.high}, self.note)


@dataclass(frozen=True, slots=True)
class Array(Shape):
    """A fixed array: one shape per position. With `extra`, later versions may append elements."""

    name: str
    fields: tuple[tuple[str, Shape], ...]
    extra: bool = False
    _tests: dict[bool, Callable[[Any], bool]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def tested(self, exact: bool) -> Callable[[Any], bool]:
        """`test` as a function, compiled once."""
        if exact not in self._tests:
            self._tests[exact] = _compiled(self, exact)
        return self._tests[exact]

    def check(self, value: Value) -> None:
        """BAD_SHAPE unless an array of the due length, then each position."""
        if not self.tested(exact=False)(value):
            self._explain(value)

    def _explain(self, value: Value) -> None:
        if type(value) is not tuple:
            raise Refused(Reason.BAD_SHAPE, f"{self.name}: array due")
        due = len(self.fields)
        if len(value) < due or (len(value) > due and not self.extra):
            raise Refused(Reason.BAD_SHAPE, f"{self.name}: {len(value)} elements, {due} due")
        for (_, shape), item in zip(self.fields, value, strict=False):
            shape.check(item)
        raise AssertionError(f"{self.name}: test and check disagree")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Type, count, and each position."""
        due, more = len(self.fields), self.extra and not scope[EXACT]
        count = f"type({value}) is tuple and len({value}) {'>=' if more else '=='} {due}"
        each = [shape.test(f"{value}[{n}]", scope) for n, (_, shape) in enumerate(self.fields)]
        return " and ".join([count, *each])

    def schema(self) -> JsonSchema:
        """An array with a schema per position."""
        items = [{"title": title} | shape.schema() for title, shape in self.fields]
        schema: JsonSchema = {"title": self.name, "type": "array", "prefixItems": items}
        schema["minItems"] = len(items)
        return schema if self.extra else schema | {"maxItems": len(items)}


@dataclass(frozen=True, slots=True)
class Constant(Shape):
    """Exactly this number: the type of a message or an operation."""

    value: int

    def check(self, value: Value) -> None:
        """BAD_VALUE unless that number."""
        if type(value) is not int or value != self.value:
            raise Refused(Reason.BAD_VALUE, f"{self.value} due")

    def test(self, value: str, scope: dict[str, Any]) -> str:
        """Just that number."""
        return f"type({value}) is int and {value} == {self.value}"

    def schema(self) -> JsonSchema:
        """A constant."""
        return {"const": self.value}


def _compiled(shape: Shape, exact: bool) -> Callable[[Any], bool]:
    """`shape.test` as a function: a record is checked without a call per field."""
    scope: dict[str, Any] = {EXACT: exact}
    test: Callable[[Any], bool] = eval(f"lambda v: {shape.test('v', scope)}", scope)
    return test


def decode(shape: Shape, data: bytes, limit: int) -> tuple[Any, ...]:
    """`unpack` and `check` in one: the fields of a record. Raises `Refused`."""
    value = unpack(data, limit)
    shape.check(value)
    if type(value) is not tuple:
        raise Refused(Reason.BAD_SHAPE, "array due")
    return value


def plain(shape: Array, items: Sequence[bytes], limit: int) -> list[tuple[Any, ...]] | None:
    """`decode` of many records at once, in less than half the time.

    None where any of them would be refused or has appended elements: then look at each.
    """
    try:  # a map or an extension type comes out as what no shape has
        values = [_unpack_plain(item, use_list=False) for item in items]
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if max(map(len, items), default=0) > limit or not all(map(shape.tested(exact=True), values)):
        return None
    return values if all(map(eq, map(_packb, values), items)) else None


def to_json(value: Value | Sequence[Any]) -> Any:
    """`value` as it stands in vectors and schemas: bytes as hex, tuples as arrays."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def _for(note: str) -> str:
    return f" for {note}" if note else ""


def _noted(schema: JsonSchema, note: str) -> JsonSchema:
    return schema | {"description": note} if note else schema
