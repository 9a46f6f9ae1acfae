"""Numbers on the command lines of what is run on demand."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)


def at_least(smallest: N) -> Callable[[str], N]:
    """Reads a number of that kind; argparse says what is wrong with any other."""
    kind = type(smallest)

    def read(text: str) -> N:
        number = kind(text)
        if not smallest <= number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not {smallest} or more")
        return number

    read.__name__ = kind.__name__
    return read
