"""A replica against a simple oracle: append, ingest in any order, forks, cut-offs, crashes.

A crash is what a kill or a power cut leaves on the disk in the middle of a write (`torn.py`): the
store has to be what it was before, or what it was to be, and whole. Nothing is deleted in this
version: no tombstone, no retention. What comes nearest is here: payloads that don't come, or come
later, and logs that are cut; and an entry of class DELETE is kept and served like any other, for
those who understand it.
"""

from __future__ import annotations

import copy
import random
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2pblog.protocol import entry, page
from p2pblog.protocol.entry import Entry, EntryId, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_PULLED_BRANCHES
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.store import ordering
from p2pblog.store.records import PostQuery, TextState
from p2pblog.store.replica import Replica
from tests.store.test_views import views_of
from tests.store.torn import Files, torn
from tests.store.world import NOW, World, cut_off, made
from tests.support.effort import effort
from tests.support.logs import packed

DEVICES = (0, 1, 2)  # 0 is our own
OTHERS = (1, 2)
MOST = 60  # entries of a log's tree


class Trees:
    """What was written anywhere: for each device entries by id, forks among them."""

    def __init__(self, world: World) -> None:
        self.entries: dict[int, dict[EntryId, Entry]] = {number: {} for number in DEVICES}
        for number in OTHERS:
            trunk = world.posts(number, 12)
            self.add(number, trunk)
            self.add(number, world.posts(number, 4, after=trunk[4]))

    def add(self, number: int, run: list[Entry]) -> None:
        self.entries[number] |= {made.id: made for made in run}

    def sorted(self, number: int) -> list[Entry]:
        """All of a device, in an order that chance has no part in."""
        return sorted(self.entries[number].values(), key=lambda one: (one.header.seq, one.id))

    def way(self, number: int, end: Entry) -> list[Entry]:
        """From the first entry to `end`."""
        way = [end]
        while way[-1].header.seq > 1:
            way.append(self.entries[number][way[-1].header.backlink])
        return way[::-1]


@dataclass
class Held:
    """What the store should hold: by device, each entry, and whether its payload is here."""

    entries: dict[int, dict[EntryId, bool]] = field(
        default_factory=lambda: {number: {} for number in DEVICES}
    )
    branches: dict[int, int] = field(default_factory=lambda: dict.fromkeys(DEVICES, 0))

    @property
    def count(self) -> int:
        return sum(map(len, self.entries.values()))

    @property
    def wanted(self) -> int:
        return sum(not here for held in self.entries.values() for here in held.values())


