"""`import`: JSON lines in batches, twice is once, and what is refused by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from p2pblog.config import Home
from tests.support.cli import run_cli
from tests.support.fake_api import Team, problem


def line(number: int, **given: Any) -> str:
    made = {"id": f"day:{number}", "time": "2004-11-15T12:18:00Z", "channel": "ubuntu"}
    return json.dumps(made | {"author": "|trey|", "text": f"text {number}"} | given)


def write(path: Path, lines: list[str]) -> str:
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


@pytest.mark.parametrize("name", ["chat.jsonl", "chat.jsonl.gz"])
def test_lines_become_posts_in_batches(home: Home, team: Team, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, [line(number) for number in range(1201)])
    result = run_cli(home, "import", file)
    assert (result.code, result.out, result.err) == (0, "1,201 posts stored\n", "")
    assert [len(request[2]["items"]) for request in team.requests] == [512, 512, 177]
    first = team.requests[0][2]["items"][0]
    assert first["time"] == "2004-11-15T12:18:00.000Z"


def test_again_stores_nothing_twice(home: Home, team: Team, tmp_path: Path) -> None:
    file = write(tmp_path / "chat.jsonl", [line(1), "", line(2, reply_to="day:1", extra=1)])
    run_cli(home, "import", file)
    assert team.requests[-1][2]["items"][1]["reply_to"] == "day:1"
    assert run_cli(home, "import", file).out == "0 posts stored, 2 known already\n"


def test_standard_input(home: Home, team: Team) -> None:
    assert run_cli(home, "import", "-", stdin=line(1).encode()).out == "1 post stored\n"


REFUSED = [
    ("{", "not JSON"),
    ("[1]", "not an object"),
    (line(2, text=None), "text is missing or no text"),
    (line(2, time="yesterday"), "time is not RFC 3339"),
    (line(2, time="2004-11-15T12:18:00"), "time has no zone"),
    (line(2, time="1969-12-31T23:59:59Z"), "time is before 1970"),
    (line(2, time="9999-12-31T23:59:59-23:59"), "time is out of range"),
    (line(2, author="\ud800"), "author has a lone surrogate, which is no character"),
    (line(2, text="x" * 70_000), "too long"),
    (line(2, text=""), "empty"),
    ("[" * 100_000, "too long"),
    ("[" * 50_000, "not JSON"),
]


@pytest.mark.parametrize(("bad", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_is_refused_is_named_by_line(
    home: Home, team: Team, tmp_path: Path, bad: str, why: str
) -> None:
    file = write(tmp_path / "chat.jsonl", [line(1), bad, line(3)])
    result = run_cli(home, "import", file)
    assert (result.code, result.out) == (3, "2 posts stored, 1 refused\n")
    assert result.err.startswith("  line 2")
    assert result.err.endswith(f": {why}\n")
    (report,) = run_cli(home, "import", file, "--json").lines()
    assert [(one["line"], one["why"]) for one in report["refused"]] == [(2, why)]


def test_what_is_refused_is_told_batch_by_batch(home: Home, team: Team, tmp_path: Path) -> None:
    lines = [line(number) for number in range(1, 700)]
    lines[4], lines[599] = line(5, text=""), "{"
    (report,) = run_cli(home, "import", write(tmp_path / "chat.jsonl", lines), "--json").lines()
    assert [(one["line"], one["why"]) for one in report["refused"]] == [
        (5, "empty"),
        (600, "not JSON"),
    ]
    assert report["stored"] == 697


def test_what_stands_before_damage_is_stored(home: Home, team: Team, tmp_path: Path) -> None:
    file = Path(write(tmp_path / "chat.jsonl.gz", [line(number) for number in range(3000)]))
    file.write_bytes(file.read_bytes()[:-20])
    assert run_cli(home, "import", str(file)).code == 1
    assert len(team.requests) == 5


def test_one_id_twice_in_a_file_keeps_its_lines_apart(
    home: Home, team: Team, tmp_path: Path
) -> None:
    file = write(tmp_path / "chat.jsonl", [line(1, text=""), line(1)])
    result = run_cli(home, "import", file)
    assert result.out == "1 post stored, 1 refused\n"
    assert "line 1 (day:1): empty" in result.err


def test_an_import_that_is_cut_off_says_how_to_go_on(
    home: Home, team: Team, tmp_path: Path
) -> None:
    team.overrides["POST /import"] = problem(422, "failed", 1, "The disk is full", "Make room.")
    result = run_cli(home, "import", write(tmp_path / "chat.jsonl", [line(1)]))
    expected = (
        "p2pblog: The disk is full. Make room. Run it again: what is here is not stored twice\n"
    )
    assert (result.code, result.err) == (1, expected)


def test_files_that_can_not_be_read(home: Home, team: Team, tmp_path: Path) -> None:
    assert run_cli(home, "import", str(tmp_path / "none")).code == 2
    (tmp_path / "bad.gz").write_bytes(b"no gzip")
    assert run_cli(home, "import", str(tmp_path / "bad.gz")).code == 1
    (tmp_path / "cut.gz").write_bytes(gzip.compress(line(1).encode() * 9)[:-20])
    assert run_cli(home, "import", str(tmp_path / "cut.gz")).code == 1
    (tmp_path / "hit.gz").write_bytes(gzip.compress(line(1).encode() * 9)[:10] + b"\xff" * 40)
    hit = run_cli(home, "import", str(tmp_path / "hit.gz"))
    assert hit.code == 1
    assert "it is damaged" in hit.err
    assert run_cli(home, "import", write(tmp_path / "none.jsonl", [])).code == 2


def test_a_bar_only_on_a_terminal(home: Home, team: Team, tmp_path: Path) -> None:
    file = write(tmp_path / "chat.jsonl.gz", [line(number) for number in range(600)])
    result = run_cli(home, "import", file, terminal=True)
    assert "Importing" in result.err
    assert "100%" in result.err
    assert run_cli(home, "import", file, "--quiet", terminal=True).err == ""
