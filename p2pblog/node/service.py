"""What a surface may ask of the running node: the one interface of the local API.

Every method is a coroutine on the node's trio loop. Mistakes of the user raise `UserError`s.
Times are milliseconds since 1970 UTC; ids are bytes here, hex in the API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from p2pblog.node.carriage import Carriage, JobView
from p2pblog.node.roster import Roster
from p2pblog.protocol.entry import EntryId
from p2pblog.store.records import ChannelView, PostQuery, PostView, TextState, Totals

__all__ = ["ChannelView", "PostQuery", "PostView", "TextState", "Totals"]


class Phase(StrEnum):
    """What this home is: nothing yet, on its way into a team, or a member of one."""

    EMPTY = "empty"
    JOINING = "joining"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Sync:
    """Progress with one peer or in all: what is still to come and to go, as far as known."""

    entries_to_get: int = 0
    bytes_to_get: int = 0
    entries_got: int = 0
    bytes_got: int = 0
    entries_to_send: int = 0
    bytes_to_send: int = 0


@dataclass(frozen=True, slots=True)
class PeerView:
    """A device that we talk to or could talk to.

    `state` is one of connected, connecting, seen, unreachable, refused; `why` says more.
    """

    device: str  # hex of its key; empty where not known yet
    member: str  # display name; empty where not known yet
    device_name: str
    address: str
    source: str  # mdns, fixed, remembered, told, incoming
    state: str
    why: str
    last_seen: int | None
    clock_ahead_ms: int | None
    sync: Sync


@dataclass(frozen=True, slots=True)
class FixedPeer:
    """An address that the user gave."""

    address: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device of a member."""

    key: str
    name: str
    is_me: bool
    last_seen: int | None
    connected: bool


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of the team."""

    id: str
    name: str
    role: str
    is_me: bool
    devices: tuple[DeviceView, ...]


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation; `code`, `link` and `qr_text` only in the answer that makes it."""

    id: str
    role: str
    inviter: str
    expires: int
    state: str  # open, used, expired, withdrawn
    used_by: str = ""
    code: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class NewestPost:
    """How far the newest own post has got: stored on `stored_on` of `devices` devices."""

    id: EntryId
    time: int
    stored_on: int
    devices: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything on one screen."""

    phase: Phase
    home: str
    version: str
    store: str  # the store's id in hex: arrival numbers are good only with it
    team: str
    team_id: str
    member: str
    device_name: str
    device: str
    port: int
    started: int
    totals: Totals
    newest_arrival: int
    peers: tuple[PeerView, ...]
    sync: Sync
    newest_own: NewestPost | None
    warnings: tuple[str, ...]
    joining: JoinView | None = None
    job: JobView | None = None


@dataclass(frozen=True, slots=True)
class JoinView:
    """How a join stands. `state`: searching, found, asking, joined, refused; `why` in words.

    `team` and `inviter` are filled once the code has verified them.
    """

    state: str
    why: str
    hint: str
    team: str
    inviter: str
    name: str
    tried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Founded:
    """A new team; the recovery code is shown once and kept nowhere."""

    team: str
    team_id: str
    member: str
    recovery_code: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A durable post of ours."""

    id: EntryId
    time: int
    arrival: int
    reached: int  # devices that hold it by now, ours included
    devices: int


class ImportItem(NamedTuple):
    """One line of an import: a post that somebody wrote elsewhere."""

    origin: str
    time: int
    channel: str
    author: str
    text: str
    reply_to: str = ""  # an origin


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a batch: new posts, those already here, and those refused with the reason."""

    stored: int
    known: int
    refused: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Finding:
    """What `doctor` says of one thing: `state` is ok, warning or problem."""

    check: str
    state: str
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A bot's key to the local API. `secret` only in the answer that makes it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: int
    secret: str = ""


class Service(Protocol):
    """The node as the API sees it."""

    @property
    def roster(self) -> Roster: ...

    async def status(self) -> Status: ...
    async def found(self, team: str, name: str, device_name: str) -> Founded: ...
    async def join(
        self, code: str, name: str, device_name: str, peers: Sequence[str]
    ) -> JoinView: ...
    async def join_state(self) -> JoinView: ...
    async def cancel_join(self) -> None: ...
    async def post(self, text: str, channel: str, reply_to: EntryId | None, key: str) -> Posted: ...
    async def import_posts(self, items: Sequence[ImportItem]) -> Imported: ...
    async def posts(self, query: PostQuery) -> list[PostView]: ...
    async def devices_of(self, who: str) -> PostQuery: ...
    async def post_by_id(self, prefix: str) -> PostView: ...
    async def thread(self, prefix: str) -> list[PostView]: ...
    async def search(self, text: str, limit: int, before: int | None) -> list[PostView]: ...
    async def channels(self) -> list[ChannelView]: ...
    async def recover(self, code: str, device_name: str, peers: Sequence[str]) -> JoinView: ...
    async def members(self) -> list[MemberView]: ...
    async def peers(self) -> list[PeerView]: ...
    async def fixed_peers(self) -> list[FixedPeer]: ...
    async def add_peer(self, address: str) -> FixedPeer: ...
    async def remove_peer(self, address: str) -> None: ...
    async def invite(self, role: str, hours: int, own_device: bool) -> InvitationView: ...
    async def invitations(self) -> list[InvitationView]: ...
    async def withdraw(self, prefix: str) -> InvitationView: ...
    async def config(self) -> dict[str, str]: ...
    async def set_config(self, key: str, value: str | None) -> dict[str, str]: ...
    async def tokens(self) -> list[Token]: ...
    async def make_token(self, name: str, scopes: Sequence[str]) -> Token: ...
    async def revoke_token(self, prefix: str) -> None: ...
    async def scopes_of(self, secret: str) -> frozenset[str]: ...
    async def doctor(self) -> list[Finding]: ...
    @property
    def carriage(self) -> Carriage: ...

    async def stop(self) -> None: ...

    def arrivals(
        self, after: int, limit: int
    ) -> AbstractAsyncContextManager[AsyncIterator[list[PostView]]]:
        """Batches of posts by arrival number above `after`, for ever; waits for the next."""
        ...
