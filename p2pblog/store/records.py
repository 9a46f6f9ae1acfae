"""What readers get from the store: posts as people see them, and where they stand.

Times are milliseconds since 1970 UTC. An *arrival* is a local number, given in the order in which
entries reached this store; unread marks and event streams go by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.operation import MemberId
from p2pblog.protocol.post import Reference, Source


class TextState(StrEnum):
    """Whether a post can be read here."""

    HERE = "here"
    MISSING = "missing"  # the header is here, the payload is wanted from a peer
    NEWER = "newer"  # needs a newer version of p2pblog


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as it is read. `author` is the member's display name, or a short key if unknown."""

    id: EntryId
    time: int
    arrival: int
    device: DeviceKey
    member: MemberId | None
    author: str
    device_name: str
    channel: str
    text: str
    state: TextState
    reply_to: Reference | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class PostQuery:
    """Which posts, newest first. `before` and `after` are exclusive places in (time, id) order.

    `by` is a set of devices. `since` and `until` bound the header time: since <= time < until.
    With `after`, the `limit` posts next above that place, still newest first.
    """

    channel: str | None = None
    by: frozenset[DeviceKey] | None = None
    since: int | None = None
    until: int | None = None
    before: tuple[int, EntryId] | None = None
    after: tuple[int, EntryId] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel that has posts."""

    name: str
    posts: int
    newest: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much is stored: all entries, posts among them, their bytes, payloads still wanted."""

    entries: int
    posts: int
    size: int
    wanted: int
    logs: int
