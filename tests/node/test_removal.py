"""Removal on whole nodes: who knows, what stays, what falls, and what the removed still get."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.errors import Conflict, NotAllowed, NotFound, NotSetUp, UsageError
from p2pblog.node.node import Node
from p2pblog.node.service import ImportItem
from p2pblog.protocol.entry import Incarnation, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_CUTOFFS, SALT_SIZE
from p2pblog.protocol.post import Post
from p2pblog.store.replica import Author, Draft
from tests.support.aio import run
from tests.support.crowd import crowd, until_known_by, until_members, until_together, until_warned
from tests.support.nodes import (
    Office,
    address,
    join,
    member,
    texts,
    until,
    until_joined,
    until_texts,
)


async def closed(one: Node, other: Node) -> None:
    """Until the two have no session."""

    async def gone() -> bool:
        return member(one).sessions.get(member(other).me) is None

    await until(gone)


def test_the_removed_are_closed_at_once_and_what_they_wrote_before_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, c):
            await b.post("before", "", None, "")
            for node in (a, c):
                await until_texts(node, ["before"])
            gone = await a.roster.remove("Bob")
            assert (gone.kind, gone.name, gone.by, gone.devices) == (
                "removed",
                "Bob",
                "Ana's desk",
                2,
            )
            for node in (a, c):
                await closed(node, b)
            found = await until_known_by(a, "Bob", 2)
            assert found.unaware == ()
            await b.post("after", "", None, "")
            await until_warned(b, "This device was removed from the team, says")
            assert (await b.status()).warnings[0].endswith("What you post stays on this machine.")
            assert await texts(b) == ["before", "after"]
            assert await texts(a) == ["before"] == await texts(c)
            await until_members(c, {"Ana", "Cleo"})
            assert not member(b).replica.team.is_cut(member(b).me)  # it was told one word

    run(main)


def test_who_knows_of_it_is_told_until_all_do(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("c") as c:
                await join(a, c, "Cleo")
            async with office.node("b") as b:
                await join(a, b, "Bob")
            gone = await a.roster.remove("Bob")
            assert (gone.known_by, gone.devices, gone.unaware) == (1, 2, ("Cleo's desk",))
            await until_warned(a, "1 of 2 devices know that Bob was removed; Cleo's desk does not")
        async with office.node("a") as a:  # also after a restart
            assert (await a.roster.removal("bob")).unaware == ("Cleo's desk",)
            async with office.node("c") as c:
                await c.add_peer(await address(a))
                await until_known_by(a, "Bob", 2)
                assert (await a.status()).warnings == ()
        async with office.node("a") as a:
            assert (await a.roster.removal("Bob")).known_by == 2

    run(main)


def test_removals_that_are_not_allowed(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, _):
            for node, who, error in (
                (a, "Zed", NotFound),
                (a, "Ana", UsageError),
                (b, "Cleo", NotAllowed),
                (b, "Ana", NotAllowed),
            ):
                with pytest.raises(error):
                    await node.roster.remove(who)
            with pytest.raises(NotFound):
                await a.roster.removal("Bob")
            await a.roster.set_role("Bob", "admin")

            async def promoted() -> bool:
                return member(b).replica.team.may(member(b).me, "admin")

            await until(promoted)
            with pytest.raises(NotAllowed) as caught:
                await b.roster.remove("Ana")
            assert "recover" in caught.value.hint
            assert len(await a.members()) == 3
            await a.roster.remove("Bob")
            with pytest.raises(NotFound):
                await a.roster.remove("Bob")

    run(main)


def test_a_removed_who_meets_a_colleague_that_has_not_heard(tmp_path: Path) -> None:
    """They talk until somebody who knows comes by; then all end up alike."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
                await b.post("honest", "", None, "")
                await until_texts(a, ["honest"])
            async with office.node("c") as c:
                await join(a, c, "Cleo")
                await until_texts(c, ["honest"])
            await a.roster.remove("Bob")
        async with office.node("b") as b, office.node("c") as c:
            await b.add_peer(await address(c))
            await b.post("too late", "", None, "")
            await until_texts(c, ["honest", "too late"])
            await c.post("for all", "", None, "")
            await until_texts(b, ["honest", "too late", "for all"])
            async with office.node("a") as a:
                await c.add_peer(await address(a))
                await until_texts(a, ["honest", "for all"])
                await until_texts(c, ["honest", "for all"])
                await closed(c, b)
                await until_warned(b, "says Cleo's desk")
                await c.post("not for Bob", "", None, "")
                await until_texts(a, ["honest", "for all", "not for Bob"])
                assert "not for Bob" not in await texts(b)

    run(main)


