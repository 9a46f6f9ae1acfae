"""People and machines come and go, with real daemons and what a user types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from examples.office.machine import Machine
from examples.office.office import Office
from p2pblog.errors import Exit
from tests.support.lan import Lan, needs_lan
from tests.support.office import eventually, switched_on, team, texts


@pytest.fixture
def place(path: Path, request: pytest.FixtureRequest) -> Path:
    """Homes of its own for each test."""
    made: Path = path / str(request.node.name)[:20]
    made.mkdir()
    return made


@pytest.fixture
def office(place: Path) -> Iterator[Office]:
    with team(place, 3) as made:
        yield made


def reads(machine: Machine, *due: str) -> None:
    """Wait until the machine reads just this, the newest first."""
    eventually(f"{due} on {machine.name}", lambda: texts(machine) == list(due))


def warns(machine: Machine, words: str) -> None:
    eventually(words, lambda: any(words in one for one in machine.json("status")["warnings"]))


def names(machine: Machine) -> list[str]:
    return sorted(one["name"] for one in listed(machine, "members"))


def are(machine: Machine, *due: str) -> bool:
    return names(machine) == list(due)


def listed(machine: Machine, *words: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in machine.cli(*words, "--json").splitlines()]


def exits(machine: Machine, code: Exit, *words: str) -> str:
    done = machine.run(*words)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    return done.stderr


def test_a_member_is_removed(office: Office) -> None:
    desk, van, depot = office.machines
    van.cli("post", "before")
    for machine in (desk, depot):
        reads(machine, "before")
    exits(depot, Exit.NOT_ALLOWED, "member", "remove", "Sam", "--yes")
    exits(desk, Exit.NOT_FOUND, "member", "remove", "Zed", "--yes")
    exits(desk, Exit.USAGE, "member", "remove", "Sam")
    out = desk.cli("member", "remove", "sam", "--yes")
    assert "2 of 2 devices know of it." in out
    exits(van, Exit.OK, "post", "after")  # it can't know for sure, and loses nothing
    assert texts(van) == ["after", "before"]
    warns(van, "This device was removed from the team")
    for machine in (desk, depot):
        assert texts(machine) == ["before"]
        eventually("two members", partial(are, machine, "Dana", "Ina"))
    assert desk.json("member", "removal", "Sam")["unaware"] == []


@needs_lan
@pytest.mark.slow
def test_the_removed_meets_a_colleague_who_has_not_heard(place: Path) -> None:
    with Lan(3) as lan, team(place, 3, lan) as office:
        desk, van, depot = office.machines
        van.cli("post", "honest")
        reads(desk, "honest")
        reads(depot, "honest")
        lan.split([1], [2, 3])
        out = desk.cli("member", "remove", "Sam", "--yes")
        assert "1 of 2 devices know of it; Ina's depot does not yet." in out
        van.cli("post", "too late")
        reads(depot, "too late", "honest")
        lan.heal()
        reads(depot, "honest")
        eventually("all know", lambda: desk.json("member", "removal", "Sam")["known_by"] == 2)
        warns(van, "This device was removed from the team")
        depot.cli("post", "among ourselves")
        reads(desk, "among ourselves", "honest")
        assert "among ourselves" not in texts(van)


def test_a_second_device_and_a_lost_one(place: Path) -> None:
    with team(place, 2, spare=1) as office:
        desk, van, tablet = office.machines
        code = desk.json("device", "add", "--expires", "2h")["code"]
        office.join(tablet, code, desk)
        assert tablet.json("join")["name"] == "Dana"
        tablet.cli("post", "from the tablet")
        reads(van, "from the tablet")
        (posted,) = listed(van, "read", "--by", "Dana")
        assert posted["text"] == "from the tablet"
        tablet.cli("device", "rename", "tablet")
        tablet.cli("profile", "set", "--about", "Boss", "--skills", "roofs, maths")
        eventually("the profile", lambda: desk.json("profile", "show")["about"] == "Boss")
        exits(van, Exit.NOT_FOUND, "device", "revoke", "tablet", "--yes")
        eventually("the name", lambda: "tablet" in desk.cli("device", "list"))
        assert "is revoked." in desk.cli("device", "revoke", "tablet", "--yes")
        warns(tablet, "This device was removed from the team")
        tablet.cli("post", "by the finder")
        assert texts(van) == ["from the tablet"] == texts(desk)
        exits(desk, Exit.CONFLICT, "device", "revoke", "desk", "--yes")


def test_leaving_with_a_successor(office: Office) -> None:
    desk, van, depot = office.machines
    desk.cli("post", "I go")
    for machine in (van, depot):
        reads(machine, "I go")
    assert "--successor" in exits(desk, Exit.CONFLICT, "leave", "--yes")
    assert "Dana has left." in desk.cli("leave", "--successor", "Ina", "--yes")
    for machine in (van, depot):
        eventually("two members", partial(are, machine, "Ina", "Sam"))
        assert texts(machine) == ["I go"]
    depot.cli("team", "rename", "Ina and Sam")
    exits(van, Exit.NOT_ALLOWED, "team", "rename", "Sam's")
    assert "You have left this team" in exits(desk, Exit.NOT_SET_UP, "post", "still here?")
    assert texts(desk) == ["I go"]


def test_the_founder_comes_back_from_paper(place: Path) -> None:
    with switched_on(place, 3) as office:
        desk, van, new = office.machines
        code = desk.json("init", "--team", "Acme", "--name", "Dana", "--device", "desk")[
            "recovery_code"
        ]
        office.join(van, desk.json("invite")["code"], desk)
        desk.cli("post", "before the theft")
        reads(van, "before the theft")
        desk.stop()
        exits(new, Exit.USAGE, "recover", code[:-1] + "@")
        exits(new, Exit.USAGE, "join", code)
        words = ["--device", "new desk", "--peer", office.address(van), "--wait"]
        done = new.run("recover", code, *words, "--revoke", "--yes")
        assert done.returncode == 0, done.stderr
        assert "Joined as Dana" in done.stdout
        assert "Dana's desk is revoked." in done.stdout
        assert texts(new) == ["before the theft"]
        new.cli("member", "role", "Sam", "admin")
        desk.start()
        warns(desk, "This device was removed from the team")
        desk.cli("post", "by the thief")
        new.cli("post", "all is well")
        reads(van, "all is well", "before the theft")
        assert [one["name"] for one in listed(van, "device", "list", "Dana")] == [
            "desk",
            "new desk",
        ]
