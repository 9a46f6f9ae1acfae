"""Daemons of one team that are killed again and again, whatever they are doing.

`python -m tests.e2e.kills [KILLS [SEED]]`: 10,000 kills, or as many as are asked for.

Each strike picks a machine, gives it something to do (start, post, take in what others wrote,
import, back up, index for search, make its views anew, migrate its store) and sends SIGKILL at a
random moment. Whatever was acknowledged has to be there in the end, on every machine; no log may
have two entries with one number, or a second incarnation; every store has to be whole.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from examples.office.machine import Machine, place
from p2pblog.cli.api import Api
from p2pblog.cli.records import ImportItem
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable
from p2pblog.protocol import page
from p2pblog.store.migrate import migrations
from p2pblog.store.records import PostQuery
from p2pblog.store.replica import Replica
from tests.support.arguments import at_least
from tests.support.forge import Forge, forge
from tests.support.office import eventually, team

MACHINES = 3
LOOK_EVERY = 50  # kills between two looks at the stores
WRITERS = 2
BATCH = 150  # posts of an import: a tenth of a second
PHRASE = "a phrase for a pretend backup"
SWITCH_OFF = 0.9  # of the time until a daemon answers, within which a start is cut


@dataclass(slots=True, eq=False)
class Story:
    """The machines, what was acknowledged, and how often which strike fell."""

    forge: Forge
    machines: list[Machine]
    rng: random.Random
    folder: Path
    acknowledged: list[str] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    kills: int = 0

    def run(self, kills: int) -> None:
        """So many kills, and then a look at everything."""
        strikes = list(STRIKES)
        weights = [STRIKES[strike][0] for strike in strikes]
        while self.kills < kills:
            strike = self.rng.choices(strikes, weights)[0]
            victim = self.rng.choice(self.machines)
            self._others_are_up(victim)
            STRIKES[strike][1](self, victim)
            self.struck[strike] = self.struck.get(strike, 0) + 1
            if self.kills % LOOK_EVERY == 0:
                check_file(victim.home)
        self._settle()

    def _others_are_up(self, victim: Machine) -> None:
        self.start(*(machine for machine in self.machines if machine is not victim))

    def start(self, *machines: Machine) -> None:
        """Those that are off; until they answer."""
        off = [machine.home for machine in machines if not self.forge.is_up(machine.home)]
        for home in off:
            self.forge.start(home)
        for home in off:
            self.forge.wait_ready(home)

    def down(self, victim: Machine) -> None:
        """Whatever it is at, it is killed."""
        if self.forge.is_up(victim.home):
            self.forge.kill(victim.home)
            self.kills += 1

    def strike(self, victim: Machine, within: float) -> None:
        """Kill it at some moment of the next so many seconds."""
        time.sleep(self.rng.uniform(0, within))  # whatever it is at by then
        self.down(victim)

    def name(self) -> str:
        """A text that no other post has, with a word to search for."""
        return f"kept {self.kills} {self.rng.getrandbits(60):x}"

    def _settle(self) -> None:
        self.start(*self.machines)
        eventually("all machines hold the same", self._is_equal, 120)
        for machine in self.machines:
            self.forge.stop(machine.home)
        check_stores([machine.home for machine in self.machines], self.acknowledged)

    def _is_equal(self) -> bool:
        totals = [machine.ask(Api.status)["totals"] for machine in self.machines]
        counts = [(one["entries"], one["posts"], one["logs"], one["wanted"]) for one in totals]
        return len(set(counts)) == 1


# What a machine is doing when it is killed


def in_start(story: Story, victim: Machine) -> None:
    """While it starts, several times in a row."""
    story.down(victim)
    began = time.monotonic()
    story.start(victim)
    took = time.monotonic() - began
    for _ in range(story.rng.randrange(2, 6)):
        story.down(victim)
        story.forge.start(victim.home)
        story.strike(victim, SWITCH_OFF * took)


def in_posts(story: Story, victim: Machine) -> None:
    """While people post."""
    story.start(victim)
    names = [story.name() for _ in range(WRITERS)]
    work = [Work(victim, write(story.acknowledged, name)) for name in names]
    story.strike(victim, 0.08)
    for thread in work:
        thread.end()


def in_import(story: Story, victim: Machine) -> None:
    """While posts come in from elsewhere; what was acknowledged counts whole."""
    story.start(victim)
    thread = Work(victim, bring(story.acknowledged, story.name()))
    story.strike(victim, 0.15)
    thread.end()


def in_ingest(story: Story, victim: Machine) -> None:
    """While it catches up with what another wrote."""
    story.down(victim)
    other = story.rng.choice([one for one in story.machines if one is not victim])
    Work(other, bring(story.acknowledged, story.name())).end()
    story.start(victim)
    story.strike(victim, 0.15)


def in_search(story: Story, victim: Machine) -> None:
    """While the index follows, and somebody waits for it."""
    story.start(victim)
    Work(victim, bring(story.acknowledged, story.name())).end()
    thread = Work(victim, lambda api: api.search("kept", 10))
    story.strike(victim, 0.04)
    thread.end()


def in_backup(story: Story, victim: Machine) -> None:
    """While it is copied; half a file may be left behind, but never under the backup's name."""
    story.start(victim)
    path = story.folder / f"{victim.name}.backup"
    thread = Work(victim, lambda api: api.back_up(str(path), PHRASE, force=True))
    story.strike(victim, 1.0)
    thread.end()


