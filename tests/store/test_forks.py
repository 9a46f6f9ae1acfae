"""Forks are kept and shown; incarnations have a limit."""

from __future__ import annotations

from pathlib import Path

from p2pblog.errors import Reason
from p2pblog.protocol.entry import Incarnation
from p2pblog.protocol.limits import MAX_INCARNATIONS
from p2pblog.protocol.log import Outcome
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World
from tests.support.logs import packed, tip


def test_both_sides_of_a_fork_are_read_and_grow(tmp_path: Path) -> None:
    world = World(2)
    trunk = world.posts(1, 5)
    branch = [world.post(1, trunk[2], "other 4")]
    branch.append(world.post(1, branch[-1], "other 5"))
    with world.replica(tmp_path / "store", [packed(trunk)]) as replica:
        (forked,) = replica.ingest([packed(trunk[1:3] + branch[:1])], NOW)
        assert (forked.outcome, forked.stored, forked.first_seq) == (Outcome.FORK, 1, 2)
        (grown,) = replica.ingest([packed(branch[1:])], NOW)
        assert (grown.outcome, grown.tip) == (Outcome.STORED, tip(branch[1]))
        assert len(replica.posts(PostQuery())) == 7
    with Replica.open(tmp_path / "store") as replica:
        assert replica.rows(False)[world.log_id(1)] == (tip(trunk[-1]), tip(branch[-1]))
        (known,) = replica.ingest([packed(trunk[2:3] + branch)], NOW)
        assert known.outcome is Outcome.KNOWN


def test_a_log_may_fork_at_its_first_entry(tmp_path: Path) -> None:
    world = World(2)
    one, other = world.post(1, None, "one"), world.post(1, None, "other")
    with world.replica(tmp_path / "store", [packed([one]), packed([other])]) as replica:
        assert replica.rows(False)[world.log_id(1)] == (tip(one), tip(other))


def test_a_device_has_at_most_64_incarnations(tmp_path: Path) -> None:
    world = World(2)
    pages = [
        packed([world.post(1, None, incarnation=Incarnation(number.to_bytes(8, "big")))])
        for number in range(MAX_INCARNATIONS + 1)
    ]
    with world.replica(tmp_path / "store") as replica:
        *fine, last = replica.ingest(pages, NOW)
        assert {result.outcome for result in fine} == {Outcome.STORED}
        assert last.reason is Reason.TOO_MANY_INCARNATIONS
        assert len(replica.rows(False)) == MAX_INCARNATIONS
        (again,) = replica.ingest(pages[-1:], NOW)
        assert again.reason is Reason.TOO_MANY_INCARNATIONS
