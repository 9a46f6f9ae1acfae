"""Writes posts: what the user types. What is imported from elsewhere: `node/importing.py`."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from p2pblog.errors import Refused, UsageError
from p2pblog.node import departed
from p2pblog.node.membership import Membership
from p2pblog.node.service import Posted
from p2pblog.protocol import names
from p2pblog.protocol.entry import EntryId, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_TEXT, SALT_SIZE
from p2pblog.protocol.post import Post, Reference
from p2pblog.store.records import PostView
from p2pblog.store.replica import Draft

_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")


def clean_text(text: str) -> str:
    """The text as it is posted: NFC, without blank ends. Raises `UsageError`."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not clean:
        raise UsageError("The post is empty.", "Give it a text.")
    size = len(clean.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT:
        raise UsageError(f"The post has {size:,} bytes, {MAX_TEXT:,} at most.", "Post it in parts.")
    if _NO_TEXT.search(clean):
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
    salt = member.salt(SALT_SIZE)
    draft = Draft(Kind.POSTS, PayloadClass.POST, body, salt, not_before, key)
    made = (await member.append(Kind.POSTS, [draft]))[0]
    return posted(member, made.entry.id, made.entry.header.time, made.arrival)


def posted(member: Membership, entry_id: EntryId, time: int, arrival: int) -> Posted:
    """The answer to a post: only we hold it yet."""
    return Posted(entry_id, time, arrival, 1, len(member.active_devices()))
