"""`doctor`: what is wrong, why, and what to do."""

from __future__ import annotations

import click

from p2pblog.cli import output
from p2pblog.cli.app import NOT_SET_UP, SET_UP, App, pass_app
from p2pblog.cli.client import JOB_TIMEOUT
from p2pblog.cli.records import Finding
from p2pblog.cli.working import working
from p2pblog.errors import Exit, NotSetUp, UsageError

SIGNS = {"ok": output.good, "warning": output.strong, "problem": output.bad}


@click.command(
    epilog="""\b
Examples
  p2pblog doctor
  p2pblog doctor --repair
  p2pblog doctor --json | jq -r 'select(.state != "ok") | .why'"""
)
@click.option("--repair", is_flag=True, help="Mend the store, with the daemon started anew.")
@pass_app
def doctor(app: App, repair: bool) -> int:
    """Look at everything that can go wrong, and say what to do.

    Store, disk, clock, network, peers; also what became of a copied or restored home. Exit code 10
    if there is a problem.

    With --repair the store is checked whole first, entry by entry. Views and search are made anew;
    of a damaged store, all that is whole is kept, and the rest comes from colleagues' machines.
    """
    found = _repaired(app) if repair else _examined(app)
    for finding in found:
        if app.json:
            app.emit(finding)
        else:
            app.say(_line(finding))
    problems = any(finding["state"] == "problem" for finding in found)
    return Exit.PROBLEMS if problems else Exit.OK


def _repaired(app: App) -> list[Finding]:
    """Start the daemon anew so that it mends the store, and wait for what it finds."""
    from p2pblog.cli.start import default_command, is_running, start_daemon, wait_until_gone

    home = app.home
    if home.is_fresh():
        raise NotSetUp(NOT_SET_UP, SET_UP)
    if not app.start:
        raise UsageError("--repair starts the daemon anew", "Leave out --no-start.")
    if is_running(home):
        app.api().stop()
        app.close()
        wait_until_gone(home)
    app.note("p2pblog: starting the daemon in the background (stop it with: p2pblog down)")
    start_daemon(home, [*default_command(home), "--repair"])
    with working(app, "Repairing"):
        return app.api().doctor(timeout=JOB_TIMEOUT)


def _examined(app: App) -> list[Finding]:
    with working(app, "Looking"):  # a store of a million posts is read for seconds
        return app.api().doctor()


def _line(finding: Finding) -> str:
    sign = SIGNS.get(finding["state"], output.strong)(f"{finding['state']:8}")
    hint = f" {output.clean(finding['hint'])}" if finding["hint"] else ""
    return f"{sign} {finding['check']:8} {output.clean(finding['why'])}{hint}"
