"""What attackers sign: valid entries, one after the other, and their pages."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from p2pblog.protocol import entry, page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, Entry, Incarnation, Kind, PayloadClass, TeamId

FIRST = Incarnation(b"flooding")


@dataclass
class Pen:
    """Whoever writes, and in which team."""

    key: SigningKey
    team: TeamId
    rng: random.Random

    def write(
        self,
        content: bytes,
        before: Entry | None = None,
        *,
        kind: int = Kind.POSTS,
        incarnation: Incarnation = FIRST,
        at: int | None = None,
        payload_class: int = PayloadClass.POST,
    ) -> Entry:
        """A valid entry, next to `before`; `at` is its time, now unless it is given."""
        return entry.make(
            self.key,
            self.team,
            incarnation,
            kind,
            seq=before.header.seq + 1 if before else 1,
            backlink=before.id if before else NO_BACKLINK,
            time=time.time_ns() // 1_000_000 if at is None else at,
            payload_class=payload_class,
            salt=self.rng.randbytes(16),
            content=content,
        )


def packed(run: Sequence[Entry], *, bare: bool = False) -> bytes:
    """The page of entries in a row; `bare` of their payloads."""
    signed = run if run[0].header.kind == Kind.TEAM else run[-1:]
    payloads = [None if bare else one.payload for one in run]
    return page.pack([one.header_bytes for one in run], payloads, [one.signature for one in signed])
