"""The store alone, in one process: what ingest, indexing, appending and reading cost."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from p2pblog.protocol import entry, page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Header, Kind, PayloadClass, TeamId
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES
from p2pblog.protocol.log import Tip
from p2pblog.protocol.post import Post, Reference
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World
from tests.support.logs import INCARNATION, START, packed

LOGS = 10
BATCH = 8  # pages a transaction, as the node does it
LETTERS = 200
CHANNELS = ("general", "dev", "sales", "random", "support")
INDEX_BATCH = 5000
RARE = "xylophone"

Row = tuple[str, float | dict[str, float]]  # what it is, posts a second, bytes or ms


class Texts:
    """Made-up texts of 200 letters with words as frequent as words are (Zipf)."""

    def __init__(self, rng: random.Random) -> None:
        letters = "etaoinshrdlcumwfgypbvk"
        self._rng = rng
        self._words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(40_000)]
        total, self._weights = 0.0, []
        for rank in range(len(self._words)):
            total += 1 / (rank + 3)
            self._weights.append(total)

    def common(self, rank: int) -> str:
        return self._words[rank]

    def next(self) -> str:
        words = self._rng.choices(self._words, cum_weights=self._weights, k=48)
        return " ".join(words)[:LETTERS]


def _log(
    signing: SigningKey, team: TeamId, count: int, rng: random.Random, texts: Texts
) -> Iterator[bytes]:
    before, moment, reply = NO_BACKLINK, START, None
    for first in range(0, count, MAX_PAGE_ENTRIES):
        headers: list[bytes] = []
        payloads: list[bytes] = []
        for seq in range(first + 1, min(first + MAX_PAGE_ENTRIES, count) + 1):
            moment += rng.randrange(1000, 60_000)
            text = texts.next() if rng.random() > 1e-4 else f"{RARE} {texts.next()}"
            answered = reply if rng.random() < 0.1 else None
            payload = rng.randbytes(16) + Post(text, rng.choice(CHANNELS), answered).pack()
            fields = (1, signing.public, INCARNATION, Kind.POSTS, seq, before, moment)
            hashed = (PayloadClass.POST, entry.payload_hash(payload), len(payload))
            headers.append(Header(*fields, *hashed).pack())
            payloads.append(payload)
            before = entry.entry_id(headers[-1])
            reply = Reference(moment, before)
        signature = signing.sign(entry.signed_bytes(team, headers[-1]))
        yield page.pack(headers, payloads, [signature])


def _pages(world: World, posts: int) -> Iterator[list[bytes]]:
    rng = random.Random("bench")
    texts = Texts(random.Random("texts"))
    logs = [_log(key, world.team_id, posts // LOGS, rng, texts) for key in world.keys[:LOGS]]
    batch: list[bytes] = []
    while logs:
        for log in list(logs):
            made = next(log, None)
            if made is None:
                logs.remove(log)
                continue
            batch.append(made)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _timed(function: Callable[[], object], times: int) -> tuple[float, float]:
    """The median and the 99th percentile, in ms."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]


def _told(taken: tuple[float, float]) -> dict[str, float]:
    return {"p50_ms": round(taken[0], 2), "p99_ms": round(taken[1], 2)}


def main(arguments: list[str]) -> None:
    """Print the figures for a store of so many posts."""
    posts = int(arguments[0]) if arguments else 100_000
    print(json.dumps({"posts stored": posts} | dict(rows(posts)), indent=1))


