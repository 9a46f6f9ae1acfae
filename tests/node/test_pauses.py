"""A member that floods is paused, shown, taken up again, and can be removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.errors import NotFound
from p2pblog.node import membership
from p2pblog.node.node import Node
from p2pblog.protocol import budget, entry, page
from p2pblog.protocol.entry import NO_BACKLINK, EntryId, Kind, PayloadClass
from p2pblog.protocol.operation import Rename, Subject
from tests.node.test_hostile import carry_team, liar, until_members
from tests.support.aio import run
from tests.support.nodes import Office, address, join, member, until, until_texts
from tests.support.rogue import Rogue

FLOOD = 40  # operations, of some 300 bytes
A_DAY = 2048


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's worth of a few operations."""
    monkeypatch.setattr(budget, "TEAM_BUDGET", A_DAY)
    monkeypatch.setattr(membership, "MARK_EVERY", 0.05)


def flood(rogue: Rogue) -> list[bytes]:
    """Pages of one renaming each."""
    keys, made = rogue.identity, list[bytes]()
    mine = rogue.replica.team.member_of(keys.key.public)
    assert mine is not None
    backlink: EntryId = NO_BACKLINK
    for number in range(FLOOD):
        after = () if number else rogue.replica.team.heads
        one = entry.make(
            keys.key,
            keys.team,
            keys.incarnation,
            Kind.TEAM,
            seq=number + 1,
            backlink=backlink,
            time=1,
            payload_class=PayloadClass.OPERATION,
            salt=bytes(16),
            content=Rename(after, Subject.MEMBER, mine.id, f"Bob {number}").pack(),
        )
        backlink = one.id
        made.append(page.pack([one.header_bytes], [one.payload], [one.signature]))
    return made


async def taken(node: Node) -> int:
    """How many of the flood are here."""
    entries = member(node).replica.team_entries
    return sum(isinstance(one.operation, Rename) for one in entries)


async def is_shown(node: Node) -> bool:
    """Whether the user is told of it."""
    return any("member resume" in warning for warning in (await node.status()).warnings)


def test_a_flood_of_operations_is_paused_until_a_persons_word(tmp_path: Path) -> None:
    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            async with office.colleagues(a):
                pass  # they are let in, and go
            async with liar(tmp_path, a) as bob:
                for data in flood(bob):
                    await bob.say(data)
                await until(lambda: is_shown(a))
            before = await taken(a)
            assert 2 <= before < FLOOD
            findings = {one.check: one for one in await a.doctor()}
            assert findings["floods"].state == "warning"
            assert "Bob" in findings["floods"].why
            with pytest.raises(NotFound):
                await a.roster.resume("Cleo")
            named = (await a.members())[1].name
            await a.roster.resume(named)
            assert not await is_shown(a)
            async with liar(tmp_path, a) as bob:
                for data in flood(bob):
                    await bob.say(data)
                await until(lambda: is_shown(a))
            assert before < await taken(a) < FLOOD
            async with office.node("c") as c:
                await c.add_peer(await address(a))
                await a.post("goes on", "", None, "")
                await until_texts(c, ["goes on"])

    run(main, 60)


def test_a_removal_takes_effect_although_it_builds_on_what_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ana has taken more of the flood than Cleo, and removes Bob."""

    async def main() -> None:
        office = Office(tmp_path)
        async with office.node("a") as a, office.node("c") as c:
            await a.found("Acme", "Ana", "desk")
            async with office.node("b") as b:
                await join(a, b, "Bob")
            await join(a, c, "Cleo")
            await until_members(c, 3)
            async with liar(tmp_path, a) as bob:
                pages = flood(bob)
            await member(a).take(pages[:4], None)
            await member(c).take(pages, None)
            await until(lambda: is_shown(a))
            monkeypatch.setattr(budget, "TEAM_BUDGET", 1 << 20)
            await a.roster.resume((await a.members())[1].name)
            await member(a).take(pages, None)
            assert await taken(a) == FLOOD
            monkeypatch.setattr(budget, "TEAM_BUDGET", A_DAY)
            await a.roster.remove((await a.members())[1].name)
            await carry_team(a, c)
            await until_members(c, 2)
            assert await taken(c) == FLOOD

    run(main, 60)
