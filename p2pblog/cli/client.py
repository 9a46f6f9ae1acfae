"""HTTP/1.1 to the daemon of a home, over its Unix socket or, where there is none, over TCP.

On h11, which imports in 10 ms where `http.client` takes 27 (it brings `email` and `ssl`): a command
has 200 ms in all. Requests and answers are JSON; an error answer is raised as the `UserError` that
it carries.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final, cast

import h11

from p2pblog.cli.last_words import reason_of_end
from p2pblog.cli.records import Problem
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable, Exit, UsageError, UserError

PREFIX: Final = "/api/v1"
TIMEOUT: Final = 35.0  # seconds; the daemon gives up a request after 30
JOB_TIMEOUT: Final = 24 * 3600.0  # a backup to a slow stick; a daemon that dies is seen at once
STREAM_TIMEOUT: Final = 45.0  # three missed keep-alives
CHUNK: Final = 64 * 1024

Query = Mapping[str, str | int | None]


class NotRunning(DaemonUnreachable):
    """Nothing answers at the home's socket."""


class ApiError(UserError):
    """An error that the daemon reported, with the code and the exit code that it chose."""

    def __init__(self, problem: Problem) -> None:
        message = problem.get("detail") or problem.get("title") or "The daemon refused"
        super().__init__(message, problem.get("hint", ""))
        self.code = problem.get("code", "failed")
        self.exit_code = _exit_code(problem.get("exit", Exit.FAILED))


def _exit_code(number: int) -> Exit:
    return Exit(number) if number in Exit.__members__.values() else Exit.FAILED


class Client:
    """One connection to a daemon, opened when it is needed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._token = ""
        self._socket: socket.socket | None = None
        self._http = h11.Connection(h11.CLIENT)

    def open(self) -> None:
        """Connect; NotRunning if no daemon is there."""
        if self._socket is None:
            self._socket = _connect_unix(self._home) if _has_unix() else self._connect_tcp()
            self._http = h11.Connection(h11.CLIENT)

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def get(self, path: str, query: Query | None = None) -> object:
        """The answer to a GET."""
        return self.request("GET", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> object:
        """Send one request and return what the answer holds, None for nothing."""
        self.begin(method, path, None if body is None else encoded(body), query, headers)
        return self.finish(timeout)

    def begin(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send one request, with a body that is `encoded`; `finish` has to follow."""
        with self._whole():
            self._send(method, path, query, content, headers or {})

    def finish(self, timeout: float = TIMEOUT) -> object:
        """Wait for the answer to what has begun: what it holds, None for nothing."""
        with self._whole():
            assert self._socket is not None
            self._socket.settimeout(timeout)
            status = self._status()
            content = b"".join(self._body())
            self._reuse()
        return _decoded(status, content)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A connection that is cut off in the middle can't be used again."""
        with ExitStack() as torn:
            torn.callback(self.close)
            try:
                yield
            except (OSError, h11.RemoteProtocolError) as e:
                raise self._gone(e) from e
            torn.pop_all()

    def stream(
        self, path: str, query: Query | None = None, *, timeout: float = STREAM_TIMEOUT
    ) -> Iterator[bytes]:
        """The bytes of an endless answer as they come; DaemonUnreachable when they stop.

        A silence longer than `timeout` ends the connection with TimeoutError.
        """
        try:
            self._send("GET", path, query, None, {"Accept": "text/event-stream"})
            status = self._status()
            if status >= 400:
                _decoded(status, b"".join(self._body()))
            assert self._socket is not None
            self._socket.settimeout(timeout)
            yield from self._body()
        except TimeoutError:
            raise
        except (OSError, h11.RemoteProtocolError) as e:
            raise self._gone(e) from e
        finally:
            self.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> None:
        self.open()
        assert self._socket is not None
        lines = {"Host": "localhost", "Content-Length": str(len(content or b"")), **headers}
        if content is not None:
            lines["Content-Type"] = "application/json"
        if self._token:
            lines["Authorization"] = f"Bearer {self._token}"
        target = PREFIX + path + _query(query)
        request = h11.Request(method=method, target=target, headers=list(lines.items()))
        parts = [self._http.send(request)]
        if content:
            parts.append(self._http.send(h11.Data(data=content)))
        parts.append(self._http.send(h11.EndOfMessage()))
        self._socket.settimeout(TIMEOUT)
        self._socket.sendall(b"".join(part for part in parts if part))

    def _event(self) -> h11.Event:
        assert self._socket is not None
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(self._socket.recv(CHUNK))
            elif isinstance(event, h11.Event):
                return event
            else:
                raise h11.RemoteProtocolError("an answer was paused")

    def _status(self) -> int:
        while True:
            event = self._event()
            if isinstance(event, h11.Response):
                return event.status_code
            if not isinstance(event, h11.InformationalResponse):
                raise h11.RemoteProtocolError("closed without an answer")

    def _body(self) -> Iterator[bytes]:
        while True:
            event = self._event()
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)

    def _reuse(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def _gone(self, error: Exception) -> DaemonUnreachable:
        if isinstance(error, TimeoutError):
            return DaemonUnreachable(
                "The daemon took too long before it answered", f"See {self._home.log}"
            )
        reason = reason_of_end(self._home.log)
        why = f"The daemon went away before it answered{': ' if reason else ''}{reason}"
        return DaemonUnreachable(why, f"See {self._home.log}")

    def _connect_tcp(self) -> socket.socket:
        """Connect to the TCP door, and give the token only to who proves to know it."""
        try:
            port = int(self._home.api_port.read_text())
            token = self._home.api_token.read_text().strip()
            connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        except (OSError, ValueError) as e:
            raise NotRunning("The daemon is not running", "Start it: p2pblog up --detach") from e
        self._socket, self._http, self._token = connection, h11.Connection(h11.CLIENT), ""
        if not self._proven(token):
            self.close()
            raise NotRunning(f"Port {port} answers, but it is not our daemon", "Run: p2pblog up")
        self._token = token
        assert self._socket is not None
        return self._socket

    def _proven(self, token: str) -> bool:
        import hmac

        nonce = os.urandom(16)
        answer = self.get("/proof", {"nonce": nonce.hex()})
        due = hmac.digest(token.encode(), nonce, "blake2b").hex()
        given = str(answer.get("proof", "")) if isinstance(answer, dict) else ""
        return self._socket is not None and hmac.compare_digest(due, given)


def _has_unix() -> bool:
    return hasattr(socket, "AF_UNIX")


def _connect_unix(home: Home) -> socket.socket:
    home.check_socket()
    assert sys.platform != "win32"
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(os.fsencode(home.api_socket))
    except OSError as e:
        connection.close()
        raise NotRunning("The daemon is not running", "Start it: p2pblog up --detach") from e
    return connection


def _query(query: Query | None) -> str:
    given = {key: value for key, value in (query or {}).items() if value is not None}
    if not given:
        return ""
    from urllib.parse import urlencode

    return "?" + urlencode(given)


def encoded(body: object) -> bytes:
    """The JSON of a body. Raises `UsageError` where a text is no Unicode."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as e:
        raise UsageError("The text is not UTF-8", "Convert it, for instance with iconv.") from e


def _decoded(status: int, content: bytes) -> object:
    try:
        value = json.loads(content) if content else None
    except ValueError as e:
        raise DaemonUnreachable("The daemon's answer is not JSON", "Is it another version?") from e
    if status >= 400:
        problem = value if isinstance(value, dict) else {"title": f"HTTP {status}"}
        raise ApiError(cast(Problem, problem))
    return cast(object, value)
