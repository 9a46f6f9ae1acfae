"""Run an async test: `run(main)` on a fresh trio loop, with a deadline that names the test."""

from collections.abc import Awaitable, Callable

import trio


def run(main: Callable[[], Awaitable[object]], seconds: float = 20.0) -> None:
    async def bounded() -> None:
        with trio.fail_after(seconds):
            await main()

    trio.run(bounded)
