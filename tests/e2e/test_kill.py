"""A daemon that is killed at any moment loses no post that it has acknowledged."""

from __future__ import annotations

import random
import secrets
import threading
import time
from pathlib import Path

import pytest

from examples.office.machine import Machine
from examples.office.office import Office
from p2pblog.cli.api import Api
from p2pblog.errors import DaemonUnreachable
from tests.e2e.kills import STRIKES, kill_often
from tests.support.office import eventually, team, texts

MANY = 500  # kills in the slow test


class Writer(threading.Thread):
    """Posts until the daemon is gone; `acknowledged` are the texts it got an answer for."""

    def __init__(self, machine: Machine, name: str) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self._machine = machine
        self._name = name

    def run(self) -> None:
        try:
            with self._machine.api() as api:
                while True:
                    text = f"{self._name} {len(self.acknowledged)}"
                    api.post(text, None, None, secrets.token_hex(16))
                    self.acknowledged.append(text)
        except DaemonUnreachable:
            return


def kill_while_writing(office: Office, kills: int, rng: random.Random) -> None:
    desk, van = office.machines
    acknowledged: list[str] = []
    for number in range(kills):
        victim = rng.choice(office.machines)
        writers = [Writer(m, f"{number} {m.name} {n}") for m in office.machines for n in (1, 2)]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.05, 0.6))  # whatever they are at by then
        victim.kill()
        time.sleep(rng.uniform(0.0, 0.2))  # the other may be sending, or know already
        (desk if victim is van else van).kill()
        for writer in writers:
            writer.join(10)
            acknowledged += writer.acknowledged
        office.each(Machine.start, office.machines)
    assert acknowledged
    for machine in office.machines:

        def has_all(machine: Machine = machine) -> bool:
            # not by their number: posts that were stored and not acknowledged count as well
            return set(acknowledged) <= set(texts(machine))

        eventually(f"all {len(acknowledged)} acknowledged posts on {machine.name}", has_all, 60)
    left, right = (len(texts(machine)) for machine in office.machines)
    print(f"{kills} times two kills, {len(acknowledged)} acknowledged, {left} and {right} here")
    eventually("equal", lambda: desk.posts() == van.posts(), 60)
    incarnations = desk.ask(Api.status)["totals"]["logs"]
    print(f"{incarnations} logs of two devices")


def test_no_acknowledged_post_is_lost(path: Path) -> None:
    with team(path / "few", 2) as office:
        kill_while_writing(office, 3, random.Random(1))


@pytest.mark.slow
def test_nothing_is_lost_whatever_a_daemon_is_killed_at(path: Path) -> None:
    story = kill_often(path, MANY, seed=2)
    assert story.kills >= MANY
    assert set(story.struck) == set(STRIKES)
    assert len(story.acknowledged) > MANY
