"""The ends of logs, each with the log's own signature there: what cut-offs name.

Spec: `protocol/cutoff.md`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import parse_header
from p2pblog.protocol.log import Branch, Tip
from p2pblog.protocol.operation import CutOff
from p2pblog.store import entries
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import Catalog, Log


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is held of a log beyond its cut-off: up to where, how many entries, from when to when.

    Times are those of the headers, ms.
    """

    upto: CutOff
    entries: int
    first: int
    last: int


def standing(
    connection: sqlite3.Connection, catalog: Catalog, devices: Iterable[DeviceKey]
) -> list[CutOff]:
    """How far each log of the devices counts and is held here, in the order of cut-offs.

    Of a log with branches the highest: an operation names one end for each log.
    """
    found = [
        _cut_off(connection, log, max(log.tips))
        for device in devices
        for log in _logs(catalog, device)
        if log.tips
    ]
    return sorted(found)


def beyond(
    connection: sqlite3.Connection, catalog: Catalog, authority: Authority, device: DeviceKey
) -> list[Beyond]:
    """What is held beyond the cut-offs of a device, on the branches that they name."""
    found = []
    for log in _logs(catalog, device):
        cut = authority.cut_off(log.key)
        branch = log.top
        if cut is not None and cut.seq:
            held = entries.holder(connection, log, (cut.seq, cut.tip))
            if held is None:
                continue
            branch = max((b for b in log.branches if _leads(log, b, held, cut.seq)), key=_height)
        if cut is not None and branch.tip.seq > cut.seq:
            upto = _cut_off(connection, log, branch.tip)
            times = [_time(connection, log, branch, seq) for seq in (cut.seq + 1, branch.tip.seq)]
            found.append(Beyond(upto, branch.tip.seq - cut.seq, *times))
    return sorted(found, key=lambda one: one.upto)


def _logs(catalog: Catalog, device: DeviceKey) -> Iterator[Log]:
    return (catalog.by_number[number] for number in catalog.of_device.get(device, ()))


def _leads(log: Log, branch: Branch, held: Branch, seq: int) -> bool:
    """Whether a branch has the entry that `held` has at `seq`."""
    return branch.tip.seq >= seq and log.carrier(branch, seq) == log.carrier(held, seq)


def _height(branch: Branch) -> Tip:
    return branch.tip


def _cut_off(connection: sqlite3.Connection, log: Log, tip: Tip) -> CutOff:
    branch = entries.holder(connection, log, tip)
    assert branch is not None
    (signature,) = connection.execute(
        "SELECT signature FROM entries WHERE branch = ? AND seq = ?",
        (log.carrier(branch, tip.seq).number, tip.seq),
    ).fetchone()
    return CutOff(*log.key, tip.seq, tip.id, signature)


def _time(connection: sqlite3.Connection, log: Log, branch: Branch, seq: int) -> int:
    header = entries.header_at(connection, log, branch, seq)
    assert header is not None
    return parse_header(header).time
