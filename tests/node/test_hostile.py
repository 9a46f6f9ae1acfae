"""What a member that lies, a stranger and a broken network do to a node: it goes on serving."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from p2pblog.errors import NotAllowed, NotSetUp, PeerError, UserError
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection
from p2pblog.node import writer as writer_module
from p2pblog.node.identity import Identity
from p2pblog.node.murmur import BURST
from p2pblog.node.node import Node
from p2pblog.node.roles import my_member
from p2pblog.node.service import ImportItem
from p2pblog.node.sessions import MAX_STARTS, MAX_STRANGERS
from p2pblog.node.writer import Pages
from p2pblog.protocol import codec, message, overlay, page
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Entry
from p2pblog.protocol.limits import RANDOM_LINKS
from p2pblog.protocol.log import Tip
from p2pblog.protocol.operation import RemoveMember
from p2pblog.protocol.post import Post
from p2pblog.store.replica import Ingested
from tests.hostile.signing import Pen, packed
from tests.support.aio import run
from tests.support.nodes import Office, address, files_of, join, member, texts, until, until_texts
from tests.support.office import call
from tests.support.rogue import Rogue, rogue_with


@asynccontextmanager
async def lied_to(folder: Path) -> AsyncIterator[tuple[Node, Rogue]]:
    """A node, and a member whose machine is in the wrong hands, live."""
    office = Office(folder)
    async with office.node("a") as a:
        await a.found("Acme", "Ana", "desk")
        for name in ("b", "c"):
            async with office.node(name) as other:
                await join(a, other, name)
        async with liar(folder, a) as bob:
            yield a, bob


@asynccontextmanager
async def liar(folder: Path, victim: Node, name: str = "b") -> AsyncIterator[Rogue]:
    """The member whose node was `name` and is off."""
    files = files_of(folder / name)
    keys = Identity.load(files.identity)
    assert keys is not None
    where = Address("127.0.0.1", (await victim.status()).port)
    async with rogue_with(where, keys, files.store) as caller:
        yield caller


def device_of(folder: Path, name: str) -> DeviceKey:
    """The device whose node was `name`."""
    keys = Identity.load(files_of(folder / name).identity)
    assert keys is not None
    return keys.key.public


async def stranger(victim: Node) -> Connection:
    """A connection by whoever holds the network key."""
    where = Address("127.0.0.1", (await victim.status()).port)
    return await call(where, SigningKey(b"s" * 32), member(victim).identity.network_key)


def pages_of(node: Node, is_team: bool) -> list[bytes]:
    """All that the node holds of a kind."""
    replica = member(node).replica
    return [
        cut.page
        for log_id, tips in replica.rows(is_team).items()
        for tip in tips
        for cut in replica.cut_pages(log_id, None, tip, 1 << 20)
    ]


async def carry_team(origin: Node, to: Node) -> None:
    """What the one knows of the team gets to the other by other ways."""
    await member(to).take(pages_of(origin, True), None)


def without_payloads(data: bytes) -> bytes:
    """The page as somebody passes it on who keeps the texts to himself."""
    headers, payloads, signatures = codec.decode(page.SHAPE, data, 1 << 20)
    return page.pack(headers, [None] * len(payloads), signatures)


async def has_entries(node: Node, count: int) -> bool:
    """Whether so many posts are there, with or without their text."""
    return (await node.status()).totals.posts == count


async def until_members(node: Node, count: int) -> None:
    """Until the node knows so many members."""

    async def knows() -> bool:
        return len(await node.members()) == count

    await until(knows)


async def was_refused(guest: Node, reason: str) -> bool:
    """Whether a join has met a host that refused it so."""
    return any(reason in tried for tried in (await guest.join_state()).tried)


async def alone(node: Node) -> bool:
    """Whether nobody is connected."""
    return not len(member(node).sessions)


async def calm(node: Node) -> bool:
    """Whether nobody has posted lately."""
    return member(node).courtesy.is_calm


@pytest.mark.parametrize(
    "address",
    [
        "[2001:db8::1%äö]:7461",
        "[2001:db8::1%\0]:7461",
        "[::ffff:127.0.0.1]:1",
        "ä_b:1",
        "١.٢.٣.٤",
        "1.2.3.4:٣",
        "[]",
        "%",
    ],
)
def test_odd_addresses_told_by_a_peer_are_left(tmp_path: Path, address: str) -> None:
    async def main() -> None:
        async with lied_to(tmp_path) as (a, bob):
            cleo = device_of(tmp_path, "c")
            await bob.tell(message.Peers(((cleo, (address,)),)), message.Goodbye("busy", ""))
            await until(lambda: alone(a))
            assert not [way for way in member(a).peering.ways.values() if way.source == "told"]
            await a.post("still here", "", None, "")

    run(main)


def test_a_host_that_can_be_no_name_is_a_way_that_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            for odd in ("ä_b", "xn--\u00e4", "a" * 63 + "ä"):
                with suppress(UserError):
                    await a.add_peer(odd)

            async def tried() -> bool:
                return all(peer.state == "unreachable" for peer in await a.fixed_peers())

            await until(tried)

    run(main)


def test_a_stranger_who_says_that_we_were_removed_is_not_heard(tmp_path: Path) -> None:
    """Who holds the network key may say anything, and nothing of it is kept."""

    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with await stranger(a) as caller:
                await caller.send(message.pack(message.Goodbye("cut", "")))
                with suppress(PeerError):
                    await caller.receive()
            await until(lambda: alone(a))
            assert (await a.status()).warnings == ()
            assert not member(a).last_seen

    run(main)


def test_who_lost_its_admission_is_told_and_goes_on(tmp_path: Path) -> None:
    """Bob let Cleo in, and was removed from his start on: her device is nobody's."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("b") as b, office.node("c") as c:
            await a.found("Acme", "Ana", "desk")
            await join(a, b, "Bob")
            await join(b, c, "Cleo")
            code = (await a.invite("member", 1, False)).code
            await until_members(a, 3)
            ana, bob = (one for one in member(a).replica.team.present_members()[:2])
            assert (ana.name, bob.name) == ("Ana", "Bob")
            heads = member(a).replica.team.heads
            await member(a).operate(RemoveMember(heads, bob.id, ()))
            await carry_team(a, b)
            await carry_team(a, c)
            status = await c.status()
            assert (status.member, status.device_name) == ("", "")
            assert [(one.name, one.is_me) for one in await c.members()] == [("Ana", False)]
            assert len(await c.invitations()) == 2
            with pytest.raises(NotAllowed):
                await c.invite("member", 1, True)
            with pytest.raises(NotAllowed):
                my_member(member(c))
            with pytest.raises(NotSetUp, match="let it in was removed"):
                await c.post("to nobody", "", None, "")
            async with office.node("d") as d:
                await d.join(code, "Dora", "van", [await address(b)])
                await until(lambda: was_refused(d, "not_authorised"))

    run(main)


