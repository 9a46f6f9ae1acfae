"""How much the searches try: the same little in every run, more where CI=true, much on demand.

`P2PBLOG_SEARCH=50 python -m pytest tests/store/test_machine.py` tries 50 times as many examples,
new ones each time. A failure prints the line that tries its example again.
"""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("P2PBLOG_SEARCH", "0"))
IN_CI = os.environ.get("CI") == "true"


def effort(few: int, more: int, steps: int = 50) -> settings:
    """`few` examples by default, `more` with CI=true; `steps` of each where it is a machine."""
    return settings(
        max_examples=more * FACTOR or (more if IN_CI else few),
        stateful_step_count=steps,
        deadline=None,
    )


def load_profile() -> None:
    """Make this the way of every property test."""
    usual = settings.default
    assert usual is not None
    settings.register_profile(
        "p2pblog",
        usual,
        max_examples=usual.max_examples * max(1, FACTOR),
        derandomize=not FACTOR,
        database=None,
        print_blob=True,
    )
    settings.load_profile("p2pblog")