class Machine(RuleBasedStateMachine):
    """`held` is the oracle, `cut` where the logs of those who were removed end."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bulk = pytest.MonkeyPatch()  # a few entries are bulk: then posts wait for their order
        self.bulk.setattr(ordering, "BULK", 3)
        self.bulk.setattr(ordering, "ENOUGH", 6)
        self.world = World(3, random.Random("machine"))
        self.trees = Trees(self.world)
        self.path = Path(self.folder.name) / "store"
        self.replica: Replica = self.world.replica(self.path)
        self.held = Held()
        self.cut: dict[int, Entry] = {}
        self.crashes = 0

    def teardown(self) -> None:
        self.replica.close()
        self.bulk.undo()
        self.folder.cleanup()

    # -- the oracle --------------------------------------------------------------------------

    def standing(self, number: int) -> set[EntryId]:
        """Entries that are shown: all, or those on the way to where the log is cut."""
        held = set(self.held.entries[number])
        end = self.cut.get(number)
        if end is None:
            return held
        way = {made.id for made in self.trees.way(number, end)}
        if end.id in held:
            return held & way
        entries = self.trees.entries[number]
        return {name for name in held if entries[name].header.seq < end.header.seq}

    def expect(self, number: int, run: list[Entry], gone: set[EntryId]) -> Outcome:
        """What ingesting a run should give; notes what is then held."""
        held, end = self.held.entries[number], self.cut.get(number)
        if end is not None:
            last = run[-1]
            if last.header.seq > end.header.seq:
                return Outcome.REFUSED
            if last.header.seq == end.header.seq and last.id != end.id:
                return Outcome.REFUSED
        first = run[0].header
        if first.seq > 1 and first.backlink not in held:
            return Outcome.GAP
        new = [one for one in run if one.id not in held]
        entries = self.trees.entries[number]
        forks = bool(new) and new[0].header.backlink in {entries[n].header.backlink for n in held}
        full = forks and self.held.branches[number] >= MAX_PULLED_BRANCHES
        for one in run:
            if one.id in held or not full:
                held[one.id] = held.get(one.id, False) or one.id not in gone
        if full:
            return Outcome.REFUSED
        self.held.branches[number] += forks or len(held) == len(new)
        return Outcome.FORK if forks else Outcome.STORED if new else Outcome.KNOWN

    # -- rules -------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), covered=st.booleans())
    def append(self, count: int, covered: bool) -> None:
        drafts = [self.world.draft(f"post {n}", covered=covered) for n in range(count)]
        author = self.world.author(0)
        for one in self.replica.append(author, drafts, NOW):
            signature = entry.sign(author.key, self.world.team_id, one.entry.header_bytes)
            self.trees.add(0, [one.entry._replace(signature=signature)])
            self.held.branches[0] = max(1, self.held.branches[0])
            self.held.entries[0][one.entry.id] = True

    @rule(number=st.sampled_from(DEVICES), at=st.integers(0, MOST), later=st.booleans())
    def fork(self, number: int, at: int, later: bool) -> None:
        """A device's home was rolled back, ours too: somewhere else its log goes on otherwise."""
        known = self.trees.sorted(number)
        if len(known) > MOST:
            return
        before = known[at % len(known)] if known else None
        self.trees.add(number, self.world.posts(number, 2, after=before))
        if later:
            delete, rng = PayloadClass.DELETE, self.world.rng
            more = {"payload_class": delete, "rng": rng}
            signing, team = self.world.keys[number], self.world.team_id
            self.trees.add(number, [made(signing, team, before, b"?", **more)])  # type: ignore[arg-type]  # of two types

    @rule(data=st.data(), batch=st.integers(1, 4))
    def ingest(self, data: st.DataObject, batch: int) -> None:
        pages, expected = [], []
        for _ in range(batch):
            number = data.draw(st.sampled_from([n for n in DEVICES if self.trees.entries[n]]))
            way = self.trees.way(number, data.draw(st.sampled_from(self.trees.sorted(number))))
            run = way[data.draw(st.integers(0, len(way) - 1)) :]
            gone = {one.id for one in run if number and data.draw(st.integers(0, 7)) == 0}
            payloads = [None if one.id in gone else one.payload for one in run]
            headers = [one.header_bytes for one in run]
            pages.append(page.pack(headers, payloads, [run[-1].signature]))
            expected.append(self.expect(number, run, gone))
        results = self.replica.ingest(pages, NOW)
        assert [result.outcome for result in results] == expected

    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        wanted = self.replica.wants(100)
        if wanted:
            log, seq, name = data.draw(st.sampled_from(wanted))
            number = next(n for n in DEVICES if name in self.trees.entries[n])
            payload = self.trees.entries[number][name].payload or b""
            assert self.replica.fill([(log, seq, payload)], NOW) == [True]
            self.held.entries[number][name] = True

    @precondition(lambda self: len(self.cut) < len(OTHERS))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([n for n in OTHERS if n not in self.cut]))
        end = data.draw(st.sampled_from(self.trees.sorted(number)))
        removal = self.world.remove(number, cut_off(end))
        (result,) = self.replica.ingest([packed([removal])], NOW)
        assert result.outcome is Outcome.STORED
        self.cut[number] = end

    @rule()
    def restart(self) -> None:
        self.replica.close()
        self.replica = Replica.open(self.path)

    @rule(data=st.data(), batch=st.integers(1, 4), chance=st.randoms(use_true_random=False))
    def crash(self, data: st.DataObject, batch: int, chance: random.Random) -> None:
        """In the middle of a write: all of it is there, or nothing."""
        acts = {
            "append": lambda: self.append(batch, batch > 2),
            "ingest": lambda: self.ingest(data, batch),
            "fill": lambda: self.fill(data),
            "index": lambda: self.index(batch),
            "rebuild": self.replica.rebuild_views,
            "restart": self.restart,
        }
        held = copy.deepcopy(self.held)
        moments = [Files.of(self.path)]

        def look(statement: str) -> None:
            if statement == "BEGIN IMMEDIATE":  # what was committed before is synced
                moments.append(Files.of(self.path))

        self.replica._database._writer.set_trace_callback(look)
        acts[data.draw(st.sampled_from(sorted(acts)))]()
        moments.append(Files.of(self.path))
        steps = [step for step in pairwise(moments) if step[0] != step[1]]
        left = torn(*chance.choice(steps or [(moments[0], moments[0])]), chance)
        self.replica.close()
        self.crashes += 1
        self.path = Path(self.folder.name) / f"store {self.crashes}"
        left.write(self.path)
        self.replica = Replica.open(self.path)
        assert self.replica.check() == []
        totals = self.replica.totals()
        due = self.held.count + len(self.world.team_log), self.held.wanted
        if (totals.entries, totals.wanted) != due:
            self.held = held  # nothing of it, then

    @rule(limit=st.integers(1, 20))
    def index(self, limit: int) -> None:
        self.replica.index_search(limit)

    @rule()
    def rest(self) -> None:
        self.replica.rest()

    @rule()
    def rebuild(self) -> None:
        views_of(self.replica, check=True)

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def shows_what_is_held(self) -> None:
        posts = self.replica.posts(PostQuery(limit=1000))
        expected = set[EntryId]().union(*(self.standing(number) for number in DEVICES))
        assert {post.id for post in posts} == expected
        places = [(post.time, post.id) for post in posts]
        assert places == sorted(places, reverse=True)
        missing = {post.id for post in posts if post.state is TextState.MISSING}
        assert missing == {
            name for n in DEVICES for name in self.standing(n) if not self.held.entries[n][name]
        }
        newer = {post.id for post in posts if post.state is TextState.NEWER}
        assert newer == {name for name in expected - missing if self.is_newer(name)}
        arrivals = [post.arrival for post in self.replica.by_arrival(0, 1000)]
        assert len(set(arrivals)) == len(posts)
        found = self.replica.search("post", 1000)
        assert {post.id for post in found} == expected - missing - newer

    def is_newer(self, name: EntryId) -> bool:
        entries = next(known for known in self.trees.entries.values() if name in known)
        return entries[name].header.payload_class != PayloadClass.POST

    @invariant()
    def counts_what_is_held(self) -> None:
        totals = self.replica.totals()
        assert totals.entries == self.held.count + len(self.world.team_log)
        assert totals.wanted == self.held.wanted
        channels = self.replica.channels()
        here = [post for post in self.replica.posts(PostQuery(limit=1000)) if post.channel]
        assert sum(channel.posts for channel in channels) == len(here)

    @invariant()
    def serves_what_stands(self) -> None:
        for log, tips in self.replica.rows(False).items():
            key = self.replica.log_key(log)
            assert key is not None
            number = next(n for n, k in enumerate(self.world.keys) if k.public == key.device)
            for tip in tips:
                assert tip.id in self.standing(number)
                self.check_served(log, tip)
        assert self.world.log_id(0, Kind.TEAM) in self.replica.rows(True)

    def check_served(self, log: object, tip: Tip) -> None:
        served = self.replica.cut_pages(log, None, tip, 10**9)  # type: ignore[arg-type]  # a LogId
        ids: list[EntryId] = []
        for one in served:
            read = page.verify(one.page, self.world.team_id)
            assert read.headers[0].seq <= len(ids) + 1
            ids[read.headers[0].seq - 1 :] = read.ids
        assert ids[tip.seq - 1] == tip.id


TestMachine = Machine.TestCase
TestMachine.settings = effort(40, 200, steps=15)
