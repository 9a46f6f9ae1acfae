"""Copied, restored and rolled-back homes: nothing is lost, nobody waits, the log goes on anew."""

import shutil
from pathlib import Path

from p2pblog.node.incarnation import own_logs
from p2pblog.node.node import Node
from tests.support.aio import run
from tests.support.nodes import Office, address, files_of, join, member, texts, until, until_texts


def incarnations(node: Node) -> int:
    return len(own_logs(member(node).replica, member(node).me))


async def found(node: Node) -> None:
    await node.found("Acme", "Ana", "desk")
    await node.post("first", "", None, "")


def copy(office: Office, name: str, to: str) -> None:
    shutil.copytree(office.folder / name, office.folder / to)


def test_a_home_that_stays_goes_on_in_its_log(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await found(a)
        async with office.node("a") as a:
            await a.post("second", "", None, "")
            assert incarnations(a) == 1

    run(main)


def test_a_copied_home_goes_on_in_a_log_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await found(a)
        copy(office, "a", "copy")
        async with office.node("copy") as a:
            await a.post("on the copy", "", None, "")
            assert incarnations(a) == 2
            assert "new log" in (await a.status()).warnings[0]
        async with office.node("copy") as a:
            await a.post("again", "", None, "")
            assert incarnations(a) == 2
            assert (await a.status()).warnings == ()  # said once
            assert await texts(a) == ["first", "on the copy", "again"]

    run(main)


def test_a_rolled_back_store_gets_back_what_it_had_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await found(a)
                await join(a, b, "Bob")
                await until_texts(b, ["first"])
            copy(office, "a", "backup")
            async with office.node("a") as a:
                await a.add_peer(await address(b))
                await a.post("forgotten", "", None, "")
                await until_texts(b, ["first", "forgotten"])
            for path in (tmp_path / "backup").iterdir():
                shutil.copyfile(path, tmp_path / "a" / path.name)
            async with office.node("a") as a:
                assert incarnations(a) == 2  # the marker had seen a higher log
                await a.post("while alone", "", None, "")
                await a.add_peer(await address(b))
                await until_texts(a, ["first", "forgotten", "while alone"])
                await until_texts(b, ["first", "forgotten", "while alone"])

    run(main)


def test_a_machine_rolled_back_with_its_marker_forks_and_heals(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await found(a)
                await join(a, b, "Bob")
                await until_texts(b, ["first"])
            marker = files_of(tmp_path / "a").marker
            kept = marker.read_bytes()
            copy(office, "a", "backup")
            async with office.node("a") as a:
                await a.add_peer(await address(b))
                await a.post("one branch", "", None, "")
                await until_texts(b, ["first", "one branch"])
            for path in (tmp_path / "backup").iterdir():
                shutil.copyfile(path, tmp_path / "a" / path.name)
            marker.write_bytes(kept)
            async with office.node("a") as a:
                await a.post("other branch", "", None, "")
                assert incarnations(a) == 1
                await a.add_peer(await address(b))
                both = ["first", "one branch", "other branch"]
                await until_texts(a, both)
                await until_texts(b, both)

                async def renewed() -> bool:
                    return incarnations(a) == 2

                await until(renewed)
                await a.post("healed", "", None, "")
                await until_texts(b, [*both, "healed"])

    run(main)


def test_two_copies_on_line_are_both_served(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await found(a)
                await join(a, b, "Bob")
                await until_texts(b, ["first"])
            copy(office, "a", "copy")
            async with office.node("a") as a, office.node("copy") as twin:
                for node in (a, twin):
                    await node.add_peer(await address(b))
                await a.post("from the one", "", None, "")
                await twin.post("from the other", "", None, "")
                due = {"first", "from the one", "from the other"}

                async def equal() -> bool:
                    return all([set(await texts(node)) == due for node in (a, b, twin)])

                await until(equal)
                assert len(member(b).sessions) == 2

    run(main)
