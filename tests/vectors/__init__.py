"""Makes the committed vectors: a module here per module of `p2pblog.protocol`, one seed."""

import importlib
import json
import pkgutil
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"
SEED = "p2pblog vectors 1"


def names() -> list[str]:
    """The modules that have vectors."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def text(name: str) -> str:
    """The file of vectors of one module, as it has to stand in the repository."""
    made: Any = importlib.import_module(f"{__name__}.{name}").make(random.Random(f"{SEED} {name}"))
    return json.dumps(made, indent=1, ensure_ascii=True) + "\n"


def all_texts() -> Iterator[tuple[Path, str]]:
    """Each vector file with its due content."""
    for name in names():
        yield FOLDER / f"{name}.json", text(name)
