"""The small form of every row works: it measures what it says, and sets something beside it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from tests.bench import __main__ as bench

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", bench.EVERY)
def test_a_row_measures_and_compares(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.main([name, "--small", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["machine"]["cores"] >= 1
    assert found["rows"]
    table = capsys.readouterr().out
    for line in found["rows"]:
        assert line["row"] == name
        assert line["beside"], line
        for one in (line, *line["beside"]):
            assert all(math.isfinite(number) and number >= 0 for number in one["runs"]), one
        assert f"| {line['what']}" in table


def test_our_programs_do_what_a_comparison_of_peers_asks(tmp_path: Path) -> None:
    with (
        program("peer_author", tmp_path / "a", "200", "2") as author,
        closing(lines(author)) as of_author,
    ):
        assert next(of_author)["posts_s"] > 0
        told = next(of_author)
        assert told["info"]["posts"] == 1200
        info = json.dumps(told["info"])
        with (
            program("peer_fresh", tmp_path / "b", "200", "2", info) as fresh,
            closing(lines(fresh)) as of_fresh,
        ):
            assert next(of_fresh)["secs"] > 0
            say(fresh, "live 5")
            say(author, "live 5 50")
            assert next(of_fresh)["n"] == 5


@contextmanager
def program(name: str, *arguments: object) -> Iterator[Popen[str]]:
    """One of ours, until its input ends."""
    command = [sys.executable, "-m", f"tests.bench.{name}", *map(str, arguments)]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        try:
            yield process
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


def lines(process: Popen[str]) -> Generator[dict[str, Any], None, None]:
    """What a program says."""
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def say(process: Popen[str], line: str) -> None:
    """A command for a program."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
