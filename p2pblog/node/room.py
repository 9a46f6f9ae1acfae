"""Whether there is room for what others write: a floor below which only own posts are taken.

A full disk must not keep its owner from posting, and what others wrote can be had again at any
time. Below the floor no posts are asked for, and those that are pushed are left; team logs are
small, decide who may do what, and are taken as long as anything is. Once there is room again,
everything is asked for anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from p2pblog.errors import CantWrite
from p2pblog.protocol import page
from p2pblog.protocol.entry import Kind
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.limits import MIB
from p2pblog.protocol.message import Scope
from p2pblog.store.replica import Checked

DISK_FLOOR = 64 * MIB  # bytes free: 100,000 own posts, and what SQLite writes beside them
POSTS = frozenset((Scope.POSTS,))


class Room:
    """The room of one home. While it `is_full`, no session gets a claim of posts."""

    def __init__(self, folder: Path, claims: Claims) -> None:
        self.is_full = False
        self._folder = folder
        self._claims = claims

    def look(self) -> bool:
        """Look how much is free; whether there is room again that was not there before."""
        before = self.is_full
        self._set(shutil.disk_usage(self._folder).free < DISK_FLOOR)
        return before and not self.is_full

    def run_out(self) -> None:
        """A write came to nothing, however much may be free."""
        self._set(True)

    def _set(self, full: bool) -> None:
        self.is_full = full
        self._claims.closed = POSTS if full else frozenset()

    def takes(self, data: bytes | Checked) -> bool:
        """Whether a page is taken in now."""
        raw = data.data if isinstance(data, Checked) else data
        return not self.is_full or page.kind_of(raw) == Kind.TEAM

    def check(self) -> None:
        """Raise `CantWrite` where there is none, for whoever waits for it."""
        if self.is_full:
            raise CantWrite(self.why, "Make room, then try again.")

    @property
    def why(self) -> str:
        """What is so while it is full."""
        free, floor = shutil.disk_usage(self._folder).free // MIB, DISK_FLOOR // MIB
        if free >= floor:
            return "What others write is not taken in."
        return f"Only {free} MB are free: below {floor} MB what others write is not taken in."
