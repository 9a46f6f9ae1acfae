"""What the team allows: whose posts are stored, how far they count, and how people are called.

The one file of the store that knows how a team looks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from p2pblog.errors import Reason
from p2pblog.protocol import team
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Entry, EntryId, Kind, TeamId, entry_id, parse_header
from p2pblog.protocol.operation import CutOff, MemberId
from p2pblog.protocol.page import Page
from p2pblog.protocol.team import Team, TeamEntry
from p2pblog.store.catalog import Log, LogKey


class Person(NamedTuple):
    """Who a device belongs to, as readers see it."""

    member: MemberId | None
    name: str
    device_name: str


@dataclass(frozen=True, slots=True)
class Authority:
    """The team that a set of team entries makes, and what follows for logs."""

    entries: tuple[TeamEntry, ...]
    team: Team

    @classmethod
    def of(
        cls, entries: Iterable[Entry], team_id: TeamId, proven: Container[EntryId] = ()
    ) -> Authority:
        """The authority of these entries; `proven` are those that `Team.proven` had before."""
        return cls((), team.evaluate((), team_id)).with_more(entries, team_id, proven)

    def with_more(
        self, entries: Iterable[Entry], team_id: TeamId, proven: Container[EntryId] = ()
    ) -> Authority:
        """The authority of these entries too."""
        known = {entry.id: entry for entry in self.entries}
        for entry in entries:
            if entry.id not in known:
                fields = (entry.id, entry.header, entry.payload)
                known[entry.id] = team.entry_of(*fields, entry.id in proven)
        kept = tuple(known.values())
        return Authority(kept, team.evaluate(kept, team_id))

    def cut_off(self, log: LogKey) -> CutOff | None:
        """Where a log is cut; None where it is not."""
        return self.team.cut_off(log.device, log.incarnation, log.kind)

    def refusal(self, log: LogKey, first: int, ids: Sequence[EntryId]) -> Reason | None:
        """Why a page of this log, with these ids from `first` on, is not to be stored."""
        if log.device not in self.team.devices:
            return Reason.UNKNOWN_AUTHOR
        cut, last = self.cut_off(log), first + len(ids) - 1
        if cut is None or last < cut.seq or (last == cut.seq and ids[-1] == cut.tip):
            return None
        return Reason.BEYOND_CUTOFF

    def person(self, device: DeviceKey) -> Person:
        """Who a device belongs to; a short key where nobody knows."""
        known = self.team.devices.get(device)
        if known is None:
            return Person(None, device.hex()[:8], "")
        return Person(known.member, self.team.members[known.member].display_name, known.name)

    def devices_of(self, name: str) -> list[DeviceKey]:
        """The devices of the members called so; letter case does not matter."""
        folded = name.casefold()
        called = {
            member.id
            for member in self.team.members.values()
            if folded in (member.name.casefold(), member.display_name.casefold())
        }
        return [device.key for device in self.team.devices.values() if device.member in called]


def read(connection: sqlite3.Connection, logs: Iterable[Log]) -> Iterator[Entry]:
    """The stored entries of those of these logs that are of kind team."""
    for log in logs:
        for branch in log.branches if log.is_team else ():
            for stored, signature, payload in connection.execute(
                "SELECT header, signature, payload FROM entries WHERE branch = ? ORDER BY seq",
                (branch.number,),
            ):
                header = log.whole(stored)
                yield Entry(entry_id(header), parse_header(header), header, signature, payload)


def proven(connection: sqlite3.Connection) -> frozenset[EntryId]:
    """The entries whose proofs were found good at an earlier start.

    The store is trusted for this as for everything in it: what came was verified before it was
    stored. Of a team of a thousand devices the proofs take a fifth of a second.
    """
    return frozenset(EntryId(row[0]) for row in connection.execute("SELECT id FROM proven"))


def keep_proven(connection: sqlite3.Connection, ids: Iterable[EntryId]) -> None:
    """Note that the proofs of these are good."""
    connection.executemany("INSERT INTO proven VALUES (?)", [(ident,) for ident in ids])


def of_pages(pages: Iterable[Page]) -> Iterator[Entry]:
    """The entries of verified team pages."""
    for page in pages:
        if page.headers[0].kind == Kind.TEAM:
            yield from map(Entry, page.ids, page.headers, page.raw, page.signatures, page.payloads)
