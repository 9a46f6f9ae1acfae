"""A marker outside the home: which machine and file it was, and how far its logs had got.

A copy, a restored backup or a rolled-back store does not agree with it. It is never ahead of the
store, so a crash between the two does no harm.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from p2pblog.errors import DiskError
from p2pblog.node.identity import load_json, save_json

MACHINE_ID = Path("/etc/machine-id")


class Marker:
    """What the file at `path`, outside the home, says of the store at `store`."""

    def __init__(self, path: Path, store: Path) -> None:
        self._path = path
        self._store = store

    def disagrees(self, height: int) -> bool:
        """Whether this is another machine or file, or its log got further than `height`."""
        try:
            kept = load_json(self._path, "")
            if kept is None:
                return True
            here = kept.get("machine") == _machine() and kept.get("file") == self._file()
            return not here or int(kept.get("height", 0)) > height
        except (DiskError, TypeError, ValueError):  # it says nothing, so it does not agree
            return True

    def write(self, height: int) -> None:
        """This is where we are now."""
        kept = {"machine": _machine(), "file": self._file(), "height": str(height)}
        save_json(self._path, kept)

    def _file(self) -> str:
        return str(self._store.stat().st_ino)


def _machine() -> str:
    try:
        return MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return f"{uuid.getnode():012x}"
