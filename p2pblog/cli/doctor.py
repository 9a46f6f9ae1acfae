"""`doctor`: what is wrong, why, and what to do."""

from __future__ import annotations

import click

from p2pblog.cli import output
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import Finding
from p2pblog.errors import Exit

SIGNS = {"ok": output.good, "warning": output.strong, "problem": output.bad}


@click.command(
    epilog="""\b
Examples
  p2pblog doctor
  p2pblog doctor --json | jq -r 'select(.state != "ok") | .why'"""
)
@pass_app
def doctor(app: App) -> int:
    """Look at everything that can go wrong, and say what to do.

    Store, disk, clock, network, peers; also what became of a copied or restored home. Exit code 10
    if there is a problem.
    """
    found = app.api().doctor()
    for finding in found:
        if app.json:
            app.emit(finding)
        else:
            app.say(_line(finding))
    problems = any(finding["state"] == "problem" for finding in found)
    return Exit.PROBLEMS if problems else Exit.OK


def _line(finding: Finding) -> str:
    sign = SIGNS.get(finding["state"], output.strong)(f"{finding['state']:8}")
    hint = f" {output.clean(finding['hint'])}" if finding["hint"] else ""
    return f"{sign} {finding['check']:8} {output.clean(finding['why'])}{hint}"