def test_what_a_liar_strips_of_its_text_comes_from_the_honest(tmp_path: Path) -> None:
    """More than one message asks for, and the liar has none of it."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.colleagues(a) as (b, c):
                await until_members(b, 3)
            made = [ImportItem(str(n), 1, "ops", "Ana", f"post {n}") for n in range(100)]
            await a.import_posts(made)
            pages = pages_of(a, False)
        async with office.node("c") as c:
            async with liar(tmp_path, c) as bob:
                for data in pages:
                    await bob.say(without_payloads(data))
                await until(lambda: has_entries(c, 100))
                assert set(await texts(c)) == {""}
            async with office.node("a") as a:
                await c.add_peer(await address(a))
                await until_texts(c, await texts(a))
                assert (await c.status()).warnings == ()

    run(main)


def test_what_was_stored_is_told_although_its_bringer_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of a batch is cancelled with its session; readers hear of the first part."""

    monkeypatch.setattr(writer_module, "LITTLE_PART", 1)

    async def main() -> None:
        async with lied_to(tmp_path) as (a, bob):
            made: list[Entry] = []
            for _ in range(3):
                before = made[-1].id if made else NO_BACKLINK
                made.append(bob.post_at(len(made) + 1, before))
            pages = [page.pack([e.header_bytes], [e.payload], [e.signature]) for e in made]
            told: list[int] = []
            with trio.CancelScope() as scope:
                writer = member(a).writer

                def tell(results: Sequence[Ingested], part: Pages) -> None:
                    told.append(len(part))
                    scope.cancel()

                await a.post("so that ingest goes page by page", "", None, "")
                await writer.ingest(pages, tell)
            assert told == [1]
            assert member(a).replica.rows(False)[bob.own_log] == (Tip(1, made[0].id),)

    run(main)


