"""What a command needs to know and nobody has said: a default, or a question on a terminal."""

from __future__ import annotations

import os
import sys

import click

from p2pblog.errors import UsageError


def ask(given: str | None, what: str, option: str, default: str = "") -> str:
    """The given value; else the answer to a question; else, with nobody to ask, the default."""
    if given is not None:
        return given
    if sys.stdin.isatty() and sys.stderr.isatty():
        answer: str = click.prompt(what, default=default or None, err=True)
        return answer.strip()
    if default:
        return default
    raise UsageError(f"{what} is missing", f"Give it with {option}.")


def confirm(question: str, given: bool) -> None:
    """Return if it is to be done: said already with --yes, or answered so. Else stop."""
    if given:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("Nobody is here to be asked", "Say that you mean it with --yes.")
    click.confirm(question, abort=True, err=True)


def user_name() -> str:
    """The name of the user of this machine, for people."""
    import getpass

    try:
        login = getpass.getuser()
    except (OSError, KeyError):
        return ""
    return _full_name(login) or login


def _full_name(login: str) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        name = pwd.getpwnam(login).pw_gecos.partition(",")[0].strip()
    except KeyError:
        return ""
    return name if name.lower() != login.lower() else ""


def host_name() -> str:
    """The name of this machine, without its domain."""
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "device")
    return os.uname().nodename.partition(".")[0] or "device"
