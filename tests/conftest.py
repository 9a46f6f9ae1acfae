"""Property tests try the same examples in every run, and say how to try one again."""

from tests.support.effort import load_profile

load_profile()
