"""Whole nodes on loopback: found, invite, join, post, part, catch up."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from p2pblog.errors import Conflict, NotFound, NotSetUp, UsageError, UserError
from p2pblog.node.node import Node
from p2pblog.node.roster import NewProfile
from p2pblog.node.service import ImportItem, Phase, PostQuery
from p2pblog.protocol import invitation
from tests.support.aio import run
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


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            assert (await a.status()).phase is Phase.EMPTY
            with pytest.raises(NotSetUp) as caught:
                await a.post("hello", "", None, "")
            assert "p2pblog init" in caught.value.hint

    run(main)


def test_founding_twice_is_a_conflict_and_loses_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("kept", "", None, "")
            with pytest.raises(Conflict):
                await a.found("Other", "Ana", "desk")
            assert await texts(a) == ["kept"]

    run(main)


def test_posts_go_both_ways_and_say_how_far_they_have_got(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
            await a.post("one", "", None, "")
            await until_texts(b, ["one"])
            await b.post("two", "pumps", None, "")
            await until_texts(a, ["one", "two"])

            async def on_both() -> bool:
                newest = (await b.status()).newest_own
                assert newest is not None
                assert newest.devices == 2
                return newest.stored_on == 2

            await until(on_both)
            assert [m.name for m in await a.members()] == ["Ana", "Bob"]

    run(main)


def test_the_newest_post_is_a_post_in_whichever_log_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            posted = await a.post("one", "", None, "")
        shutil.copytree(tmp_path / "a", tmp_path / "copy")
        async with office.node("copy") as a:  # goes on in another log, which opens with no post
            await a.roster.set_profile(NewProfile(about="Fitter"))
            newest = (await a.status()).newest_own
            assert newest is not None
            assert (newest.id, newest.stored_on, newest.devices) == (posted.id, 1, 1)

    run(main)


def test_a_device_is_listed_once_whatever_ways_lead_to_it(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await a.found("Acme", "Ana", "desk")
                await join(a, b, "Bob")
                host, _, port = (await address(a)).rpartition(":")
                await b.add_peer(f"localhost:{port}")
                await b.add_peer(f"{host}:{port}")
                assert [peer.member for peer in await b.peers()].count("Ana") == 1

            async def alone() -> bool:
                return {peer.state for peer in await b.peers()} == {"unreachable"}

            await until(alone)
            found = [peer for peer in await b.peers() if peer.member]
            assert [peer.member for peer in found] == ["Ana"]
            assert found[0].why == "Connection refused"

    run(main)


def test_who_was_away_catches_up_from_whoever_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await a.found("Acme", "Ana", "desk")
                await join(a, b, "Bob")
                async with office.node("c") as c:
                    await join(a, c, "Cleo")
                await a.post("while Cleo is away", "", None, "")
                await until_texts(b, ["while Cleo is away"])
            async with office.node("c") as c:
                await c.add_peer(await address(b))
                await until_texts(c, ["while Cleo is away"])

    run(main)


def test_any_member_admits_while_the_inviter_is_away(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("b") as b, office.node("c") as c:
            async with office.node("a") as a:
                await a.found("Acme", "Ana", "desk")
                await join(a, b, "Bob")
                code = (await a.invite("member", 1, False)).code

                async def heard() -> bool:
                    return len(await b.invitations()) == 2

                await until(heard)
            view = await c.join(code, "Cleo", "van", [await address(b)])
            await until_joined(c)
            view = await c.join_state()
            assert (view.team, view.inviter) == ("Acme", "Ana")

    run(main)


def test_strangers_meet_and_prove_their_membership(tmp_path: Path) -> None:
    """Cleo was admitted by Ana; Bob has not heard of it when Cleo calls."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
            async with office.node("c") as c:
                await join(a, c, "Cleo")
        async with office.node("b") as b, office.node("c") as c:
            await b.post("hello from Bob", "", None, "")
            await c.add_peer(await address(b))
            await until_texts(c, ["hello from Bob"])
            assert [m.name for m in await b.members()] == ["Ana", "Bob", "Cleo"]

    run(main)


def test_while_a_join_is_pending_nothing_else_is_proposed(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            code = (await a.invite("member", 1, False)).code
            nobody = await address(a)
        async with office.node("b") as b:
            await b.join(code, "Bob", "van", [nobody])

            async def tried() -> bool:
                return any("Connection refused" in one for one in (await b.join_state()).tried)

            await until(tried)
            with pytest.raises(NotSetUp, match="it is joining"):
                await b.post("hello", "", None, "")

    run(main)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [("used", "used"), ("withdrawn", "withdrawn"), ("taken", "name")],
)
def test_a_code_that_will_not_do_ends_the_join(tmp_path: Path, spoil: str, why: str) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b:
            await a.found("Acme", "Ana", "desk")
            made = await a.invite("member", 1, False)
            await a.invite("member", 1, False)  # so that the PSK of another may still fit
            if spoil == "used":
                async with office.node("c") as c:
                    await c.join(made.code, "Cleo", "van", [await address(a)])
                    await until_joined(c)
            if spoil == "withdrawn":
                await a.withdraw(made.id)
            name = "ANA" if spoil == "taken" else "Bob"
            await b.join(made.code, name, "van", [await address(a)])

            async def refused() -> bool:
                return (await b.join_state()).state == "refused"

            await until(refused)
            assert why in (await b.join_state()).why
            assert (await b.status()).phase is not Phase.MEMBER

    run(main)


