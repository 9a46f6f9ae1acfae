"""What people read: posts by place, arrival, id and thread, search, channels."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence

from p2pblog.errors import CantWrite
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.post import Reference
from p2pblog.store import notes, proof, search, threads, timeline, wants
from p2pblog.store.core import Core
from p2pblog.store.faults import of_search
from p2pblog.store.records import ChannelView, PostQuery, PostView, Totals
from p2pblog.store.timeline import Reader

INDEX_BATCH = 4096  # posts of one transaction of the search index
_PREFIX = re.compile("[0-9a-f]{4,64}")


class Reading(Core):
    """Every read is on a connection of its own, beside whoever writes."""

    @property
    def _reader(self) -> Reader:
        return Reader(self._catalog, self._authority)

    def posts(self, query: PostQuery) -> list[PostView]:
        """What a query asks for, newest first."""
        with self._database.snapshot() as connection:
            return self._reader.views(timeline.posts(connection, self._catalog, query))

    def place(self, arrival: int) -> tuple[LogId, int] | None:
        """The log that a post is in, and its height there; None where it is shown no more."""
        with self._database.reading() as connection:
            found = timeline.place(connection, arrival)
        return found and (self._catalog.by_number[found[0]].id, found[1])

    def by_arrival(self, after: int, limit: int) -> list[PostView]:
        """Posts that arrived after number `after`, the first first."""
        with self._database.reading() as connection:
            return self._reader.views(timeline.by_arrival(connection, after, limit))

    def find(self, prefix: str) -> list[PostView]:
        """Posts whose id starts with these hex digits, 4 to 64 of them; none for anything else."""
        if not _PREFIX.fullmatch(prefix.lower()):
            return []
        with of_search(), self._database.snapshot() as connection:
            found = self._reader.views(search.find(connection, prefix.lower()))
        return [post for post in found if post.id.hex().startswith(prefix.lower())]

    def thread(self, post: PostView) -> list[PostView]:
        """The thread that a post is in: its root, then depth first, answers in their order."""
        with self._database.snapshot() as connection:
            return threads.thread(connection, self._reader, post)

    def search(self, text: str, limit: int, before: int | None = None) -> list[PostView]:
        """Posts with these words, the newest arrival first, below number `before`."""
        with contextlib.suppress(CantWrite):  # then what is in the index can be found
            while self.index_search(INDEX_BATCH):
                pass
        with of_search(), self._database.snapshot() as connection:
            found = search.ask(connection, self._catalog, self._authority, text, limit, before)
            return self._reader.views(found)

    def channels(self) -> list[ChannelView]:
        """The channels that have posts, by name."""
        with self._database.reading() as connection:
            return timeline.channels(connection)

    def check(self, *, whole: bool = False) -> list[str]:
        """What SQLite finds wrong with the file; nothing as a rule. `whole`: indexes as well."""
        pragma = "integrity_check" if whole else "quick_check"
        with self._database.reading() as connection:
            rows = connection.execute(f"PRAGMA {pragma}(5)").fetchall()
        lines = [line for row in rows for line in str(row[0]).splitlines()]
        return [line for line in lines if line != "ok" and not line.startswith("***")]

    def unproven(self, look: Callable[[int, int], object]) -> list[str]:
        """Logs that do not verify up to their tips, or lack a text that they had."""
        found: list[str] = []
        with self._database.snapshot() as connection:
            total, done = timeline.totals(connection).entries, 0
            missing = wants.arrivals(connection)
            for log in self._catalog.by_id.values():
                for branch in log.branches:
                    tip, lacking, last = branch.first - 1, 0, b""
                    for one in proof.walk(
                        connection, self.team_id, log, branch.number, branch.first
                    ):
                        tip, last = one.seq, one.id
                        lacking += one.payload is None
                        done += 1
                        look(done, total)
                    if tip != branch.tip.seq or last != branch.tip.id:
                        found.append(f"log {log.id.hex()} is whole up to entry {tip} only")
                    elif lacking != missing.get(branch.number, 0):
                        found.append(f"log {log.id.hex()} has texts that are not what was signed")
        return found

    def totals(self) -> Totals:
        """How much is stored."""
        with self._database.reading() as connection:
            return timeline.totals(connection)

    def imported(self, origins: Sequence[str]) -> dict[str, Reference]:
        """Those of these origins that were imported already, by anybody, and as what."""
        with self._database.reading() as connection:
            return timeline.imported(connection, self._reader, origins)

    def keyed(self, key: str, now: int) -> PostView | None:
        """What was posted here under this key within a day."""
        with self._database.snapshot() as connection:
            arrival = notes.keyed(connection, key, now)
            rows = timeline.at(connection, [arrival]) if arrival is not None else []
            return self._reader.view(rows[0]) if rows else None
