"""One attacker, a process of its own: `python -m tests.hostile.attacker NAME HOME ADDRESS SECONDS`.

It prepares what takes long, says `ready`, waits for a line, says `began`, does its worst, and says
how many blows it has dealt. It takes `SHARE` of a processor at most, and gives way to others
(`NICE`): it runs on the victim's own machine, of two processors perhaps, and what is to be measured
is what it does to the victim over the network, not how well the scheduler shares.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from p2pblog.config import Home
from p2pblog.errors import PeerError
from p2pblog.net.address import Address, parse
from p2pblog.net.connection import Connection
from p2pblog.node.identity import Identity
from p2pblog.protocol.crypto import SigningKey
from p2pblog.store.replica import Replica
from tests.support.lies import Known
from tests.support.office import call
from tests.support.rogue import Rogue, rogue_with

SHARE = 0.25  # of a processor
NICE = 10  # a tenth of the victim's weight, where both want the same processor
ENDS = (PeerError, OSError, trio.BrokenResourceError, trio.ClosedResourceError)


@contextmanager
def thrown_out() -> Iterator[None]:
    """However a connection ends, the attacker goes on."""
    try:
        yield
    except* ENDS:
        pass


@dataclass
class Aim:
    """Whom to attack, and with what: the keys and the store of a member's machine."""

    where: Address
    home: Home
    keys: Identity
    until: float = 0.0
    blows: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    _began: tuple[float, float] = (0.0, 0.0)

    def begin(self, seconds: float) -> None:
        """The time runs."""
        self._began = time.monotonic(), time.process_time()
        self.until = self._began[0] + seconds

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.until

    async def breathe(self) -> None:
        """After each blow: let the processor go to others, where more than the share is used."""
        self.blows += 1
        wall, spent = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        await trio.sleep(max(0.0, spent / SHARE - wall))

    @asynccontextmanager
    async def member(self, start: int = 0) -> AsyncIterator[Rogue]:
        """A session as the member, live; which start of its machine it says it is."""
        instance = start.to_bytes(8, "big")
        async with rogue_with(self.where, self.keys, self.home.store, instance) as rogue:
            yield rogue

    async def connect(self, key: SigningKey | None = None) -> Connection:
        """A connection right after the handshake, by the member or a stranger with its key."""
        return await call(self.where, key or self.keys.key, self.keys.network_key)

    async def socket(self) -> trio.SocketStream:
        """A bare TCP connection."""
        return await trio.open_tcp_stream(self.where.host, self.where.port)

    def known(self) -> Known:
        """What the member truly has."""
        with Replica.open(self.home.store) as replica:
            rows = replica.rows(False)
            logs = [(log, tips[0]) for log, tips in rows.items()]
            page = replica.cut_pages(logs[0][0], None, logs[0][1], 1)[0].page
        return Known(logs, self.keys.key.public, page)


def main(arguments: Sequence[str]) -> None:
    """Attack as told."""
    from tests.hostile.attacks import ATTACKS

    name, home, address, seconds = arguments
    os.nice(NICE)
    attack = {one.name: one for one in ATTACKS}[name]()
    place = Home(Path(home))
    keys = Identity.load(place.identity)
    assert keys is not None
    aim = Aim(parse(address, 0), place, keys)
    attack.prepare(aim)
    print("ready", flush=True)
    sys.stdin.readline()
    aim.begin(float(seconds))
    print("began", flush=True)
    trio.run(attack.run, aim)
    print(aim.blows, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