def test_a_mistyped_code_is_told_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("b") as b:
            with pytest.raises(UsageError):
                await b.join("ABCD-EFGH", "Bob", "van", [])
            assert (await b.status()).phase is Phase.EMPTY

    run(main)


def test_a_join_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            code = (await a.invite("member", 1, False)).code
            where = await address(a)
            async with office.node("b") as b:
                await b.join(code, "Bob", "van", ["127.0.0.1:1"])
                assert (await b.status()).phase is Phase.JOINING
            async with office.node("b") as b:
                assert (await b.status()).phase is Phase.JOINING
                await b.join(code, "Bob", "van", [where])
                await until_joined(b)

    run(main)


def test_imports_are_stored_once_with_their_answers(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            items = [
                ImportItem("1", 1000, "ops", "Old Ana", "first"),
                ImportItem("2", 2000, "ops", "Old Bob", "answer", "1"),
                ImportItem("3", 3000, "ops", "Old Bob", "   "),
            ]
            done = await a.import_posts(items)
            assert (done.stored, done.known, len(done.refused)) == (2, 0, 1)
            again = await a.import_posts(items)
            assert (again.stored, again.known) == (0, 2)
            newest, first = await a.posts(PostQuery())
            assert newest.reply_to is not None
            assert newest.reply_to.id == first.id
            assert first.source is not None
            assert (first.source.author, first.source.time) == ("Old Ana", 1000)

    run(main)


def test_a_key_seen_before_gives_the_answer_of_then(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            first = await a.post("once", "", None, "key")
            assert (await a.post("once", "", None, "key")).id == first.id
            assert await texts(a) == ["once"]

    run(main)


def test_what_can_not_be_posted_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            long = "İ" * 32  # 64 bytes, and 96 in small letters
            refused = ("", "x"), (" \n", "x"), ("a" * 16_000, "x"), ("a", "two words"), ("a", long)
            for text, channel in refused:
                with pytest.raises(UserError):
                    await a.post(text, channel, None, "")
            with pytest.raises(NotFound):
                await a.post_by_id("abcd")
            assert await texts(a) == []

    run(main)


def test_what_was_just_posted_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("anna") as anna:
            await anna.found("Firm", "Anna", "desk")
            for number in range(3):
                await anna.post(f"word{number}", "", None, "")
                assert [post.text for post in await anna.search(f"word{number}", 5, None)]

    run(main)


def test_events_bring_everything_once_in_order_of_arrival(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await a.post("one", "", None, "")
            seen: list[str] = []
            async with a.arrivals(0, 10) as batches, trio.open_nursery() as nursery:

                async def read() -> None:
                    async for batch in batches:
                        seen.extend(post.text for post in batch)
                        if len(seen) == 3:
                            nursery.cancel_scope.cancel()

                nursery.start_soon(read)
                await a.post("two", "", None, "")
                await a.post("three", "", None, "")
            assert seen == ["one", "two", "three"]

    run(main)


def test_a_home_is_founded_once_however_many_ask(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            made: list[str] = []
            refused: list[UserError] = []

            async def found(team: str) -> None:
                try:
                    made.append((await a.found(team, "Ana", "desk")).team)
                except Conflict as conflict:
                    refused.append(conflict)

            async with trio.open_nursery() as nursery:
                for team in ("Acme", "Bolt", "Crate"):
                    nursery.start_soon(found, team)
            assert (len(made), len(refused)) == (1, 2)
            assert (await a.status()).team == made[0]
            assert not list((tmp_path / "a").glob("*.aside*"))

    run(main)


def test_joins_at_once_are_one_join(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b:
            await a.found("Acme", "Ana", "desk")
            code = (await a.invite("member", 1, False)).code
            where = await address(a)
            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(try_join, b, code, where)
            with pytest.raises(Conflict):
                await b.found("Other", "Bob", "van")
            await until_joined(b)
            assert [m.name for m in await a.members()] == ["Ana", "Bob"]
            assert len(member(a).replica.team.devices) == 2

    run(main)


async def try_join(guest: Node, code: str, where: str) -> None:
    with suppress(Conflict):
        await guest.join(code, "Bob", "van", [where])


def test_who_is_about_to_join_founds_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("b") as b:
            await b.join(invitation.new_code(bytes(10)), "Bob", "van", ["127.0.0.1:1"])
            with pytest.raises(Conflict, match="about to join"):
                await b.found("Acme", "Bob", "van")
            await b.cancel_join()
            await b.found("Acme", "Bob", "van")

    run(main)


def test_what_is_to_be_posted_once_is_posted_once_however_many_ask(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            items = [ImportItem(str(n), 1000, "ops", "Old Ana", f"old {n}") for n in range(3)]
            async with trio.open_nursery() as nursery:
                for _ in range(4):
                    nursery.start_soon(a.post, "new", "", None, "the key")
                    nursery.start_soon(a.import_posts, items)
            assert sorted(await texts(a)) == ["new", "old 0", "old 1", "old 2"]

    run(main)


def test_ids_of_imports_are_bounded_as_others_read_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            items = [
                ImportItem(origin, 1000, "ops", "Old Ana", origin[:2])
                for origin in ("é" * 64, "é" * 65, "")
            ]
            done = await a.import_posts(items)
            assert (done.stored, len(done.refused)) == (1, 2)
            assert await texts(a) == ["éé"]

    run(main)
