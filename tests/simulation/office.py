"""A whole team of simulated devices in one network. Everything follows from its seed."""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from p2pblog.protocol import invitation
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import EntryId, Kind, PayloadClass, TeamId
from p2pblog.protocol.operation import Admit, Invite, Operation, Role
from p2pblog.store.replica import Draft, Replica
from tests.simulation.census import Census
from tests.simulation.clock import Clock
from tests.simulation.device import Device
from tests.simulation.dialler import Dialler
from tests.simulation.disk import Disk, Image, read
from tests.simulation.liar import Liar
from tests.simulation.network import Network
from tests.store.world import CODES, NOW, STORE, World, name_of
from tests.support.logs import key, packed

YEAR = 365 * 24 * 3600.0
PAGE = 400  # entries of a team page


class Office:
    """`size` devices, all admitted; the last `liars` of them lie.

    `skew`: whether clocks are wrong, by up to a year. `fused`: whether disks can lose power.
    `loss`: of what a device would see of others at one look, what it misses.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        seed: int,
        *,
        skew: bool = False,
        fused: bool = False,
        loss: float = 0.0,
        liars: int = 0,
    ) -> None:
        self.rng = random.Random(f"simulation {seed}")
        self.clock = Clock()
        self.census = Census()
        self.network = Network(self.clock, self.rng)
        self.world = World(size, random.Random(f"team {seed}"))
        self._folder, self._skew, self._fused, self._loss = folder, skew, fused, loss
        image = self._image(folder)
        self.devices: list[Device] = []
        for number in range(size):
            kind = Liar if number >= size - liars else Device
            self._add(kind, self.world.keys[number], image)

    def _add(self, kind: type[Device], key: SigningKey, image: Image) -> Device:
        number = len(self.devices)
        disk = Disk(self._folder / f"{number:04}", self.rng, fused=self._fused)
        disk.put(image)
        device = kind(
            number,
            key,
            TeamId(self.world.team_id),
            disk,
            self.network,
            self.census,
            self.rng,
            self.rng.uniform(-YEAR, YEAR) if self._skew else 0.0,
        )
        device.dialler = Dialler(device, self.devices, self.rng, loss=self._loss)
        self.devices.append(device)
        return device

    def admit(self) -> Device:
        """The founder lets a new device in, which begins with what the founder has."""
        founder, new = self.devices[0], key(len(self.devices) + 1)
        code = key(CODES + len(self.devices))
        terms = (founder.team, founder.me, Role.MEMBER, None, 2**47)
        signature = invitation.sign_binding(code, *terms)
        opened = self._operate(
            Invite(self._heads(), code.public, Role.MEMBER, None, 2**47, signature)
        )
        proof = invitation.prove(code, founder.team, opened, new)
        name = name_of(len(self.devices))
        self._operate(Admit(self._heads(), opened, new.public, None, name, "laptop", proof))
        return self._add(Device, new, founder.disk.image())

    def _heads(self) -> tuple[EntryId, ...]:
        rows = self.devices[0].replica.rows(True)
        return tuple(sorted(tip.id for tips in rows.values() for tip in tips))

    def _operate(self, operation: Operation) -> EntryId:
        salt = self.rng.randbytes(16)
        draft = Draft(Kind.TEAM, PayloadClass.OPERATION, operation.pack(), salt)
        made = self.devices[0].append(Kind.TEAM, draft)
        assert made is not None
        return made.entry.id

    def _image(self, folder: Path) -> Image:
        """A store that holds the team log, to be copied."""
        path = folder / "image"
        log = self.world.team_log
        with Replica.create(path, TeamId(self.world.team_id), STORE) as replica:
            for at in range(0, len(log), PAGE):
                replica.ingest([packed(log[at : at + PAGE])], NOW)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return read(path)

    def start(self, devices: Iterable[Device] | None = None) -> None:
        for device in self.devices if devices is None else devices:
            device.start()

    def close(self) -> None:
        for device in self.devices:
            if device.is_on:
                device.stop()

    @property
    def honest(self) -> list[Device]:
        return [device for device in self.devices if device.is_honest]

    @property
    def on(self) -> list[Device]:
        return [device for device in self.devices if device.is_on]

    def are_equal(self) -> bool:
        """Whether all honest devices that are on hold the same."""
        first, *others = (device for device in self.on if device.is_honest)
        mine = first.snapshot()
        return all(other.snapshot() == mine for other in others)

    def live_links(self, device: Device) -> set[Device]:
        """Whom it has a link to that is live on both sides."""
        return {end.remote for end in device.ends if end.is_live}

    def eccentricity(self, author: Device) -> int:
        """The fewest hops by which what it writes could reach all, over the links there are."""
        depth = {author: 0}
        queue = deque([author])
        while queue:
            one = queue.popleft()
            for other in self.live_links(one):
                if other not in depth:
                    depth[other] = depth[one] + 1
                    queue.append(other)
        return max(depth.values())