def test_another_incarnation_of_the_removed_is_quarantined_too(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
                await b.post("honest", "", None, "")
                await until_texts(a, ["honest"])
            async with office.node("c") as c:
                await join(a, c, "Cleo")
            await a.roster.remove("Bob")
        async with office.node("b") as b, office.node("c") as c:
            append_elsewhere(b, 1)
            await b.add_peer(await address(c))
            await until_texts(c, ["again", "honest"])
            async with office.node("a") as a:
                await c.add_peer(await address(a))
                await until_texts(c, ["honest"])
                assert await texts(a) == ["honest"]

    run(main)


def test_honest_posts_that_the_remover_had_not_seen_are_extended_to(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.colleagues(a) as (b, c):
                await a.roster.set_role("Cleo", "admin")
                await b.post("seen by all", "", None, "")
                for node in (a, c):
                    await until_texts(node, ["seen by all"])
        async with office.node("b") as b, office.node("c") as c:
            await b.add_peer(await address(c))
            await b.post("seen by Cleo", "", None, "")
            await until_texts(c, ["seen by all", "seen by Cleo"])
        async with office.node("a") as a:
            await a.roster.remove("Bob")
            with pytest.raises(NotFound):
                await a.roster.extend("Bob")
            async with office.node("c") as c:
                await c.add_peer(await address(a))
                await until_texts(c, ["seen by all"])
                await until_warned(c, "This machine holds 1 entry of Bob's desk that do not count")
                found = await c.roster.removal("Bob")
                assert [(more.device, more.entries) for more in found.more] == [("Bob's desk", 1)]
                extended = await c.roster.extend("Bob")
                assert extended.more == ()
                for node in (a, c):
                    await until_texts(node, ["seen by all", "seen by Cleo"])
                assert [one.name for one in await a.members()] == ["Ana", "Cleo"]
                with pytest.raises(NotFound):
                    await c.roster.extend("Bob")

    run(main)


def test_extending_is_for_those_in_charge(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, _, c):
            await a.roster.remove("Bob")
            await until_members(c, {"Ana", "Cleo"})
            with pytest.raises(NotAllowed):
                await c.roster.extend("Bob")

    run(main)


def test_invitations_of_the_removed_are_void(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with crowd(tmp_path, "Ana", "Bob") as (a, b), office.node("new") as new:
            made = await b.invite("member", 1, False)

            async def heard() -> bool:
                return made.id in {one.id for one in await a.invitations()}

            await until(heard)
            gone = await a.roster.remove("Bob")
            assert [(one.id, one.role) for one in gone.voided] == [(made.id, "member")]
            await new.join(made.code, "Eve", "van", [await address(a)])

            async def refused() -> bool:
                return (await new.join_state()).state == "refused"

            await until(refused)

    run(main)


def test_who_fell_with_the_removed_is_let_in_again_by_any_member(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
                opened = await a.invite("member", 1, False)

                async def heard() -> bool:
                    return opened.id in {one.id for one in await b.invitations()}

                await until(heard)
        async with office.node("b") as b, office.node("c") as c:
            await c.join(opened.code, "Cleo", "van", [await address(b)])
            await until_joined(c)
        async with office.node("a") as a:
            await a.roster.remove("Bob")
            async with office.node("c") as c:
                await c.post("hello", "", None, "")
                await c.add_peer(await address(a))
                await until_warned(a, "Cleo is out, because who had let Cleo in was removed.")
                with pytest.raises(NotFound):
                    await a.roster.readmit("Zed")
                made = await a.roster.readmit("cleo")
                assert (made.name, made.role) == ("Cleo", "member")
                member(c).peering.hurry()
                await until_texts(a, ["hello"])
                assert not any("is out" in one for one in (await a.status()).warnings)

    run(main)


def test_leaving(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, c):
            await b.post("stays", "", None, "")
            for node in (a, c):
                await until_texts(node, ["stays"])
            gone = await b.roster.leave("")
            assert (gone.kind, gone.name) == ("left", "Bob")
            for node in (a, c):
                await until_members(node, {"Ana", "Cleo"})
                assert await texts(node) == ["stays"]
            await until_known_by(a, "Bob", 2)
            assert (await b.status()).warnings[0].startswith("You have left this team.")
            assert await texts(b) == ["stays"]
            for call in (
                b.post("more", "", None, ""),
                b.import_posts([ImportItem("1", 1, "x", "y", "z")]),
                b.roster.rename_member("", "Robert"),
                b.roster.leave(""),
            ):
                with pytest.raises(NotSetUp):
                    await call

    run(main)


def test_who_leaves_while_alone_is_heard_of_later(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
        async with office.node("b") as b:
            assert (await b.roster.leave("")).unaware == ("Ana's desk",)
            async with office.node("a") as a:
                await b.add_peer(await address(a))
                await until_members(a, {"Ana"})
                await closed(a, b)

    run(main)


def test_the_last_one_in_charge_names_who_follows(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob", "Cleo") as (a, b, c):
            with pytest.raises(Conflict) as caught:
                await a.roster.leave("")
            assert "--successor" in caught.value.hint
            with pytest.raises(NotFound):
                await a.roster.leave("Zed")
            with pytest.raises(UsageError):
                await a.roster.leave("Ana")
            await a.roster.leave("Bob")
            for node in (b, c):
                await until_members(node, {"Bob", "Cleo"})
            assert [one.role for one in await c.members()] == ["admin", "member"]
            await b.roster.rename_team("Bob's")

    run(main)


def test_the_only_member_may_leave(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            gone = await a.roster.leave("")
            assert (gone.known_by, gone.devices) == (0, 0)
            assert await a.members() == []

    run(main)


def test_a_device_that_knows_it_is_out_keeps_its_posts_to_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with crowd(tmp_path, "Ana", "Bob") as (_, b):
            await b.post("mine", "", None, "")
            await b.roster.leave("")
        async with Office(tmp_path).node("Bob") as b:  # also after a restart
            assert await texts(b) == ["mine"]
            assert (await b.status()).warnings[0].startswith("You have left this team.")
            with pytest.raises(NotSetUp):
                await b.post("more", "", None, "")

    run(main)


def test_two_let_in_with_one_code_are_told_to_those_in_charge(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
            made = await a.invite("member", 1, False)

            async def heard() -> bool:
                return made.id in {one.id for one in await b.invitations()}

            await until(heard)
        async with office.node("a") as a, office.node("x") as x:
            await x.join(made.code, "Xia", "van", [await address(a)])
            await until_joined(x)
        async with office.node("b") as b, office.node("y") as y:
            await y.join(made.code, "Yan", "van", [await address(b)])
            await until_joined(y)
        async with office.node("a") as a, office.node("b") as b:
            await b.add_peer(await address(a))
            await until_together(a, b)
            await until_warned(a, "has let in two: ")
            await until_members(b, {"Ana", "Bob", "Xia", "Yan"})
            assert not any("has let in two" in one for one in (await b.status()).warnings)

    run(main)


def test_more_logs_than_one_operation_names(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        count = MAX_CUTOFFS // 2 + 5
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
        async with office.node("b") as b:
            for number in range(count):
                append_elsewhere(b, number + 1)
            async with office.node("a") as a:
                await b.add_peer(await address(a))
                await until_texts(a, ["again"] * count)
                assert len(member(a).replica.ends([member(b).me])) > MAX_CUTOFFS
                await a.roster.remove("Bob")
                assert await texts(a) == ["again"] * count

    run(main)


def append_elsewhere(node: Node, number: int) -> None:
    """A team entry and a post in an incarnation of its own, as by a copy of the home."""
    inside = member(node)
    salt = bytes(SALT_SIZE)
    team = Draft(Kind.TEAM, 99, b"?", salt)
    body = Post("again", "general").pack()
    post = Draft(Kind.POSTS, PayloadClass.POST, body, salt)
    author = Author(inside.identity.key, Incarnation(number.to_bytes(8, "big")))
    inside.replica.append(author, [team, post], 1000 + number)


def test_a_device_that_fell_with_who_let_it_in_goes_on_reading(tmp_path: Path) -> None:
    """It hears of the removal from a stick, say: nobody of the team would tell it."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
        async with office.node("b") as b, office.node("c") as c:
            await join(b, c, "Cleo")
        async with office.node("a") as a:
            await a.roster.remove("Bob")
            inside = member(a).replica
            pages = [
                served.page
                for log, tips in inside.rows(True).items()
                for tip in tips
                for served in inside.cut_pages(log, None, tip, 10**6)
            ]
        async with office.node("c") as c:
            await c.post("mine", "", None, "")
            await member(c).take(pages, None)
            status = await c.status()
            assert (status.member, status.device_name) == ("", "")
            assert status.warnings[0].startswith("This device is of the team no more")
            assert await texts(c) == []
            for call in (
                c.post("more", "", None, ""),
                c.roster.profile(""),
                c.roster.devices(""),
                c.roster.rename_member("", "Cleo"),
            ):
                with pytest.raises((NotSetUp, NotAllowed)):
                    await call
            assert [one.name for one in await c.members()] == ["Ana"]

    run(main)
