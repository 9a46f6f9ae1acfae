"""What is still taken of each device: counted in the transaction that stores its entries.

Spec: `protocol/budget.md`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from p2pblog.errors import Reason
from p2pblog.protocol import budget
from p2pblog.protocol.ancestry import cut_offs
from p2pblog.protocol.budget import Allowance
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Kind
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import LogKey
from p2pblog.store.writing import Run, Writing


class Paused(NamedTuple):
    """A device of which nothing more is taken, of its team logs or all others, until a time, ms."""

    device: DeviceKey
    team: bool
    until: int


def load(connection: sqlite3.Connection) -> dict[tuple[DeviceKey, bool], Allowance]:
    """Every allowance that is kept."""
    rows = connection.execute("SELECT device, team, remaining, since FROM allowances")
    return {(DeviceKey(device), bool(team)): Allowance(*rest) for device, team, *rest in rows}


def save(
    connection: sqlite3.Connection, changed: Mapping[tuple[DeviceKey, bool], Allowance]
) -> None:
    """Keep these."""
    connection.executemany(
        "INSERT OR REPLACE INTO allowances VALUES (?, ?, ?, ?)",
        [(*of, *allowance) for of, allowance in changed.items()],
    )


def refusal(writing: Writing, key: LogKey, first: int) -> Reason | None:
    """Why a page of this log that goes on at height `first` is not to be stored now."""
    allowance = _allowance(writing, key)
    if allowance is None or not allowance.is_paused or _is_needed(writing.authority, key, first):
        return None
    return Reason.PAUSED


def spend(writing: Writing, key: LogKey, run: Run) -> None:
    """Count what is being stored."""
    allowance = _allowance(writing, key)
    if allowance is not None:
        size = sum(map(budget.cost, run.headers, run.raw))
        writing.allowances[key.device, key.kind == Kind.TEAM] = allowance._replace(
            left=allowance.left - size
        )


def _allowance(writing: Writing, key: LogKey) -> Allowance | None:
    """What is left of a device; None for our own, and for a store that is being filled first."""
    team = writing.authority.team
    if writing.unlimited or key.device == writing.spared or not team.devices:
        return None
    of = key.device, key.kind == Kind.TEAM
    known = writing.allowances.get(of)
    if known is None:
        known_for = writing.now - _admitted(writing.authority, key.device)
        return budget.first(known_for, writing.now, team=of[1])
    return budget.refilled(known, writing.now, team=of[1])


def _admitted(authority: Authority, device: DeviceKey) -> int:
    known = authority.team.devices.get(device)
    return next(
        (one.time for one in authority.entries if known and one.id == known.admitted_by), 2**48
    )


def _is_needed(authority: Authority, key: LogKey, first: int) -> bool:
    """Whether an act of somebody in charge waits for it: the removal of who floods, as a rule."""
    return key.kind == Kind.TEAM and any(
        cut[:3] == key and cut.seq >= first
        for one in authority.entries
        if one.device != key.device and authority.team.may(one.device, "admin")
        for cut in cut_offs(one)
    )


def paused(
    allowances: Mapping[tuple[DeviceKey, bool], Allowance],
    authority: Authority,
    now: int,
) -> Iterable[Paused]:
    """All that are paused now."""
    for (device, team), known in allowances.items():
        allowance = budget.refilled(known, now, team=team)
        if allowance.is_paused and authority.team.is_active(device):
            yield Paused(device, team, allowance.since + budget.DAY_MS)
