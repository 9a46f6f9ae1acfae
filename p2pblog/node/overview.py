"""How the node stands, for `status` and `peers`: health first, then peers and progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from p2pblog.errors import Reason
from p2pblog.node import departed, pauses
from p2pblog.node.driver import Driver
from p2pblog.node.identity import Identity
from p2pblog.node.membership import Membership
from p2pblog.node.peering import Way
from p2pblog.node.service import FixedPeer, NewestPost, PeerView, Sync
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS
from p2pblog.protocol.post import Cause
from p2pblog.store.records import PostQuery

CAUSES = {
    Cause.RESTORED: "it was restored from a backup",
    Cause.MOVED: "its files were copied, moved or put back to an earlier state",
    Cause.BEHIND: "a colleague's machine had entries of this one that were missing here",
    Cause.REPAIRED: "its store was damaged, and was made anew",
    Cause.FORKED: "two different entries of this device had the same number",
}


TELLING = ("connecting", "refused", "unreachable", "seen", "connected")  # which state says most
ENDS: dict[str, str] = {  # why a session ended, for people
    Reason.CUT: "it says that this device was removed",
    Reason.TIMED_OUT: "the connection broke",
    Reason.DUPLICATE: "",
    Reason.SHUTTING_DOWN: "it was stopped",
    Reason.BUSY: "it has too many connections",
    Reason.VERSION: "it needs another version of p2pblog",
}


def peers(node: Membership) -> list[PeerView]:
    """One of each device: those with a session first, then others of the team and the unknown."""
    sessions = {
        driver.remote: _connected(node, driver)
        for driver in sorted(node.sessions, key=lambda driver: driver.is_live)
    }
    ways: dict[DeviceKey | str, list[Way]] = {}
    for way in node.peering.ways.values():
        if way.device is None or _is_missed(node, way.device):
            ways.setdefault(way.device or way.name, []).append(way)
    known = [_known(node, to_one) for to_one in ways.values()]
    return sorted(sessions.values(), key=lambda peer: peer.member) + known


def _is_missed(node: Membership, device: DeviceKey) -> bool:
    gone = device == node.me or node.replica.team.is_cut(device)
    return not gone and not node.sessions.get(device)


def _connected(node: Membership, driver: Driver) -> PeerView:
    source = "incoming"
    if driver.initiator:
        ways = node.peering.ways.values()
        source = next((way.source for way in ways if way.device == driver.remote), source)
    state = "connected" if driver.is_live else "connecting"
    return PeerView(
        driver.remote.hex(),
        *_names(node, driver.remote),
        _address(node, driver),
        source,
        state,
        "",
        node.clock(),
        driver.clock_ahead,
        driver.progress.view(),
    )


def _address(node: Membership, driver: Driver) -> str:
    """Where it can be dialled; while it has not said its port, only where it is."""
    found = node.addresses.of(driver)
    return str(found) if found.port else found.host


def _known(node: Membership, ways: Sequence[Way]) -> PeerView:
    """A device without a session, by all the ways to it: the one that tells most says how it is."""
    best = min(ways, key=lambda way: TELLING.index(way.state))
    device = best.device
    names = _names(node, device) if device else ("", "")
    seen = node.last_seen.get(device) if device else None
    addresses = dict.fromkeys(str(address) for way in ways for address in way.addresses)
    return PeerView(
        device.hex() if device else "",
        *names,
        ", ".join(addresses),
        best.source,
        best.state,
        ENDS.get(best.why, best.why),
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
    """How far our newest post has got, in whichever of our logs it is."""
    found = node.replica.posts(PostQuery(by=frozenset({node.me}), limit=1))
    place = node.replica.place(found[0].arrival) if found else None
    if place is None:
        return None
    log, seq = place
    others = [device for device in node.active_devices() if device != node.me]
    stored = sum(node.known.height(device, log) >= seq for device in others)
    return NewestPost(found[0].id, found[0].time, 1 + stored, 1 + len(others))


def why_renewed(identity: Identity) -> str:
    """Why the present incarnation was opened, as the end of a sentence."""
    cause = identity.opening
    if cause is None or cause not in list(Cause):
        return "its files are not where they were"
    return CAUSES[Cause(cause)]


def missing_texts(wanted: int) -> str:
    """That so many texts are not here, as the beginning of a sentence."""
    return f"The text of {wanted:,} post{'' if wanted == 1 else 's'} is not here yet"


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
        found.append(f"{missing_texts(wanted)}; it is asked for.")
    found += pauses.words(node)
    found += departed.warnings(node)
    return tuple(found)
