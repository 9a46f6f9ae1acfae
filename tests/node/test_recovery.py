"""The founder comes back with the paper code: on a new machine, by way of any member."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from p2pblog.errors import Conflict, NotSetUp, UsageError
from p2pblog.node.node import Node
from p2pblog.node.service import Phase
from tests.support.aio import run
from tests.support.crowd import until_members, until_warned
from tests.support.nodes import Office, address, join, member, until, until_joined, until_texts

OTHER = "0000-0000-0000-0000-0000-0000-0000"


async def founded(office: Office, *others: str) -> str:
    """A team whose members have all met; the recovery code."""
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(office.node("a"))
        code = (await a.found("Acme", "Ana", "desk")).recovery_code
        nodes = [await stack.enter_async_context(office.node(name)) for name in others]
        for node, name in zip(nodes, others, strict=True):
            await join(a, node, name)
        await a.post("welcome", "", None, "")
        for node in nodes:
            await until_texts(node, ["welcome"])
            await until_members(node, {"Ana", *others})
        return code


async def recovered(new: Node, code: str, host: Node) -> None:
    await new.recover(code, "new desk", [await address(host)])
    await until_joined(new)

    async def here() -> bool:
        return (await new.status()).phase is Phase.MEMBER

    await until(here)


def test_a_team_whose_only_admin_lost_the_machine_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        code = await founded(office, "Bob")
        async with office.node("Bob") as b, office.node("new") as new:
            await recovered(new, code.lower().replace("-", " "), b)
            view = await new.join_state()
            assert (view.team, view.name) == ("Acme", "Ana")
            await until_texts(new, ["welcome"])
            me = next(one for one in await new.members() if one.is_me)
            assert (me.name, me.role, len(me.devices)) == ("Ana", "founder", 2)
            await new.post("back again", "", None, "")
            await until_texts(b, ["welcome", "back again"])
            await new.roster.rename_team("Acme again")

            async def heard() -> bool:
                return (await b.status()).team == "Acme again"

            await until(heard)
            assert not (tmp_path / "new" / "joining.json").exists()

    run(main)


def test_the_lost_devices_are_revoked_with_the_code(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        code = await founded(office, "Bob")
        async with office.node("Bob") as b, office.node("new") as new:
            await recovered(new, code, b)
            await until_texts(new, ["welcome"])
            with pytest.raises(UsageError):
                await new.roster.recover_devices(OTHER)
            with pytest.raises(UsageError):
                await new.roster.recover_devices("nonsense")
            (gone,) = await new.roster.recover_devices(code)
            assert (gone.kind, gone.name) == ("revoked", "Ana's desk")
            assert await new.roster.recover_devices(code) == []
            async with office.node("a") as thief:
                await thief.add_peer(await address(b))
                await until_warned(thief, "This device was removed from the team")
                await thief.post("by the thief", "", None, "")
            for node in (b, new):
                await until_texts(node, ["welcome"])

    run(main)


def test_what_a_thief_did_with_the_founders_machine_falls(tmp_path: Path) -> None:
    """Cleo hears of it first; then the founder comes by."""

    async def main() -> None:
        office = Office(tmp_path)
        code = await founded(office, "Bob", "Cleo")
        async with office.node("Bob") as b, office.node("new") as new:
            await recovered(new, code, b)
            await until_texts(new, ["welcome"])
            await new.roster.recover_devices(code)
        async with office.node("Cleo") as c:
            async with office.node("a") as thief:
                await thief.roster.remove("Bob")
                await c.add_peer(await address(thief))
                await until_members(c, {"Ana", "Cleo"})
            async with office.node("new") as new, office.node("Bob") as b:
                await new.add_peer(await address(c))
                await until_members(c, {"Ana", "Bob", "Cleo"})
                await b.add_peer(await address(c))
                await b.post("still here", "", None, "")
                await until_texts(c, ["welcome", "still here"])

    run(main)


def test_codes_that_will_not_do(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        code = await founded(office)
        async with office.node("a") as a, office.node("new") as new:
            for wrong in ("", "K7QF-M2XD-9HWA-T3PL", code[:-1] + ("0" if code[-1] != "0" else "1")):
                with pytest.raises(UsageError):
                    await new.recover(wrong, "new desk", [])
            with pytest.raises(UsageError) as caught:
                await new.join(code, "Ana", "new desk", [])
            assert "p2pblog recover" in caught.value.hint
            with pytest.raises(UsageError):
                await new.recover(code, "", [])
            assert (await new.status()).phase is Phase.EMPTY
            with pytest.raises(Conflict):
                await a.recover(code, "desk", [])
            with pytest.raises(NotSetUp):
                await new.roster.recover_devices(code)

    run(main)


def test_another_teams_code_gets_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        await founded(office)
        async with office.node("other") as other, office.node("a") as a:
            code = (await other.found("Other", "Olga", "desk")).recovery_code
            async with office.node("new") as new:
                await new.recover(code, "new desk", [await address(a)])

                async def tried() -> bool:
                    view = await new.join_state()
                    return view.state == "searching" and len(view.tried) == 1

                await until(tried)
                assert (await new.join_state()).team == ""
                assert len(await a.members()) == 1

    run(main)


def test_the_recovery_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        code = await founded(office, "Bob")
        async with office.node("new") as new:
            await new.recover(code, "new desk", ["127.0.0.1:1"])
        async with office.node("new") as new, office.node("Bob") as b:
            assert (await new.status()).phase is Phase.JOINING
            await recovered(new, code, b)
            assert len(member(b).replica.team.devices) == 3

    run(main)
