"""Bundles and backups of the fake node: only their answers, no files."""

from __future__ import annotations

from p2pblog.errors import Conflict, NotFound, UsageError
from p2pblog.node.carriage import BackupView, BundleTaken, BundleView, MissingRun, Restored

CREATED = 1_795_438_800_000


class FakeCarriage:
    """`Carriage`: paths that end in `.bad` hold nothing of use, `.cut` ends too early."""

    def __init__(self) -> None:
        self.empty = False  # whether the home may be restored into
        self.written: set[str] = set()

    def _check(self, path: str) -> None:
        if not path.startswith("/"):
            raise UsageError(f"{path!r} is no absolute path.", "Give it from the root on.")
        if path.endswith(".bad"):
            raise NotFound(f"{path} is not there.")

    def _write(self, path: str, force: bool) -> None:
        self._check(path)
        if path in self.written and not force:
            raise Conflict(f"{path} exists already.", "Overwrite it: --force")
        self.written.add(path)

    async def export_bundle(self, path: str, member: str, force: bool) -> BundleView:
        if member and member != "Ben":
            raise NotFound(f"No member is called {member!r}.")
        self._write(path, force)
        return self._view(path, member)

    def _view(self, path: str, member: str = "") -> BundleView:
        whole = not path.endswith(".cut")
        why = "" if whole else "it ends too early"
        granted = 40 if member else 0
        counts = (3, 4, 120 - granted, granted, 65_000)
        return BundleView(
            path, "Office", CREATED, "Anna (laptop)", member, *counts, whole=whole, why=why
        )

    async def import_bundle(self, path: str) -> BundleTaken:
        self._check(path)
        if not path.endswith(".cut"):
            return BundleTaken(path, CREATED, "Ben (desk)", 12, 108, (), True, "")
        missing = (MissingRun("Ben", "desk", 13, 40, "cut"),)
        return BundleTaken(path, CREATED, "Ben (desk)", 12, 80, missing, False, "it ends too early")

    async def show_bundle(self, path: str) -> BundleView:
        self._check(path)
        return self._view(path)

    async def back_up(self, path: str, passphrase: str, force: bool) -> BackupView:
        if len(passphrase) < 8:
            raise UsageError("A passphrase has 8 characters at least.")
        self._write(path, force)
        return BackupView(path, CREATED, 2_000_000, 130, 120)

    async def restore(self, path: str, passphrase: str) -> Restored:
        self._check(path)
        if not self.empty:
            raise Conflict("The home /home/anna/p2pblog is in use: it is of a team.")
        return Restored(path, CREATED, "Office", "Anna", "laptop", 130, 120)
