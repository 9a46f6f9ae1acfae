"""Attacks by a member within a session: what is asked, claimed and left unread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice

import trio

from p2pblog.protocol import frontier, message
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Mark, Row, ShortId
from p2pblog.protocol.limits import BUCKETS, MAX_MARKS, MAX_MESSAGE, MAX_ROWS, MAX_WANTS
from p2pblog.protocol.message import Message, Missing, Scope
from tests.hostile.attack import Attack
from tests.hostile.attacker import Aim, thrown_out
from tests.support.lies import lies
from tests.support.rogue import Rogue

KEEP = 200  # lies of one session, which any of them may end


class InSession(Attack):
    """Says the same things again and again, and reads what comes."""

    reads = True
    at_once = 1  # messages of one write

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """What to say."""
        raise NotImplementedError  # each attack says its own

    def prepare(self, aim: Aim) -> None:
        """Pack it."""
        self.data = [one if isinstance(one, bytes) else message.pack(one) for one in self.says(aim)]

    async def run(self, aim: Aim) -> None:
        """One session after the other."""
        again = cycle(self.data)
        while not aim.over:
            with thrown_out():
                async with aim.member() as rogue, trio.open_nursery() as nursery:
                    if self.reads:
                        nursery.start_soon(read, rogue)
                    while not aim.over:
                        await rogue.connection.send_many(islice(again, self.at_once))
                        await aim.breathe()
                    nursery.cancel_scope.cancel()
            await aim.breathe()


async def read(rogue: Rogue) -> None:
    """Read to the end, and heed nothing."""
    while await rogue.connection.receive():
        pass


def nonsense(aim: Aim, count: int, tips: int = 4) -> tuple[Row, ...]:
    """Rows of logs that nobody has."""
    rng = aim.rng
    return tuple(
        Row(LogId(rng.randbytes(16)), tuple(_mark(aim) for _ in range(tips))) for _ in range(count)
    )


def _mark(aim: Aim) -> Mark:
    return Mark(aim.rng.randint(1, 2**48), ShortId(aim.rng.randbytes(12)))


class Oversize(Attack):
    """A member's frames that claim too long a message, and altered or replayed ciphertext."""

    memory = 8  # lengths are checked before anything of that length is held

    async def run(self, aim: Aim) -> None:
        """A connection each."""
        for number in cycle(range(3)):
            if aim.over:
                return
            with thrown_out():
                async with await aim.connect() as one:
                    channel, stream = one._channel, one._stream
                    if number == 0:
                        channel._queue((MAX_MESSAGE + 1).to_bytes(4, "big") + bytes(60_000))
                        await stream.send_all(channel.data_to_send())
                    else:
                        channel.send(message.pack(message.Offer(1, 1)) * 3000)
                        frame = bytearray(channel.data_to_send())
                        frame[-1] ^= number == 1
                        await stream.send_all(bytes(frame) * number)
                    with trio.move_on_after(1):
                        await one.receive()
            await aim.breathe()


class Lies(Attack):
    """Every message with every field wrong, extreme, by chance or of somebody else."""

    memory = 48  # claims are kept within bounds: 16,384 heights, 4,096 pulls

    def prepare(self, aim: Aim) -> None:
        """Think them up."""
        self.data = [data for _, data in lies(aim.known(), aim.rng)]
        aim.rng.shuffle(self.data)

    async def run(self, aim: Aim) -> None:
        """One at a time; most of them end the session."""
        again = cycle(self.data)
        while not aim.over:
            with thrown_out():
                async with aim.member() as rogue, trio.open_nursery() as nursery:
                    nursery.start_soon(read, rogue)
                    for _ in range(KEEP):
                        await rogue.connection.send(next(again))
                        await aim.breathe()
                    nursery.cancel_scope.cancel()
            await aim.breathe()


class Comparer(InSession):
    """Digests that differ and announcements of 2,000 logs that nobody has, without end."""

    memory = 48  # 16,384 heights and 4,096 pulls, with 4 marks each

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """New ones each time."""
        return [
            one
            for _ in range(20)
            for one in (
                message.Digest(*(aim.rng.randbytes(16) for _ in range(3))),
                message.Announce(nonsense(aim, MAX_ROWS)),
            )
        ]


