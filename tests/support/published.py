"""Vectors that others published, kept beside the repository in `../shared/vectors`."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "vectors"


def published(name: str) -> Any:
    """The content of `name`; skips the test where the folder is missing."""
    if not FOLDER.is_dir():
        pytest.skip("needs the published vectors in ../shared/vectors")
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))
