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

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("protocol/*.md")]
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


def blocks(text: str) -> Iterator[str]:
    """The lines of fenced blocks and of a help text's examples."""
    for block in re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL) or [text]:
        yield from block.splitlines()


def examples() -> Iterator[str]:
    """What is shown to be typed, from `p2pblog` on, in the README and in every help text."""
    for text in [README, *(command.epilog or "" for command in COMMANDS.values())]:
        for line in blocks(text):
            found = re.search(r"(?:^|\$ |Example: |\| |\$\()\s*p2pblog (.*)", line)
            if found:
                yield re.split(r" #|  | \| | > | \"\$\(|\)\"", found[1])[0]


@pytest.mark.parametrize("line", sorted(set(examples())))
def test_what_is_shown_can_be_typed(line: str) -> None:
    command: click.Command = cli
    options = set(SHARED)
    for word in line.split():
        if word.startswith("-") and word != "-":
            assert word in options
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            command = found or command
            options |= {name for option in command.params for name in option.opts}
    assert command is not cli


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    files = [target for target in targets if "://" not in target]
    assert [target for target in files if not (page.parent / target).exists()] == []
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_the_files_of_the_code_tour_exist() -> None:
    tour = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:p2pblog|protocol|tests|examples)/[\w./]+\.\w+)`", tour)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readmes_command_for_the_tests_is_what_ci_runs() -> None:
    line = next(line for line in README.splitlines() if line.endswith("-m tests"))
    assert line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
