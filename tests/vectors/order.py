"""Times that writers give, flags, and sorted posts."""

import random
from typing import Any

from p2pblog.protocol import order
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS

NOW = 1_784_203_200_000
EDGES = (-1, 0, 1, CLOCK_TOLERANCE_MS - 1, CLOCK_TOLERANCE_MS, CLOCK_TOLERANCE_MS + 1, 10**10)


def _time(now: int, last: int, not_before: int) -> dict[str, int]:
    time = order.writer_time(now, last, not_before)
    return {"now": now, "last": last, "not_before": not_before, "header_time": time}


def _posts(rng: random.Random) -> dict[str, Any]:
    times = [NOW, NOW, NOW, NOW + 1, NOW - 5, 255, 256, 65536]
    posts = [order.Position(time, EntryId(rng.randbytes(32))) for time in times]
    posts.append(order.Position(NOW, EntryId(bytes(31) + b"\1")))
    told = [{"time": post.time, "id": post.id.hex()} for post in posts]
    return {"posts": told, "order": [posts.index(post) for post in sorted(posts)]}


def make(rng: random.Random) -> dict[str, Any]:
    times = [_time(NOW, 0, 0)]
    times += [_time(NOW, NOW + edge, 0) for edge in EDGES]
    times += [_time(NOW, 0, NOW + edge) for edge in EDGES]
    times += [_time(NOW, NOW + rng.choice(EDGES), NOW + rng.choice(EDGES)) for _ in range(12)]
    ahead = [
        {"time": NOW + edge, "now": NOW, "ahead": order.is_ahead(NOW + edge, NOW)} for edge in EDGES
    ]
    valid = [{"writer_times": times}, {"flags": ahead}, {"sorting": _posts(rng)}]
    return {"module": "order", "valid": valid, "invalid": []}
