"""The OpenAPI 3.1 document, drawn from the route table. Spec: `protocol/api.md`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from p2pblog import __version__
from p2pblog.api.events import EventStream
from p2pblog.api.fields import Json, JsonObject
from p2pblog.api.model import Slot, object_schema
from p2pblog.api.problem import CONTENT_TYPE, Problem
from p2pblog.api.render import schema_of
from p2pblog.api.routes import PREFIX, ROUTES, Route
from p2pblog.api.views import Document

_PLACES: Final = ("path", "query", "header")


def document() -> JsonObject:
    """The whole document."""
    shared: JsonObject = {}
    schema_of(Problem, shared)
    paths: JsonObject = {}
    for route in ROUTES:
        operations = paths.setdefault(PREFIX + route.path, {})
        assert isinstance(operations, dict)
        operations[route.method.lower()] = _operation(route, shared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "p2pblog",
            "version": __version__,
            "description": "The local API of a p2pblog daemon. See protocol/api.md.",
        },
        "paths": paths,
        "components": {
            "schemas": shared,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, shared: JsonObject) -> JsonObject:
    operation: JsonObject = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(slot) for slot in route.slots if slot.source in _PLACES],
        "responses": {
            str(int(route.status)): _answer(route, shared),
            "default": {
                "description": "An error",
                "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
        "security": _security(route),
    }
    if route.has_body:
        body: JsonObject = {"application/json": {"schema": object_schema(route.slots)}}
        required = any(slot.required for slot in route.slots if slot.source == "body")
        operation["requestBody"] = {"required": required, "content": body}
    return operation


def _security(route: Route) -> list[Json]:
    """None on the Unix socket; on TCP a token with the route's scope."""
    if route.scope is None:
        return []
    return [{}, {"token": [str(route.scope)]}]


def _parameter(slot: Slot) -> JsonObject:
    return {
        "name": slot.name,
        "in": slot.source,
        "required": slot.required,
        "schema": slot.schema(),
    }


def _answer(route: Route, shared: JsonObject) -> JsonObject:
    answer: JsonObject = {"description": route.status.phrase}
    if route.gives is EventStream:
        return answer | {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
    if route.status is HTTPStatus.NO_CONTENT:
        return answer
    plain = route.gives is Document
    schema: JsonObject = {"type": "object"} if plain else schema_of(route.gives, shared)
    return answer | {"content": {"application/json": {"schema": schema}}}
