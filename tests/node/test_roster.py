"""Roles, names, profiles and devices on whole nodes, with every wrong input."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from p2pblog.errors import Conflict, NotAllowed, NotFound, UsageError, UserError
from p2pblog.node.node import Node
from p2pblog.node.roster import NewProfile
from p2pblog.protocol.post import PICTURES
from tests.support.aio import run
from tests.support.crowd import add_device, crowd, until_members, until_warned
from tests.support.nodes import Office, address, join, member, texts, until

PICTURE = base64.b64encode(PICTURES[1] + b"a face").decode()


async def role_of(node: Node, who: str) -> str:
    return next(one.role for one in await node.members() if one.name == who)


async def refused(kind: type[UserError], call: Callable[[], Awaitable[object]]) -> UserError:
    with pytest.raises(kind) as caught:
        await call()
    return caught.value


def test_an_admin_may_what_a_member_may_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, c):
            await refused(NotAllowed, lambda: b.roster.set_role("Cleo", "admin"))
            made = await a.roster.set_role("bob", "admin")
            assert (made.name, made.role) == ("Bob", "admin")
            await until_role(b, "Bob", "admin")
            await b.roster.set_role("Cleo", "admin")
            await until_role(a, "Cleo", "admin")
            await a.roster.set_role("Cleo", "member")
            await until_role(c, "Cleo", "member")
            await refused(NotAllowed, lambda: c.roster.set_role("Bob", "member"))

    run(main)


async def until_role(node: Node, who: str, role: str) -> None:
    async def has() -> bool:
        return await role_of(node, who) == role

    await until(has)


def test_roles_that_can_not_be_given(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob") as (a, _):
            roster = a.roster
            await refused(UsageError, lambda: roster.set_role("Bob", "king"))
            await refused(NotFound, lambda: roster.set_role("Zed", "admin"))
            await refused(Conflict, lambda: roster.set_role("Bob", "member"))
            await refused(NotAllowed, lambda: roster.set_role("Ana", "member"))

    run(main)


def test_the_last_one_in_charge_is_not_demoted(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, _):
            await a.roster.leave("Bob")
            await until_members(b, {"Bob", "Cleo"})
            error = await refused(Conflict, lambda: b.roster.set_role("Bob", "member"))
            assert "last one in charge" in error.message
            await b.roster.set_role("Cleo", "admin")
            await b.roster.set_role("Bob", "member")
            assert await role_of(b, "Cleo") == "admin"

    run(main)


def test_names(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob") as (a, b):
            assert (await b.roster.rename_member("", "  Robert ")).name == "Robert"
            await until_members(a, {"Ana", "Robert"})
            await a.roster.rename_member("Robert", "Bob")
            assert await a.roster.rename_team("Acme Roofing") == "Acme Roofing"
            await until_members(b, {"Ana", "Bob"})

            async def renamed() -> bool:
                return (await b.status()).team == "Acme Roofing"

            await until(renamed)
            for bad in ("", "  ", "a\u202eb", "x" * 65):
                await refused(UsageError, partial(b.roster.rename_member, "", bad))
                await refused(UsageError, partial(a.roster.rename_team, bad))
            await refused(Conflict, lambda: b.roster.rename_member("", "ANA"))
            await refused(NotAllowed, lambda: b.roster.rename_member("Ana", "Anne"))
            await refused(NotAllowed, lambda: b.roster.rename_team("Ours"))

    run(main)


def test_profiles(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob") as (a, b):
            assert (await b.roster.profile("")).time is None
            new = NewProfile("Fitter at the depot", ("pumps", " cranes ", "pumps", ""), PICTURE)
            made = await b.roster.set_profile(new)
            assert made.skills == ("pumps", "cranes")
            assert (made.picture, made.picture_type) == (PICTURE, "image/jpeg")

            async def seen() -> bool:
                return (await a.roster.profile("bob")).about == "Fitter at the depot"

            await until(seen)
            await b.roster.set_profile(NewProfile(picture=""))
            await b.roster.set_profile(NewProfile(about="Foreman"))

            async def changed() -> bool:
                found = await a.roster.profile("Bob")
                said = (found.about, found.skills, found.picture, found.picture_type)
                return said == ("Foreman", ("pumps", "cranes"), "", "")

            await until(changed)
            assert await texts(a) == []
            await refused(NotFound, lambda: a.roster.profile("Zed"))

    run(main)


@pytest.mark.parametrize(
    "new",
    [
        NewProfile(about="x" * 1025),
        NewProfile(about="\ud800"),
        NewProfile(skills=tuple(f"skill {number}" for number in range(33))),
        NewProfile(skills=("x" * 65,)),
        NewProfile(picture="not base64"),
        NewProfile(picture=base64.b64encode(b"GIF89a").decode()),
        NewProfile(picture=base64.b64encode(PICTURES[0] + bytes(12 * 1024)).decode()),
    ],
)
def test_what_a_profile_can_not_say(tmp_path: Path, new: NewProfile) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await refused(UsageError, lambda: a.roster.set_profile(new))
            assert (await a.roster.profile("")).time is None

    run(main)


def test_a_second_device_is_the_same_member(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b, office.node("b2") as b2:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
            await b.roster.set_profile(NewProfile(about="Fitter"))
            await add_device(b, b2)
            assert (await b2.join_state()).name == "Bob"
            await b2.post("from the laptop", "", None, "")

            async def seen() -> bool:
                found = [post.author for post in await a.posts(await a.devices_of("Bob"))]
                return found == ["Bob"]

            await until(seen)
            listed = await b.roster.devices("")
            assert [(one.name, one.is_me) for one in listed] == [
                ("Bob's desk", True),
                ("laptop", False),
            ]
            assert [one.name for one in await a.roster.devices("Bob")] == ["Bob's desk", "laptop"]
            assert (await b2.roster.rename_device("", "van")).name == "van"

            async def said() -> bool:
                return (await b2.roster.profile("")).about == "Fitter"

            await until(said)
            await refused(Conflict, lambda: b2.roster.rename_device("", "Bob's desk"))
            await refused(NotFound, lambda: b2.roster.rename_device("desk", "mine"))
            await refused(NotFound, lambda: a.roster.rename_device("Zed/desk", "mine"))
            await refused(UsageError, lambda: b2.roster.rename_device("", ""))

    run(main)


def test_a_lost_device_is_revoked_and_its_posts_stay(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b, office.node("b2") as b2:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
            await add_device(b, b2)
            await b2.post("before it was lost", "", None, "")

            async def read() -> bool:
                return await texts(b) == ["before it was lost"] == await texts(a)

            await until(read)
            gone = await b.roster.revoke("laptop")
            assert (gone.kind, gone.name, gone.devices) == ("revoked", "Bob's laptop", 2)
            await until_warned(b2, "This device was removed from the team, says")

            async def known() -> bool:
                return (await b.roster.revocation("laptop")).known_by == 2

            await until(known)
            await b2.post("after it was lost", "", None, "")
            assert await texts(b) == ["before it was lost"] == await texts(a)
            assert [one.state for one in await b.roster.devices("")] == ["active", "cut"]

    run(main)


def test_revocations_that_are_not_allowed(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, _):
            await a.roster.set_role("Bob", "admin")
            await until_role(b, "Bob", "admin")
            await refused(NotFound, lambda: b.roster.revoke("nothing"))
            await refused(Conflict, lambda: b.roster.revoke("Bob's desk"))
            await refused(NotAllowed, lambda: b.roster.revoke("Ana/desk"))
            gone = await b.roster.revoke("Cleo's desk")
            assert gone.name == "Cleo's desk"
            assert member(a).me in member(b).replica.team.devices

    run(main)


def test_a_name_that_could_be_several_is_refused_with_the_candidates(tmp_path: Path) -> None:
    """Two were let in at once by members who did not know of each other."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
        for host, guest in (("a", "c"), ("b", "d")):
            async with office.node(host) as there, office.node(guest) as new:
                await join(there, new, "Sam")
        async with office.node("a") as a, office.node("b") as b:
            await b.add_peer(await address(a))
            await until_members(a, {"Ana", "Bob", "Sam", "Sam 2"})
            error = await refused(Conflict, lambda: a.roster.remove("sam"))
            assert "Sam (" in error.message
            assert "Sam 2 (" in error.message
            ids = {one.name: one.id for one in await a.members()}
            gone = await a.roster.remove(ids["Sam 2"][:8])
            assert gone.name == "Sam 2"
            await until_members(b, {"Ana", "Bob", "Sam"})

    run(main)
