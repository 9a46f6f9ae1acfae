"""Homes of a made-up firm: a device's store with so many posts, made without a daemon."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from p2pblog.config import Config, Home, save_config
from p2pblog.node.identity import Identity
from p2pblog.store.replica import Replica
from tests.bench import posts
from tests.bench.posts import Log, Writer
from tests.support.teams import Actor, TeamBuilder

BATCH = 8  # pages a transaction, as the node does it
INDEX_BATCH = 5000
MILLION = 1_000_000


class Firm:
    """A team of one founder and one newcomer, who write nothing, and `devices` that do.

    The same for each seed.
    """

    def __init__(self, devices: int, seed: int = 1) -> None:
        self.team = TeamBuilder(random.Random(seed))
        self.founder = self.team.found()
        self.newcomer = self._admit("Newcomer")
        self.devices = [self._admit(f"Member {number}") for number in range(devices)]

    def _admit(self, name: str) -> Actor:
        last = self.team.entries[-1:]
        invited = self.team.invite(self.founder, after=last)
        return self.team.admit(self.founder, invited, name, after=[invited.entry])

    @property
    def writers(self) -> list[Writer]:
        return [Writer.of(self.team.id, device) for device in self.devices]

    def identity(self, who: Actor) -> Identity:
        return Identity(who.signing, who.incarnation, self.team.id, self.team.network_key)


@dataclass(slots=True)
class Stock:
    """A home that is copied, never used: what it holds, and where its logs would go on."""

    home: Home
    firm: Firm
    posts: int
    next: list[Writer]


@dataclass(slots=True)
class Place:
    """Where everything of one run of the benchmark lies, and what it made already.

    `shared` has the programs of the peers, where they are installed.
    """

    folder: Path
    small: bool = False
    shared: Path | None = None
    found: dict[str, float] = field(default_factory=dict)  # what later rows compare with
    _stocks: dict[tuple[int, int], Stock] = field(default_factory=dict)
    _count: int = 0

    def size(self, whole: int, small: int) -> int:
        """How many: in the whole form, and in the one that only shows that it works."""
        return small if self.small else whole

    def new(self, name: str) -> Path:
        """A folder that is not there yet."""
        self._count += 1
        return self.folder / f"{self._count}-{name}"

    def clear(self) -> None:
        """Remove all but the stocks."""
        kept = {stock.home.path for stock in self._stocks.values()}
        for path in set(self.folder.iterdir()) - kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def stock(self, count: int, devices: int) -> Stock:
        """A home of the founder that holds so many posts by so many devices; made once."""
        key = count, devices
        if key not in self._stocks:
            firm, path = Firm(devices), self.new("stock")
            made = posts.logs(firm.writers, count // devices)
            ends: list[Writer] = []
            home = make(path, firm, firm.founder, _rounds(made, ends))
            self._stocks[key] = Stock(home, firm, count, ends)
        return self._stocks[key]

    def copy(self, stock: Stock, who: Actor | None = None) -> Home:
        """A home of its own with the same store, of the founder or another device."""
        home = Home(self.new("home"))
        home.create()
        shutil.copyfile(stock.home.store, home.store)
        dress(home, stock.firm, who or stock.firm.founder)
        return home

    def million(self) -> Stock:
        """1,000,000 posts in 1,000 logs; a thousandth of it in the small form."""
        return self.stock(self.size(MILLION, 1000), self.size(1000, 20))

    def thousand(self) -> Stock:
        """1,000 posts by 10 devices."""
        return self.stock(self.size(1000, 200), 10)


@contextmanager
def place(small: bool = False, shared: Path | None = None) -> Iterator[Place]:
    """A place of its own, which is gone afterwards; the state of homes lies in it too."""
    before = os.environ.get("XDG_STATE_HOME")
    with TemporaryDirectory(prefix="bench-") as name:
        os.environ["XDG_STATE_HOME"] = f"{name}/state"
        try:
            yield Place(Path(name), small, shared)
        finally:
            if before is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = before


def _rounds(made: Iterator[Log], ends: list[Writer]) -> Iterator[Sequence[bytes]]:
    """The logs' pages in batches; where each log would go on is put into `ends`."""
    batch: list[bytes] = []
    for log in made:
        ends.append(log.next)
        batch += log.pages
        while len(batch) >= BATCH:
            yield batch[:BATCH]
            del batch[:BATCH]
    yield batch


def make(path: Path, firm: Firm, who: Actor, batches: Iterable[Sequence[bytes]] = ()) -> Home:
    """A home of one device of the firm, with these pages in its store, and searchable."""
    home = Home(path)
    home.create()
    with Replica.create(home.store, firm.team.id, os.urandom(8)) as replica:
        store(replica, firm, firm.team.pages())
        for batch in batches:
            store(replica, firm, batch)
            replica.index_search(INDEX_BATCH)
        while replica.index_search(INDEX_BATCH):
            pass
        replica.rest()
    dress(home, firm, who)
    return home


def store(replica: Replica, firm: Firm, pages: Sequence[bytes]) -> None:
    """Take in pages that have to be taken."""
    for result in replica.ingest(pages, firm.team.time):
        assert result.reason is None, result


def dress(home: Home, firm: Firm, who: Actor) -> None:
    """Give a home with a store its keys and settings."""
    firm.identity(who).save(home.identity)
    save_config(home.config, Config(port=0, listen="127.0.0.1", mdns=False))
