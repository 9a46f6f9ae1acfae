import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import trio
import trio.testing

from p2pblog.net import links
from p2pblog.net.links import News
from p2pblog.protocol.limits import LINK_POLL, RESUME_GAP
from tests.support.lan import Lan, needs_lan

UP = 0x1 | 0x40 | 0x10000


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(index: int, flags: int, kind: int = 16) -> bytes:
    return message(kind, struct.pack("=BxHiII", 0, 1, index, flags, 0))


def address(last: int, flags: int = 0, lifetime: int = 0, kind: int = 20) -> bytes:
    attributes = struct.pack("=HH4B", 8, 1, 10, 0, 0, last)
    attributes += struct.pack("=HHI", 8, 6, lifetime)
    return message(kind, struct.pack("=BBBBI", 2, 24, flags, 0, 2) + attributes)


def test_a_link_that_changes_is_news_and_its_statistics_are_not() -> None:
    news = News()
    assert news.hear(link(2, UP))
    assert not news.hear(link(2, UP | 0x1000))
    assert news.hear(link(2, 0x1))
    assert news.hear(link(3, UP))
    assert news.hear(link(3, 0, kind=17))


def test_a_lifetime_renewed_is_no_news() -> None:
    news = News()
    assert news.hear(address(7, lifetime=1))
    assert not news.hear(address(7, lifetime=2))
    assert news.hear(address(8, lifetime=1))


def test_an_address_that_is_no_longer_tentative_is_news() -> None:
    news = News()
    assert news.hear(address(7, flags=0x40))
    assert news.hear(address(7))


def test_an_address_removed_and_back_is_news_twice() -> None:
    news = News()
    news.hear(address(7))
    assert news.hear(address(7, kind=21))
    assert news.hear(address(7))


def test_every_message_of_a_datagram_is_noted() -> None:
    news = News()
    assert news.hear(link(2, UP) + address(7))
    assert not news.hear(address(7) + link(2, UP))


def test_truncated_messages_are_no_news() -> None:
    whole = link(2, UP)
    assert not any(News().hear(whole[:size]) for size in range(len(whole)))
    assert not News().hear(bytes(64))


def clock(values: Iterator[float]) -> Callable[[], float]:
    return lambda: next(values)


def test_a_machine_that_slept_looks_again() -> None:
    async def main() -> None:
        slept = iter([0.0, LINK_POLL, 2 * LINK_POLL + RESUME_GAP + 1])
        awake = iter([0.0, LINK_POLL, 2 * LINK_POLL])
        changed = trio.Event()
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                await links.watch(changed.set, wall=clock(slept), monotonic=clock(awake))

            nursery.start_soon(watch)
            await changed.wait()
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.05))


WATCHER = """
import trio
from p2pblog.net import links

async def main():
    async with trio.open_nursery() as nursery:
        await nursery.start(links.watch, lambda: print("changed", flush=True))
        print("watching", flush=True)

trio.run(main)
"""


@needs_lan
def test_the_kernel_tells_of_a_cable_pulled_and_put_back() -> None:
    with Lan(1) as lan:
        watcher = lan.popen(1, [sys.executable, "-c", WATCHER], stdout=subprocess.PIPE)
        assert watcher.stdout is not None
        with watcher.stdout:
            assert watcher.stdout.readline() == "watching\n"
            lan.unplug(1)
            assert watcher.stdout.readline() == "changed\n"
            lan.plug(1)
            assert watcher.stdout.readline() == "changed\n"
        watcher.kill()
        watcher.wait()
