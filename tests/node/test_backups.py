"""A home in one file and back: whole while others write, in a new incarnation, faults by name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from p2pblog.errors import Conflict, Exit, NotFound, NotSetUp, UsageError, UserError
from p2pblog.node import backups
from p2pblog.node.backups import Means
from p2pblog.node.carriage import Carriage
from p2pblog.node.carrier import Carrier
from p2pblog.node.identity import Identity
from p2pblog.node.incarnation import own_logs
from p2pblog.node.jobs import GivenUp, Job
from p2pblog.node.node import Node
from p2pblog.node.service import Phase
from p2pblog.protocol import entry, invitation, sealed
from p2pblog.protocol import page as pages
from p2pblog.protocol.backup import Cost
from p2pblog.protocol.entry import PayloadClass
from p2pblog.protocol.limits import CODE_BYTES
from p2pblog.protocol.post import Cause, parse_opening
from p2pblog.store.replica import Replica
from tests.support.aio import run
from tests.support.nodes import Office, address, files_of, join, member, texts, until_texts

PHRASE = "seven wet umbrellas"


def files(node: Node) -> Carriage:
    """The node's way to its files, with passphrases that are stretched cheaply."""
    assert isinstance(node.carriage, Carrier)
    return replace(node.carriage, stretching=(1, 8))


async def posts(node: Node, *written: str) -> None:
    for text in written:
        await node.post(text, "", None, "")


async def founded(office: Office, backup: Path) -> None:
    """Ana's home with two posts, and a backup of it."""
    async with office.node("a") as a:
        await a.found("Acme", "Ana", "desk")
        await posts(a, "one", "two")
        await files(a).back_up(str(backup), PHRASE, False)


def opening_of(node: Node) -> tuple[int, int]:
    """The cause of the incarnation a node is in, and how many earlier logs its opening names."""
    replica, log_id = member(node).replica, member(node).own_log()
    (tip,) = replica.rows(False)[log_id]
    (page,) = replica.cut_pages(log_id, None, tip, 10**6)[:1]
    first = pages.verify(page.page, replica.team_id)
    assert first.headers[0].payload_class == PayloadClass.OPENING
    assert first.payloads[0] is not None
    opening = parse_opening(entry.body(first.payloads[0]))
    return opening.cause, len(opening.tips)


