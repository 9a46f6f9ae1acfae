"""Posts that were written elsewhere: appended as their authors', once each, in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from p2pblog.errors import UsageError
from p2pblog.node import departed
from p2pblog.node.membership import MAX_PUSHED, Membership
from p2pblog.node.publishing import clean_channel, clean_text
from p2pblog.node.service import Imported, ImportItem
from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.limits import MAX_NAME, MAX_ORIGIN, SALT_SIZE
from p2pblog.protocol.post import Post, Reference, Source
from p2pblog.store.replica import Draft

Content = bytes | Callable[[Sequence[Reference]], bytes]


async def import_posts(member: Membership, items: Sequence[ImportItem]) -> Imported:
    """Append posts that others wrote elsewhere, as theirs, once each.

    What is refused is named with the reason; the others are stored.
    """
    departed.check_active(member)
    known = dict(member.replica.imported([item.origin for item in items]))
    parents = member.replica.imported([item.reply_to for item in items if item.reply_to])
    batch = Batch(parents)
    refused: list[tuple[str, str]] = []
    seen = 0
    for item in items:
        if item.origin in known or item.origin in batch.places:
            seen += 1
            continue
        try:
            batch.add(item)
        except UsageError as error:
            refused.append((item.origin, f"{error.message} {error.hint}"))
    if batch.contents:
        await member.append(Kind.POSTS, _drafts(member, batch.contents))
    return Imported(len(batch.contents), seen, tuple(refused))


@dataclass(slots=True)
class Batch:
    """What is appended at once. `places` has where in it each origin stands.

    `parents` are the posts stored before that are answered, by their origins.
    """

    parents: Mapping[str, Reference]
    places: dict[str, int] = field(default_factory=dict)
    contents: list[Content] = field(default_factory=list)
    # few channels and authors write all of a batch
    _channel: Callable[[str], str] = field(default_factory=lambda: cache(clean_channel))
    _author: Callable[[str], str] = field(default_factory=lambda: cache(_clip))

    def add(self, item: ImportItem) -> None:
        """Add a post; raises `UsageError` for what can't be one."""
        self.contents.append(self._content(item))
        self.places[item.origin] = len(self.places)

    def _content(self, item: ImportItem) -> Content:
        """The body; where it answers a post of the same batch, made once that has its id."""
        text, channel = clean_text(item.text), self._channel(item.channel)
        if not 0 < len(item.origin.encode()) <= MAX_ORIGIN:
            raise UsageError("The id is empty or too long.", f"{MAX_ORIGIN} bytes at most.")
        source = Source(self._author(item.author), item.time, item.origin)
        reply, place = self.parents.get(item.reply_to), self.places.get(item.reply_to)
        if reply is not None or place is None:
            return Post(text, channel, reply, source).pack()
        return lambda made: Post(text, channel, made[place], source).pack()


def _drafts(member: Membership, contents: Sequence[Content]) -> list[Draft]:
    """One for each; only the last is shown to others by itself, if they are many."""
    salts = member.salt(SALT_SIZE * len(contents))
    many = len(contents) > MAX_PUSHED
    drafts = [
        Draft(Kind.POSTS, PayloadClass.POST, content, salts[at : at + SALT_SIZE], covered=many)
        for at, content in zip(range(0, len(salts), SALT_SIZE), contents, strict=True)
    ]
    drafts[-1] = drafts[-1]._replace(covered=False)
    return drafts


def _clip(author: str) -> str:
    """An author's name elsewhere, as much of it as fits."""
    clean = "".join(char for char in author if char.isprintable()).strip() or "?"
    while len(clean.encode()) > MAX_NAME:
        clean = clean[:-1]
    return clean
