"""What two devices say to each other, a fixed array each, its type first.

One declaration a message: the shape checks it, draws its schema and gives the order of its fields.
Spec: `protocol/message.md`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, frontier
from p2pblog.protocol.codec import Array, Bool, Bytes, Constant, Many, Maybe, Shape, Text, Uint
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.frontier import HASH, SHORT, Mark, Row, ShortId
from p2pblog.protocol.limits import (
    BUCKETS,
    MAX_ADDRESSES,
    MAX_BUCKETS,
    MAX_HOPS,
    MAX_MARKS,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_PAGE_BYTES,
    MAX_PAYLOAD,
    MAX_ROWS,
    MAX_SEQ,
    MAX_TIME_MS,
    MAX_WANTS,
)

VERSION = 1


class Scope(IntEnum):
    """Which logs a comparison is about: team logs converge first."""

    TEAM = 0
    POSTS = 1


class Hello(NamedTuple):
    """First of each side, and again once a stranger has become known.

    `digest` is that of the team logs, `clock` the wall clock in ms, `port` where the sender
    listens; towards a stranger None, 0 and 0: nothing of ours goes to one. `instance` is random,
    new at every start: two machines with one key, after a home was copied, are told apart by it.
    """

    low: int
    high: int
    knows_you: bool
    digest: bytes | None
    clock: int
    port: int
    instance: bytes = bytes(8)


class Buckets(NamedTuple):
    """The summary of a frontier."""

    scope: int
    summary: bytes


class Rows(NamedTuple):
    """The answer to `Buckets`: some that differ, and every row of ours in them; `last` ends it.

    With `pull` it asks for what we lack there; without, another peer is sending it already.
    """

    scope: int
    buckets: tuple[int, ...]
    rows: tuple[Row, ...]
    pull: bool
    last: bool


class Have(NamedTuple):
    """Send me what follows these tips. `last` ends what the answer to `Rows` makes us ask."""

    rows: tuple[Row, ...]
    last: bool


class Locate(NamedTuple):
    """I know none of the tips that you named. These are mine, and marks at or below them.

    Asks for what follows the highest marks that the peer holds, and to be told which it holds;
    with `answer` it is just that telling, and asks for the same.
    """

    row: Row
    marks: tuple[Mark, ...]
    answer: bool


class Offer(NamedTuple):
    """So much is going to come, in entries and in bytes of headers and payloads."""

    entries: int
    size: int


class PageMessage(NamedTuple):
    """A page. `live` says that it was pushed unasked, `hops` how far its author is from who sends.

    0 is the author itself, 255 stands for more and for what is not known.
    """

    page: bytes
    live: bool
    hops: int = MAX_HOPS


class Done(NamedTuple):
    """All that was due of a scope has been sent."""

    scope: int


class Announce(NamedTuple):
    """These are my tips now; ask if you lack something. `hops`: as of a page, a byte a row."""

    rows: tuple[Row, ...]
    hops: bytes = b""


class Missing(NamedTuple):
    """An entry whose header is known and whose payload is not."""

    log: LogId
    seq: int
    id: ShortId


class Want(NamedTuple):
    """Send me these payloads."""

    entries: tuple[Missing, ...]


class Payloads(NamedTuple):
    """The answer to `Want`: those of them that are here."""

    items: tuple[tuple[LogId, int, bytes], ...]


class Digest(NamedTuple):
    """Both frontiers in 32 bytes: keeps the connection alive and finds what gossip missed.

    `missing` is that of the payloads that are wanted, None where none is.
    """

    team: bytes
    posts: bytes
    missing: bytes | None


class Peers(NamedTuple):
    """Where devices were reached lately: key and addresses."""

    items: tuple[tuple[bytes, tuple[str, ...]], ...]


class Push(NamedTuple):
    """Push me what is new in these logs at once, or (false) only announce it."""

    logs: tuple[LogId, ...]
    eager: bool


class Join(NamedTuple):
    """A stranger with an invitation asks to be admitted."""

    invitation: EntryId
    device: bytes
    name: str
    device_name: str
    proof: bytes


class Admitted(NamedTuple):
    """The answer: the key of the team's network, and the operation that admitted."""

    network_key: bytes
    admission: EntryId


class Goodbye(NamedTuple):
    """Why the connection ends."""

    reason: str
    detail: str


class Recover(NamedTuple):
    """A stranger with the recovery code asks for the team logs; `proof` is of this connection."""

    proof: bytes


class Decline(NamedTuple):
    """Send me nothing more of these logs, until I ask for one; of none: send everything again."""

    logs: tuple[LogId, ...]


Message: TypeAlias = (
    Hello
    | Buckets
    | Rows
    | Have
    | Locate
    | Offer
    | PageMessage
    | Done
    | Announce
    | Want
    | Payloads
    | Digest
    | Peers
    | Push
    | Join
    | Admitted
    | Goodbye
    | Recover
    | Decline
)

