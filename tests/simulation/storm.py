"""Bad times: whatever can happen to machines and networks, at random; then calm, and the reckoning.

Afterwards every honest device has to hold all that any honest device was told is durable, all have
to hold the same, none may have forked its log or blamed another honest one, and every store has to
be whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

from p2pblog.protocol.entry import LogId
from p2pblog.protocol.log import Tip
from tests.simulation.device import Device
from tests.simulation.disk import Image
from tests.simulation.liar import Liar
from tests.simulation.network import Link
from tests.simulation.office import Office

CALM = 600.0  # seconds in which all have to become equal: two claims by liars, and back-off
STATEMENTS = 60  # of a store, in which a crash may come: two or three transactions
SLOW = Link(latency=0.8, rate=4000.0)
MOST_PARTS = 3


class Storm:
    """Troubles over an office. Each is one method; `weights` says how often each comes."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.happened: dict[str, int] = {}
        self._rng = office.rng
        self._images: dict[Device, Image] = {}
        self._forgot: set[Device] = set()
        self._weights: dict[Callable[[], bool], int] = {
            self.post: 40,
            self.break_connection: 10,
            self.part: 2,
            self.heal: 2,
            self.stop: 4,
            self.crash: 3,
            self.crash_within: 6,
            self.start: 16,
            self.keep_image: 2,
            self.forget: 1,
            self.slow: 1,
            self.index: 2,
            self.fork: 2,
            self.admit: 1,
        }

    def blow(self, seconds: float) -> None:
        """Let troubles happen for so long, then end them all, and wait until all is well."""
        office = self.office
        end = office.clock.now + seconds
        while office.clock.now < end:
            happens = self._rng.choices([*self._weights], [*self._weights.values()])[0]
            if happens():
                name = happens.__name__
                self.happened[name] = self.happened.get(name, 0) + 1
            office.clock.run(self._rng.expovariate(3.0))
        office.network.heal()
        office.network.slow.clear()
        office.start(device for device in office.devices if not device.is_on)

    # -- troubles: each says whether it came to pass -----------------------------------------

    def _one(self, *, on: bool = True) -> Device | None:
        found = [device for device in self.office.honest if device.is_on == on]
        return self._rng.choice(found) if found else None

    def post(self) -> bool:
        device = self._rng.choice(self.office.on) if self.office.on else None
        if device is None:
            return False
        device.post("x" * self._rng.choice([1, 20, 200, 5000]))
        return True

    def break_connection(self) -> bool:
        device = self._one()
        if device is None or not device.ends:
            return False
        end = self._rng.choice(list(device.ends))
        end.out.lose()
        end.back.lose()
        return True

    def part(self) -> bool:
        numbers = [device.number for device in self.office.devices]
        self._rng.shuffle(numbers)
        parts = self._rng.randint(2, MOST_PARTS)
        self.office.network.part(numbers[at::parts] for at in range(parts))
        return True

    def heal(self) -> bool:
        self.office.network.heal()
        return True

    def stop(self) -> bool:
        device = self._one()
        if device is not None:
            device.stop()
        return device is not None

    def crash(self) -> bool:
        device = self._one()
        if device is not None:
            device.crash()
        return device is not None

    def crash_within(self) -> bool:
        """At some statement of what is written next."""
        device = self._one()
        if device is None:
            return False
        device.disk.light(self._rng.randrange(1, STATEMENTS), after=self._rng.random() < 0.5)
        return True

    def start(self) -> bool:
        device = self._one(on=False)
        if device is not None:
            device.start()
        return device is not None

    def keep_image(self) -> bool:
        device = self._one(on=False)
        if device is not None:
            self._images[device] = device.disk.image()
        return device is not None

    def forget(self) -> bool:
        """A store is put back to a copy: what it has told nobody is gone for good."""
        device = self._one(on=False)
        if device is None or device not in self._images or device.number == 0:
            return False
        marker = self._rng.random() < 0.5
        device.forget(self._images[device], marker=marker)
        device.acknowledged = [
            one for one in device.acknowledged if self._is_elsewhere(device, one)
        ]
        if not marker:
            self._forgot.add(device)
        return True

    def _is_elsewhere(self, device: Device, one: tuple[LogId, Tip]) -> bool:
        others = (other for other in self.office.honest if other is not device and other.is_on)
        return any(other.holds(*one) for other in others)

    def slow(self) -> bool:
        number = self._rng.choice(self.office.devices).number
        links = self.office.network.slow
        if links.pop(number, None) is None:
            links[number] = SLOW
        return True

    def index(self) -> bool:
        device = self._one()
        if device is not None and not device.disk.is_lit:
            device.replica.index_search(self._rng.randrange(1, 50))
        return device is not None

    def fork(self) -> bool:
        liars = [device for device in self.office.on if isinstance(device, Liar)]
        if liars:
            self._rng.choice(liars).fork()
        return bool(liars)

    def admit(self) -> bool:
        founder = self.office.devices[0]
        if not founder.is_on or founder.disk.is_lit or len(self.office.devices) >= 40:
            return False
        self.office.admit().start()
        return True

    def told(self) -> dict[str, object]:
        """What happened, in figures that are the same in every run of the seed."""
        office = self.office
        return {
            "happened": dict(sorted(self.happened.items())),
            "crashes": sum(device.crashes for device in office.devices),
            "acknowledged": sum(len(device.acknowledged) for device in office.honest),
            "messages": office.census.arrived,
            "bytes": office.census.page_bytes + office.census.control_bytes,
            "seconds": round(office.clock.now, 3),
        }

    # -- the reckoning -----------------------------------------------------------------------

    def reckon(self) -> list[str]:
        """What is wrong, in words."""
        office = self.office
        if not office.clock.run_until(self._is_well, CALM):
            return [f"not all is well after {CALM:.0f} s", *self._missed()]
        return [*self._missed(), *self._forks(), *self._blame(), *self._damage()]

    def _is_well(self) -> bool:
        office = self.office
        dead = [device for device in office.honest if not device.is_on]
        office.start(dead)  # a fuse may have been lit and not yet burnt
        return not dead and office.are_equal() and not self._missed()

    def _missed(self) -> list[str]:
        return [
            f"{device.number} has not {one[1].seq} of {author.number}"
            for author in self.office.honest
            for one in author.acknowledged
            for device in self.office.honest
            if not device.holds(*one)
        ]

    def _forks(self) -> list[str]:
        """A log has one tip, but a liar's, and of who began with an old copy unawares."""
        replica = self.office.devices[0].replica
        may = {device.me for device in self.office.devices if not device.is_honest}
        may |= {device.me for device in self._forgot}
        found = []
        for log, tips in {**replica.rows(True), **replica.rows(False)}.items():
            key = replica.log_key(log)
            if len(tips) > 1 and key is not None and key.device not in may:
                found.append(f"a log of kind {key.kind} has {len(tips)} tips")
        return found

    def _blame(self) -> list[str]:
        honest = {device.number for device in self.office.honest}
        return [
            f"blamed: {fault}"
            for device in self.office.honest
            for fault in device.faults
            if int(fault.split()[2].rstrip(":")) in honest
        ]

    def _damage(self) -> list[str]:
        """Every store is whole, also when it is opened again, and counts what it holds."""
        found = []
        for device in self.office.honest:
            before = device.snapshot(), device.replica.totals().entries
            device.stop()
            with closing(sqlite3.connect(device.disk.path)) as connection:
                (said,) = connection.execute("PRAGMA integrity_check").fetchone()
            device.replica = device.disk.open()
            if said != "ok" or (device.snapshot(), device.replica.totals().entries) != before:
                found.append(f"the store of {device.number} is damaged: {said}")
            device.replica.close()
        return found
