"""Codes that are of no use: each is refused with the right words, and harms nobody."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from examples.office.machine import Machine
from examples.office.office import Office, wait_posts
from p2pblog.cli.api import Api
from p2pblog.errors import Exit, Reason, Refused
from p2pblog.net.address import Address
from p2pblog.net.connection import dial
from p2pblog.protocol import crypto, invitation, message
from p2pblog.protocol.admission import Ask, Joined, Joiner
from p2pblog.protocol.crypto import SigningKey
from tests.support.office import address, eventually, expired_invitation, switched_on


@pytest.fixture(scope="module")
def scene(path: Path) -> Iterator[tuple[Office, str]]:
    """Two members, a machine that is in no team, and the code that the second member used."""
    with switched_on(path, 3) as office:
        desk, van, _ = office.machines
        office.found(desk, "Acme")
        code = desk.json("invite")["code"]
        office.join(van, code, desk)
        yield office, code
        assert [one["name"] for one in desk.ask(Api.members)][:2] == ["Dana", "Sam"]
        states = {one["state"] for one in desk.ask(Api.invitations)}
        assert states == {"used", "withdrawn", "expired"}
        desk.cli("post", "all is well")
        wait_posts([desk, van], 1)


@pytest.fixture
def office(scene: tuple[Office, str]) -> Office:
    return scene[0]


def join(office: Office, code: str, name: str = "Kim") -> subprocess.CompletedProcess[str]:
    desk, _, guest = office.machines
    words = ["--name", name, "--peer", office.address(desk), "--wait", "--timeout", "20s"]
    done = guest.run("--json", "join", code, *words)
    if done.returncode != Exit.OK and guest.ask(Api.join_state)["state"] != "none":
        guest.run("join", "--cancel")
    assert guest.ask(Api.status)["phase"] == "empty"
    return done


def error(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """The exit code and the message; what else stands on stderr is progress."""
    problem = json.loads(done.stderr.splitlines()[-1])["error"]
    assert problem["exit"] == done.returncode
    assert problem["hint"]
    return done.returncode, problem["message"]


def test_a_mistyped_code_is_told_at_once(office: Office) -> None:
    code = office.machines[0].json("invite")["code"]
    wrong = code[:-1] + ("7" if code[-1] != "7" else "8")
    exit_code, message = error(join(office, wrong))
    assert exit_code == Exit.USAGE
    assert message.startswith("That is no code")
    withdraw(office.machines[0], code)


def withdraw(machine: Machine, code: str) -> None:
    opened = [one for one in machine.ask(Api.invitations) if one["state"] == "open"]
    assert len(opened) == 1, (code, opened)
    machine.cli("invite", "withdraw", opened[0]["id"])


def test_a_withdrawn_code_lets_nobody_in(office: Office) -> None:
    desk = office.machines[0]
    code = desk.json("invite")["code"]
    withdraw(desk, code)
    assert error(join(office, code)) == (Exit.CONFLICT, "Not joined: The code was withdrawn.")


def test_an_expired_code_lets_nobody_in(office: Office) -> None:
    desk, code = office.machines[0], invitation.new_code(bytes(range(10)))
    desk.stop()
    expired_invitation(desk, code)
    desk.start()
    assert error(join(office, code)) == (Exit.CONFLICT, "Not joined: The code has expired.")


def test_a_code_of_another_team_stays_pending(office: Office) -> None:
    desk, _, guest = office.machines
    code = invitation.new_code(bytes(range(1, 11)))
    words = ["--name", "Kim", "--peer", office.address(desk), "--wait", "--timeout", "2s"]
    exit_code, message = error(guest.run("--json", "join", code, *words))
    assert exit_code == Exit.TIMED_OUT
    assert "none of them of the team that the code is for" in message
    guest.cli("join", "--cancel")
    assert guest.ask(Api.status)["phase"] == "empty"


def test_a_taken_name_is_told(office: Office) -> None:
    desk = office.machines[0]
    code = desk.json("invite")["code"]
    exit_code, message = error(join(office, code, name="dana"))
    assert (exit_code, message) == (Exit.CONFLICT, "Not joined: Somebody of that name is there.")
    withdraw(desk, code)


def test_a_used_code_lets_nobody_in_again(scene: tuple[Office, str]) -> None:
    office, code = scene
    assert error(join(office, code)) == (Exit.CONFLICT, "Not joined: The code was used already.")


async def guest(where: Address, code: str, device: SigningKey, *, hangs_up: bool) -> Joined | None:
    """What a guest gets; nothing if it hangs up once it has asked."""
    key = invitation.key_of(code)
    joiner = Joiner(key, device, "Kim", "phone")
    async with await dial([where], device, crypto.invitation_psk(key.public)) as connection:
        outcomes = joiner.start()
        while True:
            for outcome in outcomes:
                match outcome:
                    case Ask(asked):
                        await connection.send(asked)
                        if hangs_up:
                            return None
                    case Joined():
                        return outcome
            received = await connection.receive()
            outcomes = [out for data in received for out in joiner.receive(message.parse(data))]


def test_a_guest_whose_answer_was_lost_is_answered_again(office: Office) -> None:
    desk, van, _ = office.machines
    code, where = desk.json("invite")["code"], address(office, desk)
    key, other = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
    trio.run(partial(guest, where, code, key, hangs_up=True))
    eventually("admitted", lambda: len(desk.ask(Api.members)) == 3)
    joined = trio.run(partial(guest, where, code, key, hangs_up=False))
    assert joined is not None
    assert joined.team.hex() == desk.ask(Api.status)["team_id"]
    with pytest.raises(Refused) as refused:
        trio.run(partial(guest, where, code, other, hangs_up=False))
    assert refused.value.reason is Reason.INVITATION_USED
    assert len(desk.ask(Api.members)) == 3
    eventually("the van knows", lambda: len(van.ask(Api.members)) == 3)
