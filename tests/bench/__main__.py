"""`python -m tests.bench catchup|store [POSTS]`: figures as one JSON object."""

import sys

from tests.bench import catchup, store

{"catchup": catchup.main, "store": store.main}[sys.argv[1]](sys.argv[2:])
