"""What is run on demand (`CONTRIBUTING.md`): help, and one line for arguments without sense."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import pytest

from tests.bench.__main__ import main as bench
from tests.e2e.kills import main as kills
from tests.fuzz.__main__ import main as fuzz
from tests.hostile.__main__ import main as hostile
from tests.simulation.__main__ import main as simulation
from tests.vectors.__main__ import main as vectors

Main = Callable[[list[str]], object]
COMMANDS: dict[str, Main] = {
    "bench": bench,
    "e2e.kills": kills,
    "fuzz": fuzz,
    "hostile": hostile,
    "simulation": simulation,
    "vectors": vectors,
}
WRONG: list[tuple[str, str, str]] = [
    ("bench", "nosuch", "no such row"),
    ("bench", "--runs 0", "is not 1 or more"),
    ("bench", "--shared /dev/null", "has no bench.py"),
    ("bench", "peers", "required: --shared"),
    ("e2e.kills", "x", "invalid int value"),
    ("e2e.kills", "0", "is not 1 or more"),
    ("fuzz", "nosuch", "invalid choice"),
    ("fuzz", "page --seconds 0", "is not 1 or more"),
    ("fuzz", "page --replay ?", "is not base64"),
    ("hostile", "x", "invalid float value"),
    ("hostile", "inf", "is not 1.0 or more"),
    ("hostile", "1 nosuch", "no such attack"),
    ("simulation", "--nodes 1", "is not 2 or more"),
    ("simulation", "--posts 0", "is not 1 or more"),
    ("simulation", "--nodes 9 3 --storm 1 --liars 3", "leave nobody honest"),
    ("vectors", "nosuch", "no such module"),
]


def ended(main: Main, arguments: Sequence[str]) -> int | str | None:
    """The exit code with which argparse ended it."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return caught.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(COMMANDS[name], ["--help"]) == 0
    assert f"usage: python -m tests.{name}" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "line", "why"), WRONG)
def test_arguments_that_make_no_sense(
    name: str, line: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(COMMANDS[name], line.split()) == 2
    assert why in capsys.readouterr().err.splitlines()[-1]


def test_without_the_extra_the_fuzzer_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["tests.fuzz.__main__"], "find_spec", lambda name: None)
    assert ended(fuzz, ["page", "--seconds", "1"]) == 2
    assert "the extra fuzz" in capsys.readouterr().err
