"""Reads our own committed vectors of `protocol/vectors`."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"


def vectors(module: str, part: str) -> list[dict[str, Any]]:
    """The `valid` or `invalid` vectors of one module."""
    content = json.loads((FOLDER / f"{module}.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content[part]
    return found
