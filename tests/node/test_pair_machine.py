"""Two sessions with stores as a state machine, against an oracle of who may have what.

Members write, a founder and an author elsewhere are heard of piece by piece, on either side. The
connection breaks anywhere in a message, delivers as much as it likes, stands still while time
passes; stores restart, one is set back to an earlier copy and forks its log; members go. Whenever
all is quiet, both hold the union of what is authorised, texts too; it took few messages, and
nothing is said any more but digests; and nothing was said that the other must not have, or which
was not so (`tests/support/twins.py`).
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from p2pblog.errors import Reason
from p2pblog.protocol import entry, operation
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Entry, EntryId, LogId
from p2pblog.protocol.frontier import Tips
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.message import Digest
from p2pblog.protocol.operation import Extend, MemberId, Rename, Subject
from p2pblog.store.replica import Replica
from tests.store.world import World, cut_off
from tests.support.effort import effort
from tests.support.logs import INCARNATION, packed
from tests.support.twins import Clock, End, Twin, carry, connect, hang_up

FOUNDER, ONE, TWO, AUTHOR = range(4)  # the founder and the author are elsewhere
SIDES = st.integers(0, 1)
HEARD = st.integers(0, 40)
COUNT = st.integers(1, 3)
STARTS = ((3, 5), (7, 7), (7, 7))  # operations that each side begins with: it knows of itself
ROUNDS = 8  # of time passing, until all is quiet
PAUSE = 16.0  # seconds of each
MESSAGES = 300  # that it may take
RESTARTS = 4  # of the connection, where a silence had gone on for too long
MOST = 3  # branches of a log: all of them are pulled


def _sorted(rows: Tips) -> dict[LogId, list[Tip]]:
    """Tips stand in the order in which branches came."""
    return {log: sorted(tips) for log, tips in rows.items()}


class Machine(RuleBasedStateMachine):
    """`alive` are the posts that at least one of the two holds; `team` what of the founder's."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.rng = random.Random("pair")
        self.world = World(4, self.rng)
        self.clock = Clock()
        self.paths = [Path(self.folder.name) / name for name in ("one", "two")]
        self.twins: list[Twin] = []
        self.heard: list[int] = []
        self.kept: dict[int, int] = {}  # how much a copy has heard
        self.alive: dict[EntryId, Entry] = {}
        trunk = self.world.posts(AUTHOR, 6)  # by the author, who has forked already
        self.written = [*trunk, *self.world.posts(AUTHOR, 2, after=trunk[3])]
        self.branches = 2
        self.copies: dict[int, Path] = {}
        self.restored: set[int] = set()
        self.cut: Entry | None = None  # where the author's log ends
        self.removal: Entry | None = None
        self.gone = False  # whether the second member was removed

    @initialize(heard=st.sampled_from(STARTS))
    def start(self, heard: tuple[int, int]) -> None:
        self.heard = list(heard)
        self.twins = [self.twin(number) for number in (0, 1)]

    def twin(self, side: int) -> Twin:
        replica = Replica.create(self.paths[side], self.world.team_id, bytes([side]) * 8)
        results = replica.ingest([packed(self.world.team_log[: self.heard[side]])], self.clock.wall)
        assert results[0].outcome is Outcome.STORED
        return Twin(self.clock, replica, self.world.keys[side + 1], INCARNATION)

    def teardown(self) -> None:
        for twin in self.twins:
            twin.replica.close()
        self.folder.cleanup()

    # -- what is written and heard of --------------------------------------------------------

    @rule(side=SIDES, count=st.integers(1, 4))
    def write(self, side: int, count: int) -> None:
        if side == 1 and self.gone:
            return
        drafts = [self.world.draft(f"post {number}") for number in range(count)]
        for made in self.twins[side].append(drafts):
            self.alive[made.entry.id] = made.entry

    @rule(side=SIDES, name=st.sampled_from("xyz"))
    def rename(self, side: int, name: str) -> None:
        twin = self.twins[side]
        if self.gone or not twin.replica.team.is_active(twin.key.public):
            return
        me = MemberId(bytes(twin.key.public))
        renamed = Rename(twin.replica.team.heads, Subject.MEMBER, me, name)
        twin.operate(renamed, self.rng.randbytes(16))

    @rule(count=st.integers(1, 5), at=st.integers(0, 30))
    def write_elsewhere(self, count: int, at: int) -> None:
        """The author goes on, or starts again from an earlier post."""
        before = self.written[-1] if self.branches == MOST else self.written[at % len(self.written)]
        self.branches += any(one.header.backlink == before.id for one in self.written)
        self.written += self.world.posts(AUTHOR, count, after=before)

    @property
    def author(self) -> DeviceKey:
        return self.world.keys[AUTHOR].public

    @rule(side=SIDES, which=st.integers(0, 100), bare=st.booleans())
    def hear_the_author(self, side: int, which: int, bare: bool) -> None:
        """Something comes by another way: all up to a post, perhaps without its texts."""
        parents = {one.header.backlink for one in self.written}
        tips = [one for one in self.written if one.id not in parents]
        ends = tips if which % 2 else self.written
        end = ends[which // 2 % len(ends)]
        run = self.way(end)
        if bare:
            run = [one._replace(payload=None) for one in run]
        (result,) = self.twins[side].take([packed(run)], None)
        if result.outcome in (Outcome.STORED, Outcome.FORK, Outcome.KNOWN):
            self.alive |= {one.id: one for one in self.way(end)}

    @rule(side=SIDES, which=st.integers(0, 100))
    def hear_what_is_missing(self, side: int, which: int) -> None:
        """A text that is missing comes by another way, and with it those of the posts before."""
        known = {one.id: one for one in self.written}
        if wants := self.twins[side].replica.wants(100):
            end = known[wants[which % len(wants)].id]
            self.twins[side].take([packed(self.way(end))], None)

    def way(self, end: Entry) -> list[Entry]:
        known = {one.id: one for one in self.written}
        way = [end]
        while way[-1].header.seq > 1:
            way.append(known[way[-1].header.backlink])
        return way[::-1]

    @rule(side=SIDES, count=st.integers(1, 8))
    def hear_the_founder(self, side: int, count: int) -> None:
        news = self.world.team_log[self.heard[side] :][:count]
        if news:
            self.twins[side].take([packed(news)], None)
            self.heard[side] += len(news)

    @precondition(lambda self: self.cut is None)
    @rule(which=st.integers(0, 100))
    def remove_the_author(self, which: int) -> None:
        self.cut = self.written[which % len(self.written)]
        self.removal = self.world.remove(AUTHOR, cut_off(self.cut))

    @precondition(lambda self: self.cut is not None)
    @rule(which=st.integers(0, 100))
    def extend_the_removal(self, which: int) -> None:
        """More of the same branch counts."""
        further = [one for one in self.written if self.cut in self.way(one)]
        end = further[which % len(further)]
        act = self.removal
        assert act is not None
        self.world.operate(lambda after: Extend(after, act.id, (cut_off(end),)))
        self.cut = end

    @precondition(lambda self: not self.gone and len(self.alive) > 12)
    @rule()
    def remove_the_second(self) -> None:
        self.world.remove(TWO)
        self.gone = True

    # -- the connection ----------------------------------------------------------------------

    @rule(dialler=SIDES)
    def connect(self, dialler: int) -> None:
        hang_up(*self.twins)
        connect(self.twins[dialler], self.twins[1 - dialler], self.rng)

    @rule()
    def cut_off(self) -> None:
        hang_up(*self.twins)

    @rule(side=SIDES, count=st.integers(1, 3000))
    def carry(self, side: int, count: int) -> None:
        carry(self.twins[side], count)

    @rule(side=SIDES)
    def serve(self, side: int) -> None:
        end = self.twins[side].end
        if end is not None:
            end.serve()

    @rule(seconds=st.sampled_from((0.1, 1.0, 20.0, 100.0)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        for twin in self.twins:
            if twin.end is not None:
                twin.end.tick()

    # -- stores ------------------------------------------------------------------------------

    @rule(side=SIDES)
    def restart(self, side: int) -> None:
        hang_up(*self.twins)
        self.twins[side].restart(self.paths[side])

    @precondition(lambda self: len(self.copies) < 2)
    @rule(side=SIDES)
    def back_up(self, side: int) -> None:
        if side not in self.copies:
            self.copies[side] = self.paths[side].with_suffix(".copy")
            self.kept[side] = self.heard[side]
            assert self.twins[side].replica.copy_to(self.copies[side], lambda done, total: True)

    @rule(side=SIDES)
    def set_back(self, side: int) -> None:
        """The store is what it was; whoever writes next forks a log that others have more of."""
        if side not in self.copies or side in self.restored:
            return
        self.restored.add(side)
        hang_up(*self.twins)
        self.paths[side] = self.copies[side]
        self.twins[side].restart(self.paths[side])
        self.heard[side] = self.kept[side]
        self.alive = {
            name: one
            for name, one in self.alive.items()
            if any(self.holds(twin, one) for twin in self.twins)
        }

    def holds(self, twin: Twin, one: Entry) -> bool:
        header = one.header
        log = (header.device, header.incarnation, header.kind)
        log_id = entry.log_id(self.world.team_id, *log)
        return twin.replica.holds(log_id, (header.seq, one.id))

    # -- the oracle --------------------------------------------------------------------------

    @rule(dialler=SIDES)
    def come_to_rest(self, dialler: int) -> None:
        """Let everything arrive: then both hold all that is authorised, or one was removed."""
        said = -sum(len(twin.end.said) for twin in self.twins if twin.end is not None)
        for _ in range(RESTARTS):
            if any(twin.end is None or twin.end.close is not None for twin in self.twins):
                said = max(0, said)
                self.connect(dialler)
            self.drain()
            ends = [twin.end for twin in self.twins if twin.end is not None]
            said += sum(len(end.said) for end in ends)
            assert said <= MESSAGES, "no rest"
            closes = [end.close for end in ends if end.close is not None]
            if not closes:
                self.look()
                self.stay_at_rest(ends)
                return
            if any(close.reason is self.end_of_the_second() for close in closes):
                assert self.gone
                return
            assert not any(close.fault for close in closes), closes
        raise AssertionError("no connection lasts")

    def end_of_the_second(self) -> Reason:
        """Why nobody talks to the second once it is removed.

        Where the first was set back to before it knew of the second, it is shown an admission and
        a removal: from who is no member it learns neither.
        """
        known = self.twins[1].key.public in self.twins[0].replica.team.devices
        return Reason.CUT if known else Reason.NOT_A_MEMBER

    @rule(dialler=SIDES, heard=st.tuples(HEARD, HEARD), counts=st.tuples(COUNT, COUNT))
    def part_and_meet(self, dialler: int, heard: tuple[int, int], counts: tuple[int, int]) -> None:
        """Both hear and write while they are apart."""
        hang_up(*self.twins)
        for side in (0, 1):
            self.hear_the_founder(side, 8)
            self.hear_the_author(side, heard[side], bare=heard[side] % 3 == 0)
            self.write(side, counts[side])
        self.come_to_rest(dialler)

    @rule(dialler=SIDES, side=SIDES, which=HEARD)
    def miss_and_find(self, dialler: int, side: int, which: int) -> None:
        """Both are at rest, and lack texts; then these come to one, and the connection goes on."""
        self.hear_the_author(side, which, bare=True)
        self.come_to_rest(dialler)
        self.hear_what_is_missing(1 - side, which)
        self.come_to_rest(dialler)

    def drain(self) -> None:
        for _ in range(ROUNDS):
            while any([carry(twin, 1 << 20) for twin in self.twins] + self.served()):
                pass
            self.clock.now += PAUSE
            for twin in self.twins:
                if twin.end is not None:
                    twin.end.tick()

    def stay_at_rest(self, ends: Sequence[End]) -> None:
        """Nothing is left to say: from now on there are digests, and nothing comes of them."""
        before = [len(end.said) for end in ends]
        self.drain()
        for end, count in zip(ends, before, strict=True):
            assert end.close is None
            assert set(end.said[count:]) == {Digest}, end.said[count:]

    def served(self) -> list[bool]:
        return [twin.end is not None and twin.end.serve() for twin in self.twins]

    def look(self) -> None:
        """Both hold, name and can pass on the same: all that is alive and counts."""
        one, two = (twin.replica for twin in self.twins)
        for is_team in (True, False):
            assert _sorted(one.rows(is_team)) == _sorted(two.rows(is_team))
        assert one.team == two.team
        standing = self.standing()
        for twin in self.twins:
            assert all(self.holds(twin, made) for made in standing.values())
        tips = {tip.id for at in one.rows(False).values() for tip in at}
        parents = {made.header.backlink for made in standing.values()}
        assert tips == standing.keys() - parents
        missing = [{want.id for want in store.wants(1000)} for store in (one, two)]
        assert missing[0] & standing.keys() == missing[1] & standing.keys()

    def standing(self) -> dict[EntryId, Entry]:
        """What is alive and counts, as far as the two know of removals and can prove it."""
        if not self.twins[0].replica.team.is_cut(self.author):
            return self.alive
        others = {n: one for n, one in self.alive.items() if one.header.device != self.author}
        end = self.known_cut()
        ends = [end]
        if end.id not in self.alive:
            below = [one for one in self.written if one.header.seq < end.header.seq]
            ends = [one for one in below if self.is_proved(one)]
        return others | {one.id: one for end in ends for one in self.way(end)}

    def is_proved(self, end: Entry) -> bool:
        """Whether one of the two can serve all up to a post: a page has to end in a signature."""
        log = self.world.log_id(AUTHOR)
        tip = Tip(end.header.seq, end.id)
        for twin in self.twins:
            pages = twin.replica.cut_pages(log, None, tip, 1 << 20)
            if pages and pages[-1].last == tip:
                return True
        return False

    def known_cut(self) -> Entry:
        """Where the author's log ends by the operations that the two have heard of."""
        known = {one.id: one for one in self.written}
        acts = [
            operation.read(entry.body(one.payload))
            for one in self.world.team_log
            if one.payload is not None and self.holds(self.twins[0], one)
        ]
        ends = [
            cut for act in acts for cut in getattr(act, "cut_offs", ()) if cut.device == self.author
        ]
        return known[EntryId(max(ends, key=lambda cut: cut.seq).tip)]


TestMachine = Machine.TestCase
TestMachine.settings = effort(25, 150, steps=40)
