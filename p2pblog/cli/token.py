"""`token`: keys by which bots and pages use the local API over TCP."""

from __future__ import annotations

import click

from p2pblog.cli import output, posts, when
from p2pblog.cli.app import App, pass_app


@click.group(
    epilog="""\b
Examples
  p2pblog token create weather-bot --scope post
  p2pblog token list
  p2pblog token revoke 3f9a"""
)
def token() -> None:
    """Manage the keys of bots to the local API (setting: tcp_api)."""


@token.command(epilog="Example: p2pblog token create weather-bot --scope read --scope post")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "post", "admin"]),
    default=["read"],
    show_default=True,
    help="What it may do. Repeatable.",
)
@pass_app
def create(app: App, name: str, scopes: tuple[str, ...]) -> None:
    """Make a key. It is shown once."""
    made = app.api().make_token(name, scopes)
    if app.json:
        app.emit(made)
    else:
        app.say(made["secret"])
        app.note(f"Shown only now. Revoke it: p2pblog token revoke {posts.short(made['id'])}")


@token.command("list", epilog="Example: p2pblog token list")
@pass_app
def list_(app: App) -> None:
    """The keys and what they may do."""
    found = app.api().tokens()
    if app.json:
        for one in found:
            app.emit(one)
    elif not found:
        app.note("No keys. Make one: p2pblog token create NAME")
    else:
        rows = [
            (
                posts.short(one["id"]),
                output.clean(one["name"]),
                " ".join(one["scopes"]),
                when.show(one["created"]),
            )
            for one in found
        ]
        app.say("\n".join(output.table(rows)))


@token.command(epilog="Example: p2pblog token revoke 3f9a")
@click.argument("key", metavar="ID")
@pass_app
def revoke(app: App, key: str) -> None:
    """Make a key void at once."""
    app.api().revoke_token(key)
    if app.json:
        app.emit({"id": key, "state": "revoked"})
    else:
        app.say(f"Revoked: {key}")
