"""Views can be made anew from the entries at any time, and come out the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from p2pblog.protocol import page
from p2pblog.protocol.entry import Entry, Kind, PayloadClass
from p2pblog.protocol.post import Cause, Opening, Source
from p2pblog.store.records import PostQuery, TextState
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World, made, stored
from tests.support.logs import packed


def views_of(replica: Replica, *, check: bool = False) -> dict[str, Any]:
    """What every view says; with `check`, also that it says the same when it is made anew."""
    while replica.index_search(7):
        pass
    origins = [f"line {number}" for number in range(10)]
    said = {
        "posts": replica.posts(PostQuery(limit=1000)),
        "arrivals": replica.by_arrival(0, 1000),
        "channels": replica.channels(),
        "totals": replica.totals(),
        "origins": replica.imported(origins),
        "search": replica.search("post", 1000),
        "threads": [replica.thread(post) for post in replica.posts(PostQuery(limit=1000))],
        "ids": [replica.find(post.id.hex()[:4]) for post in replica.by_arrival(0, 1000)],
    }
    if check:
        replica.rebuild_views()
        assert views_of(replica) == said
    return said


def some_of_everything(world: World) -> list[bytes]:
    first = world.posts(1, 4)
    first.append(world.post(1, first[-1], "post with an answer", reply=first[0], channel="dev"))
    first.append(made(world.keys[1], world.team_id, first[-1], b"no post", rng=world.rng))
    newer = made(world.keys[1], world.team_id, first[-1], b"?", payload_class=99, rng=world.rng)
    first.append(newer)
    second: list[Entry] = []
    opening = Opening(Cause.RESTORED, ()).pack()
    second.append(
        made(
            world.keys[2],
            world.team_id,
            None,
            opening,
            payload_class=PayloadClass.OPENING,
            rng=world.rng,
        )
    )
    for number in (1, 2, 1):
        source = Source("Old Hand", NOW - 10**6, f"line {number}")
        second.append(world.post(2, second[-1], "post from elsewhere", source=source))
    odd = made(world.keys[0], world.team_id, None, b"?", kind=5, rng=world.rng)
    payloads = [entry.payload if entry.header.seq != 2 else None for entry in first]
    missing = page.pack([m.header_bytes for m in first], payloads, [first[-1].signature])
    return [missing, packed(second), packed([odd])]


def test_views_made_anew_are_the_same(tmp_path: Path) -> None:
    world = World(3)
    with world.replica(tmp_path / "store", some_of_everything(world)) as replica:
        replica.append(world.author(0), [world.draft("post of our own")], NOW)
        said = views_of(replica, check=True)
        assert len(said["posts"]) == 11
        assert said["totals"].entries == 13 + len(world.team_log)
        assert [channel.name for channel in said["channels"]] == ["dev", "general"]
        assert set(said["origins"]) == {"line 1", "line 2"}


def test_what_can_not_be_read_is_shown_as_such(tmp_path: Path) -> None:
    world = World(3)
    with world.replica(tmp_path / "store", some_of_everything(world)) as replica:
        by_state = [post.state for post in replica.posts(PostQuery())]
        assert by_state.count(TextState.NEWER) == 2
        assert by_state.count(TextState.MISSING) == 1
        assert {world.log_id(0, kind=5), world.log_id(1)} <= set(replica.rows(False))
        assert world.log_id(0, kind=Kind.TEAM) not in replica.rows(False)


def test_an_interrupted_rebuild_starts_over_when_opened(tmp_path: Path) -> None:
    world = World(3)
    with world.replica(tmp_path / "store", some_of_everything(world)) as replica:
        said = views_of(replica)
    with sqlite3.connect(tmp_path / "store") as connection:
        connection.execute("UPDATE store SET views = 0, posts = 0")
        connection.execute("DELETE FROM posts WHERE arrival > 14")
    connection.close()
    with Replica.open(tmp_path / "store") as replica:
        assert views_of(replica) == said


def test_posts_go_on_arriving_after_a_rebuild(tmp_path: Path) -> None:
    world = World(3)
    run = world.posts(1, 4)
    with world.replica(tmp_path / "store", [packed(run[:2])]) as replica:
        replica.rebuild_views()
        stored(replica, packed(run[2:]))
        assert len(replica.search("post", 10)) == 4
        assert replica.channels()[0].posts == 4
