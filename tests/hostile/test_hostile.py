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
    """What went beyond its bounds is played once more: others may have had the machine."""
    doubtful = [row.attack for row in play(ATTACKS, SECONDS) if row.faults()]
    faults = [fault for row in play(doubtful, 2 * SECONDS) for fault in row.faults()]
    assert not faults
