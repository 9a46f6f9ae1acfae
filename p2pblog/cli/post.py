"""`post`: write one."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Final

import click

from p2pblog.cli import output, posts
from p2pblog.cli.app import App, pass_app
from p2pblog.errors import UsageError, UserError

MAX_READ: Final = 1024 * 1024  # bytes: what is too long for a post, but a text, is kept as a draft


@click.command(
    epilog="""\b
Examples
  p2pblog post "Unit 4 is back up, seal replaced"
  p2pblog post -c pumps "Who has the 12 mm key?"
  p2pblog post --reply a1b2c3d4 "Me, van 2"
  uptime | p2pblog post -c servers -
  p2pblog post                          (opens $EDITOR)"""
)
@click.argument("text", nargs=-1)
@click.option("-c", "--channel", metavar="NAME", help="Where to post. [setting: channel]")
@click.option("--reply", metavar="ID", help="Answer this post, in its channel.")
@pass_app
def post(app: App, text: tuple[str, ...], channel: str | None, reply: str | None) -> None:
    """Write a post: TEXT, standard input (-), or your editor.

    When it returns, the post is safe on this disk; it reaches the others as they are met.
    """
    words = _text(app, text)
    if not words.strip():
        raise UsageError("There is no text to post", "Write: p2pblog post 'hello'")
    try:
        _send(app, words, channel, reply)
    except UserError as e:
        raise _with_hint(e, f"{output.sentence(e.hint)} {_keep(app, words)}".strip()) from e


def _send(app: App, text: str, channel: str | None, reply: str | None) -> None:
    api = app.api()
    reply_to = None
    if reply is not None:
        parent = api.post_by_id(reply)
        reply_to = parent["id"]
        channel = parent["channel"] if channel is None else channel
    channel = posts.channel_name(channel)
    posted = api.post(text, channel, reply_to, os.urandom(16).hex())
    if app.json:
        app.emit(posted)
        return
    where = f" in #{output.clean(channel)}" if channel else ""
    reach = ""
    if posted["devices"] > 1:
        reach = f", on {posted['reached']} of {posted['devices']} devices so far"
    app.say(f"Posted {posts.short(posted['id'])}{where}: safe here{reach}")


def _text(app: App, words: tuple[str, ...]) -> str:
    if words and words != ("-",):
        return _decoded(os.fsencode(" ".join(words)))
    if words or not sys.stdin.isatty():
        return _decoded(_read())
    return _edited(app)


def _read() -> bytes:
    content = sys.stdin.buffer.read(MAX_READ + 1)
    if len(content) > MAX_READ:
        raise UsageError("The text is longer than 1 MiB", "A post has 15 KiB at most.")
    return content


def _decoded(content: bytes) -> str:
    try:
        return content.decode().rstrip("\n")
    except UnicodeDecodeError as e:
        raise UsageError("The text is not UTF-8", "Convert it, for instance with iconv.") from e


def _edited(app: App) -> str:
    """What the user writes in an editor; empty if the file was not saved."""
    import shlex
    import subprocess
    import tempfile

    editor = next(filter(None, map(os.environ.get, ("P2PBLOG_EDITOR", "VISUAL", "EDITOR"))), "")
    if not editor:
        raise UsageError("There is no text to post", "Give it, or set EDITOR to write it there.")
    with tempfile.TemporaryDirectory(prefix="p2pblog-") as place:
        draft = Path(place) / "post.md"
        draft.touch()
        try:
            failed = subprocess.run([*shlex.split(editor), str(draft)], check=False).returncode
        except (OSError, ValueError) as e:
            raise UsageError(f"Can't run the editor {editor!r}", "Set EDITOR.") from e
        written = _decoded(draft.read_bytes())
    if failed:
        kept = _keep(app, written) if written.strip() else ""
        raise UserError(f"The editor ended with exit {failed}; nothing was posted", kept)
    return written


def _keep(app: App, text: str) -> str:
    """Save a text that could not be posted, and say where; elsewhere if the home takes nothing."""
    import tempfile
    from datetime import datetime

    name = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.md"
    with contextlib.suppress(OSError, UserError):
        app.home.create()
        app.home.drafts.mkdir(mode=0o700, exist_ok=True)
        return _kept(app.home.drafts / name, text)
    with contextlib.suppress(OSError):
        return _kept(Path(tempfile.mkdtemp(prefix="p2pblog-")) / name, text)
    return f"The text could not be kept as a draft: {text}"


def _kept(draft: Path, text: str) -> str:
    """Write it durably, or leave nothing there. Raises `OSError`."""
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return f"The text is kept in {draft}"


def _with_hint(error: UserError, hint: str) -> UserError:
    changed = UserError(error.message, hint)
    changed.code, changed.exit_code = error.code, error.exit_code
    return changed
