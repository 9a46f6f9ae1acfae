"""The JSON of the local API as the command line reads it. The API's OpenAPI document defines it."""

from __future__ import annotations

from typing import Generic, TypedDict, TypeVar

T = TypeVar("T")


class Listing(TypedDict, Generic[T]):
    """A part of a list, and where the next part starts."""

    items: list[T]
    next: str | None


class Author(TypedDict):
    """Who wrote a post, and on which device."""

    id: str | None
    name: str
    device: str


class Reference(TypedDict):
    """Another post."""

    id: str
    time: str


class Source(TypedDict):
    """Where an imported post was first written, by whom and when."""

    author: str
    time: str
    origin: str


class Post(TypedDict):
    """A post as people read it."""

    id: str
    short: str
    time: str
    arrival: int
    author: Author
    channel: str
    text: str
    state: str
    reply_to: Reference | None
    source: Source | None
    clock_ahead: bool


class Posted(TypedDict):
    """What became of an own post."""

    id: str
    time: str
    arrival: int
    reached: int
    devices: int


class Sync(TypedDict):
    """What is still to come and to go."""

    entries_to_get: int
    bytes_to_get: int
    entries_got: int
    bytes_got: int
    entries_to_send: int
    bytes_to_send: int


class Peer(TypedDict):
    """A device that we talk to or could talk to."""

    device: str
    member: str
    device_name: str
    address: str
    source: str
    state: str
    why: str
    last_seen: str | None
    clock_ahead_ms: int | None
    sync: Sync


class FixedPeer(TypedDict):
    """An address that the user gave."""

    address: str
    state: str
    why: str


class Peers(TypedDict):
    """All peers, and the addresses among them that the user gave."""

    items: list[Peer]
    fixed: list[FixedPeer]


class Device(TypedDict):
    """A device of a member."""

    key: str
    name: str
    is_me: bool
    last_seen: str | None
    connected: bool


class Member(TypedDict):
    """A member of the team."""

    id: str
    name: str
    role: str
    is_me: bool
    devices: list[Device]


class Finding(TypedDict):
    """What `doctor` found of one thing."""

    check: str
    state: str
    why: str
    hint: str


class Channel(TypedDict):
    """A channel that has posts."""

    name: str
    posts: int
    newest: str


class Invitation(TypedDict):
    """An invitation; `code` and `link` only in the answer that makes it."""

    id: str
    role: str
    inviter: str
    expires: str
    state: str
    used_by: str
    code: str
    link: str


class Totals(TypedDict):
    """How much is stored."""

    entries: int
    posts: int
    size: int
    wanted: int
    logs: int


class NewestPost(TypedDict):
    """How far the newest own post has got."""

    id: str
    time: str
    stored_on: int
    devices: int


class Join(TypedDict):
    """How a join stands."""

    state: str
    why: str
    hint: str
    team: str
    inviter: str
    name: str
    tried: list[str]


class Status(TypedDict):
    """Everything on one screen."""

    phase: str
    home: str
    version: str
    store: str
    team: str
    team_id: str
    member: str
    device_name: str
    device: str
    port: int
    started: str
    totals: Totals
    newest_arrival: int
    peers: list[Peer]
    sync: Sync
    newest_own: NewestPost | None
    warnings: list[str]
    joining: Join | None
    job: Job | None


class Job(TypedDict):
    """Work under way: `done` of `total`, which is 0 while it is not known."""

    what: str
    path: str
    done: int
    total: int


class BundleView(TypedDict):
    """What a bundle holds."""

    path: str
    team: str
    created: str
    maker: str
    member: str
    devices: int
    logs: int
    entries: int
    granted: int
    size: int
    whole: bool
    why: str


class MissingRun(TypedDict):
    """Entries of a device that a bundle speaks of and that are not here."""

    member: str
    device: str
    first: int
    last: int
    why: str


class BundleTaken(TypedDict):
    """What became of a bundle."""

    path: str
    created: str
    maker: str
    stored: int
    known: int
    missing: list[MissingRun]
    whole: bool
    why: str


class BackupView(TypedDict):
    """A backup that was written and read back."""

    path: str
    created: str
    size: int
    entries: int
    posts: int


class Restored(TypedDict):
    """A home that came back."""

    path: str
    created: str
    team: str
    member: str
    device_name: str
    entries: int
    posts: int


class Founded(TypedDict):
    """A new team; the recovery code is shown once."""

    team: str
    team_id: str
    member: str
    recovery_code: str


class ImportItem(TypedDict, total=False):
    """A post that was written elsewhere."""

    id: str
    time: str
    channel: str
    author: str
    text: str
    reply_to: str


class Imported(TypedDict):
    """What became of a batch; `refused` pairs an item's id with the reason."""

    stored: int
    known: int
    refused: list[tuple[str, str]]


class Token(TypedDict):
    """A bot's key to the local API; `secret` only in the answer that makes it."""

    id: str
    name: str
    scopes: list[str]
    created: str
    secret: str


class Problem(TypedDict, total=False):
    """An error: application/problem+json (RFC 9457) with our three members."""

    title: str
    detail: str
    status: int
    code: str
    hint: str
    exit: int
