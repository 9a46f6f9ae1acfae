"""Whole logs: pages taken one after the other and what became of each; locators."""

import random
from typing import Any

from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Entry
from p2pblog.protocol.log import locator_heights
from tests.support.logs import LogMaker, packed
from tests.support.replicas import ADMIT, Replica

Vector = dict[str, Any]


class _Held(Replica):
    """A replica that knows the author."""

    def __init__(self, author: SigningKey) -> None:
        super().__init__(1)
        known = Replica(2)
        known.signing = author
        self.operate(ADMIT, known)

    def step(self, run: list[Entry]) -> Vector:
        data = packed(run)
        taken = self.ingest(data)
        assert taken.log is not None
        log = self.logs.get(taken.log)
        ways = log.ways if log else []
        forked = any(way[-1].id == run[-1].id and len(way) >= len(taken.new) for way in ways)
        assert forked or not taken.new
        return {
            "page": data.hex(),
            "new": [made.id.hex() for made in taken.new],
            "tips": sorted([len(way), way[-1].id.hex()] for way in ways),
            **({"reason": taken.reason.value} if taken.reason else {}),
        }


def _log(name: str, author: SigningKey, runs: list[list[Entry]]) -> Vector:
    held = _Held(author)
    return {
        "name": name,
        "team": LogMaker().team.hex(),
        "steps": [held.step(run) for run in runs],
    }


def make(rng: random.Random) -> Vector:
    author = SigningKey(rng.randbytes(32))
    maker = LogMaker(author, rng=rng)
    main = maker.run(6)
    side = maker.run(2, main[2])
    anew = maker.run(1)
    more = maker.run(2, main[-1])
    crown = [maker.run(1, main[height]) for height in range(4)]
    valid = [
        _log("a chain in three pages", author, [main[:2], main[2:5], main[5:]]),
        _log("the same page again", author, [main[:3], main[:3], main[1:3]]),
        _log("a page that overlaps", author, [main[:4], main[2:]]),
        _log("a fork", author, [main, side, more]),
        _log("a fork that comes with what it shares", author, [main, [*main[:3], *side]]),
        _log("another first entry", author, [main[:2], anew]),
    ]
    locators = [
        {"name": f"the locator of {tip}", "tip": tip, "locator": locator_heights(tip)}
        for tip in (1, 2, 3, 4, 7, 20, 1000, 2**48)
    ]
    invalid = [
        _log("a page over a gap", author, [main[:2], main[3:]]),
        _log("the first page of a log starts at 2", author, [main[1:3]]),
        _log("a page after another's entry", author, [main, anew, maker.run(3, anew[0])[1:]]),
        _log("a fifth branch", author, [main, *crown]),
    ]
    for vector in invalid:
        vector["reason"] = vector["steps"][-1]["reason"]
    return {"module": "log", "valid": valid + locators, "invalid": invalid}
