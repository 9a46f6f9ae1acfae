"""Whether the home is still where it was, and a new incarnation of its logs where it is not.

A home that was copied, restored or rolled back would write a second entry with a seq that the world
knows already. So a marker outside the home says which machine and which file it was, and how far
its log had got; when it disagrees, when somebody brings entries of ours that we don't have, or when
our own log has forked, we go on in a new incarnation: a log of its own, that names the tips of the
earlier ones. Nobody is asked and nobody waits. Spec: `protocol/log.md`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from p2pblog.node.identity import Identity, load_json, save_json
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind, PayloadClass
from p2pblog.protocol.limits import INCARNATION_SIZE, MAX_INCARNATIONS, SALT_SIZE
from p2pblog.protocol.post import Cause, Opening
from p2pblog.store.replica import Draft, Replica

log = logging.getLogger(__name__)
MACHINE_ID = Path("/etc/machine-id")


class Marker:
    """What the file at `path`, outside the home, says of the store at `store`."""

    def __init__(self, path: Path, store: Path) -> None:
        self._path = path
        self._store = store

    def disagrees(self, height: int) -> bool:
        """Whether this is another machine or file, or its log got further than `height`."""
        kept = load_json(self._path)
        if kept is None:
            return True
        here = kept.get("machine") == _machine() and kept.get("file") == self._file()
        return not here or int(kept.get("height", 0)) > height

    def write(self, height: int) -> None:
        """This is where we are now."""
        kept = {"machine": _machine(), "file": self._file(), "height": str(height)}
        save_json(self._path, kept)

    def _file(self) -> str:
        return str(self._store.stat().st_ino)


def _machine() -> str:
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{uuid.getnode():012x}"


def renewed(
    identity: Identity, replica: Replica, cause: Cause, salt: Callable[[int], bytes]
) -> Identity:
    """The identity in a new incarnation; the same where the device has had too many."""
    if len(own_logs(replica, identity.key.public)) >= MAX_INCARNATIONS:
        log.warning("keep incarnation: %d are the most a device has", MAX_INCARNATIONS)
        return identity
    log.warning("open incarnation cause=%s", cause.name.lower())
    return replace(identity, incarnation=Incarnation(salt(INCARNATION_SIZE)), opening=cause)


def own_logs(replica: Replica, device: DeviceKey) -> list[tuple[Incarnation, int, EntryId]]:
    """The newest tip of each posts log of a device: incarnation, seq, id."""
    found = []
    for log_id, tips in replica.rows(False).items():
        key = replica.log_key(log_id)
        if key is not None and key[0] == device and tips:
            seq, entry_id = max(tips)
            found.append((key[1], seq, entry_id))
    return sorted(found)


def opening_draft(
    identity: Identity, replica: Replica, salt: Callable[[int], bytes]
) -> Draft | None:
    """The first payload of a later incarnation; None where the first is gone on with."""
    earlier = own_logs(replica, identity.key.public)
    if not earlier or any(incarnation == identity.incarnation for incarnation, _, _ in earlier):
        return None
    cause = identity.opening or Cause.MOVED
    content = Opening(cause, tuple(earlier)).pack()
    return Draft(Kind.POSTS, PayloadClass.OPENING, content, salt(SALT_SIZE))
