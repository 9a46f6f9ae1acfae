"""What a session asks of whoever drives it, and what it asks of the replica.

The driver hands in messages in order, and carries out effects in order. It may gather `Ingest`s,
but reports each by `Session.ingested` before it hands in anything but another page: so a `Done`
is never taken for the end of what is not yet stored. Spec: `protocol/effects.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias

from p2pblog.errors import Reason
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Mark, Tips
from p2pblog.protocol.limits import MAX_HOPS
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Missing, Scope


class Standing(StrEnum):
    """What a device is to the team as we know it."""

    MEMBER = "member"
    STRANGER = "stranger"
    CUT = "cut"


class View(Protocol):
    """What a session asks of the replica; each answer comes from memory or from a few rows."""

    def tips(self, scope: Scope) -> Tips:
        """The frontier of a scope."""
        ...

    def scope_of(self, log: LogId) -> Scope | None:
        """Which scope a log of ours is in; None where we have nothing of it."""
        ...

    def holds(self, log: LogId, mark: Mark) -> bool:
        """Whether that entry is here."""
        ...

    def common(self, log: LogId, tip: Tip, marks: Sequence[Mark]) -> Tip | None:
        """Up to where who holds `marks` has the way to `tip`, as far as `marks` are here.

        The highest entry of that way that is one of them or lies below one, on whatever branch;
        None where there is none.
        """
        ...

    def locator(self, log: LogId) -> Sequence[Mark]:
        """What a `Locate` carries: marks down every branch, the highest tips' first, at most 64."""
        ...

    def standing(self, device: DeviceKey) -> Standing:
        """What a device is to the team."""
        ...

    def wanted(self, limit: int, skip: int) -> Sequence[Missing]:
        """Up to `limit` entries whose payload is missing, after the first `skip`, newest first."""
        ...

    def missing(self) -> bytes | None:
        """`wants.digest` of all whose payload is missing, as far as the frontier names them."""
        ...


class Job(NamedTuple):
    """Send the peer a run of a log: what follows `after` on the way to `upto`, that included.

    `after` may lie on another branch: then from where the two ways part.
    """

    log: LogId
    after: Tip | None
    upto: Tip


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes: one message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ingest:
    """Store this page, then call `ingested`. `hops`: how many it has come, 255 if not known."""

    page: bytes
    live: bool
    hops: int = MAX_HOPS


@dataclass(frozen=True, slots=True)
class Judge:
    """A stranger's team logs: ingest them if they make it a member, then call `judged`."""

    pages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """Authorised on both sides."""


@dataclass(frozen=True, slots=True)
class Synced:
    """All that the peer had for us of this scope has come.

    `freed`: it was this session's to fetch, so others should look again for what it did not bring.
    """

    scope: Scope
    freed: bool


@dataclass(frozen=True, slots=True)
class Expect:
    """The peer is going to send so much."""

    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The peer says that it has stored this log up to a height."""

    log: LogId
    seq: int


@dataclass(frozen=True, slots=True)
class Equal:
    """The peer has stored these logs of ours, up to these tips: its frontier said so."""

    scope: Scope
    tips: Tips = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """The peer wants these payloads."""

    entries: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """The peer sent payloads that we asked for: store those that are right, then call `filled`."""

    items: tuple[tuple[LogId, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Where other devices were reached."""

    items: tuple[tuple[bytes, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Greeted:
    """The peer's wall clock (ms), the port where it listens, and which start of it this is."""

    clock: int
    port: int
    instance: bytes = bytes(8)


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection. `fault` says that it is the peer's, so that it is not dialled at once."""

    reason: Reason
    detail: str
    fault: bool


Effect: TypeAlias = (
    Send
    | Ingest
    | Judge
    | Live
    | Synced
    | Expect
    | Reached
    | Equal
    | Asked
    | Filled
    | Told
    | Greeted
    | Close
)

# A page that is refused for one of these is no fault of the peer: we may lack what it has.
BLAMELESS = frozenset(
    {
        Reason.UNKNOWN_AUTHOR,
        Reason.BEYOND_CUTOFF,
        Reason.GAP,
        Reason.TOO_MANY_BRANCHES,
        Reason.TOO_MANY_INCARNATIONS,
        Reason.PAUSED,
    }
)
