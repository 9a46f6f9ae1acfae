"""Frontiers with their rows, summary and digest; pairs with the buckets that differ; bad rows."""

import random
from typing import Any

from p2pblog.protocol import codec, frontier
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.limits import BUCKETS
from p2pblog.protocol.log import Tip

Vector = dict[str, Any]
Tips = dict[LogId, tuple[Tip, ...]]


def _told(tips: Tips) -> list[Any]:
    return [[log.hex(), [[tip.seq, tip.id.hex()] for tip in tips[log]]] for log in sorted(tips)]


def _vector(name: str, tips: Tips, key: bytes, count: int = BUCKETS) -> Vector:
    return {
        "name": name,
        "key": key.hex(),
        "logs": _told(tips),
        "buckets": count,
        "rows": [codec.pack(row).hex() for row in frontier.rows_in(tips, range(count), count)],
        "summary": frontier.summary(tips, key, count).hex(),
        "digest": frontier.digest(tips, key).hex(),
    }


def make(rng: random.Random) -> Vector:
    key = rng.randbytes(64)

    def tip(seq: int) -> Tip:
        return Tip(seq, EntryId(rng.randbytes(32)))

    logs = [LogId(rng.randbytes(16)) for _ in range(5)]
    logs.append(LogId(logs[0][:1] + rng.randbytes(15)))
    tips: Tips = {log: (tip(rng.randrange(1, 1000)),) for log in logs}
    tips[logs[1]] = (tip(300), tip(7), tip(299))
    wide: Tips = {logs[0]: tuple(tip(seq) for seq in range(100, 166))}
    ahead = {**tips, logs[2]: (tip(1001),)}
    parted = {**tips, logs[3]: (Tip(tips[logs[3]][0].seq, EntryId(rng.randbytes(32))),)}
    fewer = {log: tips[log] for log in logs[1:]}
    valid = [
        _vector("nothing", {}, key),
        _vector("five logs in four buckets and one more, one with branches", tips, key),
        _vector("of 66 branches a row names 64", wide, key),
        _vector("the same logs in 512 buckets", tips, key, 512),
    ]
    for name, other in {
        "the same": tips,
        "one log ahead": ahead,
        "another branch of the same height": parted,
        "a log less": fewer,
    }.items():
        summaries = (frontier.summary(one, key, BUCKETS) for one in (tips, other))
        differ = frontier.differing(*summaries)
        valid.append(
            {"name": name, "key": key.hex(), "mine": _told(tips), "theirs": _told(other)}
            | {"differing": list(differ)}
        )
    bad: list[tuple[str, codec.Value, str]] = [
        ("a log id of 15 bytes", (bytes(15), ()), "bad_value"),
        ("height 0", (bytes(16), ((0, bytes(12)),)), "bad_value"),
        ("an id of 32 bytes", (bytes(16), ((1, bytes(32)),)), "bad_value"),
        ("65 tips", (bytes(16), ((1, bytes(12)),) * 65), "bad_value"),
        ("no tips", (bytes(16),), "bad_shape"),
        ("a third element", (bytes(16), (), 1), "bad_shape"),
    ]
    invalid = [
        {"name": name, "row": codec.pack(value).hex(), "reason": reason}
        for name, value, reason in bad
    ]
    return {"module": "frontier", "valid": valid, "invalid": invalid}
