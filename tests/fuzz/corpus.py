"""The kept inputs of a target, shortest first, and those that failed once: a line of base64 each.

What is kept reaches together all that is reached by everything offered: steps from line to line of
our own code, and words for what became of it. An input that adds nothing is left out.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from tests.fuzz import Target

FOLDER = Path(__file__).parent / "corpus"
FIXED = Path(__file__).parent / "fixed"  # what failed once: kept for ever
OURS = str(Path(__file__).parents[2] / "p2pblog")
ROOM = 64 * 1024  # bytes of a target's inputs: what all read in a second, and nobody minds to fetch

Step: TypeAlias = tuple[str, int, int]  # file, from line, to line


def kept(target: Target) -> list[bytes]:
    """The inputs that are kept."""
    return _read(FOLDER / f"{target.name}.txt")


def fixed(target: Target) -> list[bytes]:
    """The inputs that failed once."""
    return _read(FIXED / f"{target.name}.txt")


def keep_failure(target: Target, data: bytes) -> None:
    """Keep an input that fails."""
    _write(FIXED / f"{target.name}.txt", sorted({*fixed(target), data}, key=_size))


def _read(file: Path) -> list[bytes]:
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    return [base64.b64decode(line, validate=True) for line in lines]


def _write(file: Path, inputs: Iterable[bytes]) -> None:
    lines = [base64.b64encode(data).decode() + "\n" for data in inputs]
    file.write_text("".join(lines), encoding="ascii")


def _size(data: bytes) -> tuple[int, bytes]:
    return len(data), data


def keep(target: Target, offered: Iterable[bytes]) -> int:
    """Keep what is needed of these; how many that is."""
    chosen = list(fewest(target, offered))
    _write(FOLDER / f"{target.name}.txt", chosen)
    return len(chosen)


def fewest(target: Target, offered: Iterable[bytes]) -> Iterator[bytes]:
    """The shortest inputs first, each that adds to what is reached, while there is room."""
    seen: set[Step | str] = set()
    room = ROOM
    for data in sorted(set(offered), key=_size):
        found = reached(target, data)
        if not found <= seen and len(data) <= room:
            seen |= found
            room -= len(data)
            yield data


def reached(target: Target, data: bytes) -> set[Step | str]:
    """What an input reaches in our own code, and the word for what became of it."""
    steps: set[Step | str] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(OURS):
            return None
        last = 0

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                steps.add((file[len(OURS) + 1 :], last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        outcome = target.run(data)
    finally:
        sys.settrace(before)
    return steps | {outcome}
