"""Writes bundles: what is here, or what one member lacks as far as is known.

Spec: `protocol/bundle.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from p2pblog.errors import Conflict, NotFound
from p2pblog.node import carried, people
from p2pblog.node.carriage import BundleView
from p2pblog.node.jobs import Job
from p2pblog.node.membership import Membership
from p2pblog.node.view import ReplicaView
from p2pblog.protocol import bundle, entry, sealed
from p2pblog.protocol.bundle import End, PostPage, Run, Start, TeamPage
from p2pblog.protocol.crypto import KEY_SIZE, DeviceKey
from p2pblog.protocol.entry import Kind, LogId
from p2pblog.protocol.frontier import Mark, short
from p2pblog.protocol.log import Tip
from p2pblog.protocol.operation import MemberId
from p2pblog.protocol.team import Team

SERVE_BYTES = 1024 * 1024  # read from the store at a time


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported. `member`: for whom, None for everybody; `devices` of theirs."""

    path: Path
    force: bool
    member: MemberId | None
    devices: tuple[DeviceKey, ...]


def order(node: Membership, path: Path, who: str, force: bool) -> Order:
    """Whom the bundle is for, by a name; everybody where there is none. Raises `NotFound`."""
    active = node.active_devices()
    if not who:
        return Order(path, force, None, tuple(active))
    theirs = people.devices_of(node, who)
    devices = tuple(device for device in active if device in theirs)
    if not devices:
        raise NotFound(f"{who} has no device in the team any more.", "See: p2pblog members")
    members = {node.replica.team.devices[device].member for device in devices}
    if len(members) > 1:
        raise Conflict(f"{len(members)} members are called {who}.", "Give the start of an id.")
    return Order(path, force, members.pop(), devices)


def export(node: Membership, wanted: Order, job: Job) -> BundleView:
    """Write the bundle. Runs in a thread."""
    runs = [*_runs(node, wanted, is_team=True), *_runs(node, wanted, is_team=False)]
    job.total = sum(run.entries for run in runs)
    made = node.clock()
    with carried.writing(wanted.path, force=wanted.force) as file:
        _write(node, wanted, runs, made, file, job)
        size = file.tell()
    team = node.replica.team
    return BundleView(
        str(wanted.path),
        team.name,
        made,
        named(team, node.me),
        member_name(team, wanted.member),
        len(wanted.devices),
        sum(1 for run in runs if run.entries),
        job.total,
        granted(runs),
        size,
    )


def named(team: Team, key: DeviceKey) -> str:
    """A device for people: its member and its name."""
    device = team.devices.get(key)
    if device is None:
        return f"unknown device {key.hex()[:8]}"
    return f"{team.members[device.member].display_name} ({device.name})"


def member_name(team: Team, member: MemberId | None) -> str:
    """A member for people; nothing for everybody."""
    if member is None:
        return ""
    found = team.members.get(member)
    return found.display_name if found else f"unknown member {member.hex()[:8]}"


def granted(runs: Iterable[Run]) -> int:
    """How many entries are taken for granted: of each log those before its first run."""
    lowest: dict[tuple[DeviceKey, bytes, int], int] = {}
    for run in runs:
        before = run.after.seq if run.after else 0
        log = run.device, run.incarnation, run.kind
        lowest[log] = min(before, lowest.get(log, before))
    return sum(lowest.values())


def _write(
    node: Membership, wanted: Order, runs: Sequence[Run], made: int, file: BinaryIO, job: Job
) -> None:
    key, salt = node.salt(KEY_SIZE), node.salt(sealed.SALT_SIZE)
    head = bundle.make_head(key, salt, node.salt(KEY_SIZE), wanted.devices)
    sealer = sealed.Sealer(key, salt, head[-sealed.BINDING_SIZE :])
    start = Start(node.replica.team_id, made, node.me, wanted.member)
    told = [bundle.pack(start), *map(bundle.pack, bundle.contents(runs))]
    file.write(head)
    for record in told:
        file.write(sealer.add(record))
    file.write(sealer.flush())
    pages = size = 0
    for data in _pages(node, runs, job):
        file.write(sealer.add(bundle.pack(data)))
        pages, size = pages + 1, size + len(data.page)
    signature = bundle.sign(node.identity.key, node.replica.team_id, told)
    file.write(sealer.add(bundle.pack(End(pages, size, signature))))
    file.write(sealer.end())


def _pages(node: Membership, runs: Iterable[Run], job: Job) -> Iterator[TeamPage | PostPage]:
    done = 0
    for run in runs:
        kind = TeamPage if run.kind == Kind.TEAM else PostPage
        log_id = entry.log_id(node.replica.team_id, run.device, run.incarnation, run.kind)
        at = run.after
        while at is None or at.seq < run.upto.seq:
            served = node.replica.cut_pages(log_id, at, run.upto, SERVE_BYTES)
            if not served:
                break
            for one in served:
                yield kind(one.page)
                done += one.entries
            job.step(done)
            at = served[-1].last


# What goes in


def _runs(node: Membership, wanted: Order, *, is_team: bool) -> Iterator[Run]:
    """The runs of one kind of logs: team logs whole, posts from what the member has."""
    view = ReplicaView(node.replica)
    for log_id, tips in sorted(node.replica.rows(is_team).items()):
        key = node.replica.log_key(log_id)
        assert key is not None
        base = None if is_team else _base(node, wanted, log_id, key[0], tips)
        marks: list[Mark] = []
        for tip in sorted(tips):
            after = view.common(log_id, tip, marks) if marks else base
            yield Run(*key, after, tip)
            marks.append(Mark(tip.seq, short(tip.id)))


def _base(
    node: Membership, wanted: Order, log_id: LogId, writer: DeviceKey, tips: Sequence[Tip]
) -> Tip | None:
    """Up to where every device of the member has a log. A log that has parted is sent whole."""
    if wanted.member is None or len(tips) != 1:
        return None
    top = tips[0].seq
    known = [
        top if device == writer else node.known.height(device, log_id) for device in wanted.devices
    ]
    height = min(top, *known) if known else 0
    found = node.replica.id_at(log_id, tips[0], height) if height else None
    return None if found is None else Tip(height, found)
