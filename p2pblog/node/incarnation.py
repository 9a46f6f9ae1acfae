"""Whether the home is still where it was, and a new incarnation of its logs where it is not.

A home that was copied, restored or rolled back would write a second entry with a seq that the world
knows already. So a marker outside the home says which machine and which file it was, and how far
its log had got; when it disagrees, when somebody brings entries of ours that we don't have, or when
our own log has forked, we go on in a new incarnation: a log of its own, that names the tips of the
earlier ones. Nobody is asked and nobody waits. Spec: `protocol/log.md`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from p2pblog.node.files import Files
from p2pblog.node.identity import INCARNATION_SIZE, Identity
from p2pblog.node.marker import Marker
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind, PayloadClass
from p2pblog.protocol.limits import MAX_INCARNATIONS, SALT_SIZE
from p2pblog.protocol.post import Cause, Opening
from p2pblog.store.replica import Draft, Replica

log = logging.getLogger(__name__)


def settled(
    identity: Identity, replica: Replica, files: Files, salt: Callable[[int], bytes]
) -> Identity:
    """The identity to start with: a new incarnation where the home is not where it was."""
    marker = Marker(files.marker, files.store)
    if not marker.disagrees(own_height(identity, replica)):
        return identity
    identity = renewed(identity, replica, Cause.MOVED, salt)
    identity.save(files.identity)
    return identity


def renewed(
    identity: Identity, replica: Replica, cause: Cause, salt: Callable[[int], bytes]
) -> Identity:
    """The identity in a new incarnation; the same where the device has had too many."""
    if len(own_logs(replica, identity.key.public)) >= MAX_INCARNATIONS:
        log.warning("keep incarnation: %d are the most a device has", MAX_INCARNATIONS)
        return identity
    log.warning("open incarnation cause=%s", cause.name.lower())
    return replace(identity, incarnation=Incarnation(salt(INCARNATION_SIZE)), opening=cause)


def own_height(identity: Identity, replica: Replica) -> int:
    """How many entries this incarnation has, of all kinds."""
    height = 0
    for is_team in (True, False):
        for log_id, tips in replica.rows(is_team).items():
            key = replica.log_key(log_id)
            if key is not None and key[:2] == (identity.key.public, identity.incarnation):
                height += max(tips).seq
    return height


def own_logs(replica: Replica, device: DeviceKey) -> list[tuple[Incarnation, int, EntryId]]:
    """The newest tip of each posts log of a device: incarnation, seq, id."""
    found = []
    for log_id, tips in replica.rows(False).items():
        key = replica.log_key(log_id)
        if key is not None and key[0] == device and tips:
            found.append((key[1], *max(tips)))
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
