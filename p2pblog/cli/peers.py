"""`peers` and `peer`: the devices in reach, and the addresses that are always tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import FixedPeer, Peer

NOBODY = (
    "No other device is known yet. Invite one: p2pblog invite; "
    "or give an address: p2pblog peer add HOST"
)


def rows(found: Sequence[Peer], now: datetime | None) -> list[str]:
    """Peers as lines of a table."""
    return output.table([_row(peer, now) for peer in found])


def _row(peer: Peer, now: datetime | None) -> tuple[str, ...]:
    member = output.clean(peer["member"]) or output.dim("not known yet")
    device = f" ({output.clean(peer['device_name'])})" if peer["device_name"] else ""
    state = peer["state"]
    paint = output.good if state == "connected" else output.dim
    return member + device, paint(state), peer["address"], _more(peer, now)


def _more(peer: Peer, now: datetime | None) -> str:
    sync, notes = peer["sync"], []
    if peer["state"] == "connected":
        if sync["entries_to_get"]:
            size = output.size(sync["bytes_to_get"])
            notes.append(f"{sync['entries_to_get']:,} entries to come ({size})")
        if sync["entries_to_send"]:
            size = output.size(sync["bytes_to_send"])
            notes.append(f"{sync['entries_to_send']:,} to go ({size})")
        notes = notes or ["in sync"]
    elif peer["last_seen"]:
        notes.append(f"last seen {when.show(peer['last_seen'], now)}")
    if peer["why"]:
        notes.append(output.clean(peer["why"]))
    if peer["clock_ahead_ms"] is not None and abs(peer["clock_ahead_ms"]) > 120_000:
        span = when.show_span(abs(peer["clock_ahead_ms"]) / 1000)
        notes.append(
            output.bad(f"clock {span} {'ahead' if peer['clock_ahead_ms'] > 0 else 'behind'}")
        )
    return ", ".join(notes)


@click.command(
    epilog="""\b
Examples
  p2pblog peers
  p2pblog peers --json | jq -r 'select(.state == "connected") | .member'"""
)
@pass_app
def peers(app: App) -> None:
    """Show the devices that this one talks to or could talk to."""
    found = app.api().peers()["items"]
    if app.json:
        for one in found:
            app.emit(one)
    elif not found:
        app.note(NOBODY)
    else:
        app.say("\n".join(rows(found, app.now())))


@click.group(
    epilog="""\b
Examples
  p2pblog peer add 192.168.1.20
  p2pblog peer add depot.example:7461
  p2pblog peer list
  p2pblog peer remove 192.168.1.20"""
)
def peer() -> None:
    """Keep addresses that are always tried.

    For devices that are not found by themselves: other subnets, VPNs, networks without mDNS.
    """


@peer.command(epilog="Example: p2pblog peer add 192.168.1.20")
@click.argument("address", metavar="HOST[:PORT]")
@pass_app
def add(app: App, address: str) -> None:
    """Try this address from now on."""
    added = app.api(fresh=True).add_peer(address)
    if app.json:
        app.emit(added)
    else:
        app.say(f"{added['address']} is tried from now on. Look: p2pblog peer list")


@peer.command(epilog="Example: p2pblog peer remove 192.168.1.20")
@click.argument("address", metavar="HOST[:PORT]")
@pass_app
def remove(app: App, address: str) -> None:
    """Try this address no more."""
    app.api(fresh=True).remove_peer(address)
    if app.json:
        app.emit({"address": address, "state": "removed"})
    else:
        app.say(f"{address} is tried no more.")


@peer.command("list", epilog="Example: p2pblog peer list")
@pass_app
def list_(app: App) -> None:
    """The addresses that you gave, and how they answer."""
    found = app.api(fresh=True).peers()["fixed"]
    if app.json:
        for one in found:
            app.emit(one)
    elif not found:
        app.note("No addresses are kept. Add one: p2pblog peer add HOST")
    else:
        app.say("\n".join(output.table([_fixed(one) for one in found])))


def _fixed(one: FixedPeer) -> tuple[str, ...]:
    paint = output.good if one["state"] == "connected" else output.dim
    return one["address"], paint(one["state"]), output.clean(one["why"])
