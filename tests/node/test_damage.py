"""Homes whose files are damaged: the daemon says which and what to do, and touches nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from p2pblog.errors import DiskError, P2pblogError, SearchDamaged
from tests.support.aio import run
from tests.support.nodes import Office, files_of, member, texts, until


def change(**fields: object) -> Callable[[Path], None]:
    """Change fields of a JSON file."""

    def spoil(path: Path) -> None:
        kept = json.loads(path.read_text())
        path.write_text(json.dumps(kept | fields))

    return spoil


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def garble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096::7] = bytes(byte ^ 0x55 for byte in data[4096::7])
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("file", "spoil", "words"),
    [
        ("identity", write(b""), "identity.json is damaged"),
        ("identity", write(b"\xff\xfe"), "identity.json is damaged"),
        ("identity", write(b"[]"), "identity.json is damaged"),
        ("identity", change(seed=5), "identity.json is damaged"),
        ("identity", change(seed="00"), "seed has 1 bytes, not 32"),
        ("identity", change(incarnation="00"), "incarnation has 1 bytes"),
        ("identity", change(network_key="zz"), "identity.json is damaged"),
        ("identity", change(opening=[1]), "identity.json is damaged"),
        ("identity", change(team="00" * 32), "of two teams"),
        ("store", write(b""), "it is no SQLite file"),
        ("store", write(b"x" * 5000), "it is no SQLite file"),
        ("store", Path.unlink, "No such file"),
        ("store", garble, "it is damaged"),
    ],
)
def test_what_is_damaged_is_named(
    tmp_path: Path, file: str, spoil: Callable[[Path], object], words: str
) -> None:
    async def found() -> None:
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("kept", "", None, "")

    async def go_on() -> None:
        async with office.node("a") as a:
            assert await texts(a) == ["kept"]

    office = Office(tmp_path)
    run(found)
    path: Path = getattr(files_of(tmp_path / "a"), file)
    whole = path.read_bytes()
    spoil(path)
    with pytest.raises(DiskError, match=words):
        run(lambda: start(office))
    path.write_bytes(whole)
    run(go_on)


async def start(office: Office) -> None:
    """Start the node; the error that keeps it from starting."""
    error: P2pblogError | None = None
    try:
        async with office.node("a"):
            await trio.lowlevel.checkpoint()
    except* P2pblogError as group:
        found: BaseException = group
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        assert isinstance(found, P2pblogError)
        error = found
    if error is not None:
        raise error


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"seed": "00", "code": "x", "name": "n", "device_name": "d", "peers": []}',
        '{"seed": 5, "code": 7, "name": "n", "device_name": "d", "peers": [7]}',
        json.dumps(
            {"seed": "00" * 32, "code": "x", "name": "n", "device_name": "d", "peers": ["h"]}
        ),
    ],
)
def test_a_damaged_join_is_named(tmp_path: Path, text: str) -> None:
    async def main() -> None:
        (tmp_path / "a").mkdir()
        files_of(tmp_path / "a").joining.write_text(text)
        with pytest.raises(DiskError, match=r"joining\.json is damaged.*join again"):
            await start(Office(tmp_path))

    run(main)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"height": "x", "machine": 1, "file": 2}'])
def test_a_damaged_marker_says_nothing_so_a_new_log_is_begun(tmp_path: Path, text: str) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("before", "", None, "")
        files_of(tmp_path / "a").marker.write_text(text)
        async with office.node("a") as a:
            await a.post("after", "", None, "")
            assert await texts(a) == ["before", "after"]

    run(main)


def test_a_damaged_search_index_stops_nothing_but_search(tmp_path: Path) -> None:
    async def found() -> None:
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("before the damage", "", None, "")
            assert len(await a.search("damage", 10, None)) == 1

    async def damaged() -> None:
        async with office.node("a") as a:
            await a.post("after the damage", "", None, "")
            with pytest.raises(SearchDamaged, match="search index is damaged"):
                await a.search("damage", 10, None)
            assert await texts(a) == ["before the damage", "after the damage"]

            async def told() -> bool:
                return "doctor --repair" in str((await a.status()).warnings)

            await until(told)
            assert "search" in {one.check for one in await a.doctor() if one.state == "problem"}

    async def mended() -> None:
        async with office.node("a", repair=True) as a:
            await a.doctor()
            assert len(await a.search("damage", 10, None)) == 2
            assert len(member(a).replica.rows(False)) == 1

    office = Office(tmp_path)
    run(found)
    with closing(sqlite3.connect(files_of(tmp_path / "a").store)) as store:
        store.execute("UPDATE search_data SET block = x'ffffffffffff'")
        store.commit()
    run(damaged)
    run(mended)
