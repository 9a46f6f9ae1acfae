"""Reading among a million posts: as a client of the API sees it, and within the store.

Every question is asked at places all over the history, so that none is answered from what the one
before it had read.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from p2pblog.api.cursor import write_place
from p2pblog.store.records import PostQuery, PostView
from p2pblog.store.replica import Replica
from tests.bench import posts
from tests.bench.daemons import Daemon, daemons
from tests.bench.figures import Figure, Value, percentile
from tests.bench.homes import Place, Stock

LIMIT = 50
Ask = Callable[[], object]
Asks = dict[str, list[Ask]]  # by what is asked for: the same question of many places
FAMILIES = ("timeline page", "thread", "search")


def measure(place: Place) -> Iterator[Figure]:
    """Each question many times; the slowest form of each family is what counts."""
    stock, times = place.million(), place.size(200, 5)
    rng = random.Random("reading")
    home = place.copy(stock)
    with Replica.open(home.store) as replica:
        some = [replica.by_arrival(rng.randrange(stock.posts - 1), 1)[0] for _ in range(times)]
        within = {what: _timed(asks) for what, asks in _of_store(replica, stock, some).items()}
    with daemons(home) as (daemon,):
        nothing = _timed([lambda: daemon.get("/channels")] * times)
        seen = {what: _timed(asks) for what, asks in _of_api(daemon, stock, some).items()}
    empty = Value("an answer with next to nothing in it, p99", nothing[1], "ms")
    for family in FAMILIES:
        forms = [what for what in seen if what.startswith(family)]
        worst = max(forms, key=lambda what: seen[what][1])
        beside = (Value("within the store, p99", within[worst][1], "ms"), empty)
        what = f"{family}, the slowest form by p99"
        yield Figure(what, seen[worst][1], "ms", beside, "under 25 ms")
    for what, (middle, slowest) in seen.items():
        beside = (Value("p50", middle, "ms"), Value("within the store, p99", within[what][1], "ms"))
        yield Figure(f"{what}, p99", slowest, "ms", beside, "under 25 ms")


def _timed(asks: Sequence[Ask]) -> tuple[float, float]:
    """The median and the 99th percentile, ms."""
    taken = []
    for ask in asks:
        begun = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - begun))
    return median(taken), percentile(taken, 99)


def _searches(stock: Stock, times: int) -> dict[str, list[str]]:
    """What is looked for: words of every frequency, alone and together."""
    words, rng = posts.vocabulary()[0], random.Random("searches")
    marks = [posts.mark_of(writer) for writer in stock.firm.writers]
    return {
        "search, a word of one post": [rng.choice(marks) for _ in range(times)],
        "search, a rare word": [posts.RARE] * times,
        "search, a common word": [words[n % 20] for n in range(times)],
        "search, any word": [rng.choice(words) for _ in range(times)],
        "search, two common words": [f"{words[n % 9]} {words[n % 11 + 9]}" for n in range(times)],
        "search, a phrase of common words": [
            f'"{words[n % 5]} {words[n % 7]}"' for n in range(times)
        ],
        "search, prefix of 3 letters": [f"{rng.choice(words)[:3]}*" for _ in range(times)],
        "search, a word of an author": [f"from:Member {words[n % 20]}" for n in range(times)],
        "search, a word in a channel": [f"in:dev {words[n % 20]}" for n in range(times)],
    }


def _of_store(replica: Replica, stock: Stock, some: Sequence[PostView]) -> Asks:
    def page(**more: object) -> Ask:
        query = PostQuery(limit=LIMIT, **more)  # type: ignore[arg-type]  # the fields of a PostQuery
        return lambda: replica.posts(query)

    asks: Asks = {
        "timeline page, the newest": [page() for _ in some],
        "timeline page, any": [page(before=(post.time, post.id)) for post in some],
        "timeline page, any of a channel": [
            page(channel=post.channel, before=(post.time, post.id)) for post in some
        ],
        "timeline page, any of an author": [
            page(by=frozenset([post.device]), before=(post.time, post.id)) for post in some
        ],
        "thread": [lambda post=post: replica.thread(post) for post in some],  # type: ignore[misc]  # bound now
    }
    for what, words in _searches(stock, len(some)).items():
        asks[what] = [lambda word=word: replica.search(word, LIMIT) for word in words]  # type: ignore[misc]  # bound now
    return asks


def _of_api(daemon: Daemon, stock: Stock, some: Sequence[PostView]) -> Asks:
    def get(path: str, **query: str | int) -> Ask:
        return lambda: daemon.get(path, **query)

    def page(post: PostView, **more: str) -> Ask:
        return get("/posts", limit=LIMIT, before=write_place(post.time, post.id), **more)

    asks: Asks = {
        "timeline page, the newest": [get("/posts", limit=LIMIT) for _ in some],
        "timeline page, any": [page(post) for post in some],
        "timeline page, any of a channel": [page(post, channel=post.channel) for post in some],
        "timeline page, any of an author": [page(post, by=post.author) for post in some],
        "thread": [get(f"/posts/{post.id.hex()}/thread") for post in some],
    }
    for what, words in _searches(stock, len(some)).items():
        asks[what] = [get("/search", q=word, limit=LIMIT) for word in words]
    return asks
