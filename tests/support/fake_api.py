"""A daemon's local API for tests of the command line: the contract, held in memory, in threads."""

from __future__ import annotations

import hmac
import json
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from p2pblog.config import Home

STORE = "0b" * 8
STAMP = "2026-11-23T13:00:00.000Z"

Json = dict[str, Any]
Answer = tuple[int, Any]


def problem(status: int, code: str, exit_code: int, detail: str, hint: str = "") -> Answer:
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail}
    return status, body | {"code": code, "hint": hint, "exit": exit_code}


def sync(**given: int) -> Json:
    names = ("entries", "bytes")
    ways = ("to_get", "got", "to_send")
    return {f"{name}_{way}": 0 for way in ways for name in names} | given


def peer(member: str = "Sam", state: str = "connected", **given: Any) -> Json:
    made = {"device": "ab" * 32, "member": member, "device_name": "van", "source": "mdns"}
    made |= {"address": "192.0.2.20:7461", "state": state, "why": "", "last_seen": STAMP}
    return made | {"clock_ahead_ms": None, "sync": sync()} | given


def join_view(state: str, **given: Any) -> Json:
    made = {"state": state, "why": "", "hint": "", "team": "", "inviter": "", "name": "Sam"}
    return made | {"tried": []} | given


@dataclass
class Team:
    """What the fake daemon knows. Tests set it up and look at it."""

    phase: str = "member"
    posts: list[Json] = field(default_factory=list)
    peers: list[Json] = field(default_factory=list)
    fixed: list[Json] = field(default_factory=list)
    members: list[Json] = field(default_factory=list)
    invitations: list[Json] = field(default_factory=list)
    joins: list[Json] = field(default_factory=list)  # the answers to come; the last one stays
    warnings: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    tokens: list[Json] = field(default_factory=list)
    sync: Json = field(default_factory=sync)
    newest_own: Json | None = None
    overrides: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens_seen: set[str] = field(default_factory=set)
    events_end: bool = False  # close event streams once they have sent what there is
    start_token: str = ""  # what the TCP door proves to know
    stopped: threading.Event = field(default_factory=threading.Event)
    job: Json | None = None  # work under way: it lasts until somebody has looked how far it is
    watched: threading.Event = field(default_factory=threading.Event)

    def add(self, text: str, author: str = "Dana", **given: Any) -> Json:
        number = len(self.posts) + 1
        made: Json = {"id": f"{number:02x}" * 32, "short": f"{number:02x}" * 4}
        made |= {"time": f"2026-11-23T13:{number % 60:02}:00.000Z", "arrival": number}
        made |= {"author": {"id": "cd" * 32, "name": author, "device": "front-desk"}}
        made |= {"channel": "general", "text": text, "state": "here", "reply_to": None}
        made |= {"source": None, "clock_ahead": False} | given
        self.posts.append(made)
        return made

    def status(self) -> Json:
        named = self.phase == "member"
        return {
            "phase": self.phase,
            "home": "/home/dana/p2pblog",
            "version": "0.1.0",
            "store": STORE,
            "team": "Acme Roofing" if named else "",
            "team_id": "ef" * 32 if named else "",
            "member": "Dana" if named else "",
            "device_name": "front-desk",
            "device": "12" * 32,
            "port": 7461,
            "started": STAMP,
            "totals": {
                "entries": 9,
                "posts": len(self.posts),
                "size": 4500,
                "wanted": 0,
                "logs": 2,
            },
            "newest_arrival": max((post["arrival"] for post in self.posts), default=0),
            "peers": self.peers,
            "sync": self.sync,
            "newest_own": self.newest_own,
            "warnings": self.warnings,
            "joining": self.joins[0] if self.joins else None,
            "job": self.job,
        }

    def files(self, what: str, path: str, member: str) -> Answer:
        """The answer for a bundle or a backup; a test may have put another one in its place."""
        if self.job is not None:
            self.watched.wait(10)
        made: Json = {"path": path, "created": STAMP}
        if what == "import":
            made |= {"maker": "Sam (van)", "stored": 12, "known": 108, "missing": []}
            return 200, made | {"whole": True, "why": ""}
        if what in ("export", "show"):
            made |= {"team": "Acme Roofing", "maker": "Dana (front-desk)", "member": member}
            made |= {"devices": 3, "logs": 4, "entries": 120, "granted": 40 if member else 0}
            return 200, made | {"size": 65_000, "whole": True, "why": ""}
        made |= {"entries": 130, "posts": 120}
        if what == "backup":
            return 200, made | {"size": 2_000_000}
        return 200, made | {"team": "Acme Roofing", "member": "Dana", "device_name": "front-desk"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    team: Team

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def address_string(self) -> str:
        return "local"

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path).removeprefix("/api/v1")
        query = dict(parse_qsl(split.query))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.team.tokens_seen.add(self.headers.get("Authorization", ""))
        self.team.requests.append((self.command, path, body if body is not None else query))
        override = self.team.overrides.get(f"{self.command} {path}")
        if path == "/events" and override is None:
            self._events(int(query["after"].partition(":")[2]))
            return
        if override == (0, None):  # the daemon dies before it answers
            self.close_connection = True
            return
        self._reply(*(override or self._route(path, query, body)))
        if (self.command, path) == ("POST", "/stop"):  # only now: then the process may end
            self.team.stopped.set()
            threading.Thread(target=self.server.shutdown).start()

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def _reply(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _events(self, after: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(": here\n\n")
        for post in [p for p in self.team.posts if p["arrival"] > after]:
            text = f"id: {STORE}:{post['arrival']}\nevent: post\ndata: {json.dumps(post)}\n\n"
            self._chunk(text[:30])
            self._chunk(text[30:])
        if not self.team.events_end:
            self.team.stopped.wait(10)
        self._chunk("")
        self.close_connection = True

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _route(self, path: str, query: dict[str, str], body: Any) -> Answer:
        head, _, rest = path[1:].partition("/")
        found = getattr(self, f"_{self.command.lower()}_{head}", None)
        if found is None:
            return problem(404, "no_route", 2, f"There is nothing at {path}")
        answer: Answer = found(rest, query, body)
        return answer

    def _get_proof(self, rest: str, query: dict[str, str], body: Any) -> Answer:
        nonce = bytes.fromhex(query["nonce"])
        return 200, {"proof": hmac.digest(self.team.start_token.encode(), nonce, "blake2b").hex()}

    def _get_status(self, *_: Any) -> Answer:
        self.team.watched.set()
        return 200, self.team.status()

    def _post_team(self, rest: str, query: Any, body: Json) -> Answer:
        if self.team.phase == "member":
            return problem(409, "conflict", 9, "This home is in a team already")
        self.team.phase = "member"
        made = {"team": body["team"], "team_id": "ef" * 32, "member": body["name"]}
        return 201, made | {"recovery_code": "RECO-VERY"}

    def _post_join(self, *_: Any) -> Answer:
        return 202, self._next_join()

    def _get_join(self, *_: Any) -> Answer:
        return 200, self._next_join()

    def _next_join(self) -> Json:
        joins = self.team.joins
        return joins.pop(0) if len(joins) > 1 else joins[0]

    def _delete_join(self, *_: Any) -> Answer:
        return 204, None

    def _get_posts(self, rest: str, query: dict[str, str], body: Any) -> Answer:
        if rest:
            prefix, _, thread = rest.partition("/")
            found = [post for post in self.team.posts if post["id"].startswith(prefix)]
            if not found:
                return problem(404, "not_found", 5, f"No post has the id {prefix}")
            return 200, {"items": found, "next": None} if thread else found[0]
        channel = query.get("channel")
        found = [post for post in self.team.posts[::-1] if channel in (None, post["channel"])]
        start, limit = int(query.get("before", "0")), int(query["limit"])
        following = start + limit
        more = str(following) if following < len(found) else None
        return 200, {"items": found[start:following], "next": more}

    def _post_posts(self, rest: str, query: Any, body: Json) -> Answer:
        made = self.team.add(body["text"], channel=body.get("channel", "general"))
        posted = {"id": made["id"], "time": made["time"], "arrival": made["arrival"]}
        return 201, posted | {"reached": 1, "devices": 3}

    def _get_search(self, rest: str, query: dict[str, str], body: Any) -> Answer:
        found = [post for post in self.team.posts if query["q"] in post["text"]]
        return 200, {"items": found, "next": None}

    def _get_channels(self, *_: Any) -> Answer:
        names = sorted({post["channel"] for post in self.team.posts})
        items = [{"name": name, "posts": 1, "newest": STAMP} for name in names]
        return 200, {"items": items, "next": None}

    def _get_members(self, *_: Any) -> Answer:
        return 200, {"items": self.team.members, "next": None}

    def _get_peers(self, *_: Any) -> Answer:
        return 200, {"items": self.team.peers, "fixed": self.team.fixed}

    def _post_peers(self, rest: str, query: Any, body: Json) -> Answer:
        made = {"address": body["address"], "state": "connecting", "why": ""}
        self.team.fixed.append(made)
        return 201, made

    def _delete_peers(self, rest: str, *_: Any) -> Answer:
        self.team.fixed = [one for one in self.team.fixed if one["address"] != rest]
        return 204, None

    def _get_invitations(self, *_: Any) -> Answer:
        return 200, {"items": self.team.invitations, "next": None}

    def _post_invitations(self, rest: str, query: Any, body: Json) -> Answer:
        expires = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 7 * 86400))
        made = {"id": "3f9a" * 16, "role": body["role"], "inviter": "Dana", "expires": expires}
        made |= {"state": "open", "used_by": ""}
        self.team.invitations.append(made)
        code = "K7QF-M2XD-9HWA-T3PL"
        return 201, made | {"code": code, "link": f"p2pblog:join/{code}"}

    def _delete_invitations(self, rest: str, *_: Any) -> Answer:
        for one in self.team.invitations:
            if one["id"].startswith(rest):
                one["state"] = "withdrawn"
                return 200, one
        return problem(404, "not_found", 5, f"No invitation has the id {rest}")

    def _post_import(self, rest: str, query: Any, body: Json) -> Answer:
        known = {post["source"]["origin"] for post in self.team.posts if post["source"]}
        stored, refused = 0, []
        for item in body["items"]:
            if not item["text"]:
                refused.append([item["id"], "empty"])
            elif item["id"] not in known:
                source = {"author": item["author"], "time": item["time"], "origin": item["id"]}
                self.team.add(item["text"], source=source)
                stored += 1
        known_now = len(body["items"]) - stored - len(refused)
        return 200, {"stored": stored, "known": known_now, "refused": refused}

    def _post_bundles(self, rest: str, query: Any, body: Json) -> Answer:
        return self.team.files(rest, body["path"], body.get("member", ""))

    def _post_backup(self, rest: str, query: Any, body: Json) -> Answer:
        return self.team.files("backup", body["path"], "")

    def _post_restore(self, rest: str, query: Any, body: Json) -> Answer:
        return self.team.files("restore", body["path"], "")

    def _put_config(self, rest: str, query: Any, body: Json) -> Answer:
        self.team.settings[rest] = body["value"]
        return 200, self.team.settings

    def _delete_config(self, rest: str, *_: Any) -> Answer:
        self.team.settings.pop(rest, None)
        return 200, self.team.settings

    def _get_tokens(self, *_: Any) -> Answer:
        return 200, {"items": self.team.tokens, "next": None}

    def _post_tokens(self, rest: str, query: Any, body: Json) -> Answer:
        made = {"id": "77" * 8, "name": body["name"], "scopes": body["scopes"], "created": STAMP}
        self.team.tokens.append(made | {"secret": ""})
        return 201, made | {"secret": "s3cret"}

    def _delete_tokens(self, rest: str, *_: Any) -> Answer:
        self.team.tokens.clear()
        return 204, None

    def _post_stop(self, *_: Any) -> Answer:
        return 202, None


