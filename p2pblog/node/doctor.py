"""Looks at everything that can go wrong, and says of each what it is and what to do."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from statistics import median

from p2pblog.net.interfaces import look
from p2pblog.node import pauses
from p2pblog.node.incarnation import own_logs
from p2pblog.node.membership import Membership
from p2pblog.node.overview import missing_texts, why_renewed
from p2pblog.node.repairing import Repaired, in_words
from p2pblog.node.service import Finding
from p2pblog.protocol.limits import CLOCK_TOLERANCE_MS
from p2pblog.protocol.post import Cause

LOW_DISK = 200 * 1024 * 1024  # bytes: a busy month of a firm of 30
OK, WARNING, PROBLEM = "ok", "warning", "problem"


def examine(node: Membership, *, mdns: bool, preferred_port: int) -> list[Finding]:
    """All findings, in the order in which a person would look."""
    return [
        *_store(node),
        *_search(node),
        *_disk(node),
        *_incarnation(node),
        *_forks(node),
        *_pauses(node),
        *_clock(node),
        *_network(node, mdns, preferred_port),
        *_peers(node, mdns),
        *_payloads(node),
    ]


def repaired(done: Repaired | None) -> Iterator[Finding]:
    """What the repair at the start of this daemon came to."""
    if done is not None:
        why, hint = in_words(done)
        bad = done.losses or (done.faults and not done.entries)
        yield Finding("repair", WARNING if bad else OK, why, hint)


def _store(node: Membership) -> Iterator[Finding]:
    began = time.monotonic()
    faults = node.replica.check()
    took = time.monotonic() - began
    if faults:
        why = f"The store is damaged: {faults[0]}."
        hint = "Mend it: p2pblog doctor --repair"
        yield Finding("store", PROBLEM, why, hint)
    else:
        totals = node.replica.totals()
        why = f"{totals.entries:,} entries of {totals.logs:,} logs, checked in {took:.1f} s."
        yield Finding("store", OK, why)


def _search(node: Membership) -> Iterator[Finding]:
    fault = node.writer.unsearchable
    if fault is not None:
        yield Finding("search", PROBLEM, fault.message, fault.hint)


def _disk(node: Membership) -> Iterator[Finding]:
    free = shutil.disk_usage(node.files.home).free
    if node.writer.fault is not None:
        yield Finding("disk", PROBLEM, node.writer.fault.message, node.writer.fault.hint)
    if node.room.is_full:
        yield Finding("disk", PROBLEM, f"{node.room.why} Your own posts are.", "Make room.")
    elif free < LOW_DISK:
        yield Finding("disk", WARNING, f"Only {free // 2**20} MB are free.", "Make room.")
    else:
        yield Finding("disk", OK, f"{free // 2**30} GB are free.")


def _incarnation(node: Membership) -> Iterator[Finding]:
    logs = len(own_logs(node.replica, node.me))
    cause = node.identity.opening
    if cause is None:
        yield Finding("log", OK, "This device writes in its first log.")
        return
    words = why_renewed(node.identity)
    why = f"This device goes on in its log number {logs}, because {words}. Nothing is lost."
    hint = "If the old machine is still used, give this one keys of its own: p2pblog device add"
    if cause == Cause.REPAIRED:
        hint = ""
    yield Finding("log", WARNING if cause == Cause.MOVED else OK, why, hint)


def _forks(node: Membership) -> Iterator[Finding]:
    team = node.replica.team
    forked = []
    for is_team in (True, False):
        for log_id, tips in node.replica.rows(is_team).items():
            key = node.replica.log_key(log_id)
            if len(tips) > 1 and key is not None and key[0] in team.devices:
                device = team.devices[key[0]]
                forked.append(f"{team.members[device.member].display_name} ({device.name})")
    if forked:
        why = f"Logs with more than one branch: {', '.join(sorted(set(forked)))}. All is shown."
        yield Finding("forks", WARNING, why, "It comes from copied or rolled-back machines.")
    else:
        yield Finding("forks", OK, "No log has more than one branch.")


def _pauses(node: Membership) -> Iterator[Finding]:
    waiting = [f"{name} ({device})" for _, name, device in pauses.names(node)]
    if waiting:
        why = f"More than this machine takes in a day was written by {', '.join(waiting)}."
        hint = "The rest comes later. Now: p2pblog member resume NAME. Never: member remove NAME"
        yield Finding("floods", WARNING, why, hint)
    else:
        yield Finding("floods", OK, "Nobody writes more than is taken in a day.")


def _clock(node: Membership) -> Iterator[Finding]:
    ahead = [d.clock_ahead for d in node.sessions if d.clock_ahead is not None]
    if not ahead:
        yield Finding("clock", OK, "No colleague to compare the clock with.")
        return
    offset = median(ahead)
    if abs(offset) > CLOCK_TOLERANCE_MS:
        word = "behind" if offset > 0 else "ahead of"
        why = f"This clock is {abs(round(offset / 60_000))} minutes {word} the others'."
        yield Finding("clock", PROBLEM, why, "Set the time of this machine.")
    else:
        yield Finding("clock", OK, f"Within {abs(offset) / 1000:.1f} s of the others'.")


def _network(node: Membership, mdns: bool, preferred_port: int) -> Iterator[Finding]:
    interfaces = look()
    if interfaces.alone:
        yield Finding("network", PROBLEM, "No network but this machine.", "Connect it.")
    else:
        yield Finding("network", OK, f"Addresses: {', '.join(interfaces.addresses)}.")
    port = node.listener.port
    if preferred_port and port != preferred_port:
        why = f"Port {preferred_port} was taken, so {port} is used; a firewall may not know it."
        yield Finding("port", WARNING, why, "End what uses it, or: p2pblog config set port N")
    else:
        yield Finding("port", OK, f"Listening on port {port}.")
    if not mdns:
        hint = "Turn it on: p2pblog config set mdns on"
        yield Finding("mdns", WARNING, "Looking for others on the network is off.", hint)


def _peers(node: Membership, mdns: bool) -> Iterator[Finding]:
    others = [key for key in node.active_devices() if key != node.me]
    connected = {d.remote for d in node.sessions if d.is_live}
    if not others:
        yield Finding("peers", OK, "No other device is of the team yet.")
        return
    if connected:
        yield Finding("peers", OK, f"{len(connected)} of {len(others)} devices are connected.")
    else:
        yield Finding("peers", PROBLEM, *_nobody(node, mdns))
    for way in tuple(node.peering.ways.values()):  # we are on a thread of our own
        if way.state in ("unreachable", "refused") and way.device not in connected:
            address = ", ".join(map(str, way.addresses))
            yield Finding("peer", WARNING, f"{address} ({way.source}): {way.why}.", _cure(way.why))


def _nobody(node: Membership, mdns: bool) -> tuple[str, str]:
    seen = [way for way in tuple(node.peering.ways.values()) if way.source == "mdns"]
    if seen:
        why = "Colleagues are seen on the network, but none can be reached."
        return why, "A firewall, or a Wi-Fi that keeps devices apart: open the port on both sides."
    if mdns:
        why = "Nobody is seen on this network."
        hint = "A guest Wi-Fi, a VPN or another subnet? Try: p2pblog peer add HOST"
        return why, hint
    return "Nobody is in reach.", "Try: p2pblog peer add HOST"


def _cure(why: str) -> str:
    if "refused" in why.lower():
        return "No daemon answers there: is it running?"
    return "Is that machine on, and its firewall open for p2pblog?"


def _payloads(node: Membership) -> Iterator[Finding]:
    wanted = node.replica.totals().wanted
    if wanted:
        why = f"{missing_texts(wanted)}."
        yield Finding("texts", WARNING, why, "It is asked for whenever a colleague is met.")
