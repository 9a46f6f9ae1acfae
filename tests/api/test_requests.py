"""What a request may hold: each mistake is a 400 that names the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.api.limits import MAX_BODY
from tests.support.aio import run
from tests.support.fake_service import FakeService, fake_id
from tests.support.http import Answer, Server, serving

JSON = [("Content-Type", "application/json")]


def ask(directory: Path, method: str, path: str, body: object = None) -> Answer:
    found: list[Answer] = []

    async def main() -> None:
        async with serving(directory, FakeService(posts=3)) as server:
            found.append(await server.ask(method, path, body))

    run(main)
    return found[0]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/posts?limit=0", "limit must be from 1 to 500"),
        ("/posts?limit=ten", "limit must be a whole number"),
        ("/posts?limit=501", "limit must be from 1 to 500"),
        ("/posts?limit=1&limit=2", "limit is given twice"),
        ("/posts?colour=red", "There is no parameter 'colour' here"),
        ("/posts?since=yesterday", "since must be an RFC 3339 time"),
        ("/posts?since=2026-02-30T00:00:00Z", "since must be an RFC 3339 time"),
        ("/posts?since=1969-12-31T23:59:59Z", "since must not be before 1970"),
        ("/posts?before=abc", "before must be a cursor"),
        ("/posts?channel=", "channel must have 1 to 64 bytes, has 0"),
        ("/posts?channel=%ff", "The query is not"),
        ("/posts?channel", "The query is not"),
        ("/posts?" + "&".join("a=1" for _ in range(40)), "The query is not"),
        ("/search", "q is missing"),
        ("/posts/zzzz", "id must be an id"),
        ("/posts/abc", "id must be an id"),
        ("/posts/%ff", "The path is not UTF-8"),
        ("/events?after=here", "after must be STORE:ARRIVAL"),
        ("/proof?nonce=abcd", "nonce must be 16 to 64 random bytes"),
    ],
)
def test_bad_parameters(path: str, words: str, tmp_path: Path) -> None:
    answer = ask(tmp_path, "GET", path)
    assert (answer.status, answer.json["code"], answer.json["exit"]) == (400, "usage", 2)
    assert words in answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/posts", {}, "text is missing"),
        ("POST", "/posts", {"text": ""}, "text must have 1 to 15360 bytes, has 0"),
        ("POST", "/posts", {"text": "x" * 15361}, "text must have 1 to 15360 bytes, has 15361"),
        ("POST", "/posts", {"text": "\ud800"}, "text has a lone surrogate"),
        ("POST", "/posts", {"text": 5}, "text must be text"),
        ("POST", "/posts", {"text": None}, "text must be text"),
        ("POST", "/posts", {"text": "a", "tags": []}, "There is no field 'tags' here"),
        ("POST", "/posts", {"text": "a", "\ud800": 1}, "There is no field '\\ud800' here"),
        ("POST", "/posts", {"text": "a", "reply_to": "ABCD"}, "reply_to must be an id"),
        ("POST", "/posts", ["a"], "The body must be a JSON object"),
        ("POST", "/invitations", {"hours": True}, "hours must be a whole number"),
        ("POST", "/invitations", {"hours": 1.5}, "hours must be a whole number"),
        ("POST", "/invitations", {"own_device": 1}, "own_device must be true or false"),
        ("POST", "/invitations", {"role": "king"}, "role must be one of member, admin"),
        ("POST", "/tokens", {"name": "b", "scopes": []}, "scopes must have 1 to 3 items"),
        ("POST", "/tokens", {"name": "b", "scopes": "read"}, "scopes must be a list"),
        ("POST", "/tokens", {"name": "b", "scopes": ["x"]}, "scopes item 0 must be one of"),
        ("POST", "/import", {"items": [{"id": "a"}]}, "items item 0 is wrong: time is missing"),
        ("POST", "/import", {"items": [7]}, "items item 0 is wrong: The body must be"),
        ("PUT", "/config/channel", {"value": 5}, "value must be text"),
        ("PUT", "/config/Channel!", {"value": "a"}, "key must be a setting's name"),
    ],
)
def test_bad_bodies(method: str, path: str, body: object, words: str, tmp_path: Path) -> None:
    answer = ask(tmp_path, method, path, body)
    assert (answer.status, answer.json["code"]) == (400, "usage")
    assert words in answer.json["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"text":"a","text":"b"}',
        b'{"text":NaN}',
        b'\xff{"text":"a"}',
        b"[" * 60_000,
        b'{"text":' + b"9" * 5000 + b"}",
    ],
    ids=["cut", "twice", "nan", "latin1", "deep", "long"],
)
def test_bodies_that_are_not_json(content: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            answer = await client.ask("POST", "/posts", None, JSON, content)
            assert answer.status == 400
            assert answer.json["detail"] == "The body is not JSON in UTF-8"
            assert (await client.ask("POST", "/posts", {"text": "fine"})).status == 201

    run(main)


def test_whole_floats_are_whole_numbers(tmp_path: Path) -> None:
    assert ask(tmp_path, "POST", "/invitations", {"hours": 24.0}).status == 201


@pytest.mark.parametrize(
    ("types", "status"),
    [
        ([], 415),
        (["text/plain"], 415),
        (["application/json", "text/plain"], 415),
        (["application/json; charset=utf-8"], 201),
        (["Application/JSON"], 201),
    ],
)
def test_bodies_are_json_by_their_type(types: list[str], status: int, tmp_path: Path) -> None:
    async def main() -> None:
        headers = [("Content-Type", value) for value in types]
        async with serving(tmp_path) as server, await server.unix() as client:
            answer = await client.ask("POST", "/posts", None, headers, b'{"text":"a"}')
            assert answer.status == status

    run(main)


def test_a_body_where_all_is_optional_may_be_left_out(tmp_path: Path) -> None:
    assert ask(tmp_path, "POST", "/invitations").status == 201
    assert ask(tmp_path, "POST", "/stop").status == 202


def test_a_body_where_none_belongs(tmp_path: Path) -> None:
    answer = ask(tmp_path, "POST", "/stop", {"now": True})
    assert (answer.status, answer.json["detail"]) == (400, "There is no body here")


def test_bodies_above_the_limit(tmp_path: Path) -> None:
    async def main() -> None:
        big = b'"' + b"x" * MAX_BODY + b'"'
        chunked = [*JSON, ("Transfer-Encoding", "chunked")]
        async with serving(tmp_path) as server:
            for headers in (JSON, chunked):
                async with await server.unix() as client:
                    answer = await client.ask("POST", "/posts", None, headers, big)
                    assert (answer.status, answer.json["code"]) == (413, "too_large")
                    assert answer.headers["connection"] == "close"
            assert await lines_imported(server, 100, "x" * 10_000) == 100

    run(main)


async def lines_imported(server: Server, count: int, text: str) -> int:
    moment = "2004-11-15T12:18:00Z"
    line = {"time": moment, "channel": "old", "author": "Z", "text": text}
    items = [line | {"id": f"{number}"} for number in range(count)]
    answer = await server.ask("POST", "/import", {"items": items})
    return int(answer.json["stored"])


def test_an_import_takes_a_thousand_posts(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            assert await lines_imported(server, 1000, "hi") == 1000
            answer = await server.ask("POST", "/import", {"items": [{}] * 1001})
            assert answer.json["detail"] == "items must have 1 to 1000 items, has 1001"

    run(main)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"])
def test_methods_that_a_path_does_not_have(method: str, tmp_path: Path) -> None:
    answer = ask(tmp_path, method, "/status")
    assert (answer.status, answer.json["code"]) == (405, "wrong_method")
    assert answer.headers["allow"] == "GET, HEAD"


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    for path in ("/api/v1", "/api/v1/", "/api/v2/status", "/status/", "/posts//thread", "/posts/"):
        answer = ask(tmp_path, "GET", path)
        assert (answer.status, answer.json["code"]) == (404, "no_route"), path


def test_head_is_get_without_a_body(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            full = await client.ask("GET", "/channels")
            head = await client.ask("HEAD", "/channels")
            assert (head.status, head.body) == (200, b"")
            assert head.headers == full.headers
            assert (await client.ask("HEAD", "/nothing")).status == 404
            assert (await client.ask("HEAD", "/events")).status == 200

    run(main)


def test_a_key_makes_a_post_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            key = [("Idempotency-Key", "k-1")]
            first = await client.ask("POST", "/posts", {"text": "once"}, key)
            assert (await client.ask("POST", "/posts", {"text": "once"}, key)).json == first.json
            assert len(server.service.kept) == 1
            twice = await client.ask("POST", "/posts", {"text": "once"}, key * 2)
            assert twice.json["detail"] == "Idempotency-Key is given twice"

    run(main)


def test_a_post_answers_another_by_its_prefix(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService(posts=2)) as server:
            parent = fake_id(2).hex()
            body = {"text": "yes", "reply_to": parent[:6]}
            made = (await server.ask("POST", "/posts", body)).json
            post = (await server.ask("GET", f"/posts/{made['id']}")).json
            assert post["reply_to"]["id"] == parent
            thread = (await server.ask("GET", f"/posts/{parent[:8]}/thread")).json["items"]
            assert [item["id"] for item in thread] == [parent, made["id"]]

    run(main)
