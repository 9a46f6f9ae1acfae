"""`python -m tests.store.appender PATH START`: appends until killed, and says what is durable."""

import sys
from itertools import count
from pathlib import Path

from p2pblog.store.replica import Replica
from tests.store.world import NOW, World

path, start = Path(sys.argv[1]), int(sys.argv[2])
world = World(1)
with Replica.open(path) as replica:
    for number in count(start, 3):
        drafts = [world.draft(f"post {n}") for n in range(number, number + 3)]
        made = replica.append(world.author(0), drafts, NOW)
        for one in made:
            print(one.entry.header.seq, one.entry.id.hex(), flush=True)
        if number % 30 == 0:
            replica.index_search(100)
