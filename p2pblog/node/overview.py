"""How the node stands, for `status` and `peers`: health first, then peers and progress."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from p2pblog.node import departed, pauses
from p2pblog.node.driver import Driver
from p2pblog.node.identity import Identity
from p2pblog.node.membership import Membership
from p2pblog.node.peering import Way
from p2pblog.node.service import FixedPeer, NewestPost, PeerView, Sync
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS
from p2pblog.protocol.post import Cause

CAUSES = {
    Cause.RESTORED: "it was restored from a backup",
    Cause.MOVED: "its files were copied, moved or put back to an earlier state",
    Cause.BEHIND: "a colleague's machine had entries of this one that were missing here",
    Cause.REPAIRED: "its store was damaged, and was made anew",
    Cause.FORKED: "two different entries of this device had the same number",
}


def peers(node: Membership) -> list[PeerView]:
    """Connected devices first, then the other ways that are known."""
    connected = [_connected(node, driver) for driver in node.sessions]
    ways = [
        _known(node, way)
        for way in node.peering.ways.values()
        if way.device is None or (way.device != node.me and not node.sessions.get(way.device))
    ]
    return sorted(connected, key=lambda peer: peer.member) + ways


def _connected(node: Membership, driver: Driver) -> PeerView:
    source = "incoming"
    if driver.initiator:
        ways = node.peering.ways.values()
        source = next((way.source for way in ways if way.device == driver.remote), source)
    state = "connected" if driver.is_live else "connecting"
    return PeerView(
        driver.remote.hex(),
        *_names(node, driver.remote),
        str(node.address_of(driver)),
        source,
        state,
        "",
        node.clock(),
        driver.clock_ahead,
        driver.progress.view(),
    )


def _known(node: Membership, way: Way) -> PeerView:
    device = way.device
    names = _names(node, device) if device else ("", "")
    seen = node.last_seen.get(device) if device else None
    address = ", ".join(map(str, way.addresses))
    return PeerView(
        device.hex() if device else "",
        *names,
        address,
        way.source,
        way.state,
        way.why,
        seen,
        None,
        Sync(),
    )


def _names(node: Membership, key: DeviceKey) -> tuple[str, str]:
    team = node.replica.team
    device = team.devices.get(key)
    return ("", "") if device is None else (team.members[device.member].display_name, device.name)


def fixed(node: Membership) -> list[FixedPeer]:
    """The addresses that the user gave."""
    return [_fixed(node, way) for way in node.peering.ways.values() if way.source == "fixed"]


def _fixed(node: Membership, way: Way) -> FixedPeer:
    """As it stands; connected too where another way led to its device first."""
    address = way.name.removeprefix("fixed ")
    if way.device is not None and node.sessions.get(way.device):
        return FixedPeer(address, "connected", "")
    return FixedPeer(address, way.state, way.why)


def total(drivers: Iterable[Driver]) -> Sync:
    """Progress in all."""
    views = [driver.progress.view() for driver in drivers]
    fields = (
        "entries_to_get",
        "bytes_to_get",
        "entries_got",
        "bytes_got",
        "entries_to_send",
        "bytes_to_send",
    )
    return Sync(*(sum(getattr(view, name) for view in views) for name in fields))


def newest_own(node: Membership) -> NewestPost | None:
    """How far our newest post has got."""
    tip = node.own_tip()
    if tip is None:
        return None
    time = node.replica.last_time(node.own_log())
    active = node.active_devices()
    stored = sum(1 for device in active if node.reached.get(device, 0) >= tip.seq)
    return NewestPost(tip.id, time, max(stored, 1), len(active))


def why_renewed(identity: Identity) -> str:
    """Why the present incarnation was opened, as the end of a sentence."""
    cause = identity.opening
    if cause is None or cause not in list(Cause):
        return "its files are not where they were"
    return CAUSES[Cause(cause)]


def warnings(node: Membership) -> tuple[str, ...]:
    """What the user should know, each in a sentence."""
    found = []
    if node.renewed:
        why = why_renewed(node.identity)
        found.append(f"This device goes on in a new log, because {why}. Nothing is lost.")
    ahead = [driver.clock_ahead for driver in node.sessions if driver.clock_ahead is not None]
    if ahead and abs(median(ahead)) > CLOCK_TOLERANCE_MS:
        minutes = round(median(ahead) / 60_000)
        word = "behind" if minutes > 0 else "ahead of"
        found.append(f"This machine's clock is {abs(minutes)} minutes {word} the others'. Set it.")
    faults = (node.writer.fault, node.writer.unsearchable)
    found += [f"{fault.message} {fault.hint}" for fault in faults if fault is not None]
    if node.room.is_full:
        found.append(f"{node.room.why} Your own posts are. Make room.")
    wanted = node.replica.totals().wanted
    if wanted:
        found.append(f"The text of {wanted} posts is not here yet; it is asked for.")
    found += pauses.words(node)
    found += departed.warnings(node)
    return tuple(found)
