"""`python -m tests.bench catchup [POSTS]`: figures as one JSON object."""

import sys

from tests.bench import catchup

{"catchup": catchup.main}[sys.argv[1]](sys.argv[2:])
