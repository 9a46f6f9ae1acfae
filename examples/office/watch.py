"""How soon a post is readable on the other machines: each is watched through its event stream."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final

from examples.office.machine import Machine, Trouble
from p2pblog.cli import events
from p2pblog.cli.api import Api
from p2pblog.errors import P2pblogError

PATIENCE: Final = 20.0  # seconds without any news


class Watch(threading.Thread):
    """Notes when each of the next `count` posts came to a machine."""

    def __init__(self, machine: Machine, count: int) -> None:
        super().__init__(daemon=True)
        self.machine = machine
        self.seen: dict[str, float] = {}
        self._count = count
        self._after = events.position_of(machine.ask(Api.status))

    def run(self) -> None:
        """Until all have come, or nothing comes any more."""
        with self.machine.api() as api, suppress(TimeoutError, P2pblogError):
            for event in events.follow(api.client, self._after, timeout=PATIENCE):
                if event.name == "post":
                    self.seen[event.post()["id"]] = time.monotonic()
                if len(self.seen) == self._count:
                    return


def latencies(machines: Sequence[Machine], count: int, pause: float) -> list[float]:
    """Post live on each machine in turn; seconds from the call until readable on each other one."""
    watches = [Watch(machine, count) for machine in machines]
    for watch in watches:
        watch.start()
    posted: dict[str, tuple[Machine, float]] = {}
    with ExitStack() as stack:
        clients = [stack.enter_context(machine.api()) for machine in machines]
        for number in range(count):
            place = number % len(machines)
            started = time.monotonic()
            text = f"Live post {number + 1} from {machines[place].name}"
            made = clients[place].post(text, "live", None, os.urandom(16).hex())
            posted[made["id"]] = machines[place], started
            time.sleep(pause)  # people, not a load test
    for watch in watches:
        watch.join(PATIENCE + 5)
        if missing := len(posted.keys() - watch.seen.keys()):
            raise Trouble(f"{missing} live posts did not come to {watch.machine.name}")
    return sorted(
        watch.seen[post] - started
        for watch in watches
        for post, (machine, started) in posted.items()
        if watch.machine is not machine
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
