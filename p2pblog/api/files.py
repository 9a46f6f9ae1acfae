"""Handlers of files that the user carries: bundles and backups. They last as long as the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from p2pblog.api.context import Api
from p2pblog.api.fields import Flag, Text
from p2pblog.api.limits import MAX_PATH, MAX_WORD
from p2pblog.node.carriage import BackupView, BundleTaken, BundleView, Restored
from p2pblog.protocol.limits import MAX_PASSPHRASE

PATH = Text(MAX_PATH, 1)
SECRET = Text(MAX_PASSPHRASE, 1)


@dataclass(frozen=True, slots=True)
class OneFile:
    """Which file, by its absolute path."""

    path: Annotated[str, PATH]


@dataclass(frozen=True, slots=True)
class NewBundle:
    """A bundle to write; `member`: only what that one lacks as far as is known."""

    path: Annotated[str, PATH]
    member: Annotated[str, Text(MAX_WORD)] = ""
    force: Annotated[bool, Flag()] = False


@dataclass(frozen=True, slots=True)
class NewBackup:
    """A backup to write."""

    path: Annotated[str, PATH]
    passphrase: Annotated[str, SECRET]
    force: Annotated[bool, Flag()] = False


@dataclass(frozen=True, slots=True)
class OldBackup:
    """A backup to restore."""

    path: Annotated[str, PATH]
    passphrase: Annotated[str, SECRET]


async def export_bundle(api: Api, ask: NewBundle) -> BundleView:
    """Write a bundle, sealed to the devices that it is for."""
    return await api.service.carriage.export_bundle(ask.path, ask.member, ask.force)


async def import_bundle(api: Api, ask: OneFile) -> BundleTaken:
    """Store what a bundle brings; what is whole is kept, however its file ends."""
    return await api.service.carriage.import_bundle(ask.path)


async def show_bundle(api: Api, ask: OneFile) -> BundleView:
    """What a bundle holds; stores nothing."""
    return await api.service.carriage.show_bundle(ask.path)


async def back_up(api: Api, ask: NewBackup) -> BackupView:
    """Write the home into one file under a passphrase, and read it back."""
    return await api.service.carriage.back_up(ask.path, ask.passphrase, ask.force)


async def restore(api: Api, ask: OldBackup) -> Restored:
    """Bring a home back from a backup; this one must be in no team."""
    return await api.service.carriage.restore(ask.path, ask.passphrase)
