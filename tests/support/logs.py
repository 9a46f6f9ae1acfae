"""Makes valid logs, one entry after the other, with branches where asked for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from p2pblog.protocol import entry, page
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import (
    NO_BACKLINK,
    Entry,
    EntryId,
    Incarnation,
    Kind,
    LogId,
    PayloadClass,
    TeamId,
)
from p2pblog.protocol.log import Tip
from p2pblog.protocol.post import Post

TEAM = TeamId(b"T" * 32)
INCARNATION = Incarnation(b"incarn 1")
START = 1_700_000_000_000  # ms


def key(number: int) -> SigningKey:
    return SigningKey(bytes([number]) * 32 if number < 256 else number.to_bytes(32, "big"))


def signed_again(
    made: Entry, signing: SigningKey, team: TeamId = TEAM, **fields: Any
) -> tuple[bytes, bytes]:
    """Header bytes and signature of `made` with some fields changed."""
    data = made.header._replace(**fields).pack()
    return data, signing.sign(entry.signed_bytes(team, data))


@dataclass
class LogMaker:
    """One log. Everything follows from `rng`."""

    signing: SigningKey = field(default_factory=lambda: key(1))
    team: TeamId = TEAM
    incarnation: Incarnation = INCARNATION
    kind: int = Kind.POSTS
    rng: random.Random = field(default_factory=lambda: random.Random("log"))

    @property
    def device(self) -> DeviceKey:
        return self.signing.public

    @property
    def id(self) -> LogId:
        return entry.log_id(self.team, self.device, self.incarnation, self.kind)

    def next(self, before: Entry | None, text: str = "") -> Entry:
        seq = before.header.seq + 1 if before else 1
        is_team = self.kind == Kind.TEAM
        return entry.make(
            self.signing,
            self.team,
            self.incarnation,
            self.kind,
            seq=seq,
            backlink=before.id if before else NO_BACKLINK,
            time=START + 1000 * seq,
            payload_class=PayloadClass.OPERATION if is_team else PayloadClass.POST,
            salt=self.rng.randbytes(16),
            content=Post(text or f"post {seq}", "general").pack(),
        )

    def run(self, count: int, after: Entry | None = None) -> list[Entry]:
        made: list[Entry] = []
        for _ in range(count):
            made.append(self.next(made[-1] if made else after))
        return made


def tip(made: Entry) -> Tip:
    return Tip(made.header.seq, made.id)


def ids(run: Sequence[Entry]) -> list[EntryId]:
    return [made.id for made in run]


def packed(run: Sequence[Entry]) -> bytes:
    """The page of some entries in a row."""
    signed = run if run[0].header.kind == Kind.TEAM else run[-1:]
    return page.pack(
        [made.header_bytes for made in run],
        [made.payload for made in run],
        [made.signature for made in signed],
    )
