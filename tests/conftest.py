"""Property tests try the same examples in every run, and say how to try one again.

A shell that starts us in the background has us ignore SIGINT, and so would all that we start.
"""

import signal

from tests.support.effort import load_profile

signal.signal(signal.SIGINT, signal.default_int_handler)
load_profile()
