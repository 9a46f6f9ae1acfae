"""Mends a home's store: views from entries, entries from what is whole, and the rest from peers.

A store that is whole gets its views and its search index anew. Any other is made anew from what of
its logs verifies; the damaged file is kept beside it. The device then goes on in a new incarnation:
entries of its own may be among those that were lost, and none of their numbers may come again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2pblog.errors import DiskError, NotSetUp, SearchDamaged
from p2pblog.node.files import Files
from p2pblog.node.founding import STORE_ID_SIZE
from p2pblog.node.identity import Identity
from p2pblog.node.incarnation import own_height, renewed
from p2pblog.node.jobs import Job
from p2pblog.node.marker import Marker
from p2pblog.node.writer import INDEX_BATCH
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.post import Cause
from p2pblog.store import salvage
from p2pblog.store.catalog import LogKey
from p2pblog.store.replica import Replica
from p2pblog.store.salvage import Loss

log = logging.getLogger(__name__)
PART = "repair.part"  # the store that is made, until it takes its place
BESIDE = ("", "-wal", "-shm")  # a store's files


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was found, and done: nothing but views where there are no `faults`.

    `kept` is where the damaged file is; None where there was none.
    """

    faults: Sequence[str] = ()
    kept: Path | None = None
    entries: int = 0
    losses: Sequence[tuple[str, Loss]] = ()  # of whom


def repair(files: Files, salt: Callable[[int], bytes], now: int, job: Job) -> Repaired:
    """Mend the store. Runs in a thread, while nobody has it open."""
    identity = Identity.load(files.identity)
    if identity is None:
        raise NotSetUp("This home belongs to no team yet: there is nothing to repair.")
    faults = salvage.faults(files.store, identity.team, job.look)
    whole = not faults
    if whole:
        try:
            return Repaired(entries=_anew(files.store))
        except (DiskError, SearchDamaged) as error:  # what is beside the entries is past mending
            faults = [str(error)]
    log.warning("repair faults=%d: %s", len(faults), faults[0])
    return _remake(files, identity, (faults, whole), salt, now, job)


def _anew(store: Path) -> int:
    """Make the views and the index of a whole store anew; how many entries it has."""
    with Replica.open(store) as replica:
        replica.rebuild_views()
        while replica.index_search(INDEX_BATCH):
            pass
        return replica.totals().entries


def _remake(
    files: Files,
    identity: Identity,
    found: tuple[Sequence[str], bool],
    salt: Callable[[int], bytes],
    now: int,
    job: Job,
) -> Repaired:
    """Make the store anew for the `found` faults, which may leave all entries whole."""
    faults, whole = found
    new, marker = files.home / PART, Marker(files.marker, files.store)
    _remove(new)
    own = [LogKey(identity.key.public, identity.incarnation, kind) for kind in Kind]
    store_id = salt(STORE_ID_SIZE)
    look = job.look
    try:
        losses = salvage.salvage(files.store, new, identity.team, store_id, own, now, look)
        with Replica.open(new) as replica:
            if not whole or losses or marker.disagrees(own_height(identity, replica)):
                identity = renewed(identity, replica, Cause.REPAIRED, salt)
            height = own_height(identity, replica)
            entries = replica.totals().entries
            named = [(_whose(replica, loss), loss) for loss in losses]
        kept = files.store.with_name(f"{files.store.name}.damaged-{now}")
        identity.save(files.identity)  # first: in the old file it must not go on either
        _put_in_place(new, files.store, kept)
    finally:
        _remove(new)
    marker.write(height)
    return Repaired(faults, kept if kept.exists() else None, entries, named)


def _put_in_place(new: Path, store: Path, kept: Path) -> None:
    """Keep the damaged files under another name, and let the new one take their place."""
    for end in BESIDE[:2]:
        old = store.with_name(store.name + end)
        if old.exists():
            os.link(old, kept.with_name(kept.name + end))
    for end in BESIDE[1:]:  # they belong to the damaged file, and would be read into the new one
        store.with_name(store.name + end).unlink(missing_ok=True)
    new.replace(store)


def _remove(new: Path) -> None:
    for path in new.parent.glob(f"{new.name}*"):
        path.unlink()


def _whose(replica: Replica, loss: Loss) -> str:
    device = replica.team.devices.get(loss.log.device)
    if device is None:
        return f"an unknown device ({loss.log.device.hex()[:8]})"
    return f"{replica.team.members[device.member].display_name} ({device.name})"


def in_words(done: Repaired) -> tuple[str, str]:
    """What was done, and what is to be done."""
    if not done.faults:
        why = f"All {done.entries:,} entries are whole; views and search were made anew from them."
        return why, ""
    lost = ", ".join(f"{loss.first} to {loss.last} of {who}" for who, loss in done.losses[:8])
    what = f"Not whole: entries {lost}." if lost else "No entry is known to be lost."
    why = f"The store was made anew from {done.entries:,} whole entries. {what}"
    if not done.entries:
        why = "Nothing could be read of the store, so it begins anew."
    hint = "What is missing comes from your colleagues' machines."
    if done.kept is not None:
        hint += f" The damaged file is kept: {done.kept}"
    return why, hint
