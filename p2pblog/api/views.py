"""What answers hold beyond the dataclasses of `node.service`: posts and lists, as JSON has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from p2pblog.api.fields import JsonObject
from p2pblog.node.service import FixedPeer, PeerView, PostView, TextState
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS
from p2pblog.protocol.operation import MemberId
from p2pblog.protocol.post import Reference, Source

SHORT = 8  # hex digits that people see of an id

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a post and where; `id` is null while the device's member is not known here."""

    id: MemberId | None
    name: str
    device: str
    device_key: bytes


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `short` is the start of its id; `arrival` counts what reached this machine."""

    id: EntryId
    short: str
    time: int
    arrival: int
    author: Author
    channel: str
    text: str
    state: TextState
    reply_to: Reference | None
    source: Source | None
    clock_ahead: bool


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list; `next` is the cursor of what comes after it, null at the end."""

    items: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Posts, newest first. `next` goes on in the direction asked; `newest` is for `after`."""

    items: tuple[Post, ...]
    next: str | None
    newest: str | None


@dataclass(frozen=True, slots=True)
class Peers:
    """The devices that we talk to or could talk to, and the addresses that the user gave."""

    items: tuple[PeerView, ...]
    fixed: tuple[FixedPeer, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """HMAC-BLAKE2b of the nonce with this start's token."""

    proof: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """JSON that is sent as it is."""

    content: JsonObject


@dataclass(frozen=True, slots=True)
class Nothing:
    """Done; there is nothing to say."""


def post_of(view: PostView, now: int) -> Post:
    """A post as clients see it at `now` (ms)."""
    return Post(
        id=view.id,
        short=view.id.hex()[:SHORT],
        time=view.time,
        arrival=view.arrival,
        author=Author(view.member, view.author, view.device_name, view.device),
        channel=view.channel,
        text=view.text,
        state=view.state,
        reply_to=view.reply_to,
        source=view.source,
        clock_ahead=view.time > now + CLOCK_TOLERANCE_MS,
    )


def posts_of(views: Sequence[PostView], now: int) -> tuple[Post, ...]:
    """Posts as clients see them at `now` (ms)."""
    return tuple(post_of(view, now) for view in views)