def test_a_post_is_not_lost_with_another_task(tmp_path: Path) -> None:
    """Whoever has the turn to write appends what waits, of others too, and is cancelled then."""

    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            writer = member(a).writer
            turn = writer._lock
            await turn.acquire()
            scope = trio.CancelScope()

            async def ingest() -> None:
                with scope:
                    await writer.ingest([b"no page"], lambda results, part: None)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ingest)
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.start_soon(a.post, "mine", "", None, "")
                await trio.testing.wait_all_tasks_blocked(0.01)
                turn.release()
                scope.cancel()
            assert await texts(a) == ["mine"]

    run(main)


def test_what_strangers_say_neither_fills_the_log_nor_forges_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "p2pblog.node")

    async def main() -> None:
        async with Office(tmp_path).node("a") as a:
            await a.found("Acme", "Ana", "desk")
            for _ in range(BURST + 5):
                async with await stranger(a) as caller:
                    await caller.send(message.pack(message.Goodbye("cut", "x\n\x1b[2Jforged")))
                    with suppress(PeerError):
                        await caller.receive()
            await until(lambda: alone(a))
            said = [one.getMessage() for one in caplog.records if "disconnect" in one.getMessage()]
            assert len(said) == BURST + 1
            assert said[-1].startswith("hush")
            assert not any("\n" in line or "\x1b" in line for line in said)

    run(main)


def test_nobody_keeps_all_the_room(tmp_path: Path) -> None:
    """A member that comes again and again, each time as another start; and many strangers."""

    async def main() -> None:
        async with lied_to(tmp_path) as (a, bob), AsyncExitStack() as stack:
            for number in range(MAX_STARTS + 3):
                keys = bob.identity
                where = Address("127.0.0.1", (await a.status()).port)
                again = await stack.enter_async_context(
                    await call(where, keys.key, keys.network_key)
                )
                hello = message.Hello(1, 1, True, bytes(16), 1, 1, number.to_bytes(8, "big"))
                await again.send(message.pack(hello))
            for _ in range(MAX_STRANGERS + 3):
                await stack.enter_async_context(await stranger(a))
            there = member(a).sessions

            async def bounded() -> bool:
                await trio.testing.wait_all_tasks_blocked(0.01)
                return len(there) == MAX_STARTS + MAX_STRANGERS

            await until(bounded)
            async with Office(tmp_path).node("c") as c:
                await c.add_peer(await address(a))
                await a.post("for Cleo", "", None, "")
                await until_texts(c, ["for Cleo"])

    run(main)


def test_strangers_take_no_link_of_a_large_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the network key can't keep a node from dialling its own."""
    monkeypatch.setattr(overlay, "MESH_SIZE", 0)

    async def main() -> None:
        async with lied_to(tmp_path) as (a, _), AsyncExitStack() as stack:
            for _ in range(RANDOM_LINKS):
                await stack.enter_async_context(await stranger(a))
            await until(lambda: has_sessions(a, RANDOM_LINKS + 1))
            async with Office(tmp_path).node("c") as c:
                await a.add_peer(await address(c))
                await a.post("for Cleo", "", None, "")
                await until_texts(c, ["for Cleo"])

    run(main)


async def has_sessions(node: Node, count: int) -> bool:
    """Whether so many are connected, at least."""
    return len(member(node).sessions) >= count


def test_what_was_checked_ahead_is_let_go_when_a_session_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with lied_to(tmp_path) as (a, bob):
            pen = Pen(bob.identity.key, bob.identity.team, random.Random(1))
            pages, before = list[bytes](), None
            for _ in range(30):
                posts = list[Entry]()
                for _ in range(100):
                    before = pen.write(Post("x" * 1000, "general").pack(), before)
                    posts.append(before)
                pages.append(packed(posts))
            pages[15] = pages[15][:-1] + b"?"  # a signature that is none: the end
            await until(lambda: calm(a))
            await bob.tell(*(message.PageMessage(data, False) for data in pages))
            assert await bob.goodbye(10) == "bad_signature"
            await until(lambda: alone(a))
            assert member(a).courtesy.ahead == 0
            assert await has_entries(a, 15 * 100)

    run(main)
