"""What other devices have stored of each log, as far as they said so themselves.

In a session, or in a bundle that they signed. Kept over restarts, since it is asked for when a
device has been away for weeks. It is never more than what was said: a device that was put back to
an earlier state has less, and what is left out for it then shows as a gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Tips

SETTING = "stored by "  # and the device's key: the setting that keeps it


class Knowledge:
    """Heights by device and log. `kept` are the settings of the last run."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        self._heights: dict[DeviceKey, dict[LogId, int]] = {}
        self._changed: set[DeviceKey] = set()
        for key, text in kept.items():
            if key.startswith(SETTING):
                device = DeviceKey(bytes.fromhex(key.removeprefix(SETTING)))
                self._heights[device] = _read(text)

    def note(self, device: DeviceKey, log: LogId, seq: int) -> None:
        """The device has stored this log up to a height."""
        heights = self._heights.setdefault(device, {})
        if seq > heights.get(log, 0):
            heights[log] = seq
            self._changed.add(device)

    def note_tips(self, device: DeviceKey, tips: Tips) -> None:
        """The device has stored these logs up to these tips."""
        for log, branches in tips.items():
            if branches:
                self.note(device, log, max(branches).seq)

    def height(self, device: DeviceKey, log: LogId) -> int:
        """Up to where the device has a log; 0 where nothing is known."""
        return self._heights.get(device, {}).get(log, 0)

    def take_changed(self) -> list[tuple[str, str]]:
        """The settings to be kept since the last call: name and text."""
        changed, self._changed = self._changed, set()
        return [(SETTING + device.hex(), _write(self._heights[device])) for device in changed]


def _write(heights: Mapping[LogId, int]) -> str:
    return json.dumps({log.hex(): seq for log, seq in sorted(heights.items())})


def _read(text: str) -> dict[LogId, int]:
    found: dict[str, int] = json.loads(text)
    return {LogId(bytes.fromhex(log)): seq for log, seq in found.items()}
