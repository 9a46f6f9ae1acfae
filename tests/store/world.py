"""A team with its devices, made without a store: team log, posts logs, pages of both."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p2pblog.protocol import entry, invitation, operation
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import (
    NO_BACKLINK,
    NO_TEAM,
    Entry,
    EntryId,
    Incarnation,
    Kind,
    LogId,
    PayloadClass,
    TeamId,
)
from p2pblog.protocol.log import Outcome
from p2pblog.protocol.operation import Admit, CutOff, Found, Invite, Operation, Policy, Role
from p2pblog.protocol.post import Post, Reference, Source
from p2pblog.store.replica import Author, Draft, Replica
from tests.support.logs import INCARNATION, START, key, packed

NOW = START + 10**9
STORE = b"store of a test!"
NAMES = ("Anna", "Ben", "Carla", "Dora", "Emil", "Frida", "Georg", "Hanna", "Ivo", "Jana")
CODES = 1_000_000  # keys of invitations: numbered from here on


def name_of(number: int) -> str:
    return NAMES[number] if number < len(NAMES) else f"Member {number}"


def made(
    signing: SigningKey,
    team: TeamId,
    before: Entry | None,
    content: bytes,
    *,
    kind: int = Kind.POSTS,
    payload_class: int = PayloadClass.POST,
    incarnation: Incarnation = INCARNATION,
    time: int = 0,
    rng: random.Random,
) -> Entry:
    """The entry after `before`."""
    seq = before.header.seq + 1 if before else 1
    return entry.make(
        signing,
        team,
        incarnation,
        kind,
        seq=seq,
        backlink=before.id if before else NO_BACKLINK,
        time=time or START + 1000 * seq,
        payload_class=payload_class,
        salt=rng.randbytes(16),
        content=content,
    )


@dataclass
class World:
    """A team of `size` devices, each of a member of its own; device 0 is the founder's."""

    size: int = 3
    rng: random.Random = field(default_factory=lambda: random.Random("world"))

    def __post_init__(self) -> None:
        self.keys = [key(number + 1) for number in range(self.size)]
        found = Found("Firm", NAMES[0], "desk", key(200).public, Policy(), bytes(32))
        self.team_log: list[Entry] = []
        self._operate(found, NO_TEAM)
        self.team_id = TeamId(self.team_log[0].id)
        for number in range(1, self.size):
            self.admit(self.keys[number], name_of(number))

    def _operate(self, made_operation: Operation, team: TeamId) -> Entry:
        before = self.team_log[-1] if self.team_log else None
        self.team_log.append(
            made(
                self.keys[0],
                team,
                before,
                made_operation.pack(),
                kind=Kind.TEAM,
                payload_class=PayloadClass.OPERATION,
                rng=self.rng,
            )
        )
        return self.team_log[-1]

    def operate(self, make: Callable[[tuple[EntryId, ...]], Operation]) -> Entry:
        """The founder does something, knowing of all that was done before."""
        return self._operate(make((self.team_log[-1].id,)), self.team_id)

    def admit(self, device: SigningKey, name: str) -> None:
        """Invite and admit a device."""
        code, founder = key(CODES + len(self.team_log)), self.keys[0].public
        terms = (self.team_id, founder, Role.MEMBER, None, NOW * 2)
        signature = invitation.sign_binding(code, *terms)
        opened = self.operate(
            lambda after: Invite(after, code.public, Role.MEMBER, None, NOW * 2, signature)
        )
        proof = invitation.prove(code, self.team_id, opened.id, device)
        self.operate(
            lambda after: Admit(after, opened.id, device.public, None, name, "laptop", proof)
        )

    def remove(self, number: int, *cuts: CutOff) -> Entry:
        """The founder removes a member, with these cut-offs."""
        member = operation.MemberId(bytes(self.keys[number].public))
        return self.operate(lambda after: operation.RemoveMember(after, member, cuts))

    def post(
        self,
        number: int,
        before: Entry | None,
        text: str = "",
        *,
        channel: str = "general",
        reply: Entry | None = None,
        source: Source | None = None,
        time: int = 0,
        incarnation: Incarnation = INCARNATION,
    ) -> Entry:
        """A post of device `number` after `before`."""
        seq = before.header.seq + 1 if before else 1
        answered = Reference(reply.header.time, reply.id) if reply else None
        body = Post(text or f"post {number} {seq}", channel, answered, source).pack()
        return made(
            self.keys[number],
            self.team_id,
            before,
            body,
            time=time,
            incarnation=incarnation,
            rng=self.rng,
        )

    def posts(self, number: int, count: int, after: Entry | None = None) -> list[Entry]:
        """Posts of device `number` in a row."""
        run: list[Entry] = []
        for _ in range(count):
            run.append(self.post(number, run[-1] if run else after))
        return run

    def log_id(self, number: int, kind: int = Kind.POSTS) -> LogId:
        return entry.log_id(self.team_id, self.keys[number].public, INCARNATION, kind)

    def author(self, number: int) -> Author:
        return Author(self.keys[number], INCARNATION)

    def draft(self, text: str, channel: str = "general", **fields: int | str) -> Draft:
        body = Post(text, channel).pack()
        salt = self.rng.randbytes(16)
        return Draft(Kind.POSTS, PayloadClass.POST, body, salt, **fields)  # type: ignore[arg-type]  # the fields of a Draft

    def replica(self, path: Path, pages: Sequence[bytes] = ()) -> Replica:
        """A new store that holds the team log, and these pages."""
        replica = Replica.create(path, self.team_id, STORE)
        stored(replica, packed(self.team_log), *pages)
        return replica


def stored(replica: Replica, *pages: bytes) -> None:
    """Ingest pages that have to be stored."""
    outcomes = [result.outcome for result in replica.ingest(pages, NOW)]
    assert set(outcomes) <= {Outcome.STORED, Outcome.FORK}, outcomes


def cut_off(end: Entry) -> CutOff:
    """A cut-off after an entry."""
    header = end.header
    log = (header.device, header.incarnation, header.kind)
    return CutOff(*log, header.seq, end.id, end.signature)
