"""A reader of events, as a process of its own: `python -m tests.bench.listener COUNT HOME ...`.

Waits on each home for so many posts written elsewhere whose text says when, and prints how many
milliseconds each took: one JSON list a home, in their order. Says `ready` first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from p2pblog.cli.client import Client
from p2pblog.cli.events import follow, position_of
from p2pblog.cli.records import Status
from p2pblog.config import Home

LETTERS = 200


def stamped(by: int = -1) -> str:
    """A text that says when it was written, on the clock that all processes share, and where."""
    return f"LIVE {1000 * time.monotonic():.3f} {by} ".ljust(LETTERS, "x")


def age(text: str, reader: int) -> float | None:
    """Milliseconds since it was written; None for any other text, and for one of the reader's."""
    now, words = 1000 * time.monotonic(), text.split()
    return now - float(words[1]) if words[0] == "LIVE" and words[2] != str(reader) else None


class Reader(threading.Thread):
    """Reads the events of a home, until it has as many posts as it waits for.

    From the position `after` on, else from now on.
    """

    def __init__(self, home: Home, count: int, number: int, after: str = "") -> None:
        super().__init__(daemon=True)
        self.ages: list[float] = []
        self.ready = threading.Event()
        self._home = home
        self._count = count
        self._number = number
        self._after = after

    def run(self) -> None:
        after = self._after or position_of(cast(Status, Client(self._home).get("/status")))
        self.ready.set()
        if self._count:
            for event in follow(Client(self._home), after):
                late = age(event.post()["text"], self._number) if event.name == "post" else None
                if late is not None:
                    self.ages.append(late)
                if len(self.ages) == self._count:
                    return


@contextmanager
def listening(counts: Sequence[tuple[Home, int]]) -> Iterator[Callable[[], list[list[float]]]]:
    """The process, ready; what is given waits for it, and is the ages of each home's posts, ms."""
    each = [text for home, count in counts for text in (str(count), str(home.path))]
    command = [sys.executable, "-m", "tests.bench.listener", *each]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        assert lines.readline() == "ready\n"

        def result() -> list[list[float]]:
            found: list[list[float]] = json.loads(lines.readline())
            return found

        try:
            yield result
        finally:
            process.kill()


def main(arguments: list[str]) -> None:
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    each = enumerate((Home(Path(path)), int(count)) for count, path in pairs)
    readers = [Reader(home, count, number) for number, (home, count) in each]
    for reader in readers:
        reader.start()
        reader.ready.wait()
    print("ready", flush=True)
    for reader in readers:
        reader.join()
    print(json.dumps([reader.ages for reader in readers]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
