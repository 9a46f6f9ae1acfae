"""`backup` and `restore`: a home in one file under a passphrase, and back."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.working import working
from p2pblog.config import absolute
from p2pblog.errors import UsageError, UserError

PHRASE_FILE = click.option(
    "--passphrase-file",
    "phrase_file",
    type=click.Path(),
    metavar="FILE",
    help="Take the passphrase from the first line of this file.",
)


@click.command(
    epilog="""\b
Examples
  p2pblog backup /media/disk/home.backup
  p2pblog backup --force --passphrase-file ~/.p2pblog-phrase /media/disk/home.backup"""
)
@click.argument("file", type=click.Path())
@PHRASE_FILE
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@pass_app
def backup(app: App, file: str, phrase_file: str | None, force: bool) -> None:
    """Back this home up into FILE, under a passphrase.

    It holds the device's keys, the settings and all posts, and is read back before it counts. The
    daemon goes on meanwhile. Without the passphrase nobody can open it, you included.
    """
    api = app.api()
    phrase = _phrase(phrase_file, new=True)
    with working(app, "Backing up"):
        made = api.back_up(absolute(file), phrase, force=force)
    if app.json:
        app.emit(made)
        return
    app.say(f"Backed up: {made['path']} ({output.size(made['size'])}), and read back.")
    app.say(f"{output.count(made['posts'], 'post')}. Bring it back: p2pblog restore FILE")


@click.command(
    epilog="""\b
Examples
  p2pblog restore /media/disk/home.backup
  p2pblog --home ~/second restore home.backup"""
)
@click.argument("file", type=click.Path())
@PHRASE_FILE
@pass_app
def restore(app: App, file: str, phrase_file: str | None) -> None:
    """Bring a home back from FILE.

    This home must be in no team. What was posted since the backup comes back from your colleagues'
    machines. The device goes on under its name; if the old machine still runs, revoke one of them.
    """
    api = app.api(fresh=True)
    phrase = _phrase(phrase_file, new=False)
    with working(app, "Restoring"):
        back = api.restore(absolute(file), phrase)
    if app.json:
        app.emit(back)
        return
    made = when.show(back["created"], app.now())
    who, device = output.strong(output.clean(back["member"])), output.clean(back["device_name"])
    app.say(f"Restored: {output.clean(back['team'])}. You are {who}, on {device}.")
    app.say(f"{output.count(back['posts'], 'post')}, as of {made}. What came later comes from")
    app.say("your colleagues' machines. See: p2pblog status")


def _phrase(file: str | None, *, new: bool) -> str:
    """The passphrase: of the file, or asked for on a terminal, twice for a new one."""
    if file is not None:
        return _read_phrase(Path(file))
    if sys.stdin.isatty() and sys.stderr.isatty():
        return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True))
    raise UsageError("A passphrase is needed", "Give it with --passphrase-file FILE.")


def _read_phrase(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            phrase = file.readline().rstrip("\r\n")
    except OSError as e:
        raise UserError(f"Can't read {path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise UsageError(f"{path} is not UTF-8", "Write the passphrase on its first line.") from e
    if not phrase:
        raise UsageError(f"{path} has an empty first line", "Write the passphrase there.")
    return phrase
