"""What sessions ask of the replica: answers from memory, or from one row."""

from __future__ import annotations

from collections.abc import Sequence

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Kind, LogId
from p2pblog.protocol.frontier import Mark, Tips, short
from p2pblog.protocol.log import Tip, meeting
from p2pblog.protocol.message import Missing, Scope
from p2pblog.protocol.session import Standing
from p2pblog.store.replica import Replica


class ReplicaView:
    """`session.View` over a replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def tips(self, scope: Scope) -> Tips:
        """The frontier of a scope."""
        return self._replica.rows(scope is Scope.TEAM)

    def scope_of(self, log: LogId) -> Scope | None:
        """Which scope a log of ours is in."""
        key = self._replica.log_key(log)
        if key is None:
            return None
        return Scope.TEAM if key[2] == Kind.TEAM else Scope.POSTS

    def holds(self, log: LogId, mark: Mark) -> bool:
        """Whether that entry is here."""
        return self._find(log, mark) is not None

    def common(self, log: LogId, tip: Tip, marks: Sequence[Mark]) -> Tip | None:
        """Up to where who holds `marks` has the way to `tip`, as far as `marks` are here."""

        def id_at(end: Tip, seq: int) -> EntryId | None:
            return self._replica.id_at(log, end, seq)

        best: Tip | None = None
        for mark in sorted(marks, reverse=True):
            if best is not None and mark.seq <= best.seq:
                break
            found = self._find(log, mark)
            met = meeting(tip, found, id_at) if found is not None else None
            if met is not None and (best is None or met > best):
                best = met
        return best

    def _find(self, log: LogId, mark: Mark) -> Tip | None:
        tips = self._tips(log)
        for tip in tips:
            if tip.seq == mark.seq and short(tip.id) == mark.id:
                return tip
        for tip in tips:
            found = self._replica.id_at(log, tip, mark.seq) if tip.seq > mark.seq else None
            if found is not None and short(found) == mark.id:
                return Tip(mark.seq, found)
        return None

    def _tips(self, log: LogId) -> tuple[Tip, ...]:
        return self._replica.rows(True).get(log) or self._replica.rows(False).get(log, ())

    def locator(self, log: LogId) -> Sequence[Mark]:
        """Marks down every branch, the highest tips' first, at most 64."""
        return [Mark(tip.seq, short(tip.id)) for tip in self._replica.locator(log)][:64]

    def wanted(self, limit: int, skip: int) -> Sequence[Missing]:
        """Entries whose payload is missing, the newest first."""
        found = self._replica.wants(limit, skip)
        return [Missing(one.log, one.seq, short(one.id)) for one in found]

    def missing(self) -> bytes | None:
        """Which payloads are missing, as a hash."""
        return self._replica.missing()

    def standing(self, device: DeviceKey) -> Standing:
        """What a device is to the team."""
        team = self._replica.team
        if team.is_active(device):
            return Standing.MEMBER
        return Standing.CUT if team.is_cut(device) else Standing.STRANGER