class NeverDone(InSession):
    """Its turn in a comparison: 2,000 rows of nonsense that claim to be more, never the last."""

    memory = 48  # as above, and the logs that are claimed for it

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """A digest makes the victim begin, rows go on and on."""
        every = tuple(range(BUCKETS))
        return [
            message.Digest(bytes(16), bytes(16), bytes(16)),
            *(message.Rows(Scope.TEAM, every, nonsense(aim, 2000), True, False) for _ in range(20)),
        ]


class AsksAll(InSession):
    """Everything again and again: all logs from their start, all payloads, all places."""

    memory = 32  # 1 MiB of pages a time, and jobs for the logs there are

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """What is truly there."""
        logs = aim.known().logs
        have = message.Have(tuple(Row(log, ()) for log, _ in logs), False)
        wants = [
            message.Want(
                tuple(
                    Missing(log, tip.seq, frontier.short(tip.id)) for log, tip in logs[:MAX_WANTS]
                )
            )
        ]
        marks = tuple(_mark(aim) for _ in range(MAX_MARKS))
        locate = [message.Locate(Row(log, ()), marks, False) for log, _ in logs]
        return [have, *wants * 10, *locate]


class NeverReads(InSession):
    """Asks for everything and reads nothing."""

    memory = 48  # an outbox of 8 MiB a session, of 8 sessions at most, and what the kernel takes
    reads = False

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """What has the longest answers."""
        logs = aim.known().logs
        missing = [Missing(log, seq, ShortId(bytes(12))) for log, _ in logs for seq in range(1, 9)]
        real = tuple(Missing(log, tip.seq, frontier.short(tip.id)) for log, tip in logs[:MAX_WANTS])
        have = message.Have(tuple(Row(log, ()) for log, _ in logs), False)
        locate = message.Locate(Row(logs[0][0], ()), (), False)
        return [have, message.Want(real), *[locate] * 50, message.Want(tuple(missing[:MAX_WANTS]))]


class Promises(InSession):
    """Offers that never come, heights of what nobody has, payloads that nobody asked for."""

    memory = 48  # what is claimed is counted, not kept

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """Of true logs and others."""
        logs = aim.known().logs
        high = tuple(Row(log, (Mark(2**48, ShortId(bytes(12))),)) for log, _ in logs)
        items = tuple((log, tip.seq, aim.rng.randbytes(16_000)) for log, tip in logs[:MAX_WANTS])
        device = aim.known().device
        return [
            message.Offer(2**64 - 1, 2**64 - 1),
            message.Announce(high),
            message.Payloads(items),
            message.Have(nonsense(aim, 500, 16), False),
            message.Peers(tuple((aim.rng.randbytes(32), ("10.0.0.1:1",) * 8) for _ in range(64))),
            message.Peers(((device, ("127.0.0.1:1", "[::1]:1", "%:1", "x" * 80)),)),
            message.Push((logs[0][0],), False),
            message.Push((logs[0][0],), True),
        ]


class Crumbs(InSession):
    """Pages of a byte each, by the thousand in one write."""

    memory = 48  # each is held with what it takes beside, up to 1.5 MiB
    at_once = 5000

    def says(self, aim: Aim) -> Sequence[Message | bytes]:
        """None of them is a page."""
        return [message.PageMessage(b"x", live=False), message.PageMessage(b"x", live=True)]


class ManySessions(Attack):
    """Eight sessions of one machine that ask for everything at a time."""

    memory = 64  # 1 MiB of pages a session, encrypted, beside the kernel's buffers

    async def run(self, aim: Aim) -> None:
        """Each as another start of the device."""
        logs = aim.known().logs
        have = message.pack(message.Have(tuple(Row(log, ()) for log, _ in logs), False))
        while not aim.over:
            with thrown_out():
                async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
                    sessions = [await stack.enter_async_context(aim.member(n)) for n in range(8)]
                    for one in sessions:
                        nursery.start_soon(read, one)
                    while not aim.over:
                        for one in sessions:
                            await one.connection.send(have)
                            await aim.breathe()
                    nursery.cancel_scope.cancel()


MEMBERS = (
    *(Oversize, Lies, Comparer, NeverDone, AsksAll, NeverReads, Promises, Crumbs),
    ManySessions,
)
