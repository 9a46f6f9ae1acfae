"""`python -m tests.bench [NAME ...] [--small] [--runs N] [--json FILE] [--shared DIR]`.

Without a name, every row of the table; `profile` and `growth` are apart. Prints a table in
Markdown; writes JSON where a file is named. `--small` only shows that it works. `--shared` is a
folder with the programs of the peers, installed.
`peers --shared DIR [PEER ...]` compares us with all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    appending,
    catchup,
    commands,
    growth,
    live,
    machine,
    nearly,
    peers,
    profile,
    reading,
    resting,
)
from tests.bench.figures import HEAD, Figure, Line, gathered, table, told
from tests.bench.homes import Place, place
from tests.support.arguments import at_least

ROWS: dict[str, Callable[[Place], Iterator[Figure]]] = {
    "catchup": catchup.measure,
    "million": catchup.measure_million,
    "nearly": nearly.measure,
    "live": live.measure,
    "appending": appending.measure,
    "commands": commands.measure,
    "resting": resting.measure,
    "idle": resting.measure_idle,
    "reading": reading.measure,
}
APART = {"profile": profile.measure, "growth": growth.measure}  # only when they are named
EVERY = ROWS | APART
RUNS = 3


def main(arguments: list[str]) -> None:
    """Measure, print, write.

    Processes keep their bytecode, as that of an installed program is kept: else each would compile
    the sources anew, which takes longer than all the rest of a start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if arguments[:1] == ["peers"]:
        compare(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(EVERY)}")
    parser.add_argument("--small", action="store_true", help="only to see that it works")
    parser.add_argument("--runs", type=at_least(1), help=f"{RUNS}, or 1 with --small")
    parser.add_argument("--json", type=Path, help="write the figures of all runs to this file")
    parser.add_argument("--shared", type=_folder, help="the peers' programs, installed")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(EVERY)
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are: {', '.join(EVERY)}")
    runs = given.runs or (1 if given.small else RUNS)
    shared = given.shared.absolute() if given.shared else None
    with place(given.small, shared) as where:
        described = machine.described(where.folder)
        lines = measured(where, given.names or list(ROWS), runs)
    print(table(HEAD, (line.cells() for line in lines)))
    print(f"\nMedians of {runs} runs, ranges in brackets. {told(described)}.")
    if given.json:
        found = {"machine": described, "runs": runs, "small": given.small}
        rows = [line.json() for line in lines]
        given.json.write_text(json.dumps({**found, "rows": rows}, indent=1, ensure_ascii=False))


def _folder(text: str) -> Path:
    if not Path(text, "bench.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no bench.py")
    return Path(text)


def compare(arguments: list[str]) -> None:
    """`peers --shared DIR [PEER ...]`: the comparison, printed, and its rows in JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench peers")
    parser.add_argument("names", nargs="*", metavar="PEER", help="p2pblog, hyper, ssb ...")
    parser.add_argument("--shared", type=_folder, required=True, help="the programs, installed")
    parser.add_argument("--small", action="store_true", help="only to see that it works")
    parser.add_argument("--runs", type=at_least(1), default=1)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args(arguments)
    there = list(dict.fromkeys(work.peer for work in peers.WHOLE))
    unknown = set(given.names) - set(there)
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}; there are: {', '.join(there)}")
    described = machine.described(given.shared.absolute())
    rows = peers.compare(given.shared.absolute(), given.names, given.runs, given.small)
    print(f"{peers.told(rows)}\n\nMedians of {given.runs} runs. {told(described)}.")
    if given.json:
        given.json.write_text(json.dumps({"machine": described, "rows": rows}, indent=1))


def measured(where: Place, names: list[str], runs: int) -> list[Line]:
    """All rows, run by run, so that what is compared is measured close together."""
    found: dict[str, list[list[Figure]]] = {name: [] for name in names}
    for number in range(runs):
        for name in names:
            begun = time.monotonic()
            found[name].append(list(EVERY[name](where)))
            where.clear()
            taken = time.monotonic() - begun
            print(f"{name}, run {number + 1} of {runs}: {taken:.0f} s", file=sys.stderr)
    return [line for name in names for line in gathered(name, found[name])]


if __name__ == "__main__":
    main(sys.argv[1:])
