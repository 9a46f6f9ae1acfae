"""Clients that are slow, broken or hostile cost their own connection and nobody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import h11
import pytest
import trio
from trio.testing import MockClock

from p2pblog.api.limits import MAX_CONNECTIONS, MAX_HEAD, REQUEST_TIMEOUT, STOP_GRACE
from p2pblog.node.service import ChannelView
from tests.support.aio import run
from tests.support.fake_service import FakeService, fake_post
from tests.support.http import Server, serving

HEAD = b"GET /api/v1/proof HTTP/1.1\r\nHost: localhost\r\n"
LAST = b"Connection: close\r\n\r\n"


def run_fast(main: Callable[[], Awaitable[object]]) -> None:
    """On a clock that jumps when every task waits, the network included."""

    async def bounded() -> None:
        with trio.fail_after(1000):
            await main()

    trio.run(bounded, clock=MockClock(autojump_threshold=0.02))


async def is_well(server: Server) -> bool:
    return (await server.ask("GET", "/status")).status == 200


def test_nonsense_after_a_head_is_answered_with_words(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            answers = await server.raw(HEAD.replace(b"GET", b"HEAD") + b"\r\nhello\r\n\r\n")
            assert answers.count(b"HTTP/1.1 400 Bad Request") == 2
            assert answers.endswith(b"}")
            assert await is_well(server)

    run(main)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /api/v1/proof HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/v1/proof HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /api/v1/proof HTTP/1.0\r\n\r\n", 421),
        (b"GET http://localhost/api/v1/proof HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1, 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"X: a\0b\r\n\r\n", 400),
        (HEAD + b"X : a\r\n\r\n", 400),
        (b"GET /api/v1/pro of HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /api/v1/proof HTTP/3.0\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (HEAD + b"X: " + b"a" * MAX_HEAD + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"X%d: a\r\n" % n for n in range(3000)) + b"\r\n", 431),
        (b"A" * 100_000, 431),
    ],
)
def test_what_is_no_request(data: bytes, status: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            answer = await server.raw(data)
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
            assert b"application/problem+json" in answer
            assert await is_well(server)

    run(main)


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_a_client_that_says_nothing_and_hangs_up(data: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            assert (await server.raw(data))[:12] in (b"", b"HTTP/1.1 400")
            assert await is_well(server)

    run(main)


@pytest.mark.parametrize("cut", [10, len(HEAD), -1])
def test_a_request_that_is_cut_short(cut: int, tmp_path: Path) -> None:
    async def main() -> None:
        whole = b"POST /api/v1/posts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        whole += b'Content-Type: application/json\r\n\r\n{"text":1}'
        async with serving(tmp_path) as server:
            async with await server.unix() as client:
                await client.stream.send_all(whole[:cut])
                await client.stream.send_eof()
                assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 400")
            assert server.service.kept == []

    run(main)


def test_a_request_in_single_bytes(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            for byte in b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n":
                await client.stream.send_all(bytes([byte]))
            client.http.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
            client.http.send(h11.EndOfMessage())
            assert (await client.answer()).status == 200

    run(main)


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_request_that_never_ends(where: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            start = trio.current_time()
            head = b"POST /api/v1/posts HTTP/1.1\r\nHost: x\r\n"
            if where == "body":
                head += b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            await client.stream.send_all(head)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(drip, client.stream)
                answer = await client.stream.receive_some()
                nursery.cancel_scope.cancel()
            assert answer.startswith(b"HTTP/1.1 408")
            assert trio.current_time() - start == pytest.approx(REQUEST_TIMEOUT, abs=1)
            assert await is_well(server)

    run_fast(main)


async def drip(stream: trio.SocketStream) -> None:
    while True:
        await trio.sleep(5)
        await stream.send_all(b"a")


def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            assert (await client.ask("GET", "/status")).status == 200
            start = trio.current_time()
            assert await client.stream.receive_some() == b""
            assert trio.current_time() - start == pytest.approx(60, abs=1)

    run_fast(main)


def test_a_client_that_takes_no_answer_stalls_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        service.kept = [fake_post(number + 1, "x" * 15_000) for number in range(400)]
        async with serving(tmp_path, service) as server, await server.unix() as stuck:
            await stuck.send("GET", "/posts?limit=400")
            for _ in range(20):
                assert await is_well(server)
            await trio.sleep(REQUEST_TIMEOUT + 1)
            assert await is_well(server)
            with pytest.raises(h11.RemoteProtocolError):  # ends before its length
                await stuck.answer()

    run_fast(main)


def test_pipelined_requests_are_answered_in_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            request = b"GET /api/v1/%b HTTP/1.1\r\nHost: localhost\r\n"
            data = request % b"one" + b"\r\n" + request % b"two" + b"\r\n" + request % b"three"
            answer = await server.raw(data + LAST)
            assert answer.count(b"HTTP/1.1 404") == 3
            places = [answer.index(b"/api/v1/" + name) for name in (b"one", b"two", b"three")]
            assert places == sorted(places)

    run(main)


def test_a_body_waits_for_leave_to_be_sent(tmp_path: Path) -> None:
    async def main() -> None:
        head = b"POST /api/v1/posts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: 12\r\nExpect: 100-continue\r\n"
        async with serving(tmp_path) as server, await server.unix() as client:
            await client.stream.send_all(head + b"\r\n")
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 100")
            await client.stream.send_all(b'{"text":"a"}')
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 201")

    run(main)


def test_more_connections_than_there_may_be(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            inside = [await server.tcp() for _ in range(MAX_CONNECTIONS)]
            answer = await server.raw(b"")
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b'"code":"busy"' in answer
            assert await is_well(server), "the other door has places of its own"
            await inside.pop().stream.aclose()
            while not (await server.raw(HEAD + LAST)).startswith(b"HTTP/1.1 400"):
                await trio.lowlevel.checkpoint()
            for client in inside:
                await client.stream.aclose()

    run(main)


def test_a_stop_ends_idle_connections_and_lets_work_finish(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        async with serving(tmp_path, service) as server:
            idle = await server.unix()
            assert (await idle.ask("GET", "/status")).status == 200
            busy = await server.unix()
            service.hold = trio.Event()
            await busy.send("GET", "/members")
            await service.waiting.wait()
            server.scope.cancel()
            with trio.CancelScope(shield=True):
                assert await idle.stream.receive_some() == b""
                service.hold.set()
                assert (await busy.answer()).status == 200
                await idle.stream.aclose()
                await busy.stream.aclose()

    run(main)


def test_a_stop_does_not_wait_for_work_that_hangs(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService()
        service.hold = trio.Event()
        async with trio.open_nursery() as nursery:
            async with serving(tmp_path, service) as server:
                busy = await server.unix()
                await busy.send("GET", "/members")
                await service.waiting.wait()
                start = trio.current_time()
            assert trio.current_time() - start == pytest.approx(STOP_GRACE, abs=0.1)
            await busy.stream.aclose()
            nursery.cancel_scope.cancel()

    run_fast(main)


def test_stop_is_answered(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.unix() as client:
            await client.send("POST", "/stop")
            await server.service.stopped.wait()
            server.scope.cancel()
            with trio.CancelScope(shield=True):
                assert (await client.answer()).status == 202

    run(main)


class Broken(FakeService):
    async def channels(self) -> list[ChannelView]:
        raise ZeroDivisionError


def test_a_bug_ends_the_daemon(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, Broken()) as server, await server.unix() as client:
            await client.send("GET", "/channels")
            await trio.sleep_forever()

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        run(main)
