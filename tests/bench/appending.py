"""Writing: durable posts one at a time, and an import, both as a client of the API has them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.post import Post
from p2pblog.store.replica import Author, Draft, Replica
from tests.bench import limits, posts
from tests.bench.daemons import daemons
from tests.bench.figures import Figure, Value, percentile
from tests.bench.homes import Place, Stock

BATCH = 512  # posts of a request, as `p2pblog import` sends them


def measure(place: Place) -> Iterator[Figure]:
    """One client, one post at a time; then `p2pblog import` of a file, the whole command."""
    stock, count = place.thousand(), place.size(1000, 50)
    raw = limits.fsync(place.folder)
    home, lines = place.copy(stock), place.new("lines.jsonl")
    many = _write_lines(lines, place.size(50_000, 1000))
    with daemons(home) as (daemon,):
        rng, taken = random.Random(1), []
        for _ in range(count):
            text = posts.text(rng)
            begun = time.perf_counter()
            daemon.post("/posts", {"text": text})
            taken.append(time.perf_counter() - begun)
        command = ("-m", "p2pblog", "--home", str(home.path), "import", str(lines))
        imported = many / (limits.whole_process(*command) / 1000)
    one, batch = _store_alone(place, stock, count, 1), _store_alone(place, stock, many, BATCH)
    beside = (*raw, Value("in the store, without the API", one, "posts/s"))
    what = "durable posts through the API, one client, one at a time"
    reach = "500/s where an fsync takes under 0.5 ms"
    yield Figure(what, count / sum(taken), "posts/s", beside, reach)
    yield Figure("one such post, median", 1000 * median(taken), "ms", tuple(raw))
    yield Figure("one such post, p99", 1000 * percentile(taken, 99), "ms", tuple(raw))
    beside = (*raw, Value("in the store, without the API", batch, "posts/s"))
    yield Figure(f"import of {many:,} posts", imported, "posts/s", beside, "15,000/s")


def _write_lines(path: Path, count: int) -> int:
    rng = random.Random("lines")
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps(_line(number, posts.text(rng))) + "\n")
    return count


def _line(number: int, text: str) -> dict[str, str]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_600_000_000 + 60 * number))
    more = {"channel": posts.CHANNELS[number % 5], "author": "Lee", "text": text}
    return {"id": f"m{number}", "time": moment, **more}


def _store_alone(place: Place, stock: Stock, count: int, batch: int) -> float:
    """Posts a second that the store signs and keeps, so many a commit."""
    home, rng = place.copy(stock), random.Random(2)
    firm = stock.firm
    author = Author(firm.founder.signing, firm.founder.incarnation)
    texts = [posts.text(rng) for _ in range(count)]
    with Replica.open(home.store) as replica:
        begun = time.perf_counter()
        for first in range(0, count, batch):
            drafts = [_draft(text, rng, batch > 1) for text in texts[first : first + batch]]
            replica.append(author, drafts, firm.team.time)
        return count / (time.perf_counter() - begun)


def _draft(text: str, rng: random.Random, covered: bool) -> Draft:
    body = Post(text, "general").pack()
    return Draft(Kind.POSTS, PayloadClass.POST, body, rng.randbytes(16), covered=covered)
