"""The README has every command, option, setting, exit code and variable, and none that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from p2pblog.cli.main import cli
from p2pblog.config import Config, Home
from p2pblog.errors import Exit

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
VARIABLES = ("P2PBLOG_HOME", "P2PBLOG_EDITOR", "P2PBLOG_PAGER", "P2PBLOG_LOG", "NO_COLOR")
OPTION = re.compile(r"`(--?[a-zA-Z][\w-]*)")


def sections() -> Iterator[tuple[str, str]]:
    """Every heading of any level with its text, up to the next heading."""
    parts = re.split(
        r"^#{2,4} (.+)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), flags=re.M
    )
    yield from zip(parts[1::2], parts[2::2], strict=True)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")


SECTIONS = dict(sections())
COMMANDS = dict(commands(cli, "p2pblog"))
SHARED = {name for option in cli.params for name in option.opts} | {"-h", "--help"}


def options_of(section: str) -> set[str]:
    """The options that the first column of a section's tables names."""
    rows = [line.split("| ")[1] for line in section.splitlines() if line.startswith("| `-")]
    return {name for row in rows for name in OPTION.findall(row)}


def test_the_readme_has_a_section_for_every_command_and_no_other() -> None:
    assert {title for title in SECTIONS if title.startswith("p2pblog")} == set(COMMANDS)


def test_the_shared_options_are_in_the_readme() -> None:
    assert options_of(SECTIONS["Commands"]) == SHARED - {"-V", "--version"}
    assert "`p2pblog -V` (`--version`)" in SECTIONS["Commands"]


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "p2pblog"])
def test_a_commands_section_has_its_options_and_no_other(path: str) -> None:
    options = [p for p in COMMANDS[path].params if isinstance(p, click.Option) and not p.hidden]
    own = {name for option in options for name in option.opts}
    assert options_of(SECTIONS[path]) == own - SHARED


def test_every_setting_with_its_default_is_in_the_readme() -> None:
    for key, value in Config().as_text().items():
        assert f"| `{key}` | {value} |" in SECTIONS["p2pblog config"]


def test_every_exit_code_is_in_the_readme() -> None:
    found = re.findall(r"^\| (\d+) \|", SECTIONS["Exit codes"], flags=re.M)
    assert [int(code) for code in found] == sorted(Exit)


def test_every_file_of_a_home_is_in_the_readme() -> None:
    home = Home(Path("/home"))
    files = [home.store, home.identity, home.joining, home.config, home.lock, home.log]
    files += [home.api_socket, home.api_port, home.api_token]
    assert all(f"`{file.name}`" in SECTIONS["Files of a home"] for file in files)
    assert f"`{home.drafts.name}/`" in SECTIONS["Files of a home"]


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README
