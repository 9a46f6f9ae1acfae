"""The command line's entry: the table of commands, and what becomes of errors.

Commands are imported when they are called, for each has 200 ms in all.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from p2pblog import __version__
from p2pblog.cli import output
from p2pblog.cli.app import App, app_of, shared_options
from p2pblog.errors import DiskError, Exit, UsageError, UserError

COMMANDS: Final = {
    "Start": {
        "init": "init:init",
        "join": "join:join",
        "invite": "invite:invite",
        "status": "status:status",
        "doctor": "doctor:doctor",
        "demo": "demo:demo",
    },
    "Write and read": {
        "post": "post:post",
        "read": "read:read",
        "tail": "tail:tail",
        "search": "read:search",
        "channels": "people:channels",
    },
    "Team and network": {
        "members": "people:members",
        "member": "member:member",
        "team": "team:team",
        "profile": "profile:profile",
        "device": "device:device",
        "leave": "leaving:leave",
        "recover": "recovering:recover",
        "peers": "peers:peers",
        "peer": "peers:peer",
    },
    "Run": {
        "up": "up:up",
        "down": "up:down",
        "config": "settings:config",
        "token": "token:token",
        "import": "importing:import_",
        "bundle": "bundle:bundle",
        "backup": "backup:backup",
        "restore": "backup:restore",
        "completion": "completion:completion",
    },
}
PLACES: Final = {name: place for part in COMMANDS.values() for name, place in part.items()}
HELP: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 96}
CODES: Final = """\b
Exit codes
  0 done (an empty list too)      1 failed                2 wrong usage
  3 done in part                  4 in no team            5 no such thing
  6 not allowed                   7 no daemon             8 waited in vain
  9 conflict                      10 problems found       130 interrupted"""


class Commands(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        return list(PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        place = PLACES.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(f"p2pblog.cli.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest command named when there is none."""
        if not ctx.resilient_parsing and args[0] not in PLACES and args[0][:1] != "-":
            raise UsageError(f"There is no command {args[0]!r}", _nearest(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section."""
        for title, names in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, _short_help(self, ctx, name)) for name in names])


def _short_help(group: Commands, ctx: click.Context, name: str) -> str:
    command = group.get_command(ctx, name)
    return command.get_short_help_str(70) if command else ""


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, PLACES, n=1)
    return f"Did you mean: p2pblog {near[0]}?" if near else "See: p2pblog --help"


@click.group(
    cls=Commands, invoke_without_command=True, context_settings=HELP, epilog=CODES, name="p2pblog"
)
@click.version_option(__version__, "-V", "--version", message="p2pblog %(version)s")
@shared_options
@click.pass_context
def cli(context: click.Context) -> None:
    """A microblog for small firms that needs no server.

    Every machine of the team keeps everything; they find each other on the network.
    Without a command: what is new.
    """
    app = app_of(context)
    if context.color is None:
        context.color = output.wants_color(app.color, sys.stdout)
    if context.invoked_subcommand is None:
        from p2pblog.cli.news import show_news

        show_news(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code. Only bugs leave a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    app = App()
    try:
        code = cli.main(arguments, prog_name="p2pblog", standalone_mode=False, obj=app)
        sys.stdout.flush()
    except UserError as e:
        error = e
    except DiskError as e:
        error = UserError(str(e), "Nothing that was posted before is lost.")
    except click.UsageError as e:
        error = _usage_error(e)
    except click.ClickException as e:
        error = UserError(e.format_message())
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return Exit.OK
    else:
        return code if isinstance(code, int) else Exit.OK
    finally:
        app.close()
    with contextlib.suppress(OSError):  # nobody reads it, or it goes to a full disk
        output.print_error(error, as_json=app.json or "--json" in arguments)
    return error.exit_code


def _usage_error(error: click.UsageError) -> UsageError:
    """Click's in a line of ours: its own may be a list, or a whole help page."""
    path = error.ctx.command_path if error.ctx else "p2pblog"
    message = error.format_message()
    if message.startswith("Usage:"):  # a group without a command
        message = f"{path} needs a command"
    return UsageError(" ".join(message.split()), f"See: {path} --help")


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere: nobody reads on."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
