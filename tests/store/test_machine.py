"""A replica against a simple oracle: append, ingest in any order, forks, cut-offs, restarts."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from p2pblog.protocol import page
from p2pblog.protocol.entry import Entry, EntryId, Kind
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.store.records import PostQuery, TextState
from p2pblog.store.replica import Replica
from tests.store.test_views import views_of
from tests.store.world import NOW, World, cut_off
from tests.support.logs import packed

DEVICES = (1, 2)  # devices of others; 0 is our own


class Trees:
    """What others have written: for each device entries by id, forks among them."""

    def __init__(self, world: World) -> None:
        self.entries: dict[int, dict[EntryId, Entry]] = {number: {} for number in DEVICES}
        for number in DEVICES:
            trunk = world.posts(number, 12)
            self.add(number, trunk)
            self.add(number, world.posts(number, 4, after=trunk[4]))

    def add(self, number: int, run: list[Entry]) -> None:
        self.entries[number] |= {made.id: made for made in run}

    def way(self, number: int, end: Entry) -> list[Entry]:
        """From the first entry to `end`."""
        way = [end]
        while way[-1].header.seq > 1:
            way.append(self.entries[number][way[-1].header.backlink])
        return way[::-1]


class Machine(RuleBasedStateMachine):
    """`held`: what the store should hold, and whether its payload is here."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(3, random.Random("machine"))
        self.trees = Trees(self.world)
        self.path = Path(self.folder.name) / "store"
        self.replica: Replica = self.world.replica(self.path)
        self.held: dict[int, dict[EntryId, bool]] = {number: {} for number in DEVICES}
        self.own: list[EntryId] = []
        self.cut: dict[int, Entry] = {}

    def teardown(self) -> None:
        self.replica.close()
        self.folder.cleanup()

    # -- the oracle --------------------------------------------------------------------------

    def standing(self, number: int) -> set[EntryId]:
        """Entries that are shown: all, or those on the way to where the log is cut."""
        held = set(self.held[number])
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
        held, end = self.held[number], self.cut.get(number)
        if end is not None:
            last = run[-1]
            if last.header.seq > end.header.seq:
                return Outcome.REFUSED
            if last.header.seq == end.header.seq and last.id != end.id:
                return Outcome.REFUSED
        first = run[0].header
        if first.seq > 1 and first.backlink not in held:
            return Outcome.GAP
        new = [made for made in run if made.id not in held]
        for made in run:
            held[made.id] = held.get(made.id, False) or made.id not in gone
        if not new:
            return Outcome.KNOWN
        parent = new[0].header.backlink
        entries = self.trees.entries[number]
        taken = {entries[name].header.backlink for name in held if name not in {n.id for n in new}}
        return Outcome.FORK if parent in taken else Outcome.STORED

    # -- rules -------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def append(self, count: int) -> None:
        drafts = [self.world.draft(f"post {n}") for n in range(count)]
        made = self.replica.append(self.world.author(0), drafts, NOW)
        self.own += [one.entry.id for one in made]

    @rule(data=st.data(), batch=st.integers(1, 4))
    def ingest(self, data: st.DataObject, batch: int) -> None:
        pages, expected = [], []
        for _ in range(batch):
            number = data.draw(st.sampled_from(DEVICES))
            ends = sorted(self.trees.entries[number].values(), key=lambda e: (e.header.seq, e.id))
            way = self.trees.way(number, data.draw(st.sampled_from(ends)))
            run = way[data.draw(st.integers(0, len(way) - 1)) :]
            gone = {made.id for made in run if data.draw(st.integers(0, 7)) == 0}
            payloads = [None if made.id in gone else made.payload for made in run]
            headers = [made.header_bytes for made in run]
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
            self.held[number][name] = True

    @precondition(lambda self: len(self.cut) < len(DEVICES))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([n for n in DEVICES if n not in self.cut]))
        ends = sorted(self.trees.entries[number].values(), key=lambda e: (e.header.seq, e.id))
        end = data.draw(st.sampled_from(ends))
        removal = self.world.remove(number, cut_off(end))
        (result,) = self.replica.ingest([packed([removal])], NOW)
        assert result.outcome is Outcome.STORED
        self.cut[number] = end

    @rule()
    def restart(self) -> None:
        self.replica.close()
        self.replica = Replica.open(self.path)

    @rule(limit=st.integers(1, 20))
    def index(self, limit: int) -> None:
        self.replica.index_search(limit)

    @rule()
    def rebuild(self) -> None:
        views_of(self.replica, check=True)

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def shows_what_is_held(self) -> None:
        posts = self.replica.posts(PostQuery(limit=1000))
        expected = set(self.own).union(*(self.standing(number) for number in DEVICES))
        assert {post.id for post in posts} == expected
        places = [(post.time, post.id) for post in posts]
        assert places == sorted(places, reverse=True)
        missing = {post.id for post in posts if post.state is TextState.MISSING}
        assert missing == {
            name for n in DEVICES for name in self.standing(n) if not self.held[n][name]
        }
        arrivals = [post.arrival for post in self.replica.by_arrival(0, 1000)]
        assert len(set(arrivals)) == len(posts)
        found = self.replica.search("post", 1000)
        assert {post.id for post in found} == expected - missing

    @invariant()
    def counts_what_is_held(self) -> None:
        totals = self.replica.totals()
        held = sum(len(held) for held in self.held.values()) + len(self.own)
        assert totals.entries == held + len(self.world.team_log)
        assert totals.wanted == sum(not here for n in DEVICES for here in self.held[n].values())
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
                assert number == 0 or tip.id in self.standing(number)
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
TestMachine.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
