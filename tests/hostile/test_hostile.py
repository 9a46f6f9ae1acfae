"""Real attackers on real daemons, each for a moment: the table of `python -m tests.hostile`.

What is measured is in `stage.py`, what has to hold in `run.py`.
"""

from __future__ import annotations

import pytest

from tests.hostile.attacks import ATTACKS
from tests.hostile.members import Oversize
from tests.hostile.run import FACTOR, FLOOR, Row, play
from tests.hostile.stage import Load

SECONDS = 1.8  # of each attack: some 60 posts, of which the slowest counts
AGAIN = 6.0  # of an attack that seemed to miss a bound: some 200 posts


def test_every_attack_says_what_it_tries() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
    for attack in ATTACKS:
        assert attack.tries().endswith("."), attack.name
        assert 0 < attack.memory < 256, attack.name


@pytest.mark.parametrize("calm", [FLOOR / 2, 2 * FLOOR])
def test_what_is_beyond_a_bound_is_a_fault(calm: float) -> None:
    limit = FACTOR * max(calm, FLOOR)
    fine = Row(Oversize, Load([limit - 1] * 100, Oversize.memory - 1, 50), calm, 1)
    assert not fine.faults()
    assert Row(Oversize, Load([limit] * 100, 0, 50), calm, 1).faults()
    assert Row(Oversize, Load([1.0] * 100, Oversize.memory, 50), calm, 1).faults()
    assert Row(Oversize, Load([1.0] * 100, 0, 50), calm, 0).faults()


@pytest.mark.slow
def test_the_victim_goes_on_serving_under_every_attack() -> None:
    """No post is lost, members are taken in; live latency and memory keep their bounds.

    Latency is held against calm stretches of the same run. What went beyond a bound is played once
    more, for longer: others may have had the machine.
    """
    doubtful = [row.attack for row in play(ATTACKS, SECONDS) if row.faults()]
    again = play(doubtful, AGAIN) if doubtful else ()
    assert not [fault for row in again for fault in row.faults()]
