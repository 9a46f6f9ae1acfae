"""What the store knows of people: team entries, the ends of their logs, their profiles."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.operation import CutOff
from p2pblog.protocol.post import Profile
from p2pblog.protocol.team import TeamEntry
from p2pblog.store import ends, profiles
from p2pblog.store.core import Core
from p2pblog.store.ends import Beyond


class Roll(Core):
    """Asked when somebody comes or goes."""

    @property
    def team_entries(self) -> Sequence[TeamEntry]:
        """The stored team entries as the rules see them, in no order. From memory."""
        return self._authority.entries

    def ends(self, devices: Collection[DeviceKey]) -> list[CutOff]:
        """Cut-offs for every log of the devices, as far as it counts and is held here."""
        with self._database.reading() as connection:
            return ends.standing(connection, self._catalog, devices)

    def beyond(self, device: DeviceKey) -> list[Beyond]:
        """What is held here of a device beyond its cut-offs."""
        with self._database.reading() as connection:
            return ends.beyond(connection, self._catalog, self._authority, device)

    def profile(self, devices: Collection[DeviceKey]) -> tuple[int, Profile] | None:
        """The newest profile by any of a member's devices, with its time."""
        with self._database.reading() as connection:
            return profiles.newest(connection, self._catalog, devices)
