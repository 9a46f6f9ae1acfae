"""What a surface may ask about bundles and backups: a part of `service.Service`.

Paths are absolute. Each call lasts as long as its work; `status` tells how far it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class JobView:
    """Work under way: a backup or a bundle. `total` is 0 while it is not known."""

    what: str
    path: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class BundleView:
    """What a bundle's file holds. `member`: whom it is for, empty where for everybody.

    `devices`: how many it is sealed to. `entries` of `logs` logs; `granted` more are taken for
    granted. `whole` is false where it was cut or altered, `why` says how.
    """

    path: str
    team: str
    created: int
    maker: str
    member: str
    devices: int
    logs: int
    entries: int
    granted: int
    size: int
    whole: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class MissingRun:
    """Entries of a device that a bundle speaks of and that are not here; `why`.

    gap: the bundle begins after them; cut: its file ends too early or was altered; else the reason
    why they were refused.
    """

    member: str
    device: str
    first: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class BundleTaken:
    """What became of a bundle: entries stored now and known before, and what is missing."""

    path: str
    created: int
    maker: str
    stored: int
    known: int
    missing: tuple[MissingRun, ...]
    whole: bool
    why: str


@dataclass(frozen=True, slots=True)
class BackupView:
    """A backup that was written and read back."""

    path: str
    created: int
    size: int
    entries: int
    posts: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that came back from a backup made at `created`."""

    path: str
    created: int
    team: str
    member: str
    device_name: str
    entries: int
    posts: int


class Carriage(Protocol):
    """Files that carry a team's posts, or a home."""

    async def export_bundle(self, path: str, member: str, force: bool) -> BundleView:
        """Write what is here, or what a member lacks as far as known; for all if empty."""
        ...

    async def import_bundle(self, path: str) -> BundleTaken:
        """Store what a bundle brings; what is whole is kept, however its file ends."""
        ...

    async def show_bundle(self, path: str) -> BundleView:
        """What a bundle holds; stores nothing."""
        ...

    async def back_up(self, path: str, passphrase: str, force: bool) -> BackupView:
        """Write the home into one file, and read it back."""
        ...

    async def restore(self, path: str, passphrase: str) -> Restored:
        """Bring a home back into this empty one."""
        ...
