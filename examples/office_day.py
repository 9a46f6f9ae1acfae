"""A day at an office: real daemons that find each other, post, lose touch, and catch up.

    python examples/office_day.py [--posts N] [--authors N] [--machines N] [--loopback]
                                  [--seed N] [--keep DIR]

Every machine is a process with a home of its own, in a network namespace where this machine allows
it (root and iproute2), else on loopback. The day replays a real chat where it lies beside the
repository, else a small history of its own. In the end all have the same posts in the same order,
byte for byte, or the exit code is 1. Nothing is left behind.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository: `examples` is in it
    from examples.office.day import main

    sys.exit(main())
