"""The event stream: arrivals in order, resumed, reset, kept alive, ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import h11
import pytest
import trio

from p2pblog.node.service import Phase
from tests.api.test_wire import run_fast
from tests.support.aio import run
from tests.support.fake_service import STORE, FakeService, fake_post
from tests.support.http import Client, Server, serving

Lines = Sequence[tuple[str, str]]


@asynccontextmanager
async def listening(
    directory: Path, service: FakeService, query: str = "", headers: Lines = ()
) -> AsyncIterator[Client]:
    async with serving(directory, service) as server:
        client = await listen(server, query, headers)
        try:
            yield client
        finally:
            await client.stream.aclose()


async def listen(server: Server, query: str = "", headers: Lines = ()) -> Client:
    client = await server.unix()
    await client.send("GET", f"/events{query}", None, headers)
    head = await client.head()
    assert head.status_code == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in list(head.headers)
    return client


def test_from_now_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serving(tmp_path, FakeService(posts=3)) as server,
            await listen(server) as client,
        ):
            assert await client.block() == {"id": f"{STORE}:3"}
            await server.ask("POST", "/posts", {"text": "two\nlines \u2028 and \x00"})
            id_, post = await client.post_event()
            assert (id_, post["arrival"]) == (f"{STORE}:4", 4)
            assert post["text"] == "two\nlines \u2028 and \x00"
            assert post == (await server.ask("GET", f"/posts/{post['id']}")).json

    run(main)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"?after={STORE}:1", ()),
        ("", [("Last-Event-ID", f"{STORE}:1")]),
        (f"?after={STORE}:3", [("Last-Event-ID", f"{STORE}:1")]),
    ],
    ids=["after", "header", "both"],
)
def test_resumes(query: str, headers: Lines, tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService(posts=3)
        async with listening(tmp_path, service, query, headers) as client:
            assert [await arrival(client), await arrival(client)] == [2, 3]
            await service.receive(fake_post(4))
            assert await arrival(client) == 4

    run(main)


async def arrival(client: Client) -> int:
    return int((await client.post_event())[1]["arrival"])


@pytest.mark.parametrize("position", ["00aa:1", f"{STORE}:4"], ids=["other store", "from nowhere"])
def test_reset(position: str, tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService(posts=3)
        async with listening(tmp_path, service, f"?after={position}") as client:
            block = await client.block()
            data = f'{{"position":"{STORE}:3"}}'
            assert block == {"id": f"{STORE}:3", "event": "reset", "data": data}
            await service.receive(fake_post(4))
            assert await arrival(client) == 4

    run(main)


def test_a_reader_far_behind_gets_everything(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path, FakeService(posts=350), f"?after={STORE}:0") as client:
            assert [await arrival(client) for _ in range(350)] == list(range(1, 351))

    run(main)


def test_a_reader_that_stops_reading_only_lags(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        service.kept = [fake_post(number + 1, "x" * 15_000) for number in range(300)]
        async with serving(tmp_path, service) as server:
            query = f"?after={STORE}:0"
            async with await listen(server, query) as slow, await listen(server, query) as quick:
                assert [await arrival(quick) for _ in range(300)] == list(range(1, 301))
                assert [await arrival(slow) for _ in range(300)] == list(range(1, 301))

    run(main)


def test_a_reader_that_reads_nothing_for_long_is_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        service.kept = [fake_post(number + 1, "x" * 15_000) for number in range(300)]
        async with listening(tmp_path, service, f"?after={STORE}:0") as stuck:
            await trio.sleep(60)
            with pytest.raises(h11.RemoteProtocolError):
                await drain(stuck)

    run_fast(main)


async def drain(client: Client) -> None:
    while await client.block():
        pass


def test_keep_alive(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await listen(server) as client:
            assert await client.block() == {"id": f"{STORE}:0"}
            assert await client.block() == {"": "still here"}
            start = trio.current_time()
            for _ in range(10):
                assert await client.block() == {"": "still here"}
            assert trio.current_time() - start == pytest.approx(150, abs=1)

    run_fast(main)


def test_a_stop_ends_streams(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await listen(server) as client:
            assert await client.block() is not None
            server.scope.cancel()
            with trio.CancelScope(shield=True), trio.fail_after(1):
                await drain(client)
            assert client.http.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)

    run(main)


def test_a_revoked_token_ends_its_stream(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await server.service.make_token("bot", ["read"])
            async with await server.tcp("secret-1") as client:
                await client.send("GET", "/events")
                assert (await client.head()).status_code == 200
                await server.service.revoke_token("00000001")
                await drain(client)

    run_fast(main)


def test_a_reader_that_leaves_frees_its_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            for _ in range(100):
                client = await listen(server)
                await client.stream.send_eof()
                assert await client.stream.receive_some(1) is not None
                await client.stream.aclose()
            assert (await server.ask("GET", "/status")).status == 200

    run(main)


def test_there_are_no_events_without_a_team(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        service.phase = Phase.EMPTY
        async with serving(tmp_path, service) as server:
            answer = await server.ask("GET", "/events")
            assert (answer.status, answer.json["code"]) == (409, "not_set_up")

    run(main)
