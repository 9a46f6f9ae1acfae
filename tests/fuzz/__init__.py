"""Coverage-guided fuzzing of everything that reads bytes or text from outside.

A module in `targets` is a target: its docstring is the invariant, `run(data)` holds it and says
what became of the input in a word, `seeds()` gives inputs to start from. `corpus/NAME.txt` keeps
inputs, a line of base64 each: the seeds and what fuzzing found, as few as reach all that they
reach together. How to run it: `python -m tests.fuzz --help`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

TAKEN = "taken"  # an input that was read as a value
NO_INPUT = "no input"  # bytes that do not say what to try


@dataclass(frozen=True)
class Target:
    """One thing to fuzz."""

    name: str
    invariant: str
    run: Callable[[bytes], str]
    seeds: Callable[[], Iterable[bytes]]
    longest: int  # bytes of an input
    due: frozenset[str]  # outcomes that the kept inputs have to reach


def names() -> list[str]:
    """All targets."""
    from tests.fuzz import targets

    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


def load(name: str) -> Target:
    """A target by name."""
    module: Any = importlib.import_module(f"tests.fuzz.targets.{name}")
    longest, due = getattr(module, "LONGEST", 4096), getattr(module, "DUE", ())
    return Target(name, module.__doc__, module.run, module.seeds, longest, frozenset(due))
