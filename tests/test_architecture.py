"""The rings: who may import whom, and what only one file may import."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "p2pblog"
TOP = ("config", "daemon", "errors", "lock", "supervisor")  # modules of the package itself

# What each part may import of the others, besides itself. Arrows point one way.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "protocol": {"errors"},
    "store": {"errors", "protocol"},
    "net": {"errors", "protocol"},
    "node": {"errors", "protocol", "store", "net", "supervisor"},
    "api": {"errors", "protocol", "node"},
    "gateways": {"errors", "protocol", "node"},
    "config": {"errors"},
    "lock": {"errors"},
    "supervisor": {"errors"},
    "daemon": {
        *("errors", "protocol", "store", "net", "node", "api"),
        *("gateways", "config", "lock", "supervisor"),
    },
    "cli": {"errors", "config", "lock"},
}
LAZILY = {"cli": {"daemon"}}  # only within a function: the command that starts it

# Who alone imports a library.
ONE_IMPORTER = {
    "nacl": "protocol/crypto.py",
    "msgpack": "protocol/codec.py",
    "zeroconf": "net/discovery.py",
    "appdirs": "config.py",
}
# What a part may not import from outside: no I/O, no clock, no chance, no logging in the protocol.
FORBIDDEN = {
    "protocol": {
        *("logging", "time", "datetime", "random", "os", "secrets", "socket", "ssl", "sqlite3"),
        *("trio", "threading", "subprocess", "pathlib", "io", "tempfile", "shutil"),
    },
    "store": {"trio", "socket", "time", "datetime", "logging"},
    "cli": {"trio", "zeroconf", "nacl", "msgpack", "sqlite3"},
    "net": {"sqlite3"},
}


@cache
def imports(file: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether it does when it is loaded."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return list(_imports(tree, at_load=True))


def _imports(node: ast.AST, *, at_load: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names):
                yield from ((alias.name, at_load) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module, at_load
                yield from ((f"{module}.{alias.name}", at_load) for alias in names)
            case ast.ImportFrom():
                raise AssertionError(f"relative import, line {child.lineno}")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _imports(child, at_load=False)
            case _:
                yield from _imports(child, at_load=at_load)


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(file: Path) -> str:
    """The ring or top module that a file belongs to."""
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def own_imports(file: Path) -> Iterator[tuple[str, bool]]:
    for name, at_load in imports(file):
        parts = name.split(".")
        inner = parts[1] if parts[0] == "p2pblog" and len(parts) > 1 else ""
        if inner in TOP or (inner and (PACKAGE / inner).is_dir()):
            yield inner, at_load


def named(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("file", files(), ids=named)
def test_arrows_point_one_way(file: Path) -> None:
    part = part_of(file)
    if part in ("__init__", "__main__"):
        part = "cli" if part == "__main__" else "errors"
    allowed = ALLOWED[part] | {part}
    for imported, at_load in own_imports(file):
        if at_load or imported not in LAZILY.get(part, set()):
            assert imported in allowed, f"{named(file)} imports {imported}"


@pytest.mark.parametrize(("library", "owner"), ONE_IMPORTER.items())
def test_one_file_imports_it(library: str, owner: str) -> None:
    importers = {
        named(file)
        for file in files()
        if any(name.split(".")[0] == library for name, _ in imports(file))
    }
    assert importers == {owner}


@pytest.mark.parametrize("file", files(), ids=named)
def test_what_a_ring_must_not_import(file: Path) -> None:
    forbidden = FORBIDDEN.get(part_of(file), set())
    imported = {name.split(".")[0] for name, _ in imports(file)}
    assert imported & forbidden == set()


def test_every_part_has_its_rule() -> None:
    parts = {part_of(file) for file in files()} - {"__init__", "__main__"}
    assert parts <= set(ALLOWED)


def test_nothing_imports_the_tests() -> None:
    for file in files():
        assert not any(name.split(".")[0] in ("tests", "examples") for name, _ in imports(file))
