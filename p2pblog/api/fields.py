"""Kinds of fields that a request may have: each reads its JSON form and draws its JSON Schema.

`read` takes the JSON value, `read_text` what stood in a path, a query or a header; both raise
ValueError with the words that go behind the field's name. Spec: `protocol/api.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from p2pblog.api import cursor
from p2pblog.api.limits import MAX_NONCE, MIN_NONCE, MIN_PREFIX
from p2pblog.protocol.limits import MAX_TIME_MS

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class Kind:
    """What one field may hold."""

    def read(self, value: Json) -> object:
        """The Python value of a JSON value. Raises ValueError."""
        raise NotImplementedError  # each kind has its own

    def read_text(self, text: str) -> object:
        """The same, of what stood in a path, a query or a header."""
        return self.read(text)

    def schema(self) -> JsonObject:
        """The JSON Schema. It may allow more than `read` does where JSON Schema can't say it."""
        raise NotImplementedError  # each kind has its own


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Text of `low` to `high` bytes of UTF-8."""

    high: int
    low: int = 0

    def read(self, value: Json) -> str:
        """ValueError unless text that UTF-8 can carry, of a length within bounds."""
        if not isinstance(value, str):
            raise ValueError("must be text")
        try:
            size = len(value.encode())
        except UnicodeEncodeError as error:
            raise ValueError("has a lone surrogate, which is no character") from error
        if not self.low <= size <= self.high:
            raise ValueError(f"must have {self.low} to {self.high} bytes, has {size}")
        return value

    def schema(self) -> JsonObject:
        """A string; characters are at most as many as bytes."""
        bounds: JsonObject = {"minLength": 1} if self.low else {}
        schema: JsonObject = {"type": "string", "maxLength": self.high}
        return schema | bounds


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A whole number from `low` to `high`."""

    high: int
    low: int = 0

    def read(self, value: Json) -> int:
        """ValueError unless a whole number within bounds. JSON Schema counts 5.0 as whole."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("must be a whole number")
        if not self.low <= value <= self.high:
            raise ValueError(f"must be from {self.low} to {self.high}")
        return value

    def read_text(self, text: str) -> int:
        """Decimal digits."""
        if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
            raise ValueError(f"must be a whole number from {self.low} to {self.high}")
        return self.read(int(text))

    def schema(self) -> JsonObject:
        """An integer with bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """True or false."""

    def read(self, value: Json) -> bool:
        """ValueError unless true or false."""
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    def schema(self) -> JsonObject:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Moment(Kind):
    """A time: RFC 3339 outside, milliseconds since 1970 UTC inside."""

    def read(self, value: Json) -> int:
        """ValueError unless an RFC 3339 time from 1970 on; digits below milliseconds are cut."""
        example = "must be an RFC 3339 time such as 2026-11-23T13:00:00Z"
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise ValueError(example)
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise ValueError(example) from error
        found = (moment - _EPOCH) // _MS
        if not 0 <= found <= MAX_TIME_MS:
            raise ValueError("must not be before 1970")
        return found

    def schema(self) -> JsonObject:
        """A date-time."""
        return {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Pattern(Kind):
    """Text of one form, described by `words`; `convert` makes the value, or raises ValueError."""

    form: str
    words: str
    convert: Callable[[str], object] = str

    def read(self, value: Json) -> object:
        """ValueError unless text of that form."""
        if not isinstance(value, str) or not re.fullmatch(self.form, value, re.ASCII):
            raise ValueError(f"must be {self.words}")
        try:
            return self.convert(value)
        except ValueError as error:
            raise ValueError(f"must be {self.words}") from error

    def schema(self) -> JsonObject:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^({self.form})$", "description": self.words}


PREFIX: Final = Pattern(
    f"[0-9a-f]{{{MIN_PREFIX},64}}",
    f"an id or its first {MIN_PREFIX} or more hex digits, in lower case",
)
PLACE: Final = Pattern(
    "[A-Za-z0-9_-]{54}", "a cursor from an answer of this list", cursor.read_place
)
ARRIVAL: Final = Pattern(
    "[A-Za-z0-9_-]{11}", "a cursor from an answer of this search", cursor.read_arrival
)
POSITION: Final = Pattern(
    "[0-9a-f]{1,64}:(0|[1-9][0-9]{0,17})",
    "STORE:ARRIVAL, the id of an event",
    cursor.read_position,
)
NONCE: Final = Pattern(
    f"([0-9a-f]{{2}}){{{MIN_NONCE},{MAX_NONCE}}}",
    f"{MIN_NONCE} to {MAX_NONCE} random bytes in hex",
    bytes.fromhex,
)


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Json) -> str:
        """ValueError unless one of the words."""
        if value not in self.words or not isinstance(value, str):
            raise ValueError(f"must be one of {', '.join(self.words)}")
        return value

    def schema(self) -> JsonObject:
        """An enumeration."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Many(Kind):
    """A list of `low` to `high` values of one kind."""

    kind: Kind
    high: int
    low: int = 0

    def read(self, value: Json) -> tuple[object, ...]:
        """ValueError, which names the position, unless each item fits."""
        if not isinstance(value, list):
            raise ValueError("must be a list")
        if not self.low <= len(value) <= self.high:
            raise ValueError(f"must have {self.low} to {self.high} items, has {len(value)}")
        return tuple(self._item(index, item) for index, item in enumerate(value))

    def _item(self, index: int, item: Json) -> object:
        try:
            return self.kind.read(item)
        except ValueError as error:
            raise ValueError(f"item {index} {error}") from error

    def schema(self) -> JsonObject:
        """An array."""
        schema: JsonObject = {"type": "array", "items": self.kind.schema()}
        return schema | {"minItems": self.low, "maxItems": self.high}
