"""Threads: a post, what it answers, and what answers it, whatever the times say."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from p2pblog.protocol.entry import EntryId
from p2pblog.store.records import PostView
from p2pblog.store.timeline import CHUNK, FROM, Reader, referred

MAX_THREAD = 5000  # posts of one thread that are shown: more than anybody reads


def thread(connection: sqlite3.Connection, reader: Reader, post: PostView) -> list[PostView]:
    """The thread that a post is in: its root, then depth first, answers in their order.

    The root is the highest post that is here. At most `MAX_THREAD` posts.
    """
    root, seen = post, {post.id}
    while root.reply_to is not None and len(seen) < MAX_THREAD:
        row = referred(connection, root.reply_to)
        if row is None:
            break
        root = reader.view(row)
        seen.add(root.id)
    answers = _descendants(connection, reader, root)
    found, stack = [], [root]
    while stack:
        found.append(stack.pop())
        stack += sorted(answers.get(found[-1].id, ()), key=lambda p: (p.time, p.id), reverse=True)
    return found


def _descendants(
    connection: sqlite3.Connection, reader: Reader, root: PostView
) -> dict[EntryId, list[PostView]]:
    answers: dict[EntryId, list[PostView]] = {root.id: []}
    level, count = [root], 1
    while level and count < MAX_THREAD:
        following: list[PostView] = []
        parents = {post.id for post in level}
        for answer in _answers(connection, reader, {post.time for post in level}):
            if answer.reply_to and answer.reply_to.id in parents and answer.id not in answers:
                answers[answer.id] = []
                answers[answer.reply_to.id].append(answer)
                following.append(answer)
        level, count = following, count + len(following)
    return answers


def _answers(connection: sqlite3.Connection, reader: Reader, times: set[int]) -> Iterable[PostView]:
    every = sorted(times)
    for start in range(0, len(every), CHUNK):
        part = every[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        rows = connection.execute(
            f"{FROM} WHERE p.reply_time IN ({marks}) LIMIT ?", (*part, MAX_THREAD)
        ).fetchall()
        yield from reader.views(rows)
