"""Whatever a client sends, each answer is HTTP with a status that is its own fault, or none.

Never a 5xx but 501, never an exception: what is no request ends the connection after an answer that
says so. The same bytes in other pieces get the same answers, but for the words of a refusal.
"""

import socket
from collections.abc import Iterator
from contextlib import nullcontext, suppress

import trio

from p2pblog.api.context import Api
from p2pblog.api.exchange import Exchange, Terms
from p2pblog.api.openapi import document
from p2pblog.protocol import codec
from tests.fuzz import NO_INPUT
from tests.fuzz.material import cut, plan
from tests.support.fake_service import NOW, FakeService

DOCUMENT = document()
STREAM = b"text/event-stream"
ALLOWED = b"Host: 127.0.0.1:1\r\nAuthorization: Bearer start"


def run(data: bytes) -> str:
    given = plan(data, bool, bytes, bytes)
    if given is None:
        return NO_INPUT
    guarded, sizes, sent = given
    whole = trio.run(_answers, guarded, sent, b"")
    statuses = _statuses(whole)
    pieces = trio.run(_answers, guarded, sent, sizes or b"\x05")
    assert _statuses(pieces) == statuses
    if STREAM not in whole and max(statuses, default=0) < 400:  # h11 words a refusal as it came
        assert whole == pieces
    return " ".join(map(str, statuses)) or "none"


async def _answers(guarded: bool, sent: bytes, sizes: bytes) -> bytes:
    ours, theirs = (trio.SocketStream(trio.socket.from_stdlib_socket(s)) for s in _sockets())
    imports = trio.CapacityLimiter(1)
    api = Api(FakeService(posts=3), lambda: NOW, DOCUMENT, "start")
    exchange = Exchange(ours, Terms(api, guarded, imports, nullcontext))
    got = b""
    async with ours, theirs, trio.open_nursery() as nursery:
        nursery.start_soon(_serve, exchange, ours)
        nursery.start_soon(_say, theirs, sent, sizes)
        with suppress(trio.BrokenResourceError):  # it hung up on what was still to be read
            async for part in theirs:
                got += part
    return got


def _sockets() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


async def _serve(exchange: Exchange, stream: trio.SocketStream) -> None:
    await exchange.run()
    await stream.aclose()


async def _say(stream: trio.SocketStream, sent: bytes, sizes: bytes) -> None:
    try:
        for piece in cut(sent, sizes):
            if piece:
                await stream.send_all(piece)
                await trio.lowlevel.checkpoint()
        await stream.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return  # it has answered and hung up


def _statuses(got: bytes) -> list[int]:
    """The answers' statuses; each answer is whole but the last, if it has no end."""
    found: list[int] = []
    rest = got
    while rest:
        head, blank, rest = rest.partition(b"\r\n\r\n")
        assert blank
        status, *lines = head.split(b"\r\n")
        version, code, _ = status.split(b" ", 2)
        assert version == b"HTTP/1.1"
        found.append(int(code))
        headers = dict(line.lower().split(b": ", 1) for line in lines)
        if headers.get(b"content-type", b"").startswith(STREAM):
            break
        size = int(headers.get(b"content-length", b"0"))
        if rest and not rest.startswith(
            b"HTTP/1.1 "
        ):  # no body, where the head alone was asked for
            assert size <= len(rest)
            rest = rest[size:]
    assert all(code < 500 or code == 501 for code in found), found
    return found


def seeds() -> Iterator[bytes]:
    post = b'{"text": "hello", "channel": "general"}'
    sized = b"Content-Length: %d\r\n" % len(post)
    json = b"Host: x\r\nContent-Type: application/json\r\n"
    for request in (
        _get(b"/status") + _get(b"/posts?limit=2&channel=general"),
        _get(b"/posts?before=AAAA&limit=0"),
        _get(b"/events"),
        _get(b"/members/anna%20b/removal"),
        b"HEAD /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n" + _get(b"/search?q=post"),
        b"POST /api/v1/posts HTTP/1.1\r\n" + json + sized + b"\r\n" + post,
        b"POST /api/v1/posts HTTP/1.1\r\n" + json + b"Transfer-Encoding: chunked\r\n\r\n"
        b'5\r\n{"tex\r\n8;a=b\r\nt": "x"}\r\n0\r\n\r\n' + _get(b"/channels"),
        b"POST /api/v1/invitations HTTP/1.1\r\n" + json + b"Content-Length: 2\r\n\r\n{}",
        b"PUT /api/v1/config/channel HTTP/1.1\r\n" + json + b"Expect: 100-continue\r\n"
        b'Content-Length: 15\r\n\r\n{"value": "abc"}',
        b"DELETE /api/v1/tokens/1 HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        yield codec.pack((False, b"\x11", request))
        yield codec.pack((True, b"\x2a", request.replace(b"Host: localhost", ALLOWED)))


def _get(path: bytes) -> bytes:
    return b"GET /api/v1" + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
