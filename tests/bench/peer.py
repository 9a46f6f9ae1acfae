"""What our two programs in the comparison of peers share: a daemon in the process itself.

The measured process runs the daemon and nothing else; a child drives it as a client of its API, by
the lines that `bench.py` says and reads (see the README beside it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from p2pblog import daemon
from p2pblog.config import Home
from tests.bench.homes import Firm


def firm_of(feeds: int) -> Firm:
    """The same for both programs."""
    return Firm(feeds, seed=7)


def say(event: str, **more: object) -> None:
    """A line for `bench.py`."""
    print(json.dumps({"ev": event, **more}), flush=True)


def commands() -> Iterator[list[str]]:
    """The commands given, as words, until there are no more."""
    for line in sys.stdin:
        yield line.split()


def serve(home: Home, module: str, *arguments: str) -> None:
    """Run the daemon here, with a child of that module to drive it, until the child stops it."""
    ours, theirs = os.pipe()
    command = [sys.executable, "-m", module, "drive", str(home.path), str(ours), *arguments]
    with subprocess.Popen(command, pass_fds=[ours]) as child:
        os.close(ours)
        try:
            daemon.run(home, detach_ready_fd=theirs)
        finally:
            child.wait(10)


def driven(arguments: list[str]) -> tuple[Home, list[str]]:
    """In the child: the home, once its daemon is ready, and the other arguments."""
    path, ready, *others = arguments
    with os.fdopen(int(ready)) as pipe:
        if pipe.readline() != "ready\n":
            raise RuntimeError("the daemon does not start")
    return Home(Path(path)), others


def place_state(folder: str) -> Path:
    """The folder, made; what lies outside of homes is put beside it."""
    path = Path(folder).absolute()
    path.mkdir(parents=True)
    os.environ["XDG_STATE_HOME"] = str(path / "state")
    return path
