"""The bodies of posts logs: a post, a profile, and the opening of a new incarnation.

A body that does not decode is no fault of its entry: it is stored, relayed and shown as "needs a
newer version". Later versions may append elements. Spec: `protocol/post.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec
from p2pblog.protocol.codec import Array, Bytes, Many, Maybe, Text, Uint
from p2pblog.protocol.entry import EntryId, Incarnation
from p2pblog.protocol.limits import (
    MAX_ABOUT,
    MAX_INCARNATIONS,
    MAX_NAME,
    MAX_ORIGIN,
    MAX_PAYLOAD,
    MAX_PICTURE,
    MAX_SEQ,
    MAX_SKILLS,
    MAX_TEXT,
    MAX_TIME_MS,
)

REFERENCE = Array("reference", (("time", Uint(MAX_TIME_MS)), ("id", Bytes(32))), extra=True)
SOURCE = Array(
    "source",
    (
        ("author", Text(MAX_NAME, 1)),
        ("time", Uint(MAX_TIME_MS)),
        ("origin", Text(MAX_ORIGIN, 1, note="its id where it came from")),
    ),
    extra=True,
)
POST = Array(
    "post",
    (
        ("text", Text(MAX_TEXT, 1)),
        ("channel", Text(MAX_NAME, 1)),
        ("reply_to", Maybe(REFERENCE)),
        ("source", Maybe(SOURCE)),
    ),
    extra=True,
)
PROFILE = Array(
    "profile",
    (
        ("about", Text(MAX_ABOUT)),
        ("skills", Many(Text(MAX_NAME, 1), MAX_SKILLS)),
        ("picture", Maybe(Bytes(1, MAX_PICTURE, note="PNG or JPEG"))),
    ),
    extra=True,
)
PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")  # how a PNG and a JPEG begin
KNOWN_TIP = Array(
    "known tip", (("incarnation", Bytes(8)), ("seq", Uint(MAX_SEQ, 1)), ("id", Bytes(32)))
)
OPENING = Array(
    "opening",
    (("cause", Uint(255)), ("tips", Many(KNOWN_TIP, MAX_INCARNATIONS))),
    extra=True,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Names a post by what orders it: header time (ms) and entry id."""

    time: int
    id: EntryId


@dataclass(frozen=True, slots=True)
class Source:
    """Where an imported post comes from: who wrote it there, when (ms), under which id."""

    author: str
    time: int
    origin: str


class Post(NamedTuple):
    """What people write and read. `channel` has no leading #."""

    text: str
    channel: str
    reply_to: Reference | None = None
    source: Source | None = None

    def pack(self) -> bytes:
        """The body's bytes."""
        reply = self.reply_to and (self.reply_to.time, self.reply_to.id)
        source = self.source and (self.source.author, self.source.time, self.source.origin)
        return codec.pack((self.text, self.channel, reply, source))


@dataclass(frozen=True, slots=True)
class Profile:
    """What members say of themselves. `picture` is a PNG or a JPEG."""

    about: str = ""
    skills: tuple[str, ...] = ()
    picture: bytes | None = None

    def pack(self) -> bytes:
        """The body's bytes."""
        return codec.pack((self.about, self.skills, self.picture))


class Cause(IntEnum):
    """Why an incarnation was opened. An unknown cause is shown as its number."""

    RESTORED = 1  # from a backup
    MOVED = 2  # the marker outside the home disagrees: a copy, or a rolled-back machine
    BEHIND = 3  # a peer showed more of our log than we have
    FORKED = 4  # two entries of ours with one seq
    REPAIRED = 5  # the store was damaged: entries of ours may be missing


@dataclass(frozen=True, slots=True)
class Opening:
    """The first payload of a later incarnation: why, and the tips of the earlier ones."""

    cause: int
    tips: tuple[tuple[Incarnation, int, EntryId], ...]

    def pack(self) -> bytes:
        """The body's bytes."""
        return codec.pack((self.cause, self.tips))


def parse_post(body: bytes) -> Post:
    """The post in `body`. Raises `Refused`."""
    return _post(codec.decode(POST, body, MAX_PAYLOAD))


def parse_posts(bodies: Sequence[bytes]) -> list[Post] | None:
    """`parse_post` of many at once, None where any is refused or of a later version."""
    values = codec.plain(POST, bodies, MAX_PAYLOAD)
    if values is None:
        return None
    make = tuple.__new__  # without a reference or a source, a post is the fields as they are
    return [make(Post, v) if v[2] is None and v[3] is None else _post(v) for v in values]


def _post(value: tuple[Any, ...]) -> Post:
    text, channel, reply, source, *_ = value
    return Post(
        text,
        channel,
        reply and Reference(reply[0], EntryId(reply[1])),
        source and Source(*source[:3]),
    )


def parse_profile(body: bytes) -> Profile:
    """The profile in `body`. Raises `Refused`; BAD_VALUE for a picture that is no PNG or JPEG."""
    about, skills, picture, *_ = codec.decode(PROFILE, body, MAX_PAYLOAD)
    if picture is not None and not picture.startswith(PICTURES):
        raise Refused(Reason.BAD_VALUE, "a picture that is neither PNG nor JPEG")
    return Profile(about, skills, picture)


def parse_opening(body: bytes) -> Opening:
    """The opening in `body`. Raises `Refused`."""
    cause, tips, *_ = codec.decode(OPENING, body, MAX_PAYLOAD)
    return Opening(cause, tips)
