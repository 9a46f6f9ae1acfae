"""Running the command line in this process, with its output caught."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from p2pblog.cli.main import main
from p2pblog.config import Home


@dataclass(frozen=True)
class Result:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def run_cli(
    home: Home,
    *arguments: str,
    stdin: bytes = b"",
    terminal: bool = False,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run `p2pblog --home HOME ...`; on a pretend terminal if asked for."""
    stream = Terminal if terminal else io.StringIO
    out, err = stream(), stream()
    given = io.TextIOWrapper(_Terminal(stdin) if terminal else io.BytesIO(stdin), "utf-8")
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(patch.object(sys, "stdin", given))
        stack.enter_context(patch.dict("os.environ", dict(env or {})))
        code = main(["--home", str(home.path), *arguments])
    return Result(code, out.getvalue(), err.getvalue())


class _Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True