def test_a_home_comes_back_in_a_new_incarnation(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        await founded(office, backup)
        async with office.node("a") as a:
            await posts(a, "lost with the disk")
            before = member(a).identity
            store = member(a).replica.store_id
            a.settings.put("channel", "office")
        async with office.node("new") as new:
            back = await files(new).restore(str(backup), PHRASE)
            assert (back.team, back.member, back.device_name) == ("Acme", "Ana", "desk")
            assert back.posts == 2
            assert (await new.status()).phase is Phase.MEMBER
            after = member(new).identity
            assert (after.key.seed, after.team) == (before.key.seed, before.team)
            assert after.incarnation != before.incarnation
            assert member(new).replica.store_id != store
            assert opening_of(new) == (Cause.RESTORED, 1)
            await posts(new, "back again")
            assert await texts(new) == ["one", "two", "back again"]
            assert len(own_logs(member(new).replica, member(new).me)) == 2
        async with office.node("new") as new:  # and it stays in that incarnation
            assert member(new).identity.incarnation == after.incarnation
            await posts(new, "still here")
            assert len(own_logs(member(new).replica, member(new).me)) == 2

    run(main)
    left = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert left == ["identity.json", "store.db"]


def test_what_was_forgotten_comes_back_from_a_colleague(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        await founded(office, backup)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await join(a, b, "Bob")
                await posts(a, "after the backup")
                await until_texts(b, ["one", "two", "after the backup"])
            async with office.node("new") as new:
                await files(new).restore(str(backup), PHRASE)
                await posts(new, "written before anybody was met")
                await new.add_peer(await address(b))
                due = ["one", "two", "after the backup", "written before anybody was met"]
                await until_texts(new, due)
                await until_texts(b, due)
                assert [one.name for one in await new.members()] == ["Ana", "Bob"]
                assert len(own_logs(member(new).replica, member(new).me)) == 2

    run(main)


def test_a_backup_while_others_write_is_of_one_moment(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        written, made = 0, None
        async with office.node("a") as a:
            await a.found("Acme", "Ana", "desk")
            await posts(a, *(f"{number} {'x' * 8_000}" for number in range(200)))
            async with trio.open_nursery() as nursery:

                async def write() -> None:
                    nonlocal written
                    while made is None:
                        await posts(a, f"meanwhile {written}")
                        written += 1

                nursery.start_soon(write)
                made = await files(a).back_up(str(backup), PHRASE, False)
        assert written > 0
        async with office.node("new") as new:
            back = await files(new).restore(str(backup), PHRASE)
            assert 200 <= back.posts == made.posts <= 200 + written
            assert member(new).replica.check() == []

    run(main)


def test_it_goes_on_where_it_was_too(tmp_path: Path) -> None:
    """A backup brought back into the very folder, beside what the daemon knows of it."""

    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        await founded(office, backup)
        async with office.node("a") as a:
            await posts(a, "forgotten")
        (tmp_path / "a" / "identity.json").unlink()
        async with office.node("a") as a:
            await files(a).restore(str(backup), PHRASE)
            assert opening_of(a) == (Cause.RESTORED, 1)
            assert await texts(a) == ["one", "two"]
        kept = [path.name for path in (tmp_path / "a").iterdir() if "aside" in path.name]
        assert len(kept) == 1  # what lay there is still there

    run(main)


def test_a_used_home_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        await founded(office, backup)
        async with office.node("a") as a:
            with pytest.raises(Conflict) as caught:
                await files(a).restore(str(backup), PHRASE)
            assert "--home" in caught.value.hint
            assert await texts(a) == ["one", "two"]
        async with office.node("b") as b:
            await b.join(invitation.new_code(bytes(CODE_BYTES)), "Bob", "van", ["127.0.0.1:1"])
            with pytest.raises(Conflict) as caught:
                await files(b).restore(str(backup), PHRASE)
            assert "join" in caught.value.message

    run(main)


Spoil = Callable[[Path], None]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _altered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _bad_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def _foreign(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 and so on, for quite a while")


def _bundle(path: Path) -> None:
    path.write_bytes(sealed.make_head(b"p2pblog bundle\n", 1, b""))


def _newer(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[sealed.MAGIC_SIZE] = 2
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "code", "exit_code"),
    [
        (_cut, "truncated", Exit.FAILED),
        (_altered, "decrypt_failed", Exit.FAILED),
        (_bad_head, "bad_head", Exit.FAILED),
        (_foreign, "unknown_file", Exit.USAGE),
        (_bundle, "unknown_file", Exit.USAGE),
        (_newer, "version", Exit.CONFLICT),
        (Path.unlink, "not_found", Exit.NOT_FOUND),
        (None, "wrong_passphrase", Exit.NOT_ALLOWED),
    ],
)
def test_a_file_that_is_of_no_use_is_named_and_changes_nothing(
    tmp_path: Path, spoil: Spoil | None, code: str, exit_code: Exit
) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), tmp_path / "backup"
        await founded(office, backup)
        if spoil is not None:
            spoil(backup)
        async with office.node("new") as new:
            with pytest.raises(UserError) as caught:
                await files(new).restore(str(backup), PHRASE if spoil else "seven wet umbrella")
            assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
            assert str(backup) in caught.value.message
            assert (await new.status()).phase is Phase.EMPTY

    run(main)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_can_not_be_backed_up(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup = Office(tmp_path), str(tmp_path / "backup")
        async with office.node("a") as a:
            with pytest.raises(NotSetUp):
                await files(a).back_up(backup, PHRASE, False)
            await a.found("Acme", "Ana", "desk")
            with pytest.raises(UsageError) as caught:
                await files(a).back_up(backup, "short", False)
            assert "8" in caught.value.message
            with pytest.raises(UsageError):
                await files(a).back_up("backup", PHRASE, False)
            with pytest.raises(NotFound):
                await files(a).back_up(str(tmp_path / "no" / "backup"), PHRASE, False)
            await files(a).back_up(backup, PHRASE, False)
            with pytest.raises(Conflict):
                await files(a).back_up(backup, PHRASE, False)
            await files(a).back_up(backup, PHRASE, True)
            assert member(a).replica.check() == []

    run(main)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.marker", "backup"]
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_what_was_forgotten_comes_back_by_stick_too(tmp_path: Path) -> None:
    async def main() -> None:
        office, backup, stick = Office(tmp_path), tmp_path / "backup", str(tmp_path / "stick")
        await founded(office, backup)
        async with office.node("b") as b:
            async with office.node("a") as a:
                await join(a, b, "Bob")
                await posts(a, "after the backup")
                await until_texts(b, ["one", "two", "after the backup"])
            await files(b).export_bundle(stick, "", False)
        async with office.node("new") as new:
            await files(new).restore(str(backup), PHRASE)
            await posts(new, "at once")
            incarnation = member(new).identity.incarnation
            taken = await files(new).import_bundle(stick)
            assert taken.missing == ()
            assert await texts(new) == ["one", "two", "after the backup", "at once"]
            assert [one.name for one in await new.members()] == ["Ana", "Bob"]
            assert member(new).identity.incarnation == incarnation

    run(main)


def test_a_stop_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        await founded(Office(tmp_path), tmp_path / "backup")

    run(main)
    (tmp_path / "new").mkdir()
    stopped = Means(secrets.token_bytes, 0, Job("backup", "", stopping=True))
    home = files_of(tmp_path / "a")
    identity = Identity.load(home.identity)
    assert identity is not None
    with Replica.open(home.store) as replica:
        subject = backups.Home(home, replica, identity, {}, "0")
        order = backups.Order(tmp_path / "other", PHRASE)
        with pytest.raises(GivenUp):
            backups.back_up(subject, order, stopped, Cost(bytes(16), 1, 8))
    order = backups.Order(tmp_path / "backup", PHRASE)
    with pytest.raises(GivenUp):
        backups.restore(files_of(tmp_path / "new"), lambda key, value: None, order, stopped)
    assert list((tmp_path / "new").iterdir()) == []
    assert not list(tmp_path.rglob("*part*"))
    assert not (tmp_path / "other").exists()


def test_a_backup_shows_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        await founded(Office(tmp_path), tmp_path / "backup")

    run(main)
    data = (tmp_path / "backup").read_bytes()
    assert b"SQLite" not in data
    assert b"Acme" not in data
