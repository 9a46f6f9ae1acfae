"""What other devices have stored of each log, as far as they said so themselves.

In a session, or in a bundle that they signed. Kept over restarts, since it is asked for when a
device has been away for weeks. It is never more than what was said: a device that was put back to
an earlier state has less, and what is left out for it then shows as a gap.

Only logs that are stored here are noted. Each has a place, and a device's heights are a row of
numbers by place: eight bytes each, where names in a dictionary would take a hundred.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Tips

LOGS = "stored logs"  # the setting that keeps the logs in the order of their places
SETTING = "stored by "  # and the device's key: the setting that keeps its heights in that order
_DIGITS = 32  # of a log's id


class Knowledge:
    """Heights by device and log. `kept` are the settings of the last run."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        logs = kept.get(LOGS, "")
        ids = [logs[at : at + _DIGITS] for at in range(0, len(logs), _DIGITS)]
        self._places = {LogId(bytes.fromhex(log)): place for place, log in enumerate(ids)}
        self._heights: dict[DeviceKey, array[int]] = {}
        self._changed: set[DeviceKey] = set()
        for key, text in kept.items():
            if key.startswith(SETTING):
                device = DeviceKey(bytes.fromhex(key.removeprefix(SETTING)))
                self._take_back(device, text, len(ids))

    def _take_back(self, device: DeviceKey, text: str, places: int) -> None:
        """A row as it was kept; of what a repair has found it may have more than `places`."""
        if not text.startswith("{"):
            self._heights[device] = array("Q", map(int, text.split()[:places]))
            return
        for log, seq in json.loads(text).items():  # as it was kept once
            self.note(device, LogId(bytes.fromhex(log)), seq)

    def note(self, device: DeviceKey, log: LogId, seq: int) -> None:
        """The device has stored this log up to a height."""
        place = self._places.setdefault(log, len(self._places))
        heights = self._heights.setdefault(device, array("Q"))
        if place >= len(heights):
            heights.extend([0] * (place + 1 - len(heights)))
        if seq > heights[place]:
            heights[place] = seq
            self._changed.add(device)

    def note_tips(self, device: DeviceKey, tips: Tips) -> None:
        """The device has stored these logs up to these tips."""
        for log, branches in tips.items():
            if branches:
                self.note(device, log, max(branches).seq)

    def height(self, device: DeviceKey, log: LogId) -> int:
        """Up to where the device has a log; 0 where nothing is known."""
        heights, place = self._heights.get(device, ()), self._places.get(log)
        return heights[place] if place is not None and place < len(heights) else 0

    def take_changed(self) -> list[tuple[str, str]]:
        """The settings to be kept since the last call: name and text.

        They are kept in this order, each only once those before it are: a row that has more places
        than the logs that are kept would be taken for heights of others.
        """
        changed, self._changed = self._changed, set()
        rows = [(SETTING + device.hex(), _written(self._heights[device])) for device in changed]
        return [(LOGS, "".join(log.hex() for log in self._places)), *rows] if rows else []


def _written(heights: array[int]) -> str:
    return " ".join(map(str, heights))
