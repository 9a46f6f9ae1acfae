"""Live: a post on one daemon until an API client of another reads it, on loopback.

Beside it, in the same run: whole processes of `p2pblog post` and `read` against a bare interpreter
that imports click, and what two idle daemons take.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from p2pblog.cli.client import Client
from p2pblog.cli.events import follow, position_of
from p2pblog.config import Home
from tests.bench.catchup import call, make_home, peak_memory, start
from tests.support.teams import TeamBuilder

GAP = 0.02  # seconds between posts: calm
IDLE = 10.0  # seconds of watching idle daemons
RUNS = 11


def latencies(one: Home, other: Home, posts: int) -> tuple[list[float], list[float]]:
    """Milliseconds until each post was read elsewhere, and until it was durable here."""
    after = position_of(call(other, "GET", "/status"))
    read_at: dict[str, float] = {}
    done = threading.Event()

    def read() -> None:
        for event in follow(Client(other), after):
            if event.name == "post":
                read_at[event.post()["text"]] = time.perf_counter()
                if len(read_at) == posts:
                    done.set()
                    return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.3)
    client, sent, durable = Client(one), {}, []
    for number in range(posts):
        text = f"post number {number}"
        sent[text] = time.perf_counter()
        client.request("POST", "/posts", {"text": text})
        durable.append(1000 * (time.perf_counter() - sent[text]))
        time.sleep(GAP)
    assert done.wait(20), f"{len(read_at)} of {posts} arrived"
    client.close()
    return [1000 * (read_at[text] - began) for text, began in sent.items()], durable


def whole(*command: str) -> float:
    """Median milliseconds of a whole process."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(posts: int = 300) -> dict[str, object]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        team = TeamBuilder(random.Random(2))
        founder = team.found()
        second = team.join(founder, "Bob")
        one = make_home(folder / "one", team, founder, team.pages())
        other = make_home(folder / "other", team, second, team.pages())
        processes = [start(one), start(other)]
        try:
            port = call(one, "GET", "/status")["port"]
            call(other, "POST", "/peers", {"address": f"127.0.0.1:{port}"})
            while not call(one, "GET", "/status")["peers"]:
                time.sleep(0.05)
            took, durable = latencies(one, other, posts)
            home = ("-m", "p2pblog", "--home", str(one.path))
            posting, reading = whole(*home, "post", "hello"), whole(*home, "read", "--limit", "20")
            bare = whole("-c", "import click")
            time.sleep(1)
            before = [cpu(p.pid) for p in processes]
            time.sleep(IDLE)
            idle = [cpu(p.pid) - was for p, was in zip(processes, before, strict=True)]
            memory = max(peak_memory(process) for process in processes)
            for home_of in (one, other):
                call(home_of, "POST", "/stop")
            for process in processes:
                process.wait(10)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        cuts = quantiles(took, n=100)
        return {
            "live_ms_p50": round(median(took), 1),
            "live_ms_p99": round(cuts[98], 1),
            "durable_ms_p50": round(median(durable), 1),
            "post_process_ms": round(posting),
            "read_process_ms": round(reading),
            "bare_click_ms": round(bare),
            "idle_cpu_percent": round(100 * max(idle) / IDLE, 2),
            "peak_mb": memory,
        }


def main(arguments: list[str]) -> None:
    """Print the figures as JSON."""
    print(json.dumps(run(int(arguments[0]) if arguments else 300)))
