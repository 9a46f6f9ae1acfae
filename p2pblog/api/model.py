"""Requests as dataclasses: the fields of one are what a route takes, and nothing else is.

A field's `Annotated` holds its `Kind`. It stands in the path if the route's template names it,
in a header if its `Annotated` has a `Header`, else in the query of GET and DELETE and in the JSON
body of POST and PUT. A field without default is required. Spec: `protocol/api.md`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias, TypeVar, get_args, get_type_hints

from p2pblog.api.fields import Json, JsonObject, Kind
from p2pblog.errors import UsageError

Source: TypeAlias = Literal["path", "query", "header", "body"]

NOTHING: Final = object()

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Header:
    """Marks a field that comes in a header of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One field of a request: its name in Python and outside, where it stands, what it holds."""

    field: str
    name: str
    source: Source
    kind: Kind
    default: object = NOTHING

    @property
    def required(self) -> bool:
        """Whether the request must have it."""
        return self.default is NOTHING

    @property
    def nullable(self) -> bool:
        """Whether null in a body means that it is left out."""
        return self.default is None

    def schema(self) -> JsonObject:
        """The JSON Schema of its value, with its default."""
        schema = self.kind.schema()
        if self.source == "body" and self.nullable:
            return {"anyOf": [schema, {"type": "null"}]}
        if isinstance(self.default, bool | int | str):
            return schema | {"default": self.default}
        return schema


@cache
def slots_of(model: type, template: str, method: str) -> tuple[Slot, ...]:
    """The slots of a request dataclass on this route."""
    hints = get_type_hints(model, include_extras=True)
    rest: Source = "body" if method in ("POST", "PUT") else "query"
    found = []
    for field in dataclasses.fields(model):
        notes = get_args(hints[field.name])[1:]
        kind = next(note for note in notes if isinstance(note, Kind))
        header = next((note.name for note in notes if isinstance(note, Header)), "")
        in_path = "{" + field.name + "}" in template
        source: Source = "path" if in_path else "header" if header else rest
        default = NOTHING if field.default is dataclasses.MISSING else field.default
        found.append(Slot(field.name, header or field.name, source, kind, default))
    return tuple(found)


def read_texts(
    slots: Sequence[Slot], source: Source, given: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """The fields that a path, a query or the headers give. Raises UsageError, naming the field."""
    due = {slot.name.lower(): slot for slot in slots if slot.source == source}
    found: dict[str, object] = {}
    for name, text in given:
        slot = due.get(name.lower() if source == "header" else name)
        if slot is None:
            _refuse_unknown(name, source, due)
        else:
            if slot.field in found:
                raise UsageError(f"{slot.name} is given twice")
            found[slot.field] = _named(slot.name, slot.kind.read_text, text)
    return found | _defaults(due, found)


def read_body(slots: Sequence[Slot], body: Json) -> dict[str, object]:
    """The fields that a JSON body gives. Raises UsageError, naming the field."""
    return _body_of(slots).read(body)


@dataclass(frozen=True, slots=True)
class _Body:
    """What a JSON body is to hold; made once for all records of a list."""

    due: Mapping[str, Slot]
    defaults: Mapping[str, object]

    def read(self, body: Json) -> dict[str, object]:
        """The fields of a body. Raises UsageError, naming the field."""
        if not isinstance(body, dict):
            raise UsageError("The body must be a JSON object")
        found = dict(self.defaults)
        for name, value in body.items():
            slot = self.due.get(name)
            if slot is None:
                _refuse_unknown(name, "body", self.due)
            elif value is not None or not slot.nullable:
                found[slot.field] = _named(name, slot.kind.read, value)
        return found if len(found) == len(self.due) else found | _defaults(self.due, found)


def _body_of(slots: Sequence[Slot]) -> _Body:
    due = {slot.name: slot for slot in slots if slot.source == "body"}
    return _Body(due, {slot.field: slot.default for slot in due.values() if not slot.required})


@cache
def _body_of_record(model: type) -> _Body:
    return _body_of(slots_of(model, "", "POST"))


def _refuse_unknown(name: str, source: Source, due: Mapping[str, Slot]) -> None:
    if source == "header":
        return
    known = ", ".join(due) or "none"
    words = "field" if source == "body" else "parameter"
    raise UsageError(f"There is no {words} {name!r} here", f"Known here: {known}.")


def _named(name: str, read: Callable[[Given], object], given: Given) -> object:
    try:
        return read(given)
    except ValueError as error:
        raise UsageError(f"{name} {error}") from error


def _defaults(due: Mapping[str, Slot], found: Mapping[str, object]) -> dict[str, object]:
    left = [slot for slot in due.values() if slot.field not in found]
    for slot in left:
        if slot.required:
            raise UsageError(f"{slot.name} is missing")
    return {slot.field: slot.default for slot in left}


@dataclass(frozen=True, slots=True)
class Record(Kind):
    """An object with the fields of a dataclass, inside a body."""

    model: type
    make: Callable[..., object]

    def read(self, value: Json) -> object:
        """ValueError, which names the field, unless each of its fields fits."""
        try:
            return self.make(**_body_of_record(self.model).read(value))
        except UsageError as error:
            raise ValueError(f"is wrong: {error.message}") from error

    def schema(self) -> JsonObject:
        """The object's schema."""
        return object_schema(slots_of(self.model, "", "POST"))


def object_schema(slots: Sequence[Slot]) -> JsonObject:
    """The JSON Schema of a body with these slots."""
    body = [slot for slot in slots if slot.source == "body"]
    required: list[Json] = [slot.name for slot in body if slot.required]
    properties: JsonObject = {slot.name: slot.schema() for slot in body}
    schema: JsonObject = {"type": "object", "properties": properties, "required": required}
    return schema | {"additionalProperties": False}
