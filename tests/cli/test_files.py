"""`bundle`, `backup` and `restore`: what is asked for, what is said, and every exit code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest

from p2pblog.cli import working as working_module
from p2pblog.config import Home
from tests.support.cli import run_cli
from tests.support.fake_api import STAMP, Team, problem

PHRASE = "seven wet umbrellas"


@pytest.fixture
def phrase(tmp_path: Path) -> str:
    path = tmp_path / "phrase"
    path.write_text(f"{PHRASE}\nmore\n", encoding="utf-8")
    return str(path)


def taken(**given: Any) -> dict[str, Any]:
    made = {"path": "/s", "created": STAMP, "maker": "Sam (van)", "stored": 1, "known": 5}
    return made | {"missing": [], "whole": True, "why": ""} | given


def missing(why: str) -> dict[str, Any]:
    return {"member": "Sam", "device": "van", "first": 13, "last": 40, "why": why}


def test_a_bundle_is_written_where_the_user_stands(home: Home, team: Team) -> None:
    result = run_cli(home, "bundle", "export", "acme.bundle")
    assert result.code == 0
    path = os.path.abspath("acme.bundle")
    sent = {"path": path, "member": "", "force": False}
    assert team.requests[-1] == ("POST", "/bundles/export", sent)
    assert path in result.out
    assert "120 entries of 4 logs, for the team's 3 devices." in result.out


def test_a_bundle_for_one_says_what_it_takes_for_granted(home: Home, team: Team) -> None:
    result = run_cli(home, "bundle", "export", "/s", "--for", "Sam", "--force")
    assert team.requests[-1][2] == {"path": "/s", "member": "Sam", "force": True}
    assert "for Sam's 3 devices" in result.out
    assert "40 earlier ones are taken for granted" in result.err


def test_a_bundle_is_taken_in(home: Home, team: Team) -> None:
    result = run_cli(home, "bundle", "import", "/s")
    assert result.code == 0
    assert "By Sam (van)" in result.out
    assert "12 new entries, 108 known" in result.out
    (shown,) = run_cli(home, "bundle", "import", "/s", "--json").lines()
    assert shown["stored"] == 12


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (taken(whole=False, why="it ends too early", missing=[missing("cut")]), 3, "too early"),
        (taken(missing=[missing("gap")]), 3, "the bundle begins after them"),
        (taken(missing=[missing("bad_signature")]), 3, "refused: bad_signature"),
        (taken(missing=[missing("beyond_cutoff")]), 0, "written after the author was removed"),
    ],
)
def test_what_is_missing_is_named(
    home: Home, team: Team, answer: dict[str, Any], code: int, said: str
) -> None:
    team.overrides["POST /bundles/import"] = (200, answer)
    result = run_cli(home, "bundle", "import", "/s")
    assert result.code == code
    assert said in result.out
    assert "Sam (van): entries 13 to 40" in result.out
    assert run_cli(home, "bundle", "import", "/s", "--json").code == code


def test_a_bundle_is_looked_at(home: Home, team: Team) -> None:
    result = run_cli(home, "bundle", "show", "/s")
    assert result.code == 0
    assert "Of Acme Roofing, by Dana (front-desk)" in result.out
    assert "For everybody: 3 devices." in result.out
    _, broken = team.files("show", "/s", "Sam")
    broken |= {"whole": False, "why": "it ends too early"}
    team.overrides["POST /bundles/show"] = (200, broken)
    result = run_cli(home, "bundle", "show", "/s")
    assert result.code == 3
    assert "it ends too early" in result.out
    assert "40 earlier ones" in result.out


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("unknown_file", 2),
        ("not_found", 5),
        ("not_for_us", 6),
        ("wrong_passphrase", 6),
        ("version", 9),
        ("conflict", 9),
        ("truncated", 1),
    ],
)
def test_what_the_daemon_refuses_is_the_commands_exit_code(
    home: Home, team: Team, phrase: str, code: str, exit_code: int
) -> None:
    refusal = problem(422, code, exit_code, "That is no good.", "Do better.")
    for path in ("/bundles/import", "/bundles/export", "/bundles/show", "/backup", "/restore"):
        team.overrides[f"POST {path}"] = refusal
    for words in (["bundle", "import"], ["bundle", "export"], ["bundle", "show"]):
        result = run_cli(home, *words, "/s")
        assert (result.code, result.err) == (exit_code, "p2pblog: That is no good. Do better.\n")
    for word in ("backup", "restore"):
        assert run_cli(home, word, "/s", "--passphrase-file", phrase).code == exit_code


def test_a_backup_takes_its_passphrase_from_a_file(home: Home, team: Team, phrase: str) -> None:
    result = run_cli(home, "backup", "/s", "--passphrase-file", phrase)
    assert result.code == 0
    assert "read back" in result.out
    assert team.requests[-1][2] == {"path": "/s", "passphrase": PHRASE, "force": False}
    result = run_cli(home, "restore", "/s", "--passphrase-file", phrase)
    assert "You are Dana, on front-desk." in result.out
    assert team.requests[-1][2] == {"path": "/s", "passphrase": PHRASE}
    for word in ("backup", "restore"):
        (shown,) = run_cli(home, word, "/s", "--passphrase-file", phrase, "--json").lines()
        assert shown["posts"] == 120


def test_a_new_passphrase_is_asked_for_twice(
    home: Home, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return PHRASE

    monkeypatch.setattr(click.termui, "hidden_prompt_func", answer)
    assert run_cli(home, "backup", "/s", terminal=True).code == 0
    assert len(asked) == 2
    assert run_cli(home, "restore", "/s", terminal=True).code == 0
    assert len(asked) == 3
    assert PHRASE not in run_cli(home, "backup", "/s", terminal=True).err


def test_without_anybody_to_ask_a_file_is_needed(home: Home, team: Team) -> None:
    result = run_cli(home, "backup", "/s")
    assert result.code == 2
    assert "--passphrase-file" in result.err
    assert not [request for request in team.requests if request[1] == "/backup"]


@pytest.mark.parametrize(("content", "code"), [(None, 1), (b"\n", 2), (b"\xff\xfe", 2)])
def test_a_passphrase_file_that_is_of_no_use(
    home: Home, team: Team, tmp_path: Path, content: bytes | None, code: int
) -> None:
    path = tmp_path / "phrase"
    if content is not None:
        path.write_bytes(content)
    result = run_cli(home, "backup", "/s", "--passphrase-file", str(path))
    assert result.code == code
    assert str(path) in result.err


def test_a_terminal_sees_how_far_it_is(
    home: Home, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_module, "EVERY", 0.0)
    team.job = {"what": "backup", "path": "/s", "done": 1, "total": 3}
    result = run_cli(home, "bundle", "show", "/s", terminal=True)
    assert "Reading 33 %" in result.err
    shown = run_cli(home, "status").out
    assert "Under way: backup, /s, 33 %" in shown
    team.job = None
    assert "Reading" not in run_cli(home, "bundle", "show", "/s", "-q", terminal=True).err
