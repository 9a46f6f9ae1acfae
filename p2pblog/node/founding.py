"""How a home becomes a member's: by founding a team, or with what a join has brought.

The store comes first and the identity last: whatever is interrupted leaves an empty home.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from p2pblog.errors import DiskError
from p2pblog.node.files import Files
from p2pblog.node.identity import INCARNATION_SIZE, Identity
from p2pblog.node.marker import Marker
from p2pblog.protocol import entry, invitation, operation, page
from p2pblog.protocol.admission import Joined
from p2pblog.protocol.crypto import KEY_SIZE, DeviceKey, SigningKey
from p2pblog.protocol.entry import (
    NO_BACKLINK,
    NO_TEAM,
    Incarnation,
    Kind,
    PayloadClass,
    TeamId,
)
from p2pblog.protocol.limits import SALT_SIZE
from p2pblog.store.replica import Replica

FIXED_PEERS = "fixed peers"  # the setting that holds the addresses that the user gave
STORE_ID_SIZE = 8


def found_team(
    files: Files,
    team: str,
    name: str,
    device_name: str,
    recovery_code: str,
    salt: Callable[[int], bytes],
    now: int,
) -> None:
    """Found a team: its first entry, the store that holds it, and the identity of this device."""
    key = SigningKey(salt(KEY_SIZE))
    network_key = salt(KEY_SIZE)
    incarnation = Incarnation(salt(INCARNATION_SIZE))
    found = operation.Found(
        team_name=team,
        member_name=name,
        device_name=device_name,
        recovery_key=invitation.recovery_key(recovery_code).public,
        policy=operation.Policy(),
        network_commitment=operation.commit(network_key),
    )
    made = entry.make(
        key,
        NO_TEAM,
        incarnation,
        Kind.TEAM,
        seq=1,
        backlink=NO_BACKLINK,
        time=now,
        payload_class=PayloadClass.OPERATION,
        salt=salt(SALT_SIZE),
        content=found.pack(),
    )
    first = page.pack([made.header_bytes], [made.payload], [made.signature])
    identity = Identity(key, incarnation, TeamId(made.id), network_key)
    _settle(files, identity, [first], salt, now)


def take_membership(
    files: Files,
    key: SigningKey,
    joined: Joined,
    host: tuple[DeviceKey, str],
    peers: Sequence[str],
    salt: Callable[[int], bytes],
    now: int,
) -> None:
    """Become the member that a join has made of us.

    Whoever let us in, and the addresses that the user gave, are where we look for the team first.
    """
    incarnation = Incarnation(salt(INCARNATION_SIZE))
    identity = Identity(key, incarnation, joined.team, joined.network_key)
    _settle(files, identity, joined.pages, salt, now, host, peers)


def _settle(
    files: Files,
    identity: Identity,
    pages: Sequence[bytes],
    salt: Callable[[int], bytes],
    now: int,
    host: tuple[DeviceKey, str] | None = None,
    peers: Sequence[str] = (),
) -> None:
    put_aside(files.store, now)
    with Replica.create(files.store, identity.team, salt(STORE_ID_SIZE)) as replica:
        results = replica.ingest(pages, now)
        if not replica.team.is_active(identity.key.public):
            raise DiskError(f"the team's logs were not taken in: {results}")
        if host is not None:
            replica.remember_address(*host, now)
        replica.put_setting(FIXED_PEERS, json.dumps(sorted(set(peers))))
    Marker(files.marker, files.store).write(0)
    identity.save(files.identity)


def put_aside(store: Path, now: int) -> None:
    """Keep a store that has no identity, under another name: nothing is ever thrown away here."""
    for path in store.parent.glob(f"{store.name}*"):
        if not path.name.startswith(f"{store.name}.aside"):
            path.rename(store.with_name(f"{store.name}.aside-{now}{path.name[len(store.name) :]}"))
