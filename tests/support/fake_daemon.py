"""A process that stands for a daemon: `python -m tests.support.fake_daemon MODE --home DIR up ...`.

It serves the fake API until it is told to stop, or fails in the way that MODE names.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

from p2pblog.config import Home
from tests.support.fake_api import Team, serving


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("--home")
    parser.add_argument("up")
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args()
    if given.mode == "crash":
        sys.stderr.write("Traceback ...\nRuntimeError: the disk is on fire\n")
        return 1
    if given.mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if given.mode in ("locked", "refuse"):
        code = "home_locked" if given.mode == "locked" else "store_too_new"
        problem = {"code": code, "message": "It is taken", "hint": "Wait."}
        os.write(given.ready_fd, json.dumps(problem).encode() + b"\n")
        return 9
    team = Team()
    with serving(Home.resolve(given.home), team):
        os.write(given.ready_fd, b"ready\n")
        os.close(given.ready_fd)
        team.stopped.wait(20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
