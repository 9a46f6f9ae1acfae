"""Which links to dial, to give back and to keep."""

import random
from typing import Any

from p2pblog.protocol.overlay import Overlay, newer_stays

Vector = dict[str, Any]
FIRST = 50.0


def _links() -> Vector:
    overlay, steps = Overlay(FIRST), list[Vector]()

    def wants(now: float, linked: int, coming: int, devices: int = 100) -> None:
        due = overlay.wants(devices, linked, coming, now)
        steps.append(
            {"at": now, "devices": devices, "linked": linked, "coming": coming, "wants": due}
        )

    def live(now: float, linked: int, devices: int = 100) -> None:
        due = overlay.surplus(devices, linked, now)
        steps.append({"at": now, "devices": devices, "linked": linked, "surplus": due})

    wants(0.0, 23, 23, devices=24)
    wants(0.0, 23, 0, devices=25)
    wants(0.0, 7, 0)
    wants(0.0, 7, 1)
    live(0.0, 12)
    wants(49.0, 8, 0)
    wants(50.0, 8, 0)
    wants(50.0, 8, 1)
    live(50.0, 8)
    live(51.0, 9)
    wants(51.0, 8, 0)
    live(650.0, 14)
    live(651.0, 14)
    live(2000.0, 24, devices=24)
    overlay.hurry()
    steps.append({"hurry": True})
    wants(700.0, 8, 0)
    live(700.0, 11)
    return {"name": "links", "first": FIRST, "steps": steps}


def _two() -> Vector:
    steps = []
    ranks = [(bytes([dialler] * 32), bytes([key] * 64)) for dialler in (1, 2) for key in (3, 4)]
    for age in (0.0, 3.0, 3.5):
        for old in ranks:
            for new in ranks:
                if old != new:
                    told = [[part.hex() for part in rank] for rank in (old, new)]
                    stays = newer_stays(age, old, new)
                    steps.append({"age": age, "old": told[0], "new": told[1], "stays": stays})
    return {"name": "of two connections the newer stays", "steps": steps}


def make(_: random.Random) -> Vector:
    return {"module": "overlay", "valid": [_links(), _two()], "invalid": []}
