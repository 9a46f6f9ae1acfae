"""Keeps optional services running: mDNS, gateways, the page. The type of an error decides.

A `DiskError` ends the daemon. What the network or the system did is logged in a line, a bug of ours
with its traceback; either way the service starts again after a pause. Essential services are not
run through here: what they raise ends the daemon.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import trio

from p2pblog.errors import DiskError, PeerError

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
SETTLED = 120.0  # seconds after which a service counts as running well


async def keep_running(name: str, service: Callable[[], Awaitable[None]]) -> None:
    """Run `service` until cancelled, again whenever it ends."""
    pause = FIRST_PAUSE
    while True:
        started = trio.current_time()
        try:
            await service()
            why = "ended"
        except (OSError, PeerError) as error:
            why = str(error) or type(error).__name__
        except DiskError:
            raise
        except Exception as error:  # the one place where a bug is survived
            log.exception("crash service=%s", name)
            why = type(error).__name__
        if trio.current_time() - started > SETTLED:
            pause = FIRST_PAUSE
        log.warning("restart service=%s in=%.0fs why=%s", name, pause, why)
        await trio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
