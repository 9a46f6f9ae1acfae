"""Damaged stores: what is whole is kept, what is lost comes from others, and no number twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from p2pblog.errors import NotSetUp
from p2pblog.node.node import Node
from p2pblog.store.replica import Replica
from tests.support.aio import run
from tests.support.nodes import Office, address, files_of, join, member, texts, until

COUNT = 40  # posts of each: two dozen pages of the store
Damage = Callable[[Path, random.Random], None]


def flip(path: Path, *places: int) -> None:
    data = bytearray(path.read_bytes())
    for place in places:
        data[place] ^= 0x55
    path.write_bytes(data)


def at_text(number: int) -> Damage:
    """In the payload of an own post, wherever it stands."""

    def spoil(path: Path, _: random.Random) -> None:
        data = path.read_bytes()
        found = data.index(f"b says {number} ".encode())
        flip(path, found + 2)

    return spoil


def at_signature(path: Path, _: random.Random) -> None:
    with Replica.open(path) as replica, replica._database.reading() as connection:
        (signature,) = connection.execute(
            "SELECT signature FROM entries WHERE signature IS NOT NULL ORDER BY arrival DESC"
        ).fetchone()
    flip(path, path.read_bytes().index(signature) + 5)


def at_root(table: str) -> Damage:
    """The first page of a table or an index."""

    def spoil(path: Path, rng: random.Random) -> None:
        with Replica.open(path) as replica, replica._database.reading() as connection:
            (page,) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
            ).fetchone()
        start = (page - 1) * 4096
        places = (0, 3, 4, 5, 6, 8, *rng.sample(range(9, 4096), 60))
        flip(path, *(start + place for place in places))

    return spoil


def header(path: Path, _: random.Random) -> None:
    flip(path, 0, 5, 16, 60, 70)


def first_page(path: Path, _: random.Random) -> None:
    flip(path, *range(0, 4096, 3))


def cut_short(path: Path, _: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 - 777])


def scattered(path: Path, rng: random.Random) -> None:
    flip(path, *rng.sample(range(path.stat().st_size), 40))


def nonsense(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.randbytes(path.stat().st_size))


def gone(path: Path, _: random.Random) -> None:
    path.unlink()


DAMAGES: dict[str, Damage] = {
    "an own text": at_text(7),
    "the newest own text": at_text(COUNT - 1),
    "a signature": at_signature,
    "the entries": at_root("entries"),
    "their index": at_root("sqlite_autoindex_entries_1"),
    "the posts": at_root("posts"),
    "an index of posts": at_root("posts_by_log"),
    "an order of posts": at_root("by_channel"),
    "the search index": at_root("search_data"),
    "the logs": at_root("logs"),
    "the branches": at_root("branches"),
    "the store's row": at_root("store"),
    "the header": header,
    "the first page": first_page,
    "a half": cut_short,
    "here and there": scattered,
    "everything": nonsense,
    "the file itself": gone,
}


async def write(node: Node, name: str) -> None:
    for number in range(COUNT):
        await node.post(f"{name} says {number} " + "so " * 60, "", None, "")


async def prepare(office: Office) -> None:
    """A team of two that both have all that both wrote."""
    async with office.node("a") as a, office.node("b") as b:
        await a.found("Acme", "Ana", "desk")
        await join(a, b, "Bob")
        await write(a, "a")
        await write(b, "b")
        await until_same(a, b, 2 * COUNT)


async def until_same(a: Node, b: Node, count: int) -> None:
    async def same() -> bool:
        one, other = await texts(a), await texts(b)
        return len(one) == count and one == other

    await until(same)


async def mend(office: Office, name: str, count: int, seed: int) -> None:
    """Damage one of the two stores, mend it, and post at once."""
    print(f"{name}, seed {seed}")
    DAMAGES[name](files_of(office.folder / "b").store, random.Random(seed))
    async with office.node("a") as a, office.node("b", repair=True) as b:
        found = {one.check: one for one in await b.doctor()}
        assert found["repair"].state in ("ok", "warning")
        assert found["store"].state == "ok"
        await b.add_peer(await address(a))
        await post_soon(b, f"after {name}")
        await until_same(a, b, count + 1)
        assert len(await b.search("says", 200, None)) == 2 * COUNT
        for node in (a, b):
            replica = member(node).replica
            for log in (*replica.rows(True), *replica.rows(False)):
                assert len(replica.branches(log)) == 1
    kept = {str(path).removesuffix("-wal") for path in (office.folder / "b").glob("*.damaged-*")}
    named = any(path in found["repair"].hint for path in kept)
    assert named == ("kept" in found["repair"].hint)
    assert "kept" in found["repair"].hint or name == "the file itself"


async def post_soon(node: Node, text: str) -> None:
    """Post at once; only where even the team has to come from others, when it has come."""

    async def posted() -> bool:
        try:
            await node.post(text, "", None, "")
        except NotSetUp as refused:
            if "not whole since the store was repaired" not in str(refused):
                raise
            return False
        return True

    await until(posted)


def test_a_damaged_store_is_mended(tmp_path: Path) -> None:
    office = Office(tmp_path)
    run(lambda: prepare(office))
    run(lambda: mend(office, "the header", 2 * COUNT, 1))


@pytest.mark.slow
def test_a_store_that_is_damaged_anywhere_is_mended(tmp_path: Path) -> None:
    office = Office(tmp_path)
    run(lambda: prepare(office))
    for count, name in enumerate(DAMAGES, 2 * COUNT):
        run(partial(mend, office, name, count, count))


def test_a_store_that_is_gone_begins_anew(tmp_path: Path) -> None:
    async def found() -> None:
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")

    async def mended() -> None:
        async with office.node("a", repair=True) as a:
            done = (await a.doctor())[0]
            assert (done.check, done.state) == ("repair", "warning")
            assert "begins anew" in done.why

    office = Office(tmp_path)
    run(found)
    (tmp_path / "a" / "store.db").unlink()
    run(mended)


def test_a_whole_store_stays_in_its_place_and_its_log(tmp_path: Path) -> None:
    async def found() -> None:
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("kept", "", None, "")

    async def mended() -> None:
        async with office.node("a", repair=True) as a:
            (done, *_) = await a.doctor()
            assert done.check == "repair"
            assert "are whole" in done.why
            await a.post("again", "", None, "")
            assert await texts(a) == ["kept", "again"]
            assert len(member(a).replica.rows(False)) == 1

    office = Office(tmp_path)
    run(found)
    store = files_of(tmp_path / "a").store
    before = store.stat().st_ino
    run(mended)
    assert store.stat().st_ino == before
    assert not list(store.parent.glob("*damaged*"))
