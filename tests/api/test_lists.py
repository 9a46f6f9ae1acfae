"""Paging: every post once, in order, whatever the page size and the direction; and the values."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.api import cursor
from p2pblog.api.fields import Moment
from p2pblog.api.render import LAST_TIME, show_time
from p2pblog.errors import Conflict, StoreTooNew, UserError
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import MAX_TIME_MS
from tests.support.aio import run
from tests.support.fake_service import FakeService
from tests.support.http import Server, serving


async def page(server: Server, path: str, **query: object) -> Any:
    answer = await server.ask("GET", f"{path}?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize("limit", [1, 3, 10, 11])
def test_back_through_the_timeline(limit: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService(posts=10)) as server:
            found = await page(server, "/posts", limit=limit)
            seen = found["items"]
            while found["next"]:
                found = await page(server, "/posts", limit=limit, before=found["next"])
                seen += found["items"]
            assert [post["arrival"] for post in seen] == list(range(10, 0, -1))

    run(main)


def test_forward_from_a_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService(posts=10)) as server:
            oldest = await page(server, "/posts", limit=1, until="2026-11-23T13:00:00.002Z")
            assert oldest["next"] is None
            found = await page(server, "/posts", limit=4, after=oldest["newest"])
            assert [post["arrival"] for post in found["items"]] == [5, 4, 3, 2]
            found = await page(server, "/posts", limit=4, after=found["next"])
            assert [post["arrival"] for post in found["items"]] == [9, 8, 7, 6]
            found = await page(server, "/posts", limit=4, after=found["next"])
            assert [post["arrival"] for post in found["items"]] == [10]
            assert found["next"] is None
            nothing = await page(server, "/posts", after=found["newest"])
            assert nothing == {"items": [], "next": None, "newest": None}
            query = f"before={found['newest']}&after={found['newest']}"
            both = await server.ask("GET", f"/posts?{query}")
            assert both.status == 400

    run(main)


def test_through_a_search(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService(posts=5)) as server:
            found = await page(server, "/search", q="post", limit=3)
            assert [post["arrival"] for post in found["items"]] == [5, 4, 3]
            found = await page(server, "/search", q="post", limit=3, before=found["next"])
            assert [post["arrival"] for post in found["items"]] == [2, 1]
            assert found["next"] is None

    run(main)


def test_by_a_person_who_is_not_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            answer = await server.ask("GET", "/posts?by=Zed")
            assert (answer.status, answer.json["exit"]) == (404, 5)

    run(main)


@given(st.integers(0, MAX_TIME_MS), st.binary(min_size=32, max_size=32))
def test_places_come_back(time: int, id_: bytes) -> None:
    assert cursor.read_place(cursor.write_place(time, EntryId(id_))) == (time, id_)
    assert cursor.read_arrival(cursor.write_arrival(time)) == time


@given(st.text() | st.binary(max_size=48).map(cursor._encode))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with suppress(ValueError):
        assert cursor.write_place(*cursor.read_place(text)) == text
    with suppress(ValueError):
        assert cursor.write_arrival(cursor.read_arrival(text)) == text
    with suppress(ValueError):
        assert str(cursor.read_position(text)) == text


@given(st.integers(0, LAST_TIME))
def test_times_come_back(time: int) -> None:
    assert Moment().read(show_time(time)) == time


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2004-11-15t12:18:00.5z", 1_100_521_080_500),
        ("2004-11-15T12:18:00.123456789Z", 1_100_521_080_123),
        ("2004-11-15T13:18:00+01:00", 1_100_521_080_000),
    ],
)
def test_times_that_can_be_read(text: str, ms: int) -> None:
    assert Moment().read(text) == ms


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[Z+]?.{0,6}"))
def test_other_times_are_refused_and_nothing_else(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= Moment().read(text) <= MAX_TIME_MS


def test_a_time_that_rfc_3339_can_not_say() -> None:
    assert show_time(MAX_TIME_MS) == show_time(LAST_TIME) == "9999-12-31T23:59:59.999Z"


class Failing(FakeService):
    def __init__(self, error: UserError) -> None:
        super().__init__()
        self.error = error

    async def config(self) -> dict[str, str]:
        raise self.error


class Special(Conflict):
    code = "special"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Special("taken", "wait"), 409, "special"), (UserError("no"), 422, "failed")],
)
def test_errors_of_the_service(error: UserError, status: int, code: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, Failing(error)) as server:
            answer = await server.ask("GET", "/config")
            assert (answer.status, answer.json["code"]) == (status, code)
            assert (answer.json["detail"], answer.json["hint"]) == (error.message, error.hint)
            assert answer.json["exit"] == int(error.exit_code)

    run(main)


def test_an_error_of_the_disk_ends_the_daemon(tmp_path: Path) -> None:
    async def main() -> None:
        service = Failing(StoreTooNew("newer"))
        async with serving(tmp_path, service) as server, await server.unix() as client:
            await client.send("GET", "/config")
            await trio.sleep_forever()

    with pytest.RaisesGroup(StoreTooNew, flatten_subgroups=True):
        run(main)
