"""What a request asks: its path, query, headers and JSON body as the fields of its route.

Every mistake is a `UsageError` that names the field. Spec: `protocol/api.md`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

from p2pblog.api.fields import Json
from p2pblog.api.limits import MAX_FIELDS
from p2pblog.api.model import read_body, read_texts
from p2pblog.api.problem import Refusal
from p2pblog.api.routes import Match, Route
from p2pblog.api.wire import Head
from p2pblog.errors import UsageError


def fields_of_head(head: Head, match: Match) -> dict[str, object]:
    """What stands before the body."""
    slots = match.route.slots
    if head.has_body:
        _check_media_type(head)
    return (
        read_texts(slots, "path", match.places)
        | read_texts(slots, "query", _parse_query(head.query))
        | read_texts(slots, "header", head.headers)
    )


def fields_of_body(route: Route, data: bytes) -> dict[str, object]:
    """What stands in the body. None at all counts as an object without fields."""
    if not route.has_body:
        return {}
    return read_body(route.slots, _parse_json(data) if data else {})


def _parse_query(query: str) -> Sequence[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise UsageError("The query is not name=value&name=value in UTF-8") from error


def _check_media_type(head: Head) -> None:
    types = [value.partition(";")[0].strip().lower() for value in head.values("content-type")]
    if types != ["application/json"]:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON",
            "Send Content-Type: application/json.",
        )


def _parse_json(data: bytes) -> Json:
    try:
        found: Json = json.loads(
            data.decode(), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise UsageError("The body is not JSON in UTF-8") from error
    return found


def _object(pairs: list[tuple[str, Json]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
