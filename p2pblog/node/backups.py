"""Backs a home up into one file under a passphrase, and brings one back.

A backup is read back before it counts. A restored home goes on in a new incarnation: its old logs
may have gone on since, and nobody has to be asked. Spec: `protocol/backup.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from p2pblog.errors import (
    CantWrite,
    Conflict,
    DiskError,
    Exit,
    Reason,
    Refused,
    StoreTooNew,
    UserError,
)
from p2pblog.node import carried, founding
from p2pblog.node.carriage import BackupView, Restored
from p2pblog.node.files import Files
from p2pblog.node.identity import Identity
from p2pblog.node.incarnation import renewed
from p2pblog.node.jobs import GivenUp, Job
from p2pblog.node.marker import Marker
from p2pblog.protocol import backup, sealed
from p2pblog.protocol.backup import Cost, End, Part, Piece, Record, Start
from p2pblog.protocol.limits import MAX_CHUNK, MIB
from p2pblog.protocol.post import Cause
from p2pblog.store.records import Totals
from p2pblog.store.replica import Replica

COPY = "backup.part"  # the store's copy while a backup is made, in the home
RESTORED = "restore.part"  # the store that comes back, until it is found to be good
MAX_SMALL = 1 * MIB  # of a part that is held in memory: identity and settings take 1 KiB


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: which file, under which passphrase. `force` overwrites."""

    path: Path
    passphrase: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What both ways need: random bytes, the wall clock (ms), and to say how far it is."""

    salt: Callable[[int], bytes]
    now: int
    job: Job


@dataclass(frozen=True, slots=True)
class Home:
    """What is backed up, and by which version of the program."""

    files: Files
    replica: Replica
    identity: Identity
    settings: Mapping[str, str]
    version: str


def back_up(home: Home, order: Order, means: Means, cost: Cost) -> BackupView:
    """Write a backup and read it back. Runs in a thread, while others write."""
    copy = home.files.home / COPY
    with carried.writing(order.path, force=order.force) as file:
        secret = backup.stretch(order.passphrase, cost)
        try:
            totals = _copy(home.replica, copy, means.job)
            sealing = _Sealing(file, secret, cost, means)
            sealing.add(
                Start(home.identity.team, home.identity.key.public, means.now, home.version)
            )
            sealing.small("identity", home.files.identity.read_bytes())
            sealing.small("settings", json.dumps(dict(home.settings)).encode())
            sealing.file("store", copy)
            sealing.end()
        finally:
            copy.unlink(missing_ok=True)
        file.flush()
        size = file.tell()
        _read_back(order.path, file, secret, sealing, means.job)
    return BackupView(str(order.path), means.now, size, totals.entries, totals.posts)


def _copy(replica: Replica, copy: Path, job: Job) -> Totals:
    copy.unlink(missing_ok=True)
    try:
        totals = replica.copy_to(copy, job.look)
    except (DiskError, CantWrite) as error:
        hint = f"Make room beside the store, in {copy.parent}."
        raise UserError(f"The store can't be copied: {str(error).rstrip('.')}.", hint) from error
    if totals is None:
        raise GivenUp("backup")
    return totals


class _Sealing:
    """Writes the records, and keeps a hash of them."""

    def __init__(self, file: BinaryIO, secret: bytes, cost: Cost, means: Means) -> None:
        self.salt = means.salt(sealed.SALT_SIZE)
        head = backup.make_head(secret, cost, self.salt)
        self.digest = hashlib.blake2b()
        self._file = file
        self._sealer = sealed.Sealer(backup.key_of(secret), self.salt, head[-sealed.BINDING_SIZE :])
        self._parts = 0
        self._job = means.job
        file.write(head)

    def add(self, record: Record) -> None:
        data = backup.pack(record)
        self.digest.update(data)
        self._file.write(self._sealer.add(data))

    def small(self, name: str, data: bytes) -> None:
        self._parts += 1
        self.add(Part(name, len(data)))
        self.add(Piece(data))

    def file(self, name: str, path: Path) -> None:
        self._parts += 1
        size = path.stat().st_size
        self._job.total = 2 * size  # written and read back
        self.add(Part(name, size))
        with path.open("rb") as source:
            while piece := source.read(MAX_CHUNK):
                self.add(Piece(piece))
                self._job.step(source.tell())

    def end(self) -> None:
        self.add(End(self._parts))
        self._file.write(self._sealer.end())


def _read_back(path: Path, file: BinaryIO, secret: bytes, sealing: _Sealing, job: Job) -> None:
    """Raise `UserError` unless the file holds what was written."""
    part = path.with_name(path.name + ".part")
    digest = hashlib.blake2b()
    with carried.open_file(part) as again:
        carried.drop_cached(file)
        try:
            head = carried.read_head(again, part, backup.MAGIC, backup.VERSION)
            opener = sealed.Opener(backup.key_of(secret), sealing.salt, head.binding)
            half = job.total // 2
            for record in carried.records(again, part, opener, lambda at: job.step(half + at)):
                digest.update(record)
            whole = digest.digest() == sealing.digest.digest()
        except Refused:
            whole = False
    if not whole:
        message = f"{path} can't be read back as it was written."
        raise UserError(message, "The disk or the stick is failing: take another.")


# Coming back


def check_empty(files: Files) -> None:
    """Raise `Conflict` where the home is of a team, or on its way into one."""
    if files.identity.exists():
        hint = "Restore into another home: p2pblog --home DIR restore FILE"
        raise Conflict(f"The home {files.home} is in use: it is of a team.", hint)
    if files.joining.exists():
        hint = "Give it up first: p2pblog join --cancel. Or take another --home."
        raise Conflict(f"The home {files.home} is in use: a join is under way.", hint)


def restore(
    files: Files, put_setting: Callable[[str, str], None], order: Order, means: Means
) -> Restored:
    """Bring a home back. Nothing is in place before all is found to be good. In a thread."""
    check_empty(files)
    store = files.home / RESTORED
    new = replace(files, store=store, identity=files.home / f"{RESTORED}.identity")
    _remove(files.home)
    try:
        start, settings = _unpack(new, order, means.job)
        identity, back = _judge(new, start, order.path, means.salt)
        check_empty(files)
        founding.put_aside(files.store, means.now)
        new.store.replace(files.store)
        Marker(files.marker, files.store).write(0)
        for key, value in settings.items():
            _put(put_setting, key, value)
        identity.save(files.identity)
    finally:
        _remove(files.home)
    return back


def _remove(home: Path) -> None:
    """Away with what a restore has unpacked, this time or one that was cut off."""
    for path in home.glob(f"{RESTORED}*"):
        path.unlink()


def _put(put_setting: Callable[[str, str], None], key: str, value: str) -> None:
    """One setting; one that this version does not know is left."""
    try:
        put_setting(key, value)
    except UserError:
        return


def _unpack(new: Files, order: Order, job: Job) -> tuple[Start, dict[str, str]]:
    """Put the parts of the file into the home under names that mean nothing yet."""
    path = order.path
    try:
        with carried.open_file(path) as file:
            job.total = path.stat().st_size
            head = carried.read_head(file, path, backup.MAGIC, backup.VERSION)
            opener = backup.open_head(head, order.passphrase)
            raw = carried.records(file, path, opener, job.step)
            return _parts(new, _records(raw))
    except Refused as refused:
        raise carried.refusal(refused, path, "backup") from refused


def _records(raw: Iterator[bytes]) -> Iterator[Record]:
    reader = backup.Reader()
    for data in raw:
        yield reader.receive(data)
    reader.end()


def _parts(new: Files, records: Iterator[Record]) -> tuple[Start, dict[str, str]]:
    start: Start | None = None
    small = {"identity": bytearray(), "settings": bytearray()}
    name = ""
    with carried.mapped(new.store), new.store.open("xb") as store:
        for record in records:
            match record:
                case Start():
                    start = record
                case Part():
                    name = record.name
                case Piece(data) if name == "store":
                    store.write(data)
                case Piece(data) if name in small and len(small[name]) < MAX_SMALL:
                    small[name] += data
                case _:
                    pass
    new.store.chmod(0o600)
    assert start is not None  # the reader wants it first
    carried.write_private(new.identity, bytes(small["identity"]))
    return start, _settings(bytes(small["settings"]))


def _settings(data: bytes) -> dict[str, str]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise Refused(Reason.BAD_VALUE, "its settings") from error
    if not isinstance(found, dict):
        raise Refused(Reason.BAD_VALUE, "its settings")
    return {str(key): str(value) for key, value in found.items()}


def _judge(
    new: Files, start: Start, path: Path, salt: Callable[[int], bytes]
) -> tuple[Identity, Restored]:
    """The identity, in a new incarnation, where all parts fit each other; else `BadFile`."""
    try:
        identity = Identity.load(new.identity)
        with Replica.open(new.store) as replica:
            faults = replica.check()
            team = replica.team
            me = None if identity is None else team.devices.get(identity.key.public)
            if identity is None or me is None or faults or replica.team_id != identity.team:
                raise DiskError(faults[0] if faults else "its parts do not fit each other")
            replica.begin_anew(salt(founding.STORE_ID_SIZE))
            identity = renewed(identity, replica, Cause.RESTORED, salt)
            totals = replica.totals()
    except StoreTooNew as error:
        raise carried.refusal(Refused(Reason.VERSION), path, "backup") from error
    except DiskError as error:
        message = f"{path} holds no home that can be used: {error}."
        hint = "Take another backup; nothing was touched."
        raise carried.BadFile(Reason.BAD_VALUE, Exit.FAILED, message, hint) from error
    who = team.members[me.member].display_name
    counts = totals.entries, totals.posts
    return identity, Restored(str(path), start.made, team.name, who, me.name, *counts)
