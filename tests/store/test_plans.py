"""No statement of a reader or of start-up walks a table that grows with the logs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World
from tests.support.logs import packed

GROWING = (
    *("entries", "posts", "by_time", "by_channel", "origins", "keys", "stored"),
    *("p", "e", "o"),
)
NEWEST_FIRST = "ORDER BY o.time DESC, p.start DESC LIMIT"  # a walk of the order that ends soon


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is run from here on."""
    statements: list[str] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return statements


def walks(path: Path, statements: list[str]) -> set[str]:
    """Statements that walk a whole growing table, and not one of its indexes up to a limit."""
    found = set()
    connection = sqlite3.connect(path)
    for statement in set(statements):
        if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            continue
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
            detail = row[3].split()
            if detail[0] == "SCAN" and detail[1] in GROWING and NEWEST_FIRST not in statement:
                found.add(f"{statement}: {row[3]}")
    connection.close()
    return found


def test_nothing_walks_what_grows(tmp_path: Path, said: list[str]) -> None:
    world = World(3)
    run = world.posts(1, 20)
    run.append(world.post(1, run[-1], "answer", reply=run[3]))
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        log, (tip,) = next(iter(replica.rows(False).items()))
        replica.append(world.author(0), [world.draft("post", key="k")], NOW)
        author = frozenset([world.keys[1].public])
        place = (run[4].header.time, run[4].id)
        for query in (
            PostQuery(),
            PostQuery(before=place),
            PostQuery(after=place),
            PostQuery(since=1, until=2**47),
            PostQuery(channel="general", before=place),
            PostQuery(by=author, before=place),
            PostQuery(by=author, channel="general", before=place),
        ):
            replica.posts(query)
        replica.by_arrival(3, 5)
        replica.thread(replica.find(run[-1].id.hex())[0])
        replica.search("post from:ben in:general -answer", 5, before=30)
        replica.search("-answer -in:dev", 5)
        replica.keyed("k", NOW)
        replica.imported(["a", "b"])
        replica.cut_pages(log, None, tip, 10**6)
        replica.locator(log)
        replica.payloads([(log, 3, run[2].id)])
        replica.totals()
        replica.channels()
    Replica.open(tmp_path / "store").close()
    assert walks(tmp_path / "store", said) == set()
    assert len(said) > 50
