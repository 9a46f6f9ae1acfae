"""`completion`: the script by which a shell completes our commands and options."""

from __future__ import annotations

import click

from p2pblog.cli.app import App, pass_app

VARIABLE = "_P2PBLOG_COMPLETE"


@click.command(
    epilog="""\b
Examples
  eval "$(p2pblog completion bash)"                             (in ~/.bashrc)
  eval "$(p2pblog completion zsh)"                              (in ~/.zshrc)
  p2pblog completion fish > ~/.config/fish/completions/p2pblog.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
@pass_app
def completion(app: App, context: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    script = found(context.find_root().command, {}, "p2pblog", VARIABLE)
    # the base method: that of bash runs a bash to look at its version
    app.say(ShellComplete.source(script))
