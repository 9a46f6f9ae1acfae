"""`python -m tests.bench catchup|live|store [POSTS]`: figures as one JSON object."""

import sys

from tests.bench import catchup, live, store

{"catchup": catchup.main, "live": live.main, "store": store.main}[sys.argv[1]](sys.argv[2:])
