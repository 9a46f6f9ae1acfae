"""`config`: the settings of a home. A running daemon is told; else the file is changed."""

from __future__ import annotations

from typing import Final

import click

from p2pblog.cli.api import Api
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.client import Client, NotRunning
from p2pblog.config import SETTINGS, find_setting, load_config, save_config

AT_ONCE: Final = ("channel",)  # what the daemon looks up each time


@click.group(
    epilog="""\b
Examples
  p2pblog config list
  p2pblog config get port
  p2pblog config set channel office
  p2pblog config unset channel"""
)
def config() -> None:
    """Show and change the settings of this home."""


@config.command("list", epilog="Example: p2pblog config list")
@pass_app
def list_(app: App) -> None:
    """All settings with what they are for."""
    values = load_config(app.home.config).as_text()
    for key, setting in SETTINGS.items():
        if app.json:
            app.emit({"key": key, "value": values[key], "help": setting.help})
        else:
            app.say(f"{key} = {values[key]}\n    {setting.help}: {setting.takes}")


@config.command(epilog="Example: p2pblog config get port")
@click.argument("key")
@pass_app
def get(app: App, key: str) -> None:
    """The value of one setting."""
    find_setting(key)
    value = load_config(app.home.config).as_text()[key]
    if app.json:
        app.emit({"key": key, "value": value})
    else:
        app.say(value)


@config.command("set", epilog="Example: p2pblog config set mdns off")
@click.argument("key")
@click.argument("value")
@pass_app
def set_(app: App, key: str, value: str) -> None:
    """Change one setting."""
    _change(app, key, value)


@config.command(epilog="Example: p2pblog config unset port")
@click.argument("key")
@pass_app
def unset(app: App, key: str) -> None:
    """Put one setting back to its default."""
    _change(app, key, None)


@config.command(epilog="Example: p2pblog config path")
@pass_app
def path(app: App) -> None:
    """Where the settings are."""
    if app.json:
        app.emit({"path": str(app.home.config)})
    else:
        app.say(str(app.home.config))


def _change(app: App, key: str, value: str | None) -> None:
    home = app.home
    changed = load_config(home.config).with_value(key, value)
    client = Client(home)
    running = True
    try:
        Api(client).set_config(key, value)
    except NotRunning:
        running = False
        home.create()
        save_config(home.config, changed)
    finally:
        client.close()
    text = changed.as_text()[key]
    if app.json:
        app.emit({"key": key, "value": text})
    else:
        app.say(f"{key} = {text}")
        if running and key not in AT_ONCE:
            app.note("It counts from the daemon's next start; stop it with: p2pblog down")
