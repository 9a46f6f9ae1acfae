"""The stream of new posts: server-sent events, and the position to resume from.

A position is `STORE:ARRIVAL`: how far in the order of arrival at this store. By it a reader that
was away misses nothing, whatever the times of the posts are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from p2pblog.cli.client import STREAM_TIMEOUT, Client
from p2pblog.cli.records import Post, Status


@dataclass(frozen=True, slots=True)
class Event:
    """One event: a `post` with its JSON, or a `reset` to the position of another store."""

    position: str
    name: str
    data: str

    def post(self) -> Post:
        """The post that an event brings."""
        return cast(Post, json.loads(self.data))


def position_of(status: Status) -> str:
    """The position behind all that has arrived by now."""
    return position(status["store"], status["newest_arrival"])


def position(store: str, arrival: int) -> str:
    """The position behind one arrival."""
    return f"{store}:{arrival}"


def follow(client: Client, after: str, *, timeout: float = STREAM_TIMEOUT) -> Iterator[Event]:
    """Events behind a position, for ever; TimeoutError after a silence."""
    yield from parse(client.stream("/events", {"after": after}, timeout=timeout))


def parse(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events of a byte stream, which may be cut anywhere."""
    fields = {"id": "", "event": "", "data": ""}
    for line in _lines(chunks):
        if not line:
            if fields["data"] or fields["event"]:
                yield Event(fields["id"], fields["event"] or "message", fields["data"])
            fields |= {"event": "", "data": ""}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and fields["data"]:
            value = f"{fields['data']}\n{value}"
        if name in fields:
            fields[name] = value


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode()
