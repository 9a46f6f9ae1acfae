"""Real attackers on real daemons, each for a moment: the table of `python -m tests.hostile`.

What is measured is in `stage.py`, what has to hold in `run.py`.
"""

from __future__ import annotations

import pytest

from tests.hostile.attacks import ATTACKS
from tests.hostile.run import play

SECONDS = 1.6  # of each attack: some 50 posts


def test_every_attack_says_what_it_tries() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
    for attack in ATTACKS:
        assert attack.tries().endswith("."), attack.name
        assert 0 < attack.memory < 256, attack.name


@pytest.mark.slow
def test_the_victim_goes_on_serving_under_every_attack() -> None:
    """No post is lost, members are taken in, memory keeps its bounds.

    How long live posts take is a figure of `python -m tests.hostile`, as all figures of speed are:
    some attacks miss its bound on two processors.
    """
    doubtful = [row.attack for row in play(ATTACKS, SECONDS) if row.fat()]
    faults = [fault for row in play(doubtful, SECONDS) for fault in row.fat()]
    assert not faults