class _Quiet(socketserver.ThreadingMixIn, socketserver.BaseServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the client may leave at any time
            super().handle_error(request, client_address)


class _UnixServer(_Quiet, socketserver.UnixStreamServer):
    pass


class _TcpServer(_Quiet, socketserver.TCPServer):
    pass


@contextmanager
def serving(home: Home, team: Team) -> Iterator[Team]:
    """Serve a team at a home's socket until the end of the block, or until told to stop."""
    home.create()
    home.store.touch()
    server = _UnixServer(str(home.api_socket), _handler(team))
    with _running(server, team, home.api_socket):
        yield team


@contextmanager
def serving_tcp(home: Home, team: Team) -> Iterator[Team]:
    """Serve a team on a port of loopback, as where there are no Unix sockets."""
    home.create()
    home.store.touch()
    server = _TcpServer(("127.0.0.1", 0), _handler(team))
    home.api_port.write_text(f"{server.server_address[1]}\n")
    with _running(server, team, home.api_port):
        yield team


def _handler(team: Team) -> type[_Handler]:
    return type("Handler", (_Handler,), {"team": team})


@contextmanager
def _running(server: socketserver.BaseServer, team: Team, place: Path) -> Iterator[None]:
    def serve() -> None:
        server.serve_forever(poll_interval=0.01)
        server.server_close()
        place.unlink(missing_ok=True)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        team.stopped.set()
        server.shutdown()
        thread.join()
