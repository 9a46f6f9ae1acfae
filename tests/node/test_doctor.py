"""What the doctor says of a healthy home and of sick ones."""

import shutil
from pathlib import Path

from p2pblog.node.node import Node
from tests.support.aio import run
from tests.support.nodes import Office, address, join, until


async def states(node: Node) -> dict[str, tuple[str, str]]:
    return {found.check: (found.state, found.why) for found in await node.doctor()}


def test_a_healthy_home(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            found = await states(a)
            for check in ("store", "disk", "log", "forks", "clock", "peers"):
                assert found[check][0] == "ok", found

    run(main)


def test_nobody_in_reach_is_a_problem_and_somebody_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")

                async def connected() -> bool:
                    return (await states(a))["peers"][0] == "ok"

                await until(connected)

            async def alone() -> bool:
                return (await states(a))["peers"][0] == "problem"

            await until(alone)
            assert await address(a)

    run(main)


def test_a_copied_home_is_explained(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("first", "", None, "")
        shutil.copytree(tmp_path / "a", tmp_path / "copy")
        async with office.node("copy") as a:
            state, why = (await states(a))["log"]
            assert state == "warning"
            assert "copied" in why
            assert "Nothing is lost" in why

    run(main)
