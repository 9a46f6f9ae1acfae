"""Bulk waits while somebody posts; posts don't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from p2pblog.node.courtesy import CALM, PATIENCE, SHORT, UNNOTICED, Courtesy, timed
from p2pblog.protocol.crypto import DeviceKey

ONE, OTHER = DeviceKey(b"1" * 32), DeviceKey(b"2" * 32)


def run(main: Callable[[], Awaitable[None]]) -> None:
    """On virtual time."""
    trio.run(main, clock=MockClock(autojump_threshold=0))


async def waited(courtesy: Courtesy, device: DeviceKey, spent: float, **how: bool) -> float:
    """How long a device waits after so much work."""
    began = trio.current_time()
    courtesy.account(device).owe(spent)
    await courtesy.account(device).pay(**how)
    return trio.current_time() - began


def test_when_nobody_posts_bulk_has_the_machine() -> None:
    async def main() -> None:
        assert await waited(Courtesy(), ONE, 10.0) == 0.0
        assert await waited(Courtesy(), ONE, 10.0, always=True) == pytest.approx(10.0)

    run(main)


def test_while_somebody_posts_bulk_gets_a_quarter() -> None:
    async def main() -> None:
        courtesy = Courtesy()
        courtesy.posting()
        assert await waited(courtesy, ONE, 0.1) == pytest.approx(PATIENCE * 0.1)
        await trio.sleep(2 * CALM)
        assert await waited(courtesy, ONE, 0.1) == 0.0

    run(main)


def test_what_is_done_beside_others_counts_only_while_somebody_posts() -> None:
    async def main() -> None:
        courtesy = Courtesy()
        account = courtesy.account(ONE)
        account.owe_bulk(10.0)
        assert await waited(courtesy, ONE, 0.0, always=True) == 0.0
        courtesy.posting()
        account.owe_bulk(0.1)
        assert await waited(courtesy, ONE, 0.0) == pytest.approx(PATIENCE * 0.1)

    run(main)


def test_the_sessions_of_a_device_wait_one_after_the_other() -> None:
    async def main() -> None:
        courtesy, ends = Courtesy(), list[float]()
        courtesy.posting()
        began = trio.current_time()

        async def work() -> None:
            await waited(courtesy, ONE, 0.1)
            ends.append(trio.current_time() - began)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(work)
        assert ends == pytest.approx([0.3, 0.6, 0.9, 1.2])

    run(main)


def test_what_a_post_costs_is_never_waited_for() -> None:
    async def main() -> None:
        courtesy = Courtesy()
        for _ in range(200):  # 50 a second, each 2 ms of work
            courtesy.posting()
            assert await waited(courtesy, OTHER, 0.002) == 0.0
            await trio.sleep(0.02)

    run(main)


def test_another_device_that_is_busy_delays_by_its_share_only() -> None:
    async def main() -> None:
        courtesy = Courtesy()
        courtesy.posting()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waited, courtesy, ONE, 50.0)
            await trio.lowlevel.checkpoint()
            assert await waited(courtesy, OTHER, 2 * SHORT) < 10 * SHORT
            nursery.cancel_scope.cancel()

    run(main)


def test_work_is_timed_by_what_it_takes_of_the_processor() -> None:
    result, spent = timed(sum, range(1000))
    assert result == 499500
    assert 0 <= spent < 1 / UNNOTICED
