"""The store's inner room: the open file, the team, and everything that writes entries.

`Replica` is this and the rooms around it: what they share is here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from p2pblog.errors import CantWrite, DiskError, Refused
from p2pblog.protocol import budget
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId, TeamId
from p2pblog.protocol.team import Team
from p2pblog.store import (
    append,
    authority,
    bounds,
    budgets,
    ingest,
    ordering,
    rebuild,
    search,
    views,
    wants,
)
from p2pblog.store.append import Appended, Author, Draft
from p2pblog.store.authority import Authority
from p2pblog.store.backlog import Backlog
from p2pblog.store.budgets import Paused
from p2pblog.store.catalog import Catalog
from p2pblog.store.database import Database
from p2pblog.store.faults import NONSENSE, damaged, of_search
from p2pblog.store.ingest import Checked, Ingested
from p2pblog.store.writing import Writing


class Core:
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
            proven = authority.proven(connection)
            self._authority = Authority.of(team_entries, self.team_id, proven)
            self._allowances = budgets.load(connection)
        self._spared: DeviceKey | None = None
        if made != views.VERSION:
            self.rebuild_views()
        fresh = self.team.proven - proven
        if fresh:
            with contextlib.suppress(CantWrite), database.writing() as connection:
                authority.keep_proven(connection, fresh)

    @classmethod
    def create(cls, path: Path, team_id: TeamId, store_id: bytes) -> Self:
        """Make an empty store. The founding entry comes in by `ingest`."""
        database = Database.create(path)
        with database.writing() as connection:
            connection.execute(
                "INSERT INTO store VALUES (?, ?, ?, 0, 0, 0, 0, 0)",
                (team_id, store_id, views.VERSION),
            )
        return cls(database)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a store, bringing an older one to this version. Raises also `StoreTooNew`."""
        database = Database.open(path)
        try:
            return cls(database)
        except (*NONSENSE, DiskError, CantWrite) as error:
            with contextlib.suppress(DiskError):
                database.close()
            if isinstance(error, NONSENSE):
                raise damaged(path, error) from error
            raise

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
        found = (self.check_page(data).page for data in pages)
        more = authority.of_pages(page for page in found if not isinstance(page, Refused))
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
                writing.allowances, writing.spared = dict(self._allowances), self._spared
                yield writing
                bounds.settle(writing)
                writing.finish()
                changed = writing.allowances.items() - self._allowances.items()
                if changed:
                    budgets.save(connection, dict(changed))
                self._catalog.prepare(writing.changed.values())
            writing.settle()
            self._authority, self._allowances = writing.authority, writing.allowances
            self._next_arrival = writing.next_arrival
            if writing.moved:
                self._backlog.forget(self.newest_arrival())
            else:
                self._backlog.add(sheet.documents, self.newest_arrival())

    def append(self, author: Author, drafts: Sequence[Draft], now: int) -> list[Appended]:
        """Sign and store drafts in one transaction; durable when it returns."""
        with self._writing(now) as writing:
            return append.store(writing, author, drafts)

    def check_page(self, data: bytes | Checked) -> Checked:
        """Verify a page, for `ingest`, and keep nobody from writing meanwhile."""
        return ingest.check(data, self.team_id)

    def ingest(self, pages: Sequence[bytes | Checked], now: int) -> list[Ingested]:
        """Verify and store pages of others, each whole or not at all, in one transaction."""
        return self._ingest(pages, now, judged=True)

    def take_back(self, pages: Sequence[bytes], now: int) -> list[Ingested]:
        """Ingest what was stored here once, whoever wrote it: what does not count is hidden."""
        return self._ingest(pages, now, judged=False)

    def _ingest(
        self, pages: Sequence[bytes | Checked], now: int, *, judged: bool
    ) -> list[Ingested]:
        checked = [self.check_page(data) for data in pages]
        with self._writing(now) as writing:
            writing.unlimited = not judged
            return ingest.store(writing, checked, judged=judged)

    def fill(self, items: Sequence[tuple[LogId, int, bytes]], now: int) -> list[bool]:
        """Put in payloads (log, seq, payload): for each whether it was wanted and is right."""
        with self._writing(now) as writing:
            return wants.fill(writing, items)

    def spare(self, device: DeviceKey) -> None:
        """Never pause a device: our own."""
        self._spared = device

    def paused(self, now: int) -> tuple[Paused, ...]:
        """The devices that have written more than is taken of them for now."""
        allowances = self._allowances
        return tuple(sorted(budgets.paused(allowances, self._authority, now)))

    def grant(self, devices: Sequence[DeviceKey], now: int) -> None:
        """Take more of these, by a person's word."""
        with self._writing(now) as writing:
            for device in devices:
                for team in (True, False):
                    writing.allowances[device, team] = budget.granted(now, team=team)

    def newest_arrival(self) -> int:
        """The newest arrival number; 0 where there is none."""
        return self._next_arrival - 1

    def index_search(self, limit: int) -> bool:
        """Let the search index follow by up to `limit` posts; whether more are left.

        Raises `SearchDamaged` where that is all that is damaged.
        """
        with self._database.reading() as connection:
            if not search.behind(connection):
                return False
        with of_search(), self._database.writing() as connection:
            return search.index(connection, self._backlog, limit)

    def rest(self) -> None:
        """Nothing will be written for a while: finish what waits, and give room back."""
        with self._database.reading() as connection:
            waits = ordering.waits(connection)
        if waits:
            with self._database.writing() as connection:
                ordering.take_in(connection)
        self._database.rest()

    @property
    def changes(self) -> int:
        """How many rows were written since the store was opened."""
        return self._database.changes

    def try_writing(self) -> None:
        """Write something, and change nothing by it. Raises `CantWrite`."""
        with self._database.writing() as connection:
            connection.execute("UPDATE store SET id = id")

    def rebuild_views(self) -> None:
        """Make all views anew from the entries; search follows by `index_search`."""
        with self._database.alone():
            with self._database.writing() as connection:
                rebuild.clear(connection)
            self._channels = rebuild.refill(self._database.writing, self._catalog)
            self._backlog.forget(self.newest_arrival())