def rows(posts: int) -> Iterator[Row]:
    """Each figure as it is measured."""
    world = World(LOGS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        with world.replica(path) as replica:
            yield from _ingest(world, replica, posts)
            yield from _reading(world, replica)
            yield from _serving(replica)
            yield from _appending(world, replica)
        yield "bytes on disk a post", round(path.stat().st_size / posts)
        yield "open", _told(_timed(lambda: Replica.open(path).close(), 5))


def _ingest(world: World, replica: Replica, posts: int) -> Iterator[Row]:
    spent = indexing = 0.0
    for batch in _pages(world, posts):
        start = time.perf_counter()
        results = replica.ingest(batch, NOW)
        spent += time.perf_counter() - start
        assert all(result.stored for result in results)
        start = time.perf_counter()
        replica.index_search(INDEX_BATCH)
        indexing += time.perf_counter() - start
    start = time.perf_counter()
    while replica.index_search(INDEX_BATCH):
        pass
    indexing += time.perf_counter() - start
    yield "posts/s ingested, verified", round(posts / spent)
    yield "posts/s indexed", round(posts / indexing)
    yield "posts/s ingested, verified and searchable", round(posts / (spent + indexing))


def _reading(world: World, replica: Replica) -> Iterator[Row]:
    texts = Texts(random.Random("texts"))
    newest = replica.posts(PostQuery(limit=1))[0]
    middle = (newest.time // 2 + START // 2, newest.id)
    author = frozenset([world.keys[3].public])
    some = replica.by_arrival(replica.newest_arrival() // 2, 200)
    answer = next(post for post in some if post.reply_to)
    common, other = texts.common(0), texts.common(1)
    asks: dict[str, Callable[[], object]] = {
        "posts": lambda: replica.posts(PostQuery()),
        "posts, deep": lambda: replica.posts(PostQuery(before=middle)),
        "posts of a channel": lambda: replica.posts(PostQuery(channel="dev")),
        "posts of an author": lambda: replica.posts(PostQuery(by=author)),
        "posts of an author in a channel": lambda: replica.posts(
            PostQuery(channel="dev", by=author)
        ),
        "posts by arrival": lambda: replica.by_arrival(some[0].arrival, 50),
        "find, 4 digits": lambda: replica.find(answer.id.hex()[:4]),
        "find, 8 digits": lambda: replica.find(answer.id.hex()[:8]),
        "thread": lambda: replica.thread(answer),
        "search, a rare word": lambda: replica.search(RARE, 50),
        "search, a common word": lambda: replica.search(common, 50),
        "search, two common words": lambda: replica.search(f"{common} {other}", 50),
        "search, a phrase of common words": lambda: replica.search(f'"{common} {other}"', 50),
        "search, a common word of an author": lambda: replica.search(f"from:emil {common}", 50),
        "search, a rare word in a channel": lambda: replica.search(f"in:dev {RARE}", 50),
        "search, prefix of 3 letters": lambda: replica.search(f"{common[:2]}e*", 50),
        "search, prefix of 2 letters": lambda: replica.search("et*", 50),
        "search, a word excluded": lambda: replica.search(f"{RARE} -{common}", 50),
        "search, only a word excluded": lambda: replica.search(f"-{common}", 50),
        "channels": replica.channels,
        "totals": replica.totals,
    }
    for name, ask in asks.items():
        yield name, _told(_timed(ask, 30))


def _serving(replica: Replica) -> Iterator[Row]:
    spent, count = 0.0, 0
    for log, (tip,) in replica.rows(False).items():
        after: Tip | None = None
        while after != tip:
            start = time.perf_counter()
            served = replica.cut_pages(log, after, tip, 2 * 1024 * 1024)
            spent += time.perf_counter() - start
            count += sum(one.entries for one in served)
            after = served[-1].last
    yield "posts/s cut into pages", round(count / spent)
    log, (tip,) = next(iter(replica.rows(False).items()))
    yield "locator", _told(_timed(lambda: replica.locator(log), 100))


def _appending(world: World, replica: Replica) -> Iterator[Row]:
    made = iter(range(10**9))

    def append() -> None:
        replica.append(world.author(0), [world.draft(f"post {next(made)} " * 15)], NOW)

    yield "append", _told(_timed(append, 1000))
    live: list[entry.Entry] = []

    def ingest() -> None:
        live.append(world.post(5, live[-1] if live else None, "live " * 40, incarnation=LIVE))
        replica.ingest([packed(live[-1:])], NOW)

    yield "ingest of one post", _told(_timed(ingest, 1000))


LIVE = entry.Incarnation(b"live one")
