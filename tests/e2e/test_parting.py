"""People come and go on a LAN of real machines: removal, revocation, a lost founder, a copied home.

Each story is told at the command line, as its user would.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.office.lan import Lan
from examples.office.machine import Machine
from examples.office.office import Office
from p2pblog.errors import Exit
from tests.support.lan import needs_lan
from tests.support.office import eventually, switched_on, texts

pytestmark = [needs_lan, pytest.mark.slow]


@contextmanager
def acme(path: Path, name: str, count: int, spare: int = 0) -> Iterator[tuple[Lan, Office, str]]:
    """`count` machines of one team, `spare` ones of none, and the founder's recovery code."""
    with Lan(count + spare) as lan, switched_on(path / name, count + spare, lan) as office:
        first, *others = office.machines[:count]
        code = first.json("init", "--team", "Acme", "--name", first.member)["recovery_code"]
        for machine in others:
            office.join(machine, first.json("invite")["code"], first)
        yield lan, office, code


def names(machine: Machine) -> list[str]:
    return [json.loads(line)["name"] for line in machine.cli("members", "--json").splitlines()]


def warnings(machine: Machine) -> str:
    return " ".join(machine.json("status")["warnings"])


def test_a_removal_holds_where_it_is_known_and_heals_where_it_is_not(path: Path) -> None:
    with acme(path, "removal", 3) as (lan, office, _):
        dana, sam, ina = office.machines
        ina.cli("post", "honest")
        eventually("the honest post", lambda: texts(dana) == texts(sam) == ["honest"])
        lan.split([1], [2, 3])
        dana.cli("member", "remove", "Ina", "--yes")
        ina.cli("post", "after the removal")
        eventually("Sam has not heard of it", lambda: "after the removal" in texts(sam))
        lan.heal()
        eventually("Sam knows", lambda: names(sam) == ["Dana", "Sam"])
        eventually("it counts nowhere", lambda: texts(sam) == texts(dana) == ["honest"])
        eventually("Ina is told", lambda: "removed" in warnings(ina))

        def known() -> bool:
            shown = dana.json("member", "removal", "Ina")
            return bool(shown["known_by"] == shown["devices"] == 2)

        eventually("Dana knows that Sam knows", known)


def test_a_stick_brings_a_removal(path: Path) -> None:
    stick = str(path / "stick.p2pb")
    with acme(path, "stick", 3) as (lan, office, _):
        dana, sam, ina = office.machines
        ina.cli("post", "honest")
        eventually("the honest post", lambda: texts(dana) == texts(sam) == ["honest"])
        lan.split([1], [2], [3])
        dana.cli("member", "remove", "Ina", "--yes")
        dana.cli("bundle", "export", stick)
        assert names(sam) == ["Dana", "Sam", "Ina"]
        sam.cli("bundle", "import", stick)
        assert names(sam) == ["Dana", "Sam"]
        assert texts(sam) == ["honest"]


def test_a_founder_who_lost_everything_comes_back_by_the_paper_code(path: Path) -> None:
    with acme(path, "paper", 2, spare=1) as (_, office, code):
        dana, sam, new = office.machines
        dana.cli("post", "before the fire")
        eventually("it is with Sam", lambda: texts(sam) == ["before the fire"])
        dana.kill()
        wrong = new.run("recover", "0000-0000")
        assert wrong.returncode == Exit.USAGE
        assert "Traceback" not in wrong.stderr
        new.cli("recover", code)
        eventually("all is back", lambda: texts(new) == ["before the fire"])
        new.cli("member", "role", "Sam", "admin")
        eventually("Sam is an admin", lambda: '"admin"' in sam.cli("members", "--json"))


def test_a_home_copied_to_a_second_machine_with_posts_on_both(path: Path) -> None:
    with acme(path, "copy", 2, spare=1) as (_, office, _):
        dana, sam, twin = office.machines
        dana.cli("post", "first")
        eventually("it is with Sam", lambda: texts(sam) == ["first"])
        dana.stop()
        twin.stop()
        for path_of in dana.home.path.iterdir():
            if path_of.is_file() and path_of.name not in ("lock", "config.toml", "api.sock"):
                shutil.copy(path_of, twin.home.path / path_of.name)
        dana.start()
        twin.start()
        assert "new log" in warnings(twin)
        dana.cli("post", "on the one")
        twin.cli("post", "on the other")
        due = {"first", "on the one", "on the other"}
        eventually("Sam has both", lambda: set(texts(sam)) == due)
        eventually("each has the other's", lambda: set(texts(dana)) == set(texts(twin)) == due)
        assert "copied" in twin.run("doctor").stdout