_ROWS = Many(frontier.ROW, MAX_ROWS)
_MARKS = Many(frontier.MARK, MAX_MARKS)
_SCOPE = Uint(1)
_FIELDS: tuple[tuple[type[Any], tuple[tuple[str, Shape], ...]], ...] = (
    (
        Hello,
        (
            ("low", Uint(127, 1)),
            ("high", Uint(127, 1)),
            ("knows_you", Bool()),
            ("digest", Maybe(Bytes(16))),
            ("clock", Uint(MAX_TIME_MS)),
            ("port", Uint(65535)),
            ("instance", Bytes(8)),
        ),
    ),
    (Buckets, (("scope", _SCOPE), ("summary", Bytes(BUCKETS * HASH, MAX_BUCKETS * HASH)))),
    (
        Rows,
        (
            ("scope", _SCOPE),
            ("buckets", Many(Uint(MAX_BUCKETS - 1), MAX_BUCKETS)),
            ("rows", _ROWS),
            ("pull", Bool()),
            ("last", Bool()),
        ),
    ),
    (Have, (("rows", _ROWS), ("last", Bool()))),
    (Locate, (("row", frontier.ROW), ("marks", _MARKS), ("answer", Bool()))),
    (Offer, (("entries", Uint()), ("size", Uint()))),
    (PageMessage, (("page", Bytes(1, MAX_PAGE_BYTES)), ("live", Bool()), ("hops", Uint(MAX_HOPS)))),
    (Done, (("scope", _SCOPE),)),
    (Announce, (("rows", _ROWS), ("hops", Bytes(0, MAX_ROWS)))),
    (
        Want,
        (
            (
                "entries",
                Many(
                    Array(
                        "missing",
                        (("log", Bytes(16)), ("seq", Uint(MAX_SEQ, 1)), ("id", Bytes(SHORT))),
                    ),
                    MAX_WANTS,
                ),
            ),
        ),
    ),
    (
        Payloads,
        (
            (
                "items",
                Many(
                    Array(
                        "item",
                        (
                            ("log", Bytes(16)),
                            ("seq", Uint(MAX_SEQ, 1)),
                            ("payload", Bytes(0, MAX_PAYLOAD)),
                        ),
                    ),
                    MAX_WANTS,
                ),
            ),
        ),
    ),
    (Digest, (("team", Bytes(16)), ("posts", Bytes(16)), ("missing", Maybe(Bytes(16))))),
    (
        Peers,
        (
            (
                "items",
                Many(
                    Array("peer", (("device", Bytes(32)), ("addresses", Many(Text(80, 1), 8)))),
                    MAX_ADDRESSES,
                ),
            ),
        ),
    ),
    (Push, (("logs", Many(Bytes(16), MAX_ROWS)), ("eager", Bool()))),
    (
        Join,
        (
            ("invitation", Bytes(32)),
            ("device", Bytes(32)),
            ("name", Text(MAX_NAME, 1)),
            ("device_name", Text(MAX_NAME, 1)),
            ("proof", Bytes(128)),
        ),
    ),
    (Admitted, (("network_key", Bytes(32)), ("admission", Bytes(32)))),
    (Goodbye, (("reason", Text(64)), ("detail", Text(256)))),
    (Recover, (("proof", Bytes(64)),)),
    (Decline, (("logs", Many(Bytes(16), MAX_ROWS)),)),
)

SHAPES: tuple[Array, ...] = tuple(
    Array(kind.__name__, (("type", Constant(number)), *fields), extra=True)
    for number, (kind, fields) in enumerate(_FIELDS)
)
_NUMBERS = {kind: number for number, (kind, _) in enumerate(_FIELDS)}
_FIXARRAY = 0x9  # in msgpack, the upper half of the first byte of an array of up to 15 elements
_MAKE_ROWS = {Rows: 2, Have: 0, Announce: 0}


def pack(message: Message) -> bytes:
    """The bytes of a message."""
    return codec.pack((_NUMBERS[type(message)], *message))


def seems_page(data: bytes) -> bool:
    """Whether `parse`, if it refuses nothing, finds a page in `data`. Reads two bytes."""
    return data[1:2] == bytes([_NUMBERS[PageMessage]]) and data[0] >> 4 == _FIXARRAY


def parse(data: bytes) -> Message | None:
    """The message in `data`, None for a type that a later version knows. Raises `Refused`."""
    value = codec.unpack(data, MAX_MESSAGE)
    if type(value) is not tuple or not value or type(value[0]) is not int or value[0] < 0:
        raise Refused(Reason.BAD_SHAPE, "message: type due")
    number = value[0]
    if number >= len(SHAPES):
        return None
    SHAPES[number].check(value)
    kind, fields = _FIELDS[number]
    return _build(kind, list(value[1 : 1 + len(fields)]))


def _build(kind: type[Any], fields: list[Any]) -> Message:
    if kind in _MAKE_ROWS:
        index = _MAKE_ROWS[kind]
        fields[index] = frontier.parse_rows(fields[index])
    if kind is Buckets:
        frontier.buckets_of(fields[1])
    if kind is Locate:
        fields[:2] = frontier.parse_row(fields[0]), tuple(Mark(*item) for item in fields[1])
    if kind is Want:
        fields[0] = tuple(Missing(*item) for item in fields[0])
    built: Message = kind(*fields)
    return built
