"""A stick between machines that never meet: what it brings, and every way it can be bad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from p2pblog.errors import Conflict, Exit, NotFound, NotSetUp, UsageError, UserError
from p2pblog.node.node import Node
from p2pblog.node.service import ImportItem
from p2pblog.protocol import bundle, sealed
from p2pblog.protocol.operation import RemoveMember
from tests.support.aio import run
from tests.support.nodes import Office, join, member, texts, until, until_texts


async def posts(node: Node, *written: str) -> None:
    for text in written:
        await node.post(text, "", None, "")


async def paired(office: Office) -> None:
    """Ana and Bob of a team, on machines that will not meet again."""
    async with office.node("a") as a, office.node("b") as b:
        await a.found("Acme", "Ana", "desk")
        await join(a, b, "Bob")
        await posts(a, "from the start")
        await until_texts(b, ["from the start"])


async def deaf(node: Node) -> None:
    """Let a node forget where others are: from here on only the stick connects them."""
    for name in list(member(node).peering.ways):
        member(node).peering.remove(name)


def test_a_stick_goes_both_ways_and_brings_an_admission(tmp_path: Path) -> None:
    async def main() -> None:
        office, stick = Office(tmp_path), str(tmp_path / "stick")
        await paired(office)
        async with office.node("a") as a, office.node("c") as c:
            await deaf(a)
            await join(a, c, "Cleo")
            await posts(c, "new here")
            await until_texts(a, ["from the start", "new here"])
            await posts(a, "hello from the desk")
            made = await a.carriage.export_bundle(stick, "", False)
            assert (made.devices, made.member, made.whole) == (3, "", True)
            assert made.maker == "Ana (desk)"
        async with office.node("b") as b:
            await deaf(b)
            await posts(b, "hello from Bob")
            taken = await b.carriage.import_bundle(stick)
            assert taken.whole
            assert taken.missing == ()
            assert taken.stored == 4  # an invitation and an admission, and two posts
            assert [one.name for one in await b.members()] == ["Ana", "Bob", "Cleo"]
            due = ["from the start", "new here", "hello from the desk", "hello from Bob"]
            assert sorted(await texts(b)) == sorted(due)
            again = await b.carriage.import_bundle(stick)
            assert (again.stored, again.known, again.missing) == (0, made.entries, ())
            back = await b.carriage.export_bundle(stick, "Ana", True)
            assert back.granted > 0
            assert back.member == "Ana"
        async with office.node("a") as a:
            await deaf(a)
            taken = await a.carriage.import_bundle(stick)
            assert (taken.whole, taken.missing, taken.stored) == (True, (), 1)
            assert sorted(await texts(a)) == sorted(due)

    run(main)


def test_a_removal_travels_by_stick(tmp_path: Path) -> None:
    async def main() -> None:
        office, stick, late = Office(tmp_path), str(tmp_path / "stick"), str(tmp_path / "late")
        await paired(office)
        async with office.node("a") as a:
            await deaf(a)
            async with office.node("c") as c:
                await join(a, c, "Cleo")
                await posts(c, "before I go")
                await until_texts(a, ["from the start", "before I go"])
                left = member(c).me
            async with office.node("c") as c:
                await deaf(c)
                await posts(c, "nobody should read this")
                assert (
                    await c.carriage.export_bundle(late, "", False)
                ).maker == "Cleo (Cleo's desk)"
            team = member(a).replica.team
            cuts = tuple(member(a).replica.ends([left]))
            await member(a).operate(RemoveMember(team.heads, team.devices[left].member, cuts))
            await a.carriage.export_bundle(stick, "", False)
        async with office.node("b") as b:
            await deaf(b)
            assert (await b.carriage.import_bundle(stick)).missing == ()
            assert [one.name for one in await b.members()] == ["Ana", "Bob"]
            taken = await b.carriage.import_bundle(late)
            assert [(one.member, one.why) for one in taken.missing] == [("Cleo", "beyond_cutoff")]
            assert sorted(await texts(b)) == ["before I go", "from the start"]

    run(main)


def test_what_is_whole_is_kept_however_the_file_ends(tmp_path: Path) -> None:
    """Cut at many places, the file is taken in again and again, each time a bit longer."""

    async def main() -> None:
        office, stick = Office(tmp_path), tmp_path / "stick"
        await paired(office)
        async with office.node("a") as a:
            await deaf(a)
            await posts(a, *(f"{number} {'x' * 12_000}" for number in range(30)))
            await a.carriage.export_bundle(str(stick), "", False)
        data = stick.read_bytes()
        async with office.node("b") as b:
            await deaf(b)
            head = sealed.parse_head(bundle.MAGIC, 1, data)
            assert head is not None
            seen = 0
            for size in range(head.size + 70_000, len(data), 70_000):
                stick.write_bytes(data[:size])
                taken = await b.carriage.import_bundle(str(stick))
                seen += taken.stored
                assert not taken.whole
                assert "too early" in taken.why
                (missing,) = taken.missing
                assert (missing.member, missing.why, missing.last) == ("Ana", "cut", 31)
                assert missing.first == seen + 2
            assert 0 < seen < 30
            stick.write_bytes(data)
            taken = await b.carriage.import_bundle(str(stick))
            assert (taken.whole, taken.missing, taken.stored) == (True, (), 30 - seen)

    run(main)


def test_a_part_that_was_altered_ends_it_there(tmp_path: Path) -> None:
    async def main() -> None:
        office, stick = Office(tmp_path), tmp_path / "stick"
        await paired(office)
        async with office.node("a") as a:
            await posts(a, *(f"{number} {'x' * 12_000}" for number in range(30)))
            await a.carriage.export_bundle(str(stick), "", False)
        data = bytearray(stick.read_bytes())
        data[-1000] ^= 1
        stick.write_bytes(data)
        async with office.node("b") as b:
            shown = await b.carriage.show_bundle(str(stick))
            assert not shown.whole
            taken = await b.carriage.import_bundle(str(stick))
            assert "altered" in taken.why
            assert taken.missing[0].why == "cut"

    run(main)


def test_a_gap_is_told(tmp_path: Path) -> None:
    """The file takes for granted what Bob said that he has; but his home was put back since."""

    async def main() -> None:
        office, stick = Office(tmp_path), str(tmp_path / "stick")
        async with office.node("a") as a:
            async with office.node("b") as b:
                await a.found("Acme", "Ana", "desk")
                await join(a, b, "Bob")
            kept = (tmp_path / "b" / "store.db").read_bytes()
            async with office.node("b") as b:
                await posts(a, "one", "two")
                await until_texts(b, ["one", "two"])
            async with office.node("b") as b:  # anew: when they compare, Bob says what he has

                async def known() -> bool:
                    return member(a).known.height(member(b).me, member(a).own_log()) == 2

                await until(known)
            await deaf(a)
            await posts(a, "three")
            made = await a.carriage.export_bundle(stick, "Bob", False)
            assert made.granted == 2
        (tmp_path / "b" / "store.db").write_bytes(kept)
        async with office.node("b") as b:
            await deaf(b)
            taken = await b.carriage.import_bundle(stick)
            assert taken.whole
            gap = taken.missing[0]
            assert (gap.member, gap.first, gap.last, gap.why) == ("Ana", 1, 2, "gap")
            assert await texts(b) == []

    run(main)


Spoil = Callable[[Path], None]


def _other_file(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7 and a good deal more")


def _newer(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[sealed.MAGIC_SIZE] = 2
    path.write_bytes(data)


def _bad_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def _cut_head(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("spoil", "code", "exit_code"),
    [
        (_other_file, "unknown_file", Exit.USAGE),
        (_newer, "version", Exit.CONFLICT),
        (_bad_head, "bad_head", Exit.FAILED),
        (_cut_head, "truncated", Exit.FAILED),
        (Path.unlink, "not_found", Exit.NOT_FOUND),
    ],
)
def test_a_file_that_is_of_no_use_is_named(
    tmp_path: Path, spoil: Spoil, code: str, exit_code: Exit
) -> None:
    async def main() -> None:
        stick = tmp_path / "stick"
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.carriage.export_bundle(str(stick), "", False)
            spoil(stick)
            for use in (a.carriage.import_bundle, a.carriage.show_bundle):
                with pytest.raises(UserError) as caught:
                    await use(str(stick))
                assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
                assert str(stick) in caught.value.message

    run(main)


def test_who_it_is_not_for_can_not_open_it(tmp_path: Path) -> None:
    async def main() -> None:
        office, stick = Office(tmp_path), str(tmp_path / "stick")
        async with office.node("a") as a, office.node("c") as c:
            await a.found("Acme", "Ana", "desk")
            await a.carriage.export_bundle(stick, "", False)
            with pytest.raises(NotSetUp):
                await c.carriage.import_bundle(stick)
            await join(a, c, "Cleo")
            with pytest.raises(UserError) as caught:
                await c.carriage.import_bundle(stick)
            assert caught.value.code == "not_for_us"
            assert caught.value.exit_code is Exit.NOT_ALLOWED
            assert "anew" in caught.value.hint

    run(main)


def test_where_it_can_not_be_written(tmp_path: Path) -> None:
    async def main() -> None:
        stick = tmp_path / "stick"
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.carriage.export_bundle(str(stick), "", False)
            with pytest.raises(Conflict):
                await a.carriage.export_bundle(str(stick), "", False)
            await a.carriage.export_bundle(str(stick), "", True)
            with pytest.raises(UsageError):
                await a.carriage.export_bundle("stick", "", False)
            with pytest.raises(UsageError):
                await a.carriage.export_bundle(str(tmp_path), "", True)
            with pytest.raises(UsageError):
                await a.carriage.export_bundle("/dev/null", "", True)
            with pytest.raises(NotFound):
                await a.carriage.export_bundle(str(tmp_path / "no" / "stick"), "", False)
            with pytest.raises(NotFound):
                await a.carriage.export_bundle(str(stick), "Nobody", True)

    run(main)
    assert list(tmp_path.glob("*.part")) == []


def test_one_thing_at_a_time_and_a_stop_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            items = [ImportItem(str(n), n, "ops", "Ann", "x" * 12_000) for n in range(500)]
            await a.import_posts(items)
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    export = a.carriage.export_bundle
                    nursery.start_soon(export, str(tmp_path / "stick"), "", False)
                    while a.jobs.current is None:
                        await trio.lowlevel.checkpoint()
                    with pytest.raises(Conflict) as caught:
                        await a.carriage.show_bundle(str(tmp_path / "other"))
                    assert "bundle export" in caught.value.message
                    scope.cancel()
            assert (await a.status()).job is None

    run(main)
    assert sorted(path.name for path in tmp_path.iterdir() if "stick" in path.name) == []