def in_rebuild(story: Story, victim: Machine) -> None:
    """While its views are made anew."""
    story.down(victim)
    with closing(sqlite3.connect(victim.home.store)) as store:
        (before,) = store.execute("SELECT posts FROM store").fetchone()
    change(victim.home, "UPDATE store SET views = 0")
    story.forge.start(victim.home)
    story.strike(victim, 0.2)
    story.start(victim)  # nobody may be left with half of them
    assert victim.ask(Api.status)["totals"]["posts"] >= before


def in_migration(story: Story, victim: Machine) -> None:
    """While a store of the first version is brought to this one."""
    story.down(victim)
    with closing(sqlite3.connect(victim.home.store)) as store:
        first = store.execute("PRAGMA user_version").fetchone() == (1,)
    if not first:
        change(victim.home, *back_to_first(victim.home))
    story.forge.start(victim.home)
    story.strike(victim, 0.2)


STRIKES: dict[str, tuple[float, Callable[[Story, Machine], None]]] = {  # how often, and what
    "start": (10, in_start),
    "posts": (24, in_posts),
    "import": (8, in_import),
    "ingest": (8, in_ingest),
    "search": (6, in_search),
    "backup": (1, in_backup),
    "rebuild": (4, in_rebuild),
    "migration": (4, in_migration),
}


class Work(threading.Thread):
    """Asks a daemon for something that it may not live to answer."""

    def __init__(self, machine: Machine, ask: Callable[[Api], object]) -> None:
        super().__init__()
        self._machine = machine
        self._ask = ask
        self._fault: Exception | None = None
        self.start()

    def run(self) -> None:
        """Until it is answered, or the daemon is gone."""
        try:
            with self._machine.api() as api, suppress(DaemonUnreachable):
                self._ask(api)
        except Exception as fault:  # noqa: BLE001  # carried over to who waits
            self._fault = fault

    def end(self) -> None:
        """Wait for it; raises what it raised."""
        self.join()
        if self._fault is not None:
            raise self._fault


def write(acknowledged: list[str], name: str) -> Callable[[Api], None]:
    """Posts one after the other, until the daemon is gone."""

    def run(api: Api) -> None:
        for number in range(10**6):
            text = f"{name} {number}"
            api.post(text, None, None, text.replace(" ", "-"))
            acknowledged.append(text)

    return run


def bring(acknowledged: list[str], name: str) -> Callable[[Api], None]:
    """Posts by one request, which has an answer for all of them."""

    def run(api: Api) -> None:
        texts = [f"{name} {number}" for number in range(BATCH)]
        api.begin_import([elsewhere(text) for text in texts])
        answer = api.finish_import()
        assert answer["stored"] == BATCH, answer
        acknowledged.extend(texts)

    return run


def elsewhere(text: str) -> ImportItem:
    return {
        "id": text,
        "time": "2026-03-02T08:15:00Z",
        "channel": "old",
        "author": "Lee",
        "text": text,
        "reply_to": "",
    }


