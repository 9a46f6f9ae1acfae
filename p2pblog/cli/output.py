"""What the command line prints: people's text, JSON lines, errors in one line, and the pager.

Results go to stdout; what is said about them goes to stderr. Posts and names come from other
machines: control and direction characters in them never reach the terminal.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

import click

from p2pblog.errors import Exit, UserError

CONTROLS: Final = {c: chr(0x2400 + c) for c in range(32)} | {0x7F: "␡"}
CONTROLS_C1: Final = dict.fromkeys(range(128, 160), "�")
DIRECTIONS: Final = dict.fromkeys((*range(8234, 8239), *range(8294, 8298), 8232), "�")
ONE_LINE: Final = CONTROLS | CONTROLS_C1 | DIRECTIONS
MANY_LINES: Final = {c: to for c, to in ONE_LINE.items() if c not in (0x09, 0x0A)}
JSON_ESCAPES: Final = {c: f"\\u{c:04x}" for c in (0x7F, *CONTROLS_C1, *DIRECTIONS)}


def clean(text: str, *, lines: bool = False) -> str:
    """Text of others, fit for a terminal; line ends stay only if `lines`."""
    return text.translate(MANY_LINES if lines else ONE_LINE)


def to_json(value: object) -> str:
    """One line of JSON that is safe to show on a terminal."""
    return json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES)


def sentence(message: str, hint: str = "") -> str:
    """`what: why. Do this.` from a message and a hint, whatever they end in."""
    message = clean(message).strip()
    if message and message[-1] not in ".!?":
        message += "."
    return f"{message} {clean(hint).strip()}".rstrip()


def print_error(error: UserError, *, as_json: bool) -> None:
    """Say on stderr what went wrong and what to do, in one line."""
    if as_json:
        report = {
            "code": error.code,
            "exit": int(error.exit_code),
            "message": error.message,
            "hint": error.hint,
        }
        click.echo(to_json({"error": report}), err=True)
    else:
        click.echo(f"p2pblog: {sentence(error.message, error.hint)}", err=True)


def wants_color(choice: str, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: as asked; else on a terminal, if NO_COLOR and TERM=dumb don't forbid."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("CLICOLOR_FORCE")) or stream.isatty()


def dim(text: str) -> str:
    """Text of less weight."""
    return click.style(text, dim=True)


def strong(text: str) -> str:
    """Text that counts."""
    return click.style(text, bold=True)


def good(text: str) -> str:
    """Text that says that all is well."""
    return click.style(text, fg="green")


def bad(text: str) -> str:
    """Text that asks for attention."""
    return click.style(text, fg="yellow", bold=True)


def size(number: int) -> str:
    """Bytes for people: 812 B, 4.5 kB, 12 MB."""
    amount = float(number)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def count(number: int, thing: str) -> str:
    """`1 post`, `2,345 posts`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned; styles and wide letters count as what they show."""
    if not rows:
        return []
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(_padded(row, widths)).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for cell, width in zip(row, widths, strict=True):
        yield cell + " " * (width - _width(cell))


def _width(cell: str) -> int:
    from unicodedata import combining, east_asian_width

    plain = click.unstyle(cell)
    if plain.isascii():
        return len(plain)
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in plain)


def page(text: str, *, pager: bool) -> None:
    """Print; through the user's pager if `pager`, on a terminal, and longer than it is high."""
    if pager and sys.stdout.isatty() and _too_long(text):
        command = os.environ.get("P2PBLOG_PAGER") or os.environ.get("PAGER") or "less -FIRX"
        if _paged(text, command):
            return
    click.echo(text, nl=not text.endswith("\n"))


def _too_long(text: str) -> bool:
    from shutil import get_terminal_size

    return text.count("\n") >= get_terminal_size().lines - 1


def _paged(text: str, command: str) -> bool:
    import subprocess

    context = click.get_current_context(silent=True)
    shown = text if context is not None and context.color else click.unstyle(text)
    try:
        argv = shlex.split(command)
        with subprocess.Popen(argv, stdin=subprocess.PIPE, encoding="utf-8") as process:
            process.communicate(shown)
    except (OSError, ValueError):
        return False
    return process.returncode == Exit.OK
