"""Writes posts: what the user types, and what is imported from elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from p2pblog.errors import Refused, UsageError
from p2pblog.node import departed
from p2pblog.node.membership import Membership
from p2pblog.node.service import Imported, ImportItem, Posted
from p2pblog.protocol import names
from p2pblog.protocol.entry import EntryId, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_NAME, MAX_ORIGIN, MAX_TEXT, SALT_SIZE
from p2pblog.protocol.post import Post, Reference, Source
from p2pblog.store.records import PostView
from p2pblog.store.replica import Appended, Draft

Content = Callable[[Sequence[Appended]], bytes]


def clean_text(text: str) -> str:
    """The text as it is posted: NFC, without blank ends. Raises `UsageError`."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not clean:
        raise UsageError("The post is empty.", "Give it a text.")
    size = len(clean.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT:
        raise UsageError(f"The post has {size:,} bytes, {MAX_TEXT:,} at most.", "Post it in parts.")
    if any("\ud800" <= char <= "\udfff" for char in clean) or "\0" in clean:
        raise UsageError("The post has bytes that are no text.", "Give it as UTF-8.")
    return clean


def clean_channel(name: str) -> str:
    """A channel's name: no leading #, lower case, no blanks. Raises `UsageError`."""
    try:
        clean = names.clean(name.removeprefix("#").lower())  # small letters may take more bytes
    except Refused as refused:
        hint = "A word will do: letters, digits, dashes."
        raise UsageError(f"No channel's name: {name!r} ({refused.detail}).", hint) from None
    if any(char.isspace() or char == "#" for char in clean):
        hint = "A word will do: letters, digits, dashes."
        raise UsageError(f"No channel's name: {name!r}.", hint)
    return clean


async def post(
    member: Membership, text: str, channel: str, answered: PostView | None, key: str
) -> Posted:
    """Append one post; durable when it returns."""
    departed.check_active(member)
    reply = Reference(answered.time, answered.id) if answered else None
    body = Post(clean_text(text), clean_channel(channel), reply).pack()
    not_before = answered.time + 1 if answered else 0
    draft = _draft(member, body, not_before, key)
    made = (await member.append(Kind.POSTS, [draft]))[0]
    return posted(member, made.entry.id, made.entry.header.time, made.arrival)


def posted(member: Membership, entry_id: EntryId, time: int, arrival: int) -> Posted:
    """The answer to a post: only we hold it yet."""
    return Posted(entry_id, time, arrival, 1, len(member.active_devices()))


def _draft(
    member: Membership, content: bytes | Content, not_before: int = 0, key: str = ""
) -> Draft:
    salt = member.salt(SALT_SIZE)
    return Draft(Kind.POSTS, PayloadClass.POST, content, salt, not_before, key)


async def import_posts(member: Membership, items: Sequence[ImportItem]) -> Imported:
    """Append posts that others wrote elsewhere, as theirs, once each.

    What is refused is named with the reason; the others are stored.
    """
    departed.check_active(member)
    known = dict(member.replica.imported([item.origin for item in items]))
    parents = member.replica.imported([item.reply_to for item in items if item.reply_to])
    places: dict[str, int] = {}
    drafts: list[Draft] = []
    refused: list[tuple[str, str]] = []
    seen = 0
    for item in items:
        if item.origin in known or item.origin in places:
            seen += 1
            continue
        try:
            content = _content(item, parents, places)
        except UsageError as error:
            refused.append((item.origin, f"{error.message} {error.hint}"))
            continue
        places[item.origin] = len(drafts)
        drafts.append(_draft(member, content))
    if drafts:
        await member.append(Kind.POSTS, drafts)
    return Imported(len(drafts), seen, tuple(refused))


def _content(item: ImportItem, parents: dict[str, Reference], places: dict[str, int]) -> Content:
    """The body, made once the posts of the same batch that it may answer have their ids.

    `places` has those before it.
    """
    text, channel = clean_text(item.text), clean_channel(item.channel)
    if not 0 < len(item.origin.encode()) <= MAX_ORIGIN:
        raise UsageError("The id is empty or too long.", f"{MAX_ORIGIN} bytes at most.")
    source = Source(_clip(item.author), item.time, item.origin)

    answered = places.get(item.reply_to)

    def make(made: Sequence[Appended]) -> bytes:
        reply = parents.get(item.reply_to)
        if reply is None and answered is not None:
            parent = made[answered].entry
            reply = Reference(parent.header.time, parent.id)
        return Post(text, channel, reply, source).pack()

    make([]) if answered is None else None
    return make


def _clip(author: str) -> str:
    """An author's name elsewhere, as much of it as fits."""
    clean = "".join(char for char in author if char.isprintable()).strip() or "?"
    while len(clean.encode()) > MAX_NAME:
        clean = clean[:-1]
    return clean
