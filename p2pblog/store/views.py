"""What people read, worked out from the entries: posts, channels, origins, profiles.

A view holds no text and nothing that is not in the entries: `rebuild` makes all of them anew.
Tags and mentions are no views: they are found in the text when it is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from p2pblog.errors import Refused
from p2pblog.protocol import entry
from p2pblog.protocol.entry import EntryId, Header, Kind, PayloadClass
from p2pblog.protocol.limits import SALT_SIZE
from p2pblog.protocol.post import Post, parse_post, parse_posts
from p2pblog.store import bulk
from p2pblog.store.backlog import Document, document
from p2pblog.store.catalog import Log

VERSION = 2  # of what this module makes: raise it, and stores remake their views when opened
POST = PayloadClass.POST
_FOUR = "column1, column2, column3, column4"
START = 12  # bytes of an id in the posts view: two of one time collide after 2^48 tries
UNREADABLE = 0  # the channel of what has no readable body
# nothing to read in the timeline
_SILENT = frozenset((PayloadClass.OPERATION, PayloadClass.OPENING, PayloadClass.PROFILE))


def readable(payload_class: int, payload: bytes | None) -> Post | None:
    """The post in a payload; None where it is missing or needs a newer version."""
    if payload is None or payload_class != PayloadClass.POST:
        return None
    try:
        return parse_post(entry.body(payload))
    except Refused:
        return None


def read_all(headers: Sequence[Header], payloads: Sequence[bytes | None]) -> list[Post | None]:
    """`readable` of each."""
    if {header.payload_class for header in headers} == {POST} and all(payloads):
        posts = parse_posts([payload[SALT_SIZE:] for payload in payloads if payload])
        if posts is not None:
            return list(posts)
    return [
        readable(header.payload_class, payload)
        for header, payload in zip(headers, payloads, strict=True)
    ]


@dataclass(slots=True)
class Sheet:
    """View rows of a transaction, gathered and then written at once.

    `channels` maps names to numbers; what the transaction adds counts from `settle` on.
    `documents` are what the search index is to hold of the posts, where their text is here.
    """

    channels: dict[str, int]
    documents: list[Document] = field(default_factory=list)
    _posts: list[tuple[int, int, bytearray, int, int, int | str]] = field(default_factory=list)
    _origins: list[tuple[str, int]] = field(default_factory=list)
    _profiles: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    _counts: dict[int, list[int]] = field(default_factory=dict)
    _new: dict[str, int] = field(default_factory=dict)
    _fresh: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        log: Log,
        arrival: int,
        ids: Sequence[EntryId],
        headers: Sequence[Header],
        payloads: Sequence[bytes | None],
        posts: Sequence[Post | None],
    ) -> None:
        """Note entries of one log, stored under the arrival numbers from `arrival` on.

        `posts` is what can be read of each, as `read_all` gives it.
        """
        if log.key.kind != Kind.POSTS:
            return
        number = log.number
        for at, (name, header, payload, post) in enumerate(
            zip(ids, headers, payloads, posts, strict=True), arrival
        ):
            if header.payload_class in _SILENT:
                if header.payload_class == PayloadClass.PROFILE:
                    self._profiles.append((at, number, header.time, name[:START]))
                continue
            start = name[:START]
            channel: int = UNREADABLE
            reply: int | str = bulk.NULL
            if post is not None:
                channel = self._channel(post.channel, header.time)
                if post.reply_to is not None:
                    reply = post.reply_to.time
                if post.source is not None:
                    self._origins.append((post.source.origin, at))
            self._posts.append((at, header.time, bytearray(start), number, channel, reply))
            if payload is not None:
                self.documents.append(document(at, start, number, channel, post))

    def _channel(self, name: str, time: int) -> int:
        number = self.channels.get(name) or self._fresh.get(name)
        if number is None:
            number = len(self.channels) + len(self._fresh) + 1
            self._new[name] = self._fresh[name] = number
        counts = self._counts.get(number)
        if counts is None:
            counts = self._counts[number] = [0, 0]
        counts[0] += 1
        if time > counts[1]:
            counts[1] = time
        return number

    def write(self, connection: sqlite3.Connection) -> int:
        """Write what was gathered so far; how many posts."""
        bulk.insert(connection, "posts", f"{_FOUR}, column5, nullif(column6, '')", self._posts)
        bulk.insert(connection, "profiles", _FOUR, self._profiles)
        bulk.insert(connection, "origins", "column1, column2", self._origins)
        connection.executemany(
            "INSERT INTO channels VALUES (?, ?, 0, 0)", [(n, name) for name, n in self._new.items()]
        )
        connection.executemany(
            "UPDATE channels SET posts = posts + ?, newest = max(newest, ?) WHERE channel = ?",
            [(count, newest, number) for number, (count, newest) in self._counts.items()],
        )
        count = len(self._posts)
        gathered = (self._posts, self._origins, self._profiles, self._counts, self._new)
        for rows in gathered:
            rows.clear()
        return count

    def settle(self) -> None:
        """The transaction is committed."""
        self.channels.update(self._fresh)
