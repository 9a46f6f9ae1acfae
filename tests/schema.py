"""JSON Schemas of every record and message, drawn from the shapes that the code checks.

`python -m tests.schema` writes `protocol/schema/*.json` anew. A file is named for its module and
its record: `message.hello.json`.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import p2pblog.protocol
from p2pblog.protocol.codec import Array

FOLDER = Path(__file__).parents[1] / "protocol" / "schema"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def shapes() -> dict[str, Array]:
    """Every record and message by the name of its file."""
    found: dict[str, Array] = {}
    for item in pkgutil.iter_modules(p2pblog.protocol.__path__):
        module = importlib.import_module(f"p2pblog.protocol.{item.name}")
        for shape in _shapes_of(module):
            found[file_name(item.name, shape.name)] = shape
    return dict(sorted(found.items()))


def file_name(module: str, record: str) -> str:
    return f"{module}.{record.lower().replace(' ', '-')}.json"


def _shapes_of(module: ModuleType) -> Iterator[Array]:
    """Of the module, of a tuple in it, and `SHAPE` of its classes."""
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        match value:
            case Array():
                yield value
            case tuple():
                yield from (item for item in value if isinstance(item, Array))
            case type() if value.__module__ == module.__name__:
                shape = getattr(value, "SHAPE", None)
                if isinstance(shape, Array):
                    yield shape


def texts() -> dict[str, str]:
    """Each file's due content."""
    return {
        name: json.dumps({"$schema": DRAFT, "$id": name} | shape.schema(), indent=1) + "\n"
        for name, shape in shapes().items()
    }


def _write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    due = texts()
    for old in FOLDER.glob("*.json"):
        if old.name not in due:
            old.unlink()
    for name, text in due.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write()
