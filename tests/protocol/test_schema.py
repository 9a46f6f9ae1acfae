"""The committed schemas are what the shapes draw, and every valid vector fits its schema."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from p2pblog.protocol import codec
from p2pblog.protocol.limits import MAX_MESSAGE
from tests.schema import FOLDER, file_name, texts
from tests.support.vectors import vectors


def test_committed_schemas_are_what_the_shapes_draw() -> None:
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert committed == texts(), "run python -m tests.schema"


@pytest.mark.parametrize("name", sorted(texts()))
def test_each_is_a_schema(name: str) -> None:
    schema = json.loads(texts()[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == name
    assert all("title" in item for item in schema["prefixItems"])


@cache
def _validator(name: str) -> Any:
    return Draft202012Validator(json.loads(texts()[name]))


def _decoded(data: str) -> Any:
    return codec.to_json(codec.unpack(bytes.fromhex(data), MAX_MESSAGE))


def _records(module: str, vector: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The records of a vector: the name of each and its bytes in hex."""
    match module:
        case "entry":
            yield "header", vector["header"]
        case "page":
            yield "page", vector["page"]
        case "post":
            yield vector["kind"], vector["body"]
        case "frontier":
            yield from (("row", row) for row in vector.get("rows", ()))
        case "message" if vector["fields"] is not None:
            yield vector["name"], vector["message"]
        case "operation" if "body" in vector:
            yield _operation(vector["name"]), vector["body"]


def _operation(name: str) -> str:
    """SetRole is "set role"."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()


MODULES = ("entry", "page", "post", "frontier", "message", "operation")
RECORDS = [
    (file_name(module, record), data)
    for module in MODULES
    for vector in vectors(module, "valid")
    for record, data in _records(module, vector)
    if file_name(module, record) in texts()  # not so for bodies of later versions
]


def test_every_valid_vector_fits_its_schema() -> None:
    for name, data in RECORDS:
        _validator(name).validate(_decoded(data))


def test_every_record_has_a_vector() -> None:
    parts = {"frontier.mark.json", "post.reference.json", "post.source.json"}
    parts |= {"post.known-tip.json", "operation.policy.json", "operation.cut-off.json"}
    parts |= {"operation.co-signature.json", "operation.operation.json"}
    due = {name for name in texts() if name.split(".")[0] in MODULES}
    assert due - {name for name, _ in RECORDS} == parts


def test_a_message_of_a_dialogue_fits_its_schema() -> None:
    numbers = {
        json.loads(text)["prefixItems"][0]["const"]: name
        for name, text in texts().items()
        if name.startswith("message.")
    }
    for module in ("session", "comparison", "live"):
        for vector in vectors(module, "valid"):
            for sent in vector["messages"]:
                value = _decoded(sent["message"])
                _validator(numbers[value[0]]).validate(value)
