"""`profile`: what members say of themselves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.member import me
from p2pblog.cli.roster import Profile, Roster
from p2pblog.errors import NotFound, UsageError, UserError


@click.group(
    epilog="""\b
Examples
  p2pblog profile set --about "Fitter at the depot" --skills "pumps, cranes"
  p2pblog profile show Sam"""
)
def profile() -> None:
    """Show what members do and can, and say it of yourself."""


@profile.command(
    epilog="""\b
Examples
  p2pblog profile show
  p2pblog profile show Sam --save sam.png"""
)
@click.argument("name", required=False)
@click.option("--save", metavar="FILE", help="Write the picture there.")
@pass_app
def show(app: App, name: str | None, save: str | None) -> None:
    """Show what NAME says of itself; yourself without a NAME."""
    found = Roster(app.api().client).profile(name or me(app))
    if save:
        _save(found, save)
    _show(app, found)


def _show(app: App, found: Profile) -> None:
    if app.json:
        app.emit(found)
    else:
        app.say("\n".join(_lines(app, found)))


def _lines(app: App, found: Profile) -> Iterator[str]:
    you = " (you)" if found["is_me"] else ""
    yield f"{output.strong(output.clean(found['name']))}{you}, {found['role']}"
    if found["about"]:
        yield output.clean(found["about"], lines=True)
    if found["skills"]:
        yield f"Skills: {', '.join(map(output.clean, found['skills']))}"
    if found["picture"]:
        size = output.size(len(base64.b64decode(found["picture"])))
        yield f"Picture: {found['picture_type']}, {size}; save it with --save FILE"
    if found["time"]:
        yield output.dim(f"said {when.show(found['time'], app.now())}")
    else:
        yield output.dim("has said nothing yet")


def _save(found: Profile, file: str) -> None:
    if not found["picture"]:
        raise NotFound(f"{found['name']} has no picture", "")
    try:
        Path(file).write_bytes(base64.b64decode(found["picture"]))
    except OSError as e:
        raise UserError(f"Can't write {file}: {e.strerror}", "Name another with --save.") from e


@profile.command(
    "set",
    epilog="""\b
Examples
  p2pblog profile set --about "Fitter at the depot" --skills "pumps, cranes"
  p2pblog profile set --picture me.jpg
  p2pblog profile set --no-picture --skills ''""",
)
@click.option("--about", metavar="TEXT", help="What you do, in a few sentences.")
@click.option("--skills", metavar="LIST", help="What you can, separated by commas.")
@click.option("--picture", metavar="FILE", help="A PNG or JPEG of at most 12 KiB.")
@click.option("--no-picture", is_flag=True, help="Show no picture any more.")
@pass_app
def set_(
    app: App, about: str | None, skills: str | None, picture: str | None, no_picture: bool
) -> None:
    """Say what you do and can. What you leave out stays as it is; '' empties it."""
    if picture and no_picture:
        raise UsageError("--picture and --no-picture contradict each other", "Give one of them.")
    said: dict[str, object] = {}
    if about is not None:
        said["about"] = about
    if skills is not None:
        said["skills"] = [word.strip() for word in skills.split(",") if word.strip()]
    if picture or no_picture:
        said["picture"] = _read(picture) if picture else ""
    if not said:
        raise UsageError("Nothing is to be said", "Give --about, --skills or --picture.")
    _show(app, Roster(app.api().client).set_profile(said))


def _read(file: str) -> str:
    path = Path(file)
    try:
        if path.stat().st_size > 16 * 1024:
            size = output.size(path.stat().st_size)
            raise UsageError(f"{file} has {size}, 12 KiB at most", "128 x 128 pixels will do.")
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as e:
        raise UsageError(f"Can't read {file}: {e.strerror}", "Give a PNG or JPEG file.") from e
