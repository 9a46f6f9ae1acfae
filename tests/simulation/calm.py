"""Good times: devices write, and the figures say how well it spreads."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import fmean

from tests.simulation.device import Device
from tests.simulation.memory import largest
from tests.simulation.office import Office

SETTLE = 30.0  # seconds in which links are made
APART = 1.0  # seconds between posts
AFTER = 3.0  # seconds for the last post


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some posts in calm. Bytes are of messages, a device and post; encryption adds 20 each."""

    nodes: int
    links: float  # of a device
    posts: int
    missed: int  # entries that some device did not get
    redundancy: float  # copies received per entry, less one
    flooding: float  # the same if each passed it on over all its links: worked out, not run
    last_hops: float  # until the last device has a post
    best_hops: float  # the fewest that the links allow
    ratio: float  # of the two, the mean over posts
    ratio_max: float
    seconds: float  # of virtual time, at 15 to 25 ms a hop, until the last has it
    payload_bytes: float
    control_bytes: float
    control_messages: float
    session_bytes: int  # the largest session in memory
    wall_seconds: float  # that the simulation took

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def settle(office: Office) -> None:
    """Everybody starts, within a second, and finds others."""
    office.start()
    office.clock.run(SETTLE)


def measure(office: Office, posts: int, authors: list[Device] | None = None) -> Figures:
    """Let some write, one after the other, and count."""
    began, census, nodes = time.monotonic(), office.census, len(office.devices)
    census.clear()
    best, wrote = [], []
    for _ in range(posts):
        author = office.rng.choice(authors or office.devices)
        best.append(office.eccentricity(author))
        wrote.append(office.clock.now)
        author.post()
        office.clock.run(APART)
    office.clock.run(AFTER)
    last = [max(hops.values()) for hops in census.hops.values()]
    ratios = [one / other for one, other in zip(last, best, strict=True)]
    took = [at - then for at, then in zip(census.at.values(), wrote, strict=True)]
    links = fmean(len(office.live_links(device)) for device in office.devices)
    return Figures(
        nodes=nodes,
        links=links,
        posts=posts,
        missed=sum(nodes - len(hops) for hops in census.hops.values()),
        redundancy=census.redundancy,
        flooding=max(0.0, links * nodes / (nodes - 1) - 2),
        last_hops=fmean(last),
        best_hops=fmean(best),
        ratio=fmean(ratios),
        ratio_max=max(ratios),
        seconds=fmean(took),
        payload_bytes=census.page_bytes / posts / nodes,
        control_bytes=census.control_bytes / posts / nodes,
        control_messages=census.control_messages / posts / nodes,
        session_bytes=largest(office),
        wall_seconds=time.monotonic() - began,
    )
