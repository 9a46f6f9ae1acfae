"""`python -m tests.simulation`: a team in calm or storm, or the cost of growth; a table and JSON.

Everything follows from the seed but the seconds that it takes.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import calm, growth
from tests.simulation.office import Office
from tests.simulation.storm import Storm
from tests.support.arguments import at_least


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--nodes", type=at_least(2), nargs="+", default=[100], help="sizes of the team"
    )
    parser.add_argument("--posts", type=at_least(1), default=100, help="how many in all")
    parser.add_argument("--authors", type=at_least(0), default=0, help="how many write; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="the same makes the same run")
    parser.add_argument(
        "--storm", type=at_least(0.0), default=0.0, help="seconds of trouble, instead"
    )
    parser.add_argument("--liars", type=at_least(0), default=0, help="how many lie in a storm")
    parser.add_argument("--growth", action="store_true", help="also catch-up and session start")
    parser.add_argument("--json", action="store_true", help="no table")
    given = parser.parse_args(arguments)
    if given.liars >= min(given.nodes):
        parser.error(f"{given.liars} liars leave nobody honest among {min(given.nodes)}")
    logging.disable(logging.WARNING)  # of new incarnations: trouble makes many
    if given.storm:
        return _storm(given)
    found = {"calm": [_calm(nodes, given) for nodes in given.nodes]}
    if given.growth:
        grown = [growth.of_a_post(nodes, given.posts, given.seed) for nodes in given.nodes]
        found = {
            "calm": [post for post, _ in grown],
            "catch-up": [caught for _, caught in grown],
            "session start": [growth.of_a_session(logs) for logs in growth.SESSION_SIZES],
        }
    for name, rows in found.items():
        if not given.json:
            print(f"\n{name}\n{_table(rows)}")
    print(json.dumps(found))
    return 0


def _calm(nodes: int, given: argparse.Namespace) -> dict[str, float]:
    if given.growth:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), nodes, given.seed)
        calm.settle(office)
        authors = office.devices[: given.authors or nodes]
        figures = calm.measure(office, given.posts, authors)
        office.close()
    return figures.as_json()


def _storm(given: argparse.Namespace) -> int:
    bad = 0
    for nodes in given.nodes:
        with tempfile.TemporaryDirectory() as folder:
            office = stormy(Path(folder), nodes, given.seed, given.liars)
            storm = Storm(office)
            storm.blow(given.storm)
            wrong = storm.reckon()
        print(json.dumps({"nodes": nodes, "seed": given.seed, **storm.told(), "wrong": wrong}))
        bad += bool(wrong)
    return bad


def stormy(folder: Path, nodes: int, seed: int, liars: int) -> Office:
    """An office to which anything may happen, started."""
    office = Office(folder, nodes, seed, skew=True, fused=True, loss=0.2, liars=liars)
    office.start()
    return office


def _table(rows: Sequence[dict[str, float]]) -> str:
    lines = [" | ".join(rows[0])]
    for row in rows:
        cells = (
            f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()
        )
        lines.append(" | ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
