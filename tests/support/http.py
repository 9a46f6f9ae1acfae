"""A small HTTP client for the tests of the local API, on real sockets; raw bytes for bad ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import trio

from p2pblog.api.server import OpenDoor, TcpDoor, UnixDoor, serve
from tests.support.fake_service import NOW, FakeService

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection. `host` and `token` go with each request unless other headers say so."""

    def __init__(self, stream: trio.SocketStream, host: str = "localhost", token: str = "") -> None:
        self.stream = stream
        self.host = host
        self.token = token
        self.http = h11.Connection(h11.CLIENT)
        self.rest = b""

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.aclose()

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
    ) -> None:
        data = content or (b"" if body is None else json.dumps(body).encode())
        lines = [("Host", self.host), *headers]
        if body is not None:
            lines.append(("Content-Type", "application/json"))
        if data:
            lines.append(("Content-Length", str(len(data))))
        if self.token:
            lines.append(("Authorization", f"Bearer {self.token}"))
        target = path if path.startswith("/api/") else BASE + path
        request = h11.Request(method=method, target=target, headers=lines)
        parts = [self.http.send(request), self.http.send(h11.Data(data=data)) if data else b""]
        parts.append(self.http.send(h11.EndOfMessage()))
        await self.stream.send_all(b"".join(part or b"" for part in parts))

    async def event(self) -> h11.Event:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.stream.receive_some())
        assert isinstance(event, h11.Event), event
        return event

    async def head(self) -> h11.Response:
        event = await self.event()
        while isinstance(event, h11.InformationalResponse):
            event = await self.event()
        assert isinstance(event, h11.Response), event
        return event

    async def answer(self) -> Answer:
        head = await self.head()
        body = b""
        while isinstance(event := await self.event(), h11.Data):
            body += event.data
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        headers = {name.decode(): value.decode() for name, value in head.headers}
        return Answer(head.status_code, headers, body)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
    ) -> Answer:
        await self.send(method, path, body, headers, content)
        return await self.answer()

    async def block(self) -> dict[str, str] | None:
        """The fields of an event stream's next block, None at its end; a comment has no name."""
        while b"\n\n" not in self.rest:
            event = await self.event()
            if not isinstance(event, h11.Data):
                return None
            self.rest += event.data
        block, _, self.rest = self.rest.partition(b"\n\n")
        return dict(_field(line) for line in block.decode().split("\n"))

    async def post_event(self) -> tuple[str, dict[str, Any]]:
        """The id and the data of the next event that is no keep-alive."""
        while (block := await self.block()) is not None:
            if "data" in block:
                return block["id"], json.loads(block["data"])
        raise EOFError


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


class Server:
    """A running API over a fake service."""

    def __init__(self, service: FakeService, unix: Path, tcp: OpenDoor, scope: trio.CancelScope):
        self.service = service
        self.unix_path = unix
        self.tcp_door = tcp
        self.scope = scope

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.tcp_door.port}"

    async def unix(self) -> Client:
        return Client(_socket_stream(await trio.open_unix_socket(str(self.unix_path))))

    async def tcp(self, token: str = "") -> Client:
        stream = await trio.open_tcp_stream("127.0.0.1", self.tcp_door.port)
        return Client(stream, self.host, token)

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        async with await self.unix() as client:
            return await client.ask(method, path, body)

    async def raw(self, data: bytes) -> bytes:
        """Everything that the server answers to these bytes, until it closes."""
        stream = (await self.tcp()).stream
        async with stream:
            await stream.send_all(data)
            await stream.send_eof()
            return b"".join([part async for part in stream])


def _socket_stream(stream: object) -> trio.SocketStream:
    assert isinstance(stream, trio.SocketStream)
    return stream


@asynccontextmanager
async def serving(
    directory: Path, service: FakeService | None = None, *, start_token: bool = False
) -> AsyncIterator[Server]:
    """Both doors open in `directory`, a new one each time."""
    home = directory / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    fake = service or FakeService()
    unix = UnixDoor(home / "api.sock")
    tcp = TcpDoor(0, home / "api.port", home / "api.token" if start_token else None)
    async with trio.open_nursery() as nursery:

        async def start(task_status: trio.TaskStatus[Sequence[OpenDoor]]) -> None:
            await serve(fake, [unix, tcp], now=lambda: NOW, task_status=task_status)

        opened = await nursery.start(start)
        yield Server(fake, unix.path, opened[1], nursery.cancel_scope)
        nursery.cancel_scope.cancel()
