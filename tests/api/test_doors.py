"""The two doors: files and their modes, stale sockets, tokens, foreign hosts and origins."""

from __future__ import annotations

import hmac
import os
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from p2pblog.api.doors import TcpDoor, UnixDoor
from p2pblog.api.server import serve
from p2pblog.errors import Conflict, HomeLocked, NotAllowed, UsageError
from tests.support.aio import run
from tests.support.fake_service import FakeService
from tests.support.http import Client, Server, serving


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_only_the_user_can_reach_the_files(tmp_path: Path) -> None:
    async def main() -> None:
        home = tmp_path / "home"
        async with serving(tmp_path, start_token=True) as server:
            assert mode(home) == 0o700
            assert {mode(home / f"api.{end}") for end in ("sock", "port", "token")} == {0o600}
            assert (home / "api.port").read_text() == f"{server.tcp_door.port}\n"
        assert list(home.iterdir()) == []

    run(main)


def test_a_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with pytest.raises(NotAllowed, match="open to other users"):
        UnixDoor(tmp_path / "api.sock").open()


def test_a_missing_directory_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "api.sock"
    with closing(UnixDoor(path).open().listening):
        assert mode(path.parent) == 0o700


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with closing(UnixDoor(path).open().listening):
        assert stat.S_ISSOCK(path.stat().st_mode)


def test_a_socket_that_answers_is_not_replaced(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "api.sock"
    with closing(UnixDoor(path).open().listening), pytest.raises(HomeLocked):
        UnixDoor(path).open()


def test_a_file_in_the_way_is_not_deleted(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "api.sock"
    path.write_text("mine")
    with pytest.raises(Conflict, match="in the way"):
        UnixDoor(path).open()
    assert path.read_text() == "mine"


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="above 103") as caught:
        UnixDoor(tmp_path / ("x" * 100) / "api.sock").open()
    assert "--home" in caught.value.hint


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        with pytest.raises(Conflict, match="is taken"):
            TcpDoor(port, tmp_path / "api.port").open()


def test_a_door_that_fails_closes_the_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "api.sock"
    blocked = tmp_path / "blocked"
    blocked.write_text("")

    async def main() -> None:
        with pytest.raises(Conflict):
            await serve(FakeService(), [UnixDoor(path), UnixDoor(blocked)])

    run(main)
    assert not path.exists()


def test_tcp_is_on_loopback_only(tmp_path: Path) -> None:
    with closing(TcpDoor(0, tmp_path / "port").open().listening) as bound:
        assert bound.getsockname()[0] == "127.0.0.1"


def test_the_token_file_is_replaced_not_written_into(tmp_path: Path) -> None:
    token = tmp_path / "api.token"
    token.write_text("old")
    token.chmod(0o644)
    os.link(token, tmp_path / "link")
    with closing(TcpDoor(0, tmp_path / "port", token).open().listening):
        assert mode(token) == 0o600
        assert len(token.read_text().strip()) == 43
        assert (tmp_path / "link").read_text() == "old"


def test_the_start_token_is_proven_before_it_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, start_token=True) as server:
            token = (tmp_path / "home" / "api.token").read_text().strip()
            nonce = bytes(range(16))
            async with await server.tcp() as client:
                answer = await client.ask("GET", f"/proof?nonce={nonce.hex()}")
                assert answer.json == {"proof": hmac.digest(token.encode(), nonce, "blake2b").hex()}
                client.token = token
                assert (await client.ask("POST", "/tokens", BOT)).status == 201
            other = await server.ask("GET", f"/proof?nonce={nonce.hex()}")
            assert (other.status, other.json["detail"]) == (404, "This door has no token to prove")

    run(main)


def test_the_example_of_a_proof_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "protocol" / "api.md").read_text("utf-8")
    assert hmac.digest(b"secret", bytes(range(16)), "blake2b").hex() in page


BOT = {"name": "bot", "scopes": ["read"]}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:80", 200),
        ("LOCALHOST", 200),
        ("[::1]:7000", 200),
        ("evil.example", 421),
        ("evil.example:7117", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1:port", 421),
        ("192.168.1.5", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
    ],
)
def test_hosts(host: str, status: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await reader(server) as client:
            client.host = host
            assert (await client.ask("GET", "/status")).status == status

    run(main)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:7000", 200),
        ("HTTP://LOCALHOST:7000", 200),
        ("http://localhost", 403),
        ("http://localhost:8000", 403),
        ("http://127.0.0.1:7000", 403),
        ("https://localhost:7000", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_origins(origin: str, status: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await reader(server) as client:
            client.host = "localhost:7000"
            answer = await client.ask("GET", "/status", None, [("Origin", origin)])
            assert answer.status == status
            assert not [name for name in answer.headers if name.startswith("access-control")]

    run(main)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer wrong")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic secret-1")],
        [("Authorization", "secret-1")],
        [("Authorization", "Bearer secret-1"), ("Authorization", "Bearer secret-1")],
        [("Cookie", "token=secret-1")],
    ],
    ids=["none", "wrong", "empty", "basic", "bare", "two", "cookie"],
)
def test_without_a_good_token(headers: list[tuple[str, str]], tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await server.tcp() as client:
            answer = await client.ask("GET", "/status", None, headers)
            assert (answer.status, answer.json["code"]) == (401, "token_needed")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    run(main)


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "GET", "/status", 200),
        (["read"], "POST", "/posts", 403),
        (["read"], "POST", "/stop", 403),
        (["post"], "POST", "/posts", 201),
        (["post"], "GET", "/posts", 403),
        (["read", "post"], "GET", "/tokens", 403),
        (["admin"], "GET", "/posts", 200),
        (["admin"], "POST", "/posts", 201),
    ],
)
def test_scopes(scopes: list[str], method: str, path: str, status: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await server.service.make_token("bot", scopes)
            async with await server.tcp("secret-1") as client:
                body = {"text": "a"} if path == "/posts" and method == "POST" else None
                assert (await client.ask(method, path, body)).status == status

    run(main)


def test_a_revoked_token_is_no_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server, await reader(server) as client:
            assert (await client.ask("GET", "/status")).status == 200
            assert (await server.ask("DELETE", "/tokens/00000001")).status == 204
            assert (await client.ask("GET", "/status")).status == 401

    run(main)


def test_a_body_is_not_read_before_its_sender_is_known(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            stream = (await server.tcp()).stream
            async with stream:
                head = f"POST /api/v1/import HTTP/1.1\r\nHost: {server.host}\r\n"
                await stream.send_all(f"{head}Content-Length: 8000000\r\n\r\n".encode())
                answer = await stream.receive_some()
                assert answer.startswith(b"HTTP/1.1 401")

    run(main)


async def reader(server: Server) -> Client:
    await server.service.make_token("bot", ["read"])
    return await server.tcp("secret-1")
