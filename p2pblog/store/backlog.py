"""What the search index holds of a post, and the newest posts kept for it in memory.

A post was read and parsed when it was stored; keeping what the index needs of it for a moment saves
doing both again. Whatever is not kept is read from the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from p2pblog.protocol.post import Post

Document = tuple[int, str, str, str]  # arrival, text, source, meta: the index's columns
ID_DIGITS = 6  # hex digits of an id in the index: one in 16 of a million posts shares them
MAX_CHARACTERS = 4 * 1024 * 1024  # kept: 20,000 posts of 200 letters, 16 MiB at the very worst


def document(arrival: int, start: bytes, log: int, channel: int, post: Post | None) -> Document:
    """What stands in the index of a post; `post` is None where it needs a newer version."""
    meta = f"x{start.hex()[:ID_DIGITS]} lg{log} ch{channel}"
    if post is None:
        return arrival, "", "", meta
    return arrival, post.text, post.source.author if post.source else "", meta


class Backlog:
    """Documents of all posts that arrived after number `since`; under the writer's lock."""

    def __init__(self, since: int) -> None:
        self._documents: deque[Document] = deque()
        self.forget(since)

    def forget(self, newest: int) -> None:
        """Start over after arrival number `newest`."""
        self._documents.clear()
        self._since = self._newest = newest
        self._characters = 0

    def add(self, documents: Sequence[Document], newest: int) -> None:
        """Keep documents of what arrived up to number `newest`; too many, and none are kept."""
        self._characters += sum(len(text) for _, text, _, _ in documents)
        if self._characters > MAX_CHARACTERS:
            self.forget(newest)
        else:
            self._documents.extend(documents)
            self._newest = newest

    def after(self, cursor: int, limit: int) -> tuple[list[Document], int] | None:
        """The next documents after arrival number `cursor`, and where the cursor goes with them.

        None where they are not kept.
        """
        if cursor < self._since:
            return None
        while self._documents and self._documents[0][0] <= cursor:
            self._characters -= len(self._documents.popleft()[1])
        found = list(islice(self._documents, limit))
        return found, found[-1][0] if len(found) == limit else self._newest
