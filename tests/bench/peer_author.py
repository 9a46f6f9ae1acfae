"""Ours in the comparison of peers, the author: `python -m tests.bench.peer_author DIR N FEEDS`.

Appends N posts in FEEDS logs, in batches, each signed and synced, as the others do by a library
call; then single posts through the API; then listens, and on `live K GAP` posts K of them.
"""

from __future__ import annotations

import random
import sys
import time

from p2pblog.cli.client import Client
from p2pblog.config import Home
from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.post import Post
from p2pblog.store.replica import Author, Draft, Replica
from tests.bench import homes, posts
from tests.bench.homes import Firm
from tests.bench.listener import stamped
from tests.bench.peer import commands, driven, firm_of, place_state, say, serve

BATCH = 1000  # as hypercore's
SINGLE = 1000  # posts one at a time


def main(folder: str, count: int, feeds: int) -> None:
    firm = firm_of(feeds)
    home = homes.make(place_state(folder) / "home", firm, firm.founder)
    rate = _append(home, firm, count)
    serve(home, "tests.bench.peer_author", str(rate))


def _append(home: Home, firm: Firm, count: int) -> int:
    """Posts a second, searchable, in as many logs as there are devices, in turns."""
    rng, each = random.Random("peers"), count // len(firm.devices)
    texts = [posts.text(rng) for _ in range(count)]
    now, size = time.time_ns() // 1_000_000, min(BATCH, each)
    begun = time.perf_counter()
    with Replica.open(home.store) as replica:
        for first in range(0, each, size):
            for number, device in enumerate(firm.devices):
                start = number * each + first
                drafts = [_draft(rng, text) for text in texts[start : start + size]]
                replica.append(Author(device.signing, device.incarnation), drafts, now)
            replica.index_search(homes.INDEX_BATCH)
        while replica.index_search(homes.INDEX_BATCH):
            pass
    return round(count / (time.perf_counter() - begun))


def _draft(rng: random.Random, text: str) -> Draft:
    return Draft(Kind.POSTS, PayloadClass.POST, Post(text, "general").pack(), rng.randbytes(16))


def drive(arguments: list[str]) -> None:
    home, (rate,) = driven(arguments)
    client = Client(home)
    rng = random.Random("single")
    texts = [posts.text(rng) for _ in range(SINGLE)]
    begun = time.perf_counter()
    for text in texts:
        client.request("POST", "/posts", {"text": text})
    single = round(SINGLE / (time.perf_counter() - begun))
    say("append", posts_s=int(rate), single_posts_s=single, batch=BATCH)
    status = client.get("/status")
    assert isinstance(status, dict)
    port, held = status["port"], status["totals"]["posts"]
    say("listening", info={"port": port, "posts": held})
    for words in commands():
        if words[:1] == ["live"]:
            for _ in range(int(words[1])):
                client.request("POST", "/posts", {"text": stamped()})
                time.sleep(int(words[2]) / 1000)  # the pace that was ordered
    client.request("POST", "/stop")


if __name__ == "__main__":
    if sys.argv[1] == "drive":
        drive(sys.argv[2:])
    else:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
