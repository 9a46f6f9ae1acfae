"""Attacks by what a member signs: floods, nonsense, forks, incarnations, operations."""

from __future__ import annotations

from collections.abc import Iterator

import trio

from p2pblog.protocol import page
from p2pblog.protocol.entry import EntryId, Incarnation, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES, MAX_PAYLOAD, MAX_TIME_MS
from p2pblog.protocol.operation import Rename, Subject
from p2pblog.protocol.post import Post, Reference
from p2pblog.store.replica import Replica
from tests.hostile.attack import Attack
from tests.hostile.attacker import Aim, thrown_out
from tests.hostile.members import read
from tests.hostile.signing import Pen, packed


class Writes(Attack):
    """Sends pages that were signed before, live."""

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """What to send."""
        raise NotImplementedError  # each attack sends its own

    def prepare(self, aim: Aim) -> None:
        """Sign it all."""
        self.signed = list(self.pages(aim, Pen(aim.keys.key, aim.keys.team, aim.rng)))

    async def run(self, aim: Aim) -> None:
        """All, then again from the start."""
        at = 0
        while not aim.over:
            with thrown_out():
                async with aim.member() as rogue, trio.open_nursery() as nursery:
                    nursery.start_soon(read, rogue)
                    while not aim.over:
                        await rogue.say(self.signed[at % len(self.signed)])
                        at += 1
                        await aim.breathe()
                    nursery.cancel_scope.cancel()
            await aim.breathe()


class PostFlood(Writes):
    """As many posts as it can, in full pages."""

    memory = 64  # 2 MiB of pages in hand, transactions of them, 4 MiB of text kept for the index

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """80,000 posts."""
        before = None
        for _ in range(160):
            run = []
            for _ in range(MAX_PAGE_ENTRIES):
                before = pen.write(Post("buy this " * 12, "general").pack(), before)
                run.append(before)
            yield packed(run)


class SinglePosts(Writes):
    """As many posts as it can, one a page."""

    memory = 48  # 16 reads and 2 MiB of pages in hand

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """20,000 posts."""
        before = None
        for number in range(20_000):
            before = pen.write(Post(f"buy {number}", "general").pack(), before)
            yield packed([before])


class Nonsense(Writes):
    """Entries of odd times, classes, kinds, sizes, channels, headers and answers to nothing."""

    memory = 64  # a channel's name and number, a few hundred bytes each; pages as above

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """4,000 of them."""
        before = None
        nothing = Reference(MAX_TIME_MS, EntryId(b"\xff" * 32))
        for number in range(1000):
            for content, payload_class, at in (
                (Post("far ahead", "general").pack(), PayloadClass.POST, MAX_TIME_MS),
                (aim.rng.randbytes(MAX_PAYLOAD - 16), 200, 0),
                (Post("who", f"channel {number}", nothing).pack(), PayloadClass.POST, None),
                (aim.rng.randbytes(300), aim.rng.randrange(256), aim.rng.randrange(MAX_TIME_MS)),
            ):
                before = pen.write(content, before, at=at, payload_class=payload_class)
                yield packed([before])
        for kind in range(2, 16):
            yield packed([pen.write(b"of another kind", kind=kind)])


class Forks(Writes):
    """Thousands of second entries for one place of its log."""

    memory = 32  # 4 branches are kept

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """Of posts, and then of posts upon them."""
        first = pen.write(Post("first", "general").pack())
        yield packed([first])
        for number in range(4000):
            second = pen.write(Post(f"another second {number}", "general").pack(), first)
            yield packed([second])
            yield packed([pen.write(Post("third", "general").pack(), second)])


class Incarnations(Writes):
    """Thousands of logs, each with one post."""

    memory = 32  # 64 are kept

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """Of both kinds."""
        for number in range(4000):
            begun = Incarnation(number.to_bytes(8, "big"))
            yield packed([pen.write(Post("again", "general").pack(), incarnation=begun)])
            yield packed([pen.write(b"", kind=Kind.TEAM, incarnation=begun, payload_class=0)])


class Withholder(Writes):
    """Headers by the thousand whose payloads never come."""

    memory = 48  # the page cache of the connection that writes fills as the store grows, up to
    # 32 MiB (11 after 50,000 headers); 6 MiB of pages in hand. A want is 20 bytes

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """50,000."""
        before = None
        for _ in range(100):
            run = []
            for _ in range(MAX_PAGE_ENTRIES):
                before = pen.write(b"kept to myself", before)
                run.append(before)
            yield packed(run, bare=True)


class TeamFlood(Writes):
    """Operations that are allowed: the member takes another name, again and again."""

    memory = 64  # what the budget lets in of team logs, weighed together

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """20,000, the last of which would be the name."""
        with Replica.open(aim.home.store) as replica:
            after = replica.team.heads
            member = replica.team.member_of(aim.keys.key.public)
            assert member is not None
        before = None
        for number in range(20_000):
            change = Rename(
                after if before is None else (), Subject.MEMBER, member.id, f"R {number}"
            )
            before = pen.write(
                change.pack(), before, kind=Kind.TEAM, payload_class=PayloadClass.OPERATION
            )
            yield packed([before])


class TeamFloodInPages(TeamFlood):
    """The same in full pages."""

    def pages(self, aim: Aim, pen: Pen) -> Iterator[bytes]:
        """Pages of 512."""
        singles = [page.verify(data, aim.keys.team) for data in super().pages(aim, pen)]
        for start in range(0, len(singles), MAX_PAGE_ENTRIES):
            run = singles[start : start + MAX_PAGE_ENTRIES]
            yield page.pack(
                [one.raw[0] for one in run],
                [one.payloads[0] for one in run],
                [one.signatures[0] for one in run],
            )


WRITERS = (
    *(Forks, Incarnations, Withholder, Nonsense, SinglePosts, PostFlood),
    *(TeamFloodInPages, TeamFlood),
)
