"""`bundle`: posts, and who came and went, carried by hand between machines that never meet."""

from __future__ import annotations

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import BundleTaken, BundleView, MissingRun
from p2pblog.cli.working import working
from p2pblog.config import absolute
from p2pblog.errors import Exit

LEFT_OUT = ("beyond_cutoff", "unknown_author")  # not missed: they are not of the team
REASONS = {
    "gap": "the bundle begins after them",
    "cut": "the file ends before them",
    "beyond_cutoff": "left out: written after the author was removed",
    "unknown_author": "left out: of no member's device",
}


@click.group(
    epilog="""\b
Examples
  p2pblog bundle export /media/stick/acme.bundle
  p2pblog bundle export sam.bundle --for Sam
  p2pblog bundle import /media/stick/acme.bundle
  p2pblog bundle show sam.bundle"""
)
def bundle() -> None:
    """Carry posts by hand, on a stick or by mail.

    A bundle is a file that only the devices of your team can read. It brings posts, and also who
    was invited, admitted or removed. For machines that never share a network.
    """


@bundle.command("export", epilog="Example: p2pblog bundle export /media/stick/acme.bundle")
@click.argument("file", type=click.Path())
@click.option("--for", "member", metavar="MEMBER", help="Only what this member seems to lack.")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@pass_app
def export(app: App, file: str, member: str | None, force: bool) -> None:
    """Write everything that is here into FILE.

    Only the present devices of the team can read it; with --for, only those of that member.
    """
    api = app.api()
    with working(app, "Writing"):
        made = api.export_bundle(absolute(file), member or "", force=force)
    if app.json:
        app.emit(made)
        return
    whom = f"{output.clean(made['member'])}'s" if made["member"] else "the team's"
    app.say(f"Written: {made['path']} ({output.size(made['size'])})")
    app.say(f"{_contents(made)}, for {whom} {output.count(made['devices'], 'device')}.")
    if made["granted"]:
        app.note(f"{_granted(made)} If it turns out otherwise, leave --for away.")


@bundle.command("import", epilog="Example: p2pblog bundle import /media/stick/acme.bundle")
@click.argument("file", type=click.Path())
@pass_app
def import_(app: App, file: str) -> int:
    """Take in what FILE brings.

    Everything in it is verified. What of a broken file is whole is kept (exit 3), and importing
    again stores nothing twice.
    """
    api = app.api()
    with working(app, "Reading"):
        taken = api.import_bundle(absolute(file))
    if app.json:
        app.emit(taken)
    else:
        _report(app, taken)
    missed = [one for one in taken["missing"] if one["why"] not in LEFT_OUT]
    return Exit.OK if taken["whole"] and not missed else Exit.PARTIAL


def _report(app: App, taken: BundleTaken) -> None:
    made = when.show(taken["created"], app.now())
    entries = "entry" if taken["stored"] == 1 else "entries"
    app.say(
        f"By {output.clean(taken['maker'])}, {made}: "
        f"{taken['stored']:,} new {entries}, {taken['known']:,} known."
    )
    if not taken["whole"]:
        app.say(output.bad(f"The file is broken: {taken['why']}. What was whole is kept."))
    for one in taken["missing"]:
        app.say(_missing(one))
    if any(one["why"] == "gap" for one in taken["missing"]):
        app.note("Ask for a bundle with everything: p2pblog bundle export FILE")
    elif not taken["whole"]:
        app.note("Copy the file again and import it again: nothing is stored twice.")


def _missing(one: MissingRun) -> str:
    who = f"{output.clean(one['member'])} ({output.clean(one['device'])})".strip()
    why = REASONS.get(one["why"], f"refused: {one['why']}")
    return f"  {who}: entries {one['first']:,} to {one['last']:,}: {why}"


@bundle.command("show", epilog="Example: p2pblog bundle show sam.bundle")
@click.argument("file", type=click.Path())
@pass_app
def show(app: App, file: str) -> int:
    """Say what FILE holds, and whether it is whole. Stores nothing."""
    api = app.api()
    with working(app, "Reading"):
        found = api.show_bundle(absolute(file))
    if app.json:
        app.emit(found)
    else:
        made = when.show(found["created"], app.now())
        whom = output.clean(found["member"]) or "everybody"
        app.say(f"Of {output.clean(found['team'])}, by {output.clean(found['maker'])}, {made}.")
        app.say(f"For {whom}: {output.count(found['devices'], 'device')}.")
        app.say(f"{_contents(found)}, {output.size(found['size'])}.")
        if found["granted"]:
            app.say(_granted(found))
        if not found["whole"]:
            app.say(
                output.bad(f"The file is broken: {found['why']}. The figures are of what is left.")
            )
    return Exit.OK if found["whole"] else Exit.PARTIAL


def _contents(found: BundleView) -> str:
    entries = "entry" if found["entries"] == 1 else "entries"
    return f"{found['entries']:,} {entries} of {output.count(found['logs'], 'log')}"


def _granted(found: BundleView) -> str:
    return f"{found['granted']:,} earlier ones are taken for granted."