def change(home: Home, *statements: str) -> None:
    """Do something to a store that no daemon holds."""
    with closing(sqlite3.connect(home.store, isolation_level=None)) as store:
        for statement in statements:
            store.execute(statement)


def back_to_first(home: Home) -> Iterator[str]:
    """The statements that give a store the tables, columns and indexes of the first version."""
    with closing(sqlite3.connect(":memory:")) as first, closing(sqlite3.connect(home.store)) as now:
        first.executescript(migrations()[0])
        due, found = parts(first), parts(now)
        for kind, name in sorted(found.keys() - due.keys(), reverse=True):  # triggers first
            yield f"DROP {kind} IF EXISTS {name}"  # with a table went its indexes
        for name in (name for kind, name in due if kind == "table"):
            for column in columns(now, name) - columns(first, name):
                yield f"ALTER TABLE {name} DROP COLUMN {column}"
        yield from (due[part] for part in due.keys() - found.keys())
    yield from ("UPDATE store SET views = 1", "PRAGMA user_version = 1")
    yield "PRAGMA wal_checkpoint(TRUNCATE)"


def parts(store: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """The SQL of everything that a store is made of, by kind and name."""
    made = store.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name): sql for kind, name, sql in made}


def columns(store: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table."""
    return {name for (name,) in store.execute("SELECT name FROM pragma_table_info(?)", (table,))}


# What has to be so


def check_file(home: Home) -> None:
    """SQLite finds nothing wrong with it, nor FTS5 with its index."""
    with closing(sqlite3.connect(home.store)) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        store.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        store.rollback()


def check_stores(homes: list[Home], acknowledged: list[str]) -> None:
    """Whole, equal, with all that was acknowledged, each device in its one log of each kind."""
    found = []
    for home in homes:
        check_file(home)
        with Replica.open(home.store) as replica:
            check_logs(replica, devices=len(homes))
            posts = replica.posts(PostQuery(limit=10**9))
            texts = [post.text for post in posts]
            assert len(set(texts)) == len(texts), "a post is there twice"
            missing = set(acknowledged) - set(texts)
            assert not missing, f"{len(missing)} of {len(acknowledged)} are lost in {home.path}"
            assert len(replica.search("kept", 10**9)) == len(posts) == replica.totals().posts
            found.append((replica.rows(True), replica.rows(False), [post.id for post in posts]))
    assert all(one == found[0] for one in found)


def check_logs(replica: Replica, devices: int) -> None:
    """Every log verifies from its first entry to its tip, and has one branch."""
    posts = replica.rows(False)
    assert len(posts) <= devices, "an incarnation that nothing called for"
    assert not replica.wants(1)
    for log in (*replica.rows(True), *posts):
        (branch,) = replica.branches(log)
        done = None
        while done != branch.tip:
            served = replica.cut_pages(log, done, branch.tip, 2**20)
            assert served, f"nothing is served of {log.hex()} after {done}"
            for one in served:
                page.verify(one.page, replica.team_id)
            done = served[-1].last
        assert done == branch.tip


def kill_often(folder: Path, kills: int, seed: int) -> Story:
    """The whole story; the seed is in what a failure shows."""
    print(f"seed {seed}: python -m tests.e2e.kills {kills} {seed}")
    with team(folder / f"kills-{seed}", MACHINES) as office:
        office.each(Machine.stop, office.machines)
        with forge() as made:
            story = Story(made, office.machines, random.Random(seed), folder)
            began = time.monotonic()
            story.run(kills)
            took = time.monotonic() - began
    said = ", ".join(f"{name} {count}" for name, count in sorted(story.struck.items()))
    print(f"{story.kills} kills in {took:.0f} s, {len(story.acknowledged)} acknowledged: {said}")
    return story


def main(arguments: Sequence[str]) -> None:
    """As the command line asks."""
    chance = random.SystemRandom().getrandbits(32)
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=at_least(1), default=10_000, metavar="KILLS")
    parser.add_argument("seed", nargs="?", type=at_least(0), default=chance, metavar="SEED")
    given = parser.parse_args(arguments)
    with place() as path:
        kill_often(path, given.kills, given.seed)


if __name__ == "__main__":
    main(sys.argv[1:])
