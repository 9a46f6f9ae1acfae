"""`python -m tests.hostile [SECONDS [NAME ...]]`: every attack for so long each, as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.hostile.attacks import ATTACKS
from tests.hostile.run import Row, play
from tests.support.arguments import at_least

HEAD = ("attack", "blows", "live p50, p99, calm p99", "victim grows by", "its processor", "tries")


def cells(row: Row) -> Sequence[str]:
    """A row of the table."""
    load, attack = row.load, row.attack
    return (
        attack.name,
        f"{row.blows:,}",
        f"{load.p50:.0f}, {load.p99:.0f}, {row.calm:.0f} ms",
        f"{load.grown:.0f} MB of {attack.memory}",
        f"{load.busy:.0f} %",
        attack.tries(),
    )


def show(texts: Sequence[str]) -> None:
    """As a row in Markdown."""
    print(f"| {' | '.join(texts)} |", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Print it as it comes; how many attacks did more than they may."""
    names = [one.name for one in ATTACKS]
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument(
        "seconds", nargs="?", type=at_least(1.0), default=20.0, metavar="SECONDS", help="of each"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(names)
    if unknown:
        parser.error(f"no such attack: {', '.join(unknown)}; there are: {', '.join(names)}")
    chosen, failed = [one for one in ATTACKS if one.name in (given.names or names)], 0
    show(HEAD)
    show(["---"] * len(HEAD))
    for row in play(chosen, given.seconds):
        show(cells(row))
        failed += bool(row.faults())
        for fault in row.faults():
            print(f"FAULT: {fault}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
