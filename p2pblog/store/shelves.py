"""The logs as others see them: what is here, where it parts, and pages of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.log import Branch, Tip
from p2pblog.store import entries, serve, wants
from p2pblog.store.catalog import LogKey
from p2pblog.store.core import Core
from p2pblog.store.serve import Served
from p2pblog.store.wants import Wanted


class Shelves(Core):
    """Frontier, places in logs, and what is served of them."""

    _missing: tuple[object, bytes | None] = None, None  # worked out at which rows, and what

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
        recent = self._catalog.recent(log, tip, seq)
        if recent is not None:
            return recent
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

    def missing(self) -> bytes | None:
        """`protocol.wants.digest` of all whose payload is missing; worked out once a change."""
        rows = self._catalog.post_rows  # anew by each change of a log, payloads and bounds too
        if not self._catalog.wanted:
            return None
        if self._missing[0] is not rows:
            with self._database.reading() as connection:
                self._missing = rows, wants.digest(connection, self._catalog)
        return self._missing[1]

    def payloads(self, refs: Sequence[tuple[LogId, int, bytes]]) -> list[tuple[LogId, int, bytes]]:
        """(log, seq, payload) of those (log, seq, start of the id) whose payload is here."""
        with self._database.reading() as connection:
            return wants.payloads(connection, self._catalog, refs)
