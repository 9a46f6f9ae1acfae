"""The node's part that reads and writes files for the user: bundles and backups, one at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from p2pblog.errors import UsageError
from p2pblog.node import backups, carried, exporting, taking
from p2pblog.node.carriage import BackupView, BundleTaken, BundleView, Restored
from p2pblog.node.files import Files
from p2pblog.node.jobs import Jobs, work
from p2pblog.node.membership import Membership, wall_clock
from p2pblog.protocol.backup import Cost
from p2pblog.protocol.limits import (
    MAX_PASSPHRASE,
    MIN_PASSPHRASE,
    PASSPHRASE_MEMORY,
    PASSPHRASE_PASSES,
    SALT_SIZE,
)


class Settings(Protocol):
    """The settings of a home, as text."""

    def all(self) -> dict[str, str]:
        """Every setting with its present value."""
        ...

    def put(self, key: str, value: str | None) -> None:
        """Change one. Raises `UserError`."""
        ...


@dataclass(frozen=True, slots=True)
class Carrier:
    """`carriage.Carriage` of a node. `here` raises `NotSetUp` where the home is in no team.

    `settle` lets the node become what the home's files say.
    """

    here: Callable[[], Membership]
    files: Files
    settings: Settings
    version: str
    salt: Callable[[int], bytes]
    jobs: Jobs
    settle: Callable[[], Awaitable[None]]
    stretching: tuple[int, int] = (PASSPHRASE_PASSES, PASSPHRASE_MEMORY)

    async def export_bundle(self, path: str, member: str, force: bool) -> BundleView:
        """Write what is here, or what a member lacks as far as known."""
        here = self.here()
        order = exporting.order(here, carried.place(path), member, force)
        with self.jobs.begin("bundle export", path) as job:
            return await work(job, lambda: exporting.export(here, order, job))

    async def import_bundle(self, path: str) -> BundleTaken:
        """Store what a bundle brings."""
        here, place = self.here(), carried.place(path)
        with self.jobs.begin("bundle import", path) as job:
            return await taking.take(here, place, job)

    async def show_bundle(self, path: str) -> BundleView:
        """What a bundle holds."""
        here, place = self.here(), carried.place(path)
        with self.jobs.begin("bundle show", path) as job:
            return await work(job, lambda: taking.show(here, place, job))

    async def back_up(self, path: str, passphrase: str, force: bool) -> BackupView:
        """Write the home into one file, and read it back."""
        here = self.here()
        order = backups.Order(carried.place(path), _chosen(passphrase), force)
        settings = self.settings.all()
        home = backups.Home(self.files, here.replica, here.identity, settings, self.version)
        with self.jobs.begin("backup", path) as job:
            means = backups.Means(self.salt, wall_clock(), job)
            cost = Cost(self.salt(SALT_SIZE), *self.stretching)
            return await work(job, lambda: backups.back_up(home, order, means, cost))

    async def restore(self, path: str, passphrase: str) -> Restored:
        """Bring a home back into this empty one."""
        backups.check_empty(self.files)
        order = backups.Order(carried.place(path), passphrase)
        with self.jobs.begin("restore", path) as job:
            means, put = backups.Means(self.salt, wall_clock(), job), self.settings.put
            back = await work(job, lambda: backups.restore(self.files, put, order, means))
        await self.settle()
        return back


def _chosen(passphrase: str) -> str:
    """A passphrase for a new backup. Raises `UsageError` where it is too short or too long."""
    if len(passphrase) < MIN_PASSPHRASE:
        hint = "A few words that belong to nothing are best."
        raise UsageError(f"A passphrase has {MIN_PASSPHRASE} characters at least.", hint)
    if len(passphrase.encode("utf-8", "surrogatepass")) > MAX_PASSPHRASE:
        raise UsageError("The passphrase is too long.", f"{MAX_PASSPHRASE} bytes at most.")
    return passphrase
