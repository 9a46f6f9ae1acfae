"""Dataclasses as JSON: one renderer and one JSON Schema for each type, made from its annotations.

Bytes become lower-case hex. Fields with a name in `TIMES` hold milliseconds inside and become RFC
3339 in UTC with milliseconds. Spec: `protocol/api.md`, "JSON".
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from p2pblog.api.fields import Json, JsonObject

Renderer = Callable[[Any], Json]

TIMES: Final = frozenset({"time", "oldest", "newest", "expires", "last_seen", "started", "created"})
LAST_TIME: Final = 253402300799999  # RFC 3339 has no year above 9999; later times show as this
_PLAIN: Final[Mapping[object, str]] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}


def show_time(ms: int) -> str:
    """`ms` as RFC 3339 in UTC with milliseconds."""
    seconds, rest = divmod(min(ms, LAST_TIME), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


@cache
def renderer(hint: Any) -> Renderer:
    """The function that turns a value of the type `hint` into JSON."""
    hint = _plain(hint)
    if hint is bytes:
        return lambda value: str(value.hex())
    if hint in _PLAIN or _is_enum(hint):
        return _as_is
    if members := _union(hint):
        some = renderer(members[0])
        return lambda value: None if value is None else some(value)
    if _is_dict(hint):
        return dict
    if parts := _fixed(hint):
        each = [renderer(part) for part in parts]
        return lambda value: [show(v) for show, v in zip(each, value, strict=True)]
    if item := _item(hint):
        one = renderer(item)
        return lambda value: [one(v) for v in value]
    return _object_renderer(hint)


def _object_renderer(hint: Any) -> Renderer:
    # made on first use, so that a dataclass may hold one of its own kind
    @cache
    def plan() -> Sequence[tuple[str, Renderer]]:
        return [(name, _field_renderer(name, field)) for name, field in fields_of(hint).items()]

    return lambda value: {name: show(getattr(value, name)) for name, show in plan()}


def _field_renderer(name: str, hint: Any) -> Renderer:
    if not _is_time(name, hint):
        return renderer(hint)
    return lambda value: None if value is None else show_time(value)


def schema_of(hint: Any, shared: JsonObject) -> JsonObject:
    """The JSON Schema of what `renderer(hint)` makes; dataclasses are put into `shared` by name."""
    hint = _plain(hint)
    if hint is bytes:
        return {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if _is_enum(hint):
        return {"type": "string", "enum": [str(member) for member in hint]}
    if members := _union(hint):
        return {"anyOf": [schema_of(members[0], shared), {"type": "null"}]}
    if _is_dict(hint):
        return {"type": "object", "additionalProperties": schema_of(get_args(hint)[1], shared)}
    if parts := _fixed(hint):
        # of one type each: tools still choke on prefixItems
        (part,) = set(parts)
        size = len(parts)
        items = schema_of(part, shared)
        return {"type": "array", "items": items, "minItems": size, "maxItems": size}
    if item := _item(hint):
        return {"type": "array", "items": schema_of(item, shared)}
    return _object_schema(hint, shared)


def _object_schema(hint: Any, shared: JsonObject) -> JsonObject:
    name = name_of(hint)
    if name not in shared:
        shared[name] = {}  # stands in while the fields are drawn: one may be of this type
        fields = fields_of(hint)
        properties: JsonObject = {
            field: _field_schema(field, kind, shared) for field, kind in fields.items()
        }
        origin = get_origin(hint) or hint
        shared[name] = {
            "type": "object",
            "description": (origin.__doc__ or "").partition("\n")[0],
            "properties": properties,
            "required": list(fields),
            "additionalProperties": False,
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _field_schema(name: str, hint: Any, shared: JsonObject) -> JsonObject:
    if not _is_time(name, hint):
        return schema_of(hint, shared)
    kind: Json = ["string", "null"] if _union(hint) else "string"
    return {"type": kind, "format": "date-time"}


def name_of(hint: Any) -> str:
    """The name of a dataclass in the document; `Listing[Post]` is `PostListing`."""
    origin = get_origin(hint) or hint
    return "".join(name_of(arg) for arg in get_args(hint)) + str(origin.__name__)


def fields_of(hint: Any) -> dict[str, Any]:
    """The fields of a dataclass with their types, type variables filled in."""
    origin = get_origin(hint) or hint
    known = dict(zip(getattr(origin, "__parameters__", ()), get_args(hint), strict=True))
    hints = get_type_hints(origin)
    return {f.name: _fill(hints[f.name], known) for f in dataclasses.fields(origin)}


def _fill(hint: Any, known: Mapping[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return known[hint]
    if known and any(isinstance(arg, TypeVar) for arg in get_args(hint)):
        return hint[tuple(known[parameter] for parameter in hint.__parameters__)]
    return hint


def _plain(hint: Any) -> Any:
    while hasattr(hint, "__supertype__"):  # a NewType, perhaps of another
        hint = hint.__supertype__
    return hint


def _is_time(name: str, hint: Any) -> bool:
    return name in TIMES and (hint is int or hint == int | None)


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def _is_dict(hint: Any) -> bool:
    return get_origin(hint) is dict


def _union(hint: Any) -> list[Any]:
    if get_origin(hint) not in (Union, types.UnionType):
        return []
    return [arg for arg in get_args(hint) if arg is not type(None)]


def _fixed(hint: Any) -> tuple[Any, ...]:
    args = get_args(hint)
    return args if get_origin(hint) is tuple and args[-1] is not ... else ()


def _item(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (tuple, list) else None


def _as_is(value: Any) -> Json:
    plain: Json = value
    return plain
