"""The frame of all commands: shared options, errors, exit codes, help."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from p2pblog.cli.main import PLACES, cli
from p2pblog.config import Home
from tests.support.cli import run_cli
from tests.support.fake_api import Team, problem

GROUPS = ("peer", "config", "token", "bundle", "member", "team", "profile", "device")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_every_command_has_help_with_an_example(home: Home, path: tuple[str, ...]) -> None:
    result = run_cli(home, *path, "--help")
    assert result.code == 0
    assert "Example" in result.out
    assert f"p2pblog {' '.join(path)}" in result.out.partition("Example")[2]
    assert "--json" in result.out or path[-1] in GROUPS
    assert result.err == ""


def test_the_help_lists_every_command_and_the_exit_codes(home: Home) -> None:
    result = run_cli(home, "--help")
    assert all(f"  {name}  " in result.out for name in PLACES)
    assert "130 interrupted" in result.out


def test_the_version(home: Home) -> None:
    assert run_cli(home, "--version").out.startswith("p2pblog 0.")


def test_alone_in_a_fresh_home_it_says_how_to_begin(home: Home) -> None:
    result = run_cli(home)
    assert result.code == 0
    assert "p2pblog init" in result.out
    assert not home.path.exists()


def test_an_unknown_command_names_the_nearest(home: Home) -> None:
    result = run_cli(home, "stats")
    expected = "p2pblog: There is no command 'stats'. Did you mean: p2pblog status?\n"
    assert (result.code, result.err) == (2, expected)


def test_an_unknown_option_is_a_line_and_exit_2(home: Home) -> None:
    result = run_cli(home, "read", "--chanel", "x")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "--channel" in result.err


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_a_command_is_a_line_and_exit_2(home: Home, group: str) -> None:
    result = run_cli(home, group)
    expected = f"p2pblog: p2pblog {group} needs a command. See: p2pblog {group} --help\n"
    assert (result.code, result.err) == (2, expected)


def test_a_choice_that_is_missing_is_named_in_a_line(home: Home) -> None:
    result = run_cli(home, "completion")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "bash, zsh, fish" in result.err


def test_in_a_directory_that_is_gone(home: Home, tmp_path: Path, team: Team) -> None:
    (tmp_path / "gone").mkdir()
    with contextlib.chdir(tmp_path / "gone"):
        (tmp_path / "gone").rmdir()
        assert run_cli(home, "status").code == 0
        for command in (["bundle", "show", "x"], ["--home", "x", "status"]):
            result = run_cli(home, *command)
            assert (result.code, "is gone" in result.err) == (2, True)


@pytest.mark.parametrize("command", [["read"], ["status"], ["invite"], ["join"], ["post", "x"]])
def test_in_no_team_the_exit_code_is_4(home: Home, command: list[str]) -> None:
    result = run_cli(home, *command)
    assert result.code == 4
    assert "p2pblog join CODE" in result.err


def test_without_a_daemon_no_start_is_exit_7(home: Home) -> None:
    home.create()
    home.store.touch()
    result = run_cli(home, "read", "--no-start")
    assert (result.code, result.out) == (7, "")
    assert result.err == "p2pblog: The daemon is not running. Start it: p2pblog up --detach\n"


def test_errors_in_json_mode_are_one_object_on_stderr(home: Home) -> None:
    result = run_cli(home, "read", "--json")
    assert json.loads(result.err)["error"]["code"] == "not_set_up"
    assert json.loads(result.err)["error"]["exit"] == result.code == 4
    assert json.loads(run_cli(home, "--json", "nope").err)["error"]["exit"] == 2
    assert json.loads(run_cli(home, "read", "--limit", "x", "--json").err)["error"]["exit"] == 2


def test_the_daemons_error_brings_its_own_exit_code(home: Home, team: Team) -> None:
    answer = problem(409, "conflict", 9, "The code is used", "Ask for another.")
    team.overrides["GET /members"] = answer
    result = run_cli(home, "members")
    assert (result.code, result.err) == (9, "p2pblog: The code is used. Ask for another.\n")


def test_an_answer_that_is_no_problem_is_still_an_error(home: Home, team: Team) -> None:
    team.overrides["GET /members"] = (500, [1])
    assert run_cli(home, "members").code == 1


def test_a_daemon_that_vanishes_is_one_line_and_exit_7(home: Home, team: Team) -> None:
    team.overrides["GET /members"] = (0, None)
    result = run_cli(home, "members")
    assert result.code == 7
    assert result.err.startswith("p2pblog: The daemon went away before it answered. See ")


def test_shared_options_stand_before_or_after_the_command(home: Home, team: Team) -> None:
    team.add("hello")
    assert run_cli(home, "--json", "read").lines() == run_cli(home, "read", "--json").lines()


def test_json_is_never_coloured_and_people_choose(home: Home, team: Team) -> None:
    team.add("hello")
    assert "\x1b" not in run_cli(home, "read", "--json", terminal=True).out
    assert "\x1b" not in run_cli(home, "read").out
    assert "\x1b" not in run_cli(home, "read", terminal=True, env={"NO_COLOR": "1"}).out
    assert "\x1b" in run_cli(home, "read", terminal=True, env={"TERM": "xterm"}).out
    assert "\x1b" in run_cli(home, "read", "--color", "always").out
    assert "\x1b" in run_cli(home, "--color", "always", "read").out
    assert "\x1b" not in run_cli(home, "read", "--color=never", terminal=True).out


def test_a_long_list_goes_through_the_pager_on_a_terminal(home: Home, team: Team) -> None:
    for number in range(20):
        team.add(f"post {number}")
    env = {"P2PBLOG_PAGER": f"{sys.executable} -c pass", "LINES": "10", "COLUMNS": "80"}
    assert run_cli(home, "read", terminal=True, env=env).out == ""
    assert "post 3" in run_cli(home, "read", "--no-pager", terminal=True, env=env).out
    assert "post 3" in run_cli(home, "read", env=env).out
    env["P2PBLOG_PAGER"] = "no-such-pager"
    assert "post 3" in run_cli(home, "read", terminal=True, env=env).out


def process(home: Home, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "p2pblog", "--home", str(home.path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_reader_that_stops_reading_is_no_error(home: Home, team: Team) -> None:
    for _ in range(400):
        team.add("x" * 1000)
    with process(home, "read", "--limit", "400") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_control_c_is_exit_130(home: Home, team: Team) -> None:
    team.add("hello")
    with process(home, "tail") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.send_signal(2)
        assert running.stderr.read().strip() == b""
    assert running.returncode == 130


FORBIDDEN = ("trio", "zeroconf", "nacl", "msgpack", "appdirs", "subprocess", "http.client", "ssl")


def test_posting_imports_little(home: Home, team: Team) -> None:
    program = (
        "import sys; from p2pblog.cli.main import main; "
        f"main(['--home', {str(home.path)!r}, 'post', 'hello']); "
        f"print([name for name in {FORBIDDEN!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed_at_once(home: Home, shell: str) -> None:
    result = run_cli(home, "completion", shell)
    assert result.code == 0
    assert "_P2PBLOG_COMPLETE" in result.out
    assert not home.path.exists()


def test_bash_completes_commands(home: Home) -> None:
    env = os.environ | {"_P2PBLOG_COMPLETE": "bash_complete", "COMP_WORDS": "p2pblog st"}
    env["COMP_CWORD"] = "1"
    command = [sys.executable, "-m", "p2pblog"]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert done.stdout.decode().split() == ["plain,status"]
