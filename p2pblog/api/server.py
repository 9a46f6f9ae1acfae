"""The server of the local API: it opens doors, serves them, and stops cleanly.

A connection is a task of its own; a slow or broken client costs that task only. On cancellation
the doors close, idle connections and event streams end, and requests at work have `STOP_GRACE` to
finish. A bug in a handler is not caught: it ends the daemon. Spec: `protocol/api.md`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import trio

from p2pblog.api.context import Api
from p2pblog.api.doors import OpenDoor, TcpDoor, UnixDoor
from p2pblog.api.exchange import Terms
from p2pblog.api.hall import Hall, Porter
from p2pblog.api.limits import MAX_IMPORTS
from p2pblog.api.openapi import document
from p2pblog.node.service import Service

__all__ = ["OpenDoor", "TcpDoor", "UnixDoor", "serve"]

log = logging.getLogger(__name__)


def wall_clock() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


async def serve(
    service: Service,
    doors: Sequence[UnixDoor | TcpDoor],
    *,
    now: Callable[[], int] = wall_clock,
    task_status: trio.TaskStatus[Sequence[OpenDoor]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `service` on `doors` until cancelled; started with the open doors.

    Raises `UserError`s where a door can't be opened. `now` is the wall clock in ms.
    """
    hall = Hall()
    imports = trio.CapacityLimiter(MAX_IMPORTS)
    drawn = document()
    with _open(doors) as opened:
        async with trio.open_nursery() as nursery:
            for door in opened:
                api = Api(service, now, drawn, door.start_token)
                porter = Porter(hall, Terms(api, door.guarded, imports, hall.pausing))
                accept = partial(trio.serve_listeners, handler_nursery=nursery)
                listener = trio.SocketListener(trio.socket.from_stdlib_socket(door.listening))
                nursery.start_soon(accept, porter.admit, [listener])
            task_status.started(opened)
            try:
                await trio.sleep_forever()
            finally:
                hall.close()


@contextmanager
def _open(doors: Sequence[UnixDoor | TcpDoor]) -> Iterator[Sequence[OpenDoor]]:
    opened: list[OpenDoor] = []
    try:
        for door in doors:
            opened.append(door.open())
            log.info("open door=%s port=%d", type(door).__name__, opened[-1].port)
        yield opened
    finally:
        for open_door in opened:
            open_door.listening.close()
            open_door.close()
