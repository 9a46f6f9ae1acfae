"""Ours in the comparison of peers, the newcomer: `... tests.bench.peer_fresh DIR N FEEDS INFO`.

Starts with the team's log alone, gets every post from the author, and says how long it took until
all were stored and searchable. On `live K` it reads K posts as events of the API.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import cast

from p2pblog.cli.client import Client
from p2pblog.cli.events import position_of
from p2pblog.cli.records import Status
from tests.bench import homes
from tests.bench.daemons import until
from tests.bench.figures import percentile
from tests.bench.listener import Reader
from tests.bench.peer import commands, driven, firm_of, place_state, say, serve
from tests.bench.posts import vocabulary


def main(folder: str, feeds: int, info: str) -> None:
    firm = firm_of(feeds)
    home = homes.make(place_state(folder) / "home", firm, firm.newcomer)
    serve(home, "tests.bench.peer_fresh", info)


def drive(arguments: list[str]) -> None:
    home, (info,) = driven(arguments)
    author, client = json.loads(info), Client(home)
    count = int(author["posts"])

    def stored() -> bool:
        return cast(Status, client.get("/status"))["totals"]["posts"] >= count

    begun = time.perf_counter()
    client.request("POST", "/peers", {"address": f"127.0.0.1:{author['port']}"})
    until(stored, "stored")
    client.get("/search", {"q": vocabulary()[0][0], "limit": 1})  # waits for the index
    taken = time.perf_counter() - begun
    after = position_of(cast(Status, client.get("/status")))
    say("caught", secs=round(taken, 3), posts_s=round(count / taken))
    for words in commands():
        if words[:1] == ["live"]:
            reader = Reader(home, int(words[1]), 0, after)
            reader.start()
            reader.join()
            ages = [round(age, 2) for age in reader.ages]
            told = {"p50": median(ages), "p99": percentile(ages, 99), "max": max(ages)}
            say("live", n=len(ages), **told)
    client.request("POST", "/stop")


if __name__ == "__main__":
    if sys.argv[1] == "drive":
        drive(sys.argv[2:])
    else:
        main(sys.argv[1], int(sys.argv[3]), sys.argv[4])
