"""Handlers of posts: list, read, write, search, import. Routes: `api/routes.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from p2pblog.api.context import Api
from p2pblog.api.cursor import write_arrival, write_place
from p2pblog.api.fields import ARRIVAL, PLACE, PREFIX, Many, Moment, Number, Pattern, Text
from p2pblog.api.limits import (
    DEFAULT_LIMIT,
    MAX_BODY,
    MAX_IMPORT_ITEMS,
    MAX_KEY,
    MAX_LIMIT,
    MAX_QUERY,
    MAX_WORD,
)
from p2pblog.api.model import Header, Record
from p2pblog.api.views import Listing, Post, Timeline, post_of, posts_of
from p2pblog.errors import UsageError
from p2pblog.node.service import ChannelView, Imported, ImportItem, Posted, PostQuery, PostView
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import MAX_NAME, MAX_TEXT

KEY = Pattern(f"[!-~]{{1,{MAX_KEY}}}", f"1 to {MAX_KEY} visible ASCII characters")


@dataclass(frozen=True, slots=True)
class ListPosts:
    """Which posts."""

    channel: Annotated[str | None, Text(MAX_NAME, 1)] = None
    by: Annotated[str | None, Text(MAX_WORD, 1)] = None
    since: Annotated[int | None, Moment()] = None
    until: Annotated[int | None, Moment()] = None
    before: Annotated[tuple[int, EntryId] | None, PLACE] = None
    after: Annotated[tuple[int, EntryId] | None, PLACE] = None
    limit: Annotated[int, Number(MAX_LIMIT, 1)] = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class NewPost:
    """A post to write; `channel` is the one of the settings if left out."""

    text: Annotated[str, Text(MAX_TEXT, 1)]
    channel: Annotated[str | None, Text(MAX_NAME)] = None
    reply_to: Annotated[str | None, PREFIX] = None
    key: Annotated[str, Header("Idempotency-Key"), KEY] = ""


@dataclass(frozen=True, slots=True)
class OnePost:
    """Which post."""

    id: Annotated[str, PREFIX]


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for."""

    q: Annotated[str, Text(MAX_QUERY, 1)]
    limit: Annotated[int, Number(MAX_LIMIT, 1)] = DEFAULT_LIMIT
    before: Annotated[int | None, ARRIVAL] = None


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A post that somebody wrote elsewhere. The service judges each; only shapes count here."""

    id: Annotated[str, Text(MAX_BODY)]
    time: Annotated[int, Moment()]
    channel: Annotated[str, Text(MAX_BODY)]
    author: Annotated[str, Text(MAX_BODY)]
    text: Annotated[str, Text(MAX_BODY)]
    reply_to: Annotated[str | None, Text(MAX_BODY)] = None


def _import_item(
    id: str, time: int, channel: str, author: str, text: str, reply_to: str | None
) -> ImportItem:
    return ImportItem(id, time, channel, author, text, reply_to or "")


@dataclass(frozen=True, slots=True)
class Import:
    """A batch of posts to take over."""

    items: Annotated[
        tuple[ImportItem, ...], Many(Record(ImportLine, _import_item), MAX_IMPORT_ITEMS, 1)
    ]


@dataclass(frozen=True, slots=True)
class NoFields:
    """A request that says all by its path."""


async def list_posts(api: Api, ask: ListPosts) -> Timeline:
    """Posts by time, newest first."""
    if ask.before and ask.after:
        raise UsageError("before and after can't be combined", "Use since or until as the bound.")
    by = None if ask.by is None else (await api.service.devices_of(ask.by)).by
    more = ask.limit + 1  # one more tells whether there is a next page
    found = await api.service.posts(
        PostQuery(ask.channel, by, ask.since, ask.until, ask.before, ask.after, more)
    )
    has_more = len(found) == more
    if has_more:
        found = found[1:] if ask.after else found[:-1]
    newest = _place(found[0]) if found else None
    edge = newest if ask.after else _place(found[-1]) if found else None
    return Timeline(posts_of(found, api.now()), edge if has_more else None, newest)


def _place(post: PostView) -> str:
    return write_place(post.time, post.id)


async def create_post(api: Api, ask: NewPost) -> Posted:
    """Write a post; it is durable when this answers."""
    parent = None if ask.reply_to is None else await _full_id(api, ask.reply_to)
    return await api.service.post(ask.text, ask.channel or "", parent, ask.key)


async def _full_id(api: Api, prefix: str) -> EntryId:
    if len(prefix) == 64:
        return EntryId(bytes.fromhex(prefix))
    return (await api.service.post_by_id(prefix)).id


async def read_post(api: Api, ask: OnePost) -> Post:
    """One post by the start of its id."""
    return post_of(await api.service.post_by_id(ask.id), api.now())


async def read_thread(api: Api, ask: OnePost) -> Listing[Post]:
    """The thread that a post belongs to, in reading order."""
    return Listing(posts_of(await api.service.thread(ask.id), api.now()))


async def search_posts(api: Api, ask: Search) -> Listing[Post]:
    """Posts that have the words, those that arrived last first."""
    more = ask.limit + 1
    found = await api.service.search(ask.q, more, ask.before)
    shown = found[: ask.limit]
    following = write_arrival(shown[-1].arrival) if len(found) == more else None
    return Listing(posts_of(shown, api.now()), following)


async def list_channels(api: Api, ask: NoFields) -> Listing[ChannelView]:
    """The channels that have posts."""
    return Listing(tuple(await api.service.channels()))


async def import_posts(api: Api, ask: Import) -> Imported:
    """Take over posts from elsewhere, under their authors' names; twice is once."""
    return await api.service.import_posts(ask.items)
