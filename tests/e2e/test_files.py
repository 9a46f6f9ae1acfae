"""A stick between machines that are never on at the same time; a home that comes back from a file.

Real daemons and commands, on loopback.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from examples.office.machine import Machine
from p2pblog.errors import Exit
from tests.support.office import eventually, team, texts

PHRASE = "seven wet umbrellas"


def members(machine: Machine) -> list[str]:
    return [json.loads(line)["name"] for line in machine.cli("members", "--json").splitlines()]


def fails(machine: Machine, *arguments: str) -> tuple[int, str]:
    """The exit code of a command that has to fail, and what it says in one line."""
    done = machine.run(*arguments)
    assert done.returncode
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_stick_goes_both_ways_and_brings_an_admission(path: Path) -> None:
    stick, early, back = (str(path / name) for name in ("stick", "early", "back"))
    with team(path / "stick office", 2, spare=1) as office:
        desk, van, depot = office.machines
        van.stop()
        desk.cli("bundle", "export", early)
        office.join(depot, desk.json("invite")["code"], desk)
        depot.cli("post", "Ina is here")
        eventually("the post of the new machine", lambda: texts(desk) == ["Ina is here"])
        assert fails(depot, "bundle", "import", early)[0] == Exit.NOT_ALLOWED
        depot.stop()
        desk.cli("post", "from the desk")
        made = desk.json("bundle", "export", stick)
        assert made["devices"] == 3
        assert fails(desk, "bundle", "export", stick)[0] == Exit.CONFLICT
        desk.stop()

        van.start()  # from here on it is alone
        van.cli("post", "from the van")
        torn = path / "torn"
        torn.write_bytes(Path(stick).read_bytes()[:-40])
        code, said = fails(van, "bundle", "import", str(torn))
        assert code == Exit.PARTIAL
        assert "Copy the file again" in said
        assert "1 new entry" not in van.cli("bundle", "import", stick)
        assert members(van) == ["Dana", "Sam", "Ina"]
        due = {"Ina is here", "from the desk", "from the van"}
        assert set(texts(van)) == due
        assert van.json("bundle", "import", stick)["stored"] == 0
        shown = van.cli("bundle", "show", stick)
        assert "Of Acme, by Dana (desk)" in shown
        brought = van.json("bundle", "export", back, "--for", "Dana")
        assert brought["granted"] == 2  # by the desk's own bundle: what it said that it has
        van.stop()

        desk.start()
        assert desk.json("bundle", "import", back)["stored"] == 1
        assert set(texts(desk)) == due


class Writer(threading.Thread):
    """Posts until it is told to stop."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(daemon=True)
        self.written = 0
        self._machine = machine
        self._done = threading.Event()

    def run(self) -> None:
        with self._machine.api() as api:
            while not self._done.is_set():
                api.post(f"meanwhile {self.written}", None, None, secrets.token_hex(16))
                self.written += 1

    def stop(self) -> None:
        self._done.set()
        self.join()


@pytest.fixture
def phrase(tmp_path: Path) -> Sequence[str]:
    file = tmp_path / "phrase"
    file.write_text(f"{PHRASE}\n", encoding="utf-8")
    return "--passphrase-file", str(file)


def test_a_home_comes_back_at_once_and_gets_the_rest_later(
    path: Path, phrase: Sequence[str]
) -> None:
    backup = str(path / "backup")
    with team(path / "lost office", 2, spare=1) as office:
        desk, van, new = office.machines
        desk.cli("post", "before")
        writer = Writer(desk)
        writer.start()
        made = desk.json("backup", backup, *phrase)
        writer.stop()
        assert writer.written > 0
        assert 1 <= made["posts"] <= 1 + writer.written
        desk.cli("post", "after the backup")
        eventually("everything on the van", lambda: len(texts(van)) == 2 + writer.written)
        van.stop()
        desk.kill()  # and its disk is gone

        back = new.json("restore", backup, *phrase)
        assert (back["member"], back["device_name"], back["posts"]) == (
            "Dana",
            "desk",
            made["posts"],
        )
        new.cli("post", "at once, with nobody in reach")
        assert texts(new)[0] == "at once, with nobody in reach"
        assert len(texts(new)) == made["posts"] + 1
        assert fails(new, "restore", backup, *phrase)[0] == Exit.CONFLICT

        van.start()
        office._introduce(new)
        eventually("what was forgotten", lambda: "after the backup" in texts(new))
        eventually("the same on both", lambda: sorted(texts(new)) == sorted(texts(van)))
        assert members(new) == ["Dana", "Sam"]
        new.stop()
        new.start()
        new.cli("post", "and on")
        eventually("the last post", lambda: texts(van)[0] == "and on")
        assert van.run("doctor", "--json").returncode in (Exit.OK, Exit.PROBLEMS)


@pytest.mark.slow
def test_what_can_not_be_restored_leaves_the_home_empty(path: Path, phrase: Sequence[str]) -> None:
    with team(path / "bad office", 1, spare=1) as office:
        desk, new = office.machines
        good, bad = path / "good", path / "bad"
        desk.cli("post", "kept")
        desk.cli("backup", str(good), *phrase)
        data = good.read_bytes()
        wrong = path / "wrong phrase"
        wrong.write_text("seven dry umbrellas\n", encoding="utf-8")
        cases = {
            "truncated": (data[:-1], Exit.FAILED),
            "altered": (data[:-500] + bytes([data[-500] ^ 1]) + data[-499:], Exit.FAILED),
            "no p2pblog file": (b"GIF89a and more of that kind", Exit.USAGE),
            "of a newer version": (data[:15] + b"\2" + data[16:], Exit.CONFLICT),
        }
        for what, (content, due) in cases.items():
            bad.write_bytes(content)
            assert fails(new, "restore", str(bad), *phrase)[0] == due, what
        assert fails(new, "restore", str(path / "none"), *phrase)[0] == Exit.NOT_FOUND
        code, said = fails(new, "restore", str(good), "--passphrase-file", str(wrong))
        assert code == Exit.NOT_ALLOWED
        assert "passphrase" in said
        assert new.json("status")["phase"] == "empty"
        assert not new.home.store.exists()
        new.cli("restore", str(good), *phrase)
        assert texts(new) == ["kept"]
