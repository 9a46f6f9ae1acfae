"""Whatever was acknowledged is there after SIGKILL at any time."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from p2pblog.protocol.log import Tip
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import World

ROOT = Path(__file__).parents[2]


def acknowledged(path: Path, start: int, lines: int) -> list[tuple[int, str]]:
    """Let a child append, and kill it once it has acknowledged `lines` entries."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.store.appender", str(path), str(start)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    with child, child.stdout as output:
        said = [output.readline() for _ in range(lines)]
        child.kill()
        said += output.readlines()
    whole = [line.split() for line in said if line.endswith(b"\n")]
    return [(int(seq), name.decode()) for seq, name in whole]


def kill_often(path: Path, kills: int) -> None:
    world, rng = World(1), random.Random(kills)
    world.replica(path).close()
    log = world.log_id(0)
    durable: dict[int, str] = {}
    for _ in range(kills):
        durable |= acknowledged(path, len(durable), rng.randrange(1, 60))
        with Replica.open(path) as replica:
            tip = replica.rows(False)[log][0]
            assert tip.seq >= max(durable)
            for seq, name in durable.items():
                found = replica.id_at(log, tip, seq)
                assert found is not None
                assert found.hex() == name
            pages = replica.cut_pages(log, None, tip, 10**9)
            assert pages[-1].last == Tip(tip.seq, tip.id)
            assert len(replica.posts(PostQuery(limit=10**6))) == tip.seq == replica.totals().posts
            assert len(replica.search("post", 10**6)) == tip.seq


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    kill_often(tmp_path / "store", 24)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path: Path) -> None:
    kill_often(tmp_path / "store", 200)
