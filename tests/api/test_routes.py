"""Each route's real answer fits the OpenAPI document, which is made of the table that serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from p2pblog.api.openapi import document
from p2pblog.api.routes import PREFIX, ROUTES, Route
from p2pblog.node.service import Phase
from tests.support.aio import run
from tests.support.fake_service import NOW, FakeService, fake_id
from tests.support.http import Answer, serving

DOCUMENT: Any = document()
POST = fake_id(1).hex()
LINE = {"id": "x1", "time": "2004-11-15T12:18:00Z", "channel": "old", "author": "Z", "text": "hi"}


def _empty(service: FakeService) -> None:
    service.phase = Phase.EMPTY


async def _joining(service: FakeService) -> None:
    service.phase = Phase.EMPTY
    await service.join("CODE", "Ben", "desk", [])


async def _peer(service: FakeService) -> None:
    await service.add_peer("[fe80::1%eth0]:7117")


async def _invitation(service: FakeService) -> None:
    await service.invite("member", 24, False)


async def _token(service: FakeService) -> None:
    await service.make_token("bot", ["read"])


def _unused(service: FakeService) -> None:
    service.carriage.empty = True


Prepare = Callable[[FakeService], Any]
CASES: list[tuple[str, str, str, object, Prepare | None]] = [
    ("GET", "/status", "/status", None, None),
    ("POST", "/team", "/team", {"team": "Office", "name": "Anna"}, _empty),
    ("GET", "/join", "/join", None, _joining),
    ("POST", "/join", "/join", {"code": "C", "name": "Ben", "peers": ["h:1"]}, _empty),
    ("DELETE", "/join", "/join", None, _joining),
    ("GET", "/posts", "/posts?by=Anna&channel=general&limit=2", None, None),
    ("POST", "/posts", "/posts", {"text": "hi", "channel": None}, None),
    ("GET", "/posts/{id}", f"/posts/{POST[:8]}", None, None),
    ("GET", "/posts/{id}/thread", f"/posts/{POST}/thread", None, None),
    ("GET", "/search", "/search?q=post&limit=2", None, None),
    ("GET", "/channels", "/channels", None, None),
    ("POST", "/import", "/import", {"items": [LINE, LINE | {"id": "x2", "text": ""}]}, None),
    ("GET", "/doctor", "/doctor", None, None),
    ("GET", "/members", "/members", None, None),
    ("DELETE", "/members/{who}", "/members/Ben", None, None),
    ("GET", "/members/{who}/removal", "/members/Eve/removal", None, None),
    ("POST", "/members/{who}/extend", "/members/Eve/extend", None, None),
    ("POST", "/members/{who}/readmit", "/members/Flo/readmit", None, None),
    ("POST", "/members/{who}/resume", "/members/Flo/resume", None, None),
    ("PUT", "/members/{who}/role", "/members/Ben/role", {"role": "admin"}, None),
    ("PUT", "/members/{who}/name", "/members/Ben/name", {"name": "Benno"}, None),
    ("GET", "/members/{who}/profile", "/members/Ben/profile", None, None),
    ("PUT", "/profile", "/profile", {"about": "Fitter", "skills": ["a"], "picture": ""}, None),
    ("PUT", "/team/name", "/team/name", {"name": "Ours"}, None),
    ("GET", "/devices", "/devices?of=Ben", None, None),
    ("PUT", "/devices/{who}/name", "/devices/desk/name", {"name": "van"}, None),
    ("DELETE", "/devices/{who}", "/devices/desk", None, None),
    ("GET", "/devices/{who}/removal", "/devices/Ben%2Fphone/removal", None, None),
    ("POST", "/leave", "/leave", {"successor": "Ben"}, None),
    ("POST", "/recover", "/recover", {"code": "RECO-VERY", "peers": ["h:1"]}, _empty),
    ("POST", "/recover/devices", "/recover/devices", {"code": "RECO-VERY"}, None),
    ("GET", "/peers", "/peers", None, _peer),
    ("POST", "/peers", "/peers", {"address": "192.0.2.7:7117"}, None),
    ("DELETE", "/peers/{address}", "/peers/%5Bfe80::1%25eth0%5D:7117", None, _peer),
    ("GET", "/invitations", "/invitations", None, _invitation),
    ("POST", "/invitations", "/invitations", {"hours": 24}, None),
    ("DELETE", "/invitations/{id}", "/invitations/0001", None, _invitation),
    ("POST", "/bundles/export", "/bundles/export", {"path": "/s", "member": "Ben"}, None),
    ("POST", "/bundles/import", "/bundles/import", {"path": "/s.cut"}, None),
    ("POST", "/bundles/show", "/bundles/show", {"path": "/s"}, None),
    ("POST", "/backup", "/backup", {"path": "/s", "passphrase": "a b c d e f"}, None),
    ("POST", "/restore", "/restore", {"path": "/s", "passphrase": "a"}, _unused),
    ("GET", "/config", "/config", None, None),
    ("PUT", "/config/{key}", "/config/channel", {"value": "work"}, None),
    ("DELETE", "/config/{key}", "/config/channel", None, None),
    ("GET", "/tokens", "/tokens", None, _token),
    ("POST", "/tokens", "/tokens", {"name": "bot", "scopes": ["read", "post"]}, None),
    ("DELETE", "/tokens/{id}", "/tokens/00000001", None, _token),
    ("POST", "/stop", "/stop", None, None),
    ("GET", "/openapi.json", "/openapi.json", None, None),
    ("GET", "/proof", "/proof?nonce=" + "ab" * 16, None, None),
]


def test_every_route_has_a_case() -> None:
    streams = {("GET", "/events")}  # tests/api/test_events.py
    assert {(r.method, r.path) for r in ROUTES} == {case[:2] for case in CASES} | streams


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_real_answers_fit_the_document(
    case: tuple[str, str, str, object, Prepare | None], tmp_path: Path
) -> None:
    method, template, path, body, prepare = case

    async def main() -> None:
        service = FakeService(posts=3)
        if prepare is not None and (waits := prepare(service)) is not None:
            await waits
        async with serving(tmp_path, service, start_token=True) as server:
            if template == "/proof":
                async with await server.tcp() as client:
                    check(method, template, await client.ask(method, path, body))
            else:
                check(method, template, await server.ask(method, path, body))

    run(main)


def check(method: str, template: str, answer: Answer) -> None:
    operation = DOCUMENT["paths"][PREFIX + template][method.lower()]
    (expected,) = (int(status) for status in operation["responses"] if status != "default")
    assert answer.status == expected, answer.body
    content = operation["responses"][str(expected)].get("content")
    if content is None:
        assert answer.body == b""
        return
    assert answer.headers["content-type"] in content
    validate(content["application/json"]["schema"], answer.json)


def validate(schema: dict[str, Any], value: object) -> None:
    whole = schema | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_the_page_has_every_route_with_its_scope() -> None:
    page = (Path(__file__).parents[2] / "protocol" / "api.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \| (\w+) \|", page, flags=re.M)
    assert rows == [(r.method, r.path, str(r.scope or "none")) for r in sorted_as(rows)]
    assert len(rows) == len(ROUTES)


def sorted_as(rows: list[tuple[str, str, str]]) -> list[Route]:
    places = {row[:2]: number for number, row in enumerate(rows)}
    return sorted(ROUTES, key=lambda route: places[route.method, route.path])


def test_errors_fit_the_document(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            for path in ("/nothing", "/posts/abcd", "/posts/zz", "/posts?limit=0", "/join"):
                answer = await server.ask("GET", path)
                assert answer.headers["content-type"] == "application/problem+json"
                validate({"$ref": "#/components/schemas/Problem"}, answer.json)
                assert answer.json["status"] == answer.status

    run(main)


def test_all_schemas_are_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_document_states_every_operation_once() -> None:
    names = [op["operationId"] for item in DOCUMENT["paths"].values() for op in item.values()]
    assert len(names) == len(set(names)) == len(ROUTES)


def test_the_document_states_what_it_demands() -> None:
    create = DOCUMENT["paths"][PREFIX + "/posts"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["text"]
    assert body["additionalProperties"] is False
    assert body["properties"]["reply_to"]["anyOf"][1] == {"type": "null"}
    assert create["security"] == [{}, {"token": ["post"]}]
    assert [p["name"] for p in create["parameters"]] == ["Idempotency-Key"]


def test_times_and_ids_are_as_the_contract_has_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService(posts=1)) as server:
            post = (await server.ask("GET", f"/posts/{POST}")).json
            assert post["id"] == POST
            assert post["short"] == POST[:8]
            assert post["time"] == "2026-11-23T13:00:00.001Z"
            assert post["author"]["device"] == "laptop"
            assert (post["reply_to"], post["source"], post["clock_ahead"]) == (None, None, False)
            assert (await server.ask("GET", "/status")).json["started"].endswith("Z")

    run(main)
    assert NOW == 1_795_438_800_000
