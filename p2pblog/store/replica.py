"""The replica of a team's logs: the one public door to the store.

Synchronous, without a clock: `now` is an argument, ms since 1970 UTC. Writes are one at a time,
each on the disk when it returns; reads run beside them, on any thread. Raises `DiskError` where the
disk fails, and nothing but bugs besides.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, LogId, TeamId
from p2pblog.protocol.log import Branch, Tip
from p2pblog.protocol.post import Reference
from p2pblog.protocol.team import Team
from p2pblog.store import (
    append,
    authority,
    bounds,
    entries,
    ingest,
    notes,
    rebuild,
    search,
    serve,
    timeline,
    views,
    wants,
)
from p2pblog.store.append import Appended, Author, Draft
from p2pblog.store.authority import Authority
from p2pblog.store.backlog import Backlog
from p2pblog.store.catalog import Catalog, LogKey
from p2pblog.store.database import Database
from p2pblog.store.ingest import Ingested
from p2pblog.store.notes import Token
from p2pblog.store.records import ChannelView, PostQuery, PostView, Totals
from p2pblog.store.serve import Served
from p2pblog.store.timeline import Reader
from p2pblog.store.wants import Wanted
from p2pblog.store.writing import Writing

__all__ = ["Appended", "Author", "Draft", "Ingested", "LogKey", "Replica", "Served", "Token"]
__all__ += ["Wanted"]

INDEX_BATCH = 5000  # posts of one transaction of the search index: the best of those measured
_PREFIX = re.compile("[0-9a-f]{4,64}")


class Replica:
    """An open store of one team. `store_id` changes when a store is made anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            team, self.store_id, made = connection.execute(
                "SELECT team, id, views FROM store"
            ).fetchone()
            self.team_id = TeamId(team)
            self._catalog = Catalog(self.team_id)
            self._catalog.publish(bounds.load(connection, self.team_id))
            self._catalog.wanted = connection.execute("SELECT count(*) FROM wants").fetchone()[0]
            newest = connection.execute("SELECT max(arrival) FROM entries").fetchone()[0]
            self._next_arrival = (newest or 0) + 1
            self._backlog = Backlog(newest or 0)
            self._channels = dict(connection.execute("SELECT name, channel FROM channels"))
            team_entries = authority.read(connection, self._catalog.by_id.values())
            self._authority = Authority.of(team_entries, self.team_id)
        if made != views.VERSION:
            self.rebuild_views()

    @classmethod
    def create(cls, path: Path, team_id: TeamId, store_id: bytes) -> Self:
        """Make an empty store. The founding entry comes in by `ingest`."""
        database = Database.create(path)
        with database.writing() as connection:
            connection.execute(
                "INSERT INTO store VALUES (?, ?, ?, 0, 0, 0, 0)",
                (team_id, store_id, views.VERSION),
            )
        return cls(database)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a store, bringing an older one to this version. Raises also `StoreTooNew`."""
        return cls(Database.open(path))

    def close(self) -> None:
        """Close the file; nothing is lost by not doing so."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # The team

    @property
    def team(self) -> Team:
        """The team as the stored team logs make it."""
        return self._authority.team

    def team_with(self, pages: Sequence[bytes]) -> Team:
        """What the team would be with these pages too; stores nothing."""
        more = authority.of_pages(ingest.verify(pages, self.team_id))
        return self._authority.with_more(more, self.team_id).team

    # Writing

    @contextlib.contextmanager
    def _writing(self, now: int) -> Iterator[Writing]:
        with self._database.alone():
            with self._database.writing() as connection:
                sheet = views.Sheet(self._channels)
                writing = Writing(
                    connection, self._catalog, self._authority, sheet, self._next_arrival, now
                )
                yield writing
                bounds.settle(writing)
                writing.finish()
            writing.settle()
            self._authority = writing.authority
            self._next_arrival = writing.next_arrival
            if writing.moved:
                self._backlog.forget(self.newest_arrival())
            else:
                self._backlog.add(sheet.documents, self.newest_arrival())

    def append(self, author: Author, drafts: Sequence[Draft], now: int) -> list[Appended]:
        """Sign and store drafts in one transaction; durable when it returns."""
        with self._writing(now) as writing:
            return append.store(writing, author, drafts)

    def ingest(self, pages: Sequence[bytes], now: int) -> list[Ingested]:
        """Verify and store pages of others, each whole or not at all, in one transaction."""
        verified = ingest.verify(pages, self.team_id)
        with self._writing(now) as writing:
            return ingest.store(writing, verified)

    def fill(self, items: Sequence[tuple[LogId, int, bytes]], now: int) -> list[bool]:
        """Put in payloads (log, seq, payload): for each whether it was wanted and is right."""
        with self._writing(now) as writing:
            return wants.fill(writing, items)

    def index_search(self, limit: int) -> bool:
        """Let the search index follow by up to `limit` posts; whether more are left."""
        with self._database.reading() as connection:
            if not search.behind(connection):
                return False
        with self._database.writing() as connection:
            return search.index(connection, self._backlog, limit)

    def rebuild_views(self) -> None:
        """Make all views anew from the entries; search follows by `index_search`."""
        with self._database.alone():
            with self._database.writing() as connection:
                rebuild.clear(connection)
            self._channels = rebuild.refill(self._database.writing, self._catalog)
            self._backlog.forget(self.newest_arrival())

    # Logs

    def rows(self, kind_is_team: bool) -> Mapping[LogId, tuple[Tip, ...]]:
        """The frontier: each log's tips, as far as they stand. From memory."""
        return self._catalog.team_rows if kind_is_team else self._catalog.post_rows

    def tip(self, key: LogKey | tuple[DeviceKey, bytes, int]) -> Tip | None:
        """The highest tip of a log, cut or not."""
        log = self._catalog.by_key.get(LogKey(*key))
        return log.top.tip if log else None

    def log_key(self, log_id: LogId) -> LogKey | None:
        """Whose log, which incarnation, what kind; None where we have nothing of it."""
        log = self._catalog.by_id.get(log_id)
        return log.key if log else None

    def branches(self, log_id: LogId) -> tuple[Branch, ...]:
        """A log's branches, the oldest first."""
        log = self._catalog.by_id.get(log_id)
        return log.branches if log else ()

    def id_at(self, log_id: LogId, tip: Tip, seq: int) -> EntryId | None:
        """The id at a height of the branch that `tip` is on; None above it."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return None
        with self._database.reading() as connection:
            branch = entries.holder(connection, log, tip)
            return entries.id_at(connection, log, branch, seq) if branch else None

    def holds(self, log_id: LogId, mark: tuple[int, bytes]) -> bool:
        """Whether the entry at this height whose id starts so is here, on any branch."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return False
        with self._database.reading() as connection:
            return entries.holder(connection, log, mark) is not None

    def locate(self, log_id: LogId, marks: Sequence[tuple[int, bytes]]) -> Tip | None:
        """The highest of these marks (height, start of an id) that is here, on any branch."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return None
        with self._database.reading() as connection:
            found = [entries.common(connection, log, branch, marks) for branch in log.branches]
        return max((tip for tip in found if tip is not None), default=None)

    def locator(self, log_id: LogId) -> list[Tip]:
        """Ids at tip, -1, -2, -4 ... 1 of each branch, at most 64."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return []
        with self._database.reading() as connection:
            return entries.locator(connection, log)

    def last_time(self, log_id: LogId) -> int:
        """The header time of a log's highest tip, ms; 0 where we have nothing of it."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return 0
        with self._database.reading() as connection:
            return entries.last_time(connection, log, log.top)

    # Serving

    def cut_pages(
        self, log_id: LogId, after: Tip | None, upto: Tip, max_bytes: int
    ) -> list[Served]:
        """Pages of what follows `after` on the way to `upto`, of about `max_bytes`, at least one.

        Where `after` is on another branch, from where the two part. Empty where either is not here.
        """
        log = self._catalog.by_id.get(log_id)
        return serve.cut_pages(self._database, log, after, upto, max_bytes) if log else []

    def lag(self, log_id: LogId, after: Tip | None, upto: Tip) -> tuple[int, int]:
        """How many entries follow `after` up to `upto`, and about how many bytes (on average)."""
        log = self._catalog.by_id.get(log_id)
        if log is None:
            return 0, 0
        with self._database.reading() as connection:
            return serve.lag(connection, log, after, upto)

    def wants(self, limit: int, skip: int = 0) -> list[Wanted]:
        """Up to `limit` entries whose payload is missing, after the first `skip`, newest first."""
        if not self._catalog.wanted:
            return []
        with self._database.reading() as connection:
            return wants.missing(connection, self._catalog, limit, skip)

    def payloads(self, refs: Sequence[tuple[LogId, int, bytes]]) -> list[tuple[LogId, int, bytes]]:
        """(log, seq, payload) of those (log, seq, start of the id) whose payload is here."""
        with self._database.reading() as connection:
            return wants.payloads(connection, self._catalog, refs)

    # Reading

    @property
    def _reader(self) -> Reader:
        return Reader(self._catalog, self._authority)

    def posts(self, query: PostQuery) -> list[PostView]:
        """What a query asks for, newest first."""
        with self._database.snapshot() as connection:
            return self._reader.views(timeline.posts(connection, self._catalog, query))

    def by_arrival(self, after: int, limit: int) -> list[PostView]:
        """Posts that arrived after number `after`, the first first."""
        with self._database.reading() as connection:
            return self._reader.views(timeline.by_arrival(connection, after, limit))

    def newest_arrival(self) -> int:
        """The newest arrival number; 0 where there is none."""
        return self._next_arrival - 1

    def find(self, prefix: str) -> list[PostView]:
        """Posts whose id starts with these hex digits, 4 to 64 of them; none for anything else."""
        if not _PREFIX.fullmatch(prefix.lower()):
            return []
        with self._database.snapshot() as connection:
            found = self._reader.views(search.find(connection, prefix.lower()))
        return [post for post in found if post.id.hex().startswith(prefix.lower())]

    def thread(self, post: PostView) -> list[PostView]:
        """The thread that a post is in: its root, then depth first, answers in their order."""
        with self._database.snapshot() as connection:
            return timeline.thread(connection, self._reader, post)

    def search(self, text: str, limit: int, before: int | None = None) -> list[PostView]:
        """Posts with these words, the newest arrival first, below number `before`."""
        while self.index_search(INDEX_BATCH):
            pass
        with self._database.snapshot() as connection:
            found = search.ask(connection, self._catalog, self._authority, text, limit, before)
            return self._reader.views(found)

    def channels(self) -> list[ChannelView]:
        """The channels that have posts, by name."""
        with self._database.reading() as connection:
            return timeline.channels(connection)

    def totals(self) -> Totals:
        """How much is stored."""
        with self._database.reading() as connection:
            return timeline.totals(connection)

    def imported(self, origins: Sequence[str]) -> dict[str, Reference]:
        """Those of these origins that were imported already, by anybody, and as what."""
        with self._database.reading() as connection:
            return timeline.imported(connection, self._reader, origins)

    # Notes

    def remember_address(self, device: DeviceKey, address: str, now: int) -> None:
        """Note that a device was reached at an address; the newest 8 are kept."""
        with self._database.writing() as connection:
            notes.remember(connection, device, address, now)

    def addresses(self) -> list[tuple[DeviceKey, str]]:
        """Where devices were reached, the last reached first."""
        with self._database.reading() as connection:
            return notes.addresses(connection)

    def settings(self) -> dict[str, str]:
        """Every setting."""
        with self._database.reading() as connection:
            return notes.settings(connection)

    def put_setting(self, key: str, value: str | None) -> None:
        """Set a setting; None removes it."""
        with self._database.writing() as connection:
            notes.put_setting(connection, key, value)

    def tokens(self) -> list[Token]:
        """The tokens of the local API, the oldest first."""
        with self._database.reading() as connection:
            return notes.tokens(connection)

    def add_token(self, token: Token, digest: bytes) -> None:
        """Keep a token by the digest of its secret."""
        with self._database.writing() as connection:
            notes.add_token(connection, token, digest)

    def remove_token(self, token_id: str) -> bool:
        """Remove a token; whether it was there."""
        with self._database.writing() as connection:
            return notes.remove_token(connection, token_id)

    def scopes(self, digest: bytes) -> frozenset[str] | None:
        """What the secret with this digest may do; None where there is no such token."""
        with self._database.reading() as connection:
            return notes.scopes(connection, digest)

    def keyed(self, key: str, now: int) -> PostView | None:
        """What was posted here under this key within a day."""
        with self._database.snapshot() as connection:
            arrival = notes.keyed(connection, key, now)
            rows = timeline.at(connection, [arrival]) if arrival is not None else []
            return self._reader.view(rows[0]) if rows else None
