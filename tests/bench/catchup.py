"""Catch-up: a fresh device gets everything from a full one, two real daemons on loopback.

Every post is authenticated, on the disk and searchable when the clock stops. Beside it, in the same
run, a bare loop that only inserts the same rows with FTS5: the limit of the disk format.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from p2pblog.cli.client import Client, Query
from p2pblog.config import Config, Home, save_config
from p2pblog.node.identity import Identity
from p2pblog.protocol import entry, page
from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES
from p2pblog.protocol.post import Post
from p2pblog.store.replica import Replica
from tests.support.teams import Actor, TeamBuilder

WORDS = (
    *("pump", "valve", "seal", "site", "crew", "van", "invoice", "offer", "north", "south", "east"),
    *(
        "west",
        "gate",
        "roof",
        "tile",
        "frame",
        "order",
        "meter",
        "cable",
        "drill",
        "paint",
        "glass",
    ),
    *("floor", "stair", "light", "water", "pipe", "heat", "cold", "early", "late", "today", "now"),
)


def post_pages(team: TeamBuilder, author: Actor, count: int) -> list[bytes]:
    """Pages of `count` posts of 200 bytes by one device."""
    pages, run, backlink = [], [], entry.NO_BACKLINK
    for seq in range(1, count + 1):
        text = " ".join(team.rng.choices(WORDS, k=60))[:200]
        made = entry.make(
            author.signing,
            team.id,
            author.incarnation,
            Kind.POSTS,
            seq=seq,
            backlink=backlink,
            time=team.time + seq * 1000,
            payload_class=PayloadClass.POST,
            salt=team.rng.randbytes(16),
            content=Post(text, "general").pack(),
        )
        backlink = made.id
        run.append(made)
        if len(run) == MAX_PAGE_ENTRIES or seq == count:
            raw, payloads = [e.header_bytes for e in run], [e.payload for e in run]
            pages.append(page.pack(raw, payloads, [made.signature]))
            run = []
    return pages


def make_home(path: Path, team: TeamBuilder, who: Actor, pages: list[bytes]) -> Home:
    """A home of one device of the team, with these pages in its store."""
    home = Home(path)
    home.create()
    save_config(home.config, Config(port=0, mdns=False))
    with Replica.create(home.store, team.id, os.urandom(8)) as replica:
        for start in range(0, len(pages), 8):
            for result in replica.ingest(pages[start : start + 8], team.time):
                assert result.reason is None, result
        while replica.index_search(5000):
            pass
    Identity(who.signing, who.incarnation, team.id, team.network_key).save(home.identity)
    return home


def start(home: Home) -> subprocess.Popen[bytes]:
    """A daemon on the home, once it is ready."""
    ours, theirs = os.pipe()
    log = home.log.open("ab")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "p2pblog",
            "--home",
            str(home.path),
            "up",
            "--ready-fd",
            str(theirs),
        ],
        pass_fds=[theirs],
        stdout=log,
        stderr=log,
    )
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        assert pipe.readline() == "ready\n", home.log.read_text()
    return process


def call(
    home: Home, method: str, path: str, body: object = None, query: Query | None = None
) -> Any:
    """One request to the daemon of a home."""
    client = Client(home)
    try:
        return client.request(method, path, body, query=query)
    finally:
        client.close()


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Peak resident memory, MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


def bare_inserts(team: TeamBuilder, pages: list[bytes], folder: Path) -> float:
    """Rows a second of a loop that only inserts the same rows with FTS5, the limit."""
    rows = []
    for data in pages:
        verified = page.verify(data, team.id)
        for header, raw, payload in zip(
            verified.headers, verified.raw, verified.payloads, strict=True
        ):
            assert payload is not None
            text = payload[16:].decode("utf-8", "replace")
            rows.append((header.seq, header.time, raw, payload, text))
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE e (a INTEGER PRIMARY KEY, s, t, h, p)")
    connection.execute("CREATE INDEX i ON e (s)")
    connection.execute("CREATE INDEX j ON e (t)")
    connection.execute("CREATE VIRTUAL TABLE f USING fts5 (x, content='')")
    began = time.perf_counter()
    for first in range(0, len(rows), 4096):
        part = rows[first : first + 4096]
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO e (s, t, h, p) VALUES (?, ?, ?, ?)", [r[:4] for r in part]
        )
        numbered = [(first + n + 1, r[4]) for n, r in enumerate(part)]
        connection.executemany("INSERT INTO f (rowid, x) VALUES (?, ?)", numbered)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return len(rows) / took


def run(posts: int = 100_000, devices: int = 10) -> dict[str, object]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        team = TeamBuilder(random.Random(1))
        founder = team.found()
        authors = [team.join(founder, f"Member {number}") for number in range(devices)]
        pages = [p for author in authors for p in post_pages(team, author, posts // devices)]
        full = make_home(folder / "full", team, authors[0], [*team.pages(), *pages])
        fresh = make_home(folder / "fresh", team, founder, team.pages())
        processes = [start(full), start(fresh)]
        try:
            port = call(full, "GET", "/status")["port"]
            began = time.perf_counter()
            call(fresh, "POST", "/peers", {"address": f"127.0.0.1:{port}"})
            while call(fresh, "GET", "/status")["totals"]["posts"] < posts:
                time.sleep(0.1)
            stored = time.perf_counter() - began
            found = call(fresh, "GET", "/search", query={"q": "pump", "limit": 1})
            searchable = time.perf_counter() - began
            assert found["items"]
            size = sum(f.stat().st_size for f in fresh.path.glob("store.db*"))
            memory = [peak_memory(process) for process in processes]
            for home in (full, fresh):
                call(home, "POST", "/stop")
            for process in processes:
                process.wait(10)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        bare = bare_inserts(team, pages, folder)
        return {
            "posts": posts,
            "devices": devices,
            "stored_per_s": round(posts / stored),
            "searchable_per_s": round(posts / searchable),
            "bare_insert_per_s": round(bare),
            "ratio_to_bare": round(posts / searchable / bare, 2),
            "peak_mb_server": memory[0],
            "peak_mb_client": memory[1],
            "disk_bytes_per_post": round(size / posts),
        }


def main(arguments: list[str]) -> None:
    """Print the figures as JSON."""
    posts = int(arguments[0]) if arguments else 100_000
    print(json.dumps(run(posts)))
