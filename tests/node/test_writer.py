"""The writer: what waits together is stored together, and each is told of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from p2pblog.errors import CantWrite
from p2pblog.node.courtesy import Courtesy
from p2pblog.node.writer import GATHER, REST, RETRY, Pages, Writer
from p2pblog.protocol import entry
from p2pblog.store.replica import Ingested
from tests.store.world import NOW, World
from tests.support.aio import run
from tests.support.logs import packed

LIVE = entry.Incarnation(b"live one")


def test_small_pages_of_several_peers_are_stored_together(tmp_path: Path) -> None:
    world = World(4)
    pages = [
        packed([world.post(author, None, f"by {author}", incarnation=LIVE)]) for author in range(4)
    ]
    told: list[tuple[bytes, int]] = []

    async def main() -> None:
        with world.replica(tmp_path / "store") as replica:
            writer = Writer(replica, world.author(0), lambda: NOW, Courtesy())
            before = replica.newest_arrival()

            def note(results: Sequence[Ingested], part: Pages) -> None:
                assert [result.stored for result in results] == [1]
                (data,) = part
                assert isinstance(data, bytes)
                told.append((data, replica.newest_arrival()))

            async with trio.open_nursery() as nursery:
                for data in pages:
                    nursery.start_soon(writer.ingest, [data], note)
            # all of them were committed when the first was told
            assert sorted(told) == sorted((data, before + len(pages)) for data in pages)

    run(main)


def test_small_pages_gather_while_a_transaction_is_rested_from(tmp_path: Path) -> None:
    world, clock = World(3), MockClock()
    pages = [
        packed([world.post(author, None, f"by {author}", incarnation=LIVE)]) for author in range(3)
    ]
    told: list[int] = []

    async def main() -> None:
        with world.replica(tmp_path / "store") as replica:
            writer = Writer(replica, world.author(0), lambda: NOW, Courtesy())
            before = replica.newest_arrival()

            def note(results: Sequence[Ingested], part: Pages) -> None:
                told.append(replica.newest_arrival() - before)
                clock.jump(GATHER / 2)  # so long did it take

            await writer.ingest(pages[:1], note)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer.ingest, pages[1:2], note)
                await wait_all_tasks_blocked()
                nursery.start_soon(writer.ingest, pages[2:], note)
                await wait_all_tasks_blocked()
                assert told == [1]
                clock.jump(GATHER)
            assert told == [1, 3, 3]

    trio.run(main, clock=clock)


def test_a_fault_lasts_until_something_is_written_and_that_is_tried(tmp_path: Path) -> None:
    world = World(1)

    async def main() -> None:
        with world.replica(tmp_path / "store") as replica:
            writer = Writer(replica, world.author(0), lambda: NOW, Courtesy())
            replica._database._writer.execute("PRAGMA query_only = on")  # as a disk gone read-only
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer.index)
                await trio.sleep(2 * REST)  # it is at rest
                with pytest.raises(CantWrite):
                    await writer.append([world.draft("refused")])
                await writer.call(replica.rest)  # has nothing to write
                assert writer.fault is not None
                await trio.sleep(REST + 2 * RETRY)
                assert writer.fault is not None
                replica._database._writer.execute("PRAGMA query_only = off")
                with trio.fail_after(100 * RETRY):
                    while writer.fault is not None:  # noqa: ASYNC110  # no event tells when a fault has ended
                        await trio.sleep(RETRY)
                nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0.05))
