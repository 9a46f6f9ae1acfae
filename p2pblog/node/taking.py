"""Takes bundles in, the way pages of a peer are taken in, and says what they hold.

Nothing in a bundle is believed: each page is verified, team logs first. Spec: `protocol/bundle.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import trio

from p2pblog.errors import Reason, Refused
from p2pblog.node import carried
from p2pblog.node.carriage import BundleTaken, BundleView, MissingRun
from p2pblog.node.exporting import granted, member_name, named
from p2pblog.node.jobs import Job, work
from p2pblog.node.membership import Membership
from p2pblog.protocol import bundle, codec, entry, page, sealed
from p2pblog.protocol.bundle import Contents, End, PostPage, Record, Run, Start, TeamPage
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.limits import MAX_PAGE_BYTES
from p2pblog.protocol.log import Tip
from p2pblog.store.replica import Ingested

BATCH_BYTES = 2 * 1024 * 1024  # pages held and ingested at a time


@dataclass(slots=True)
class Source:
    """An open bundle. `fault` is what ended it too early."""

    path: Path
    head: sealed.Head
    start: Start
    size: int
    _raw: Iterator[bytes]
    _reader: bundle.Reader
    runs: list[Run] = field(default_factory=list)
    signed: bool = False
    fault: Refused | None = None

    @classmethod
    def open(cls, node: Membership, file: BinaryIO, path: Path, job: Job) -> Source:
        """Begin to read it. Raises a `UserError` where nothing in it can be used."""
        try:
            head = carried.read_head(file, path, bundle.MAGIC, bundle.VERSION)
            opener = bundle.open_head(head, node.identity.key)
            raw = carried.records(file, path, opener, job.step)
            reader = bundle.Reader()
            start = reader.receive(next(raw, b""))
            assert isinstance(start, Start)
            if start.team != node.replica.team_id:
                raise Refused(Reason.WRONG_TEAM)
        except Refused as refused:
            raise carried.refusal(refused, path, "bundle") from refused
        job.total = path.stat().st_size
        return cls(path, head, start, job.total, raw, reader)

    def read(self) -> tuple[list[bytes], list[bytes]]:
        """More team pages and post pages; none of either at the end."""
        team: list[bytes] = []
        posts: list[bytes] = []
        size = 0
        while size < BATCH_BYTES and (record := self._next()) is not None:
            match record:
                case Contents(runs):
                    self.runs += runs
                case TeamPage(data):
                    team.append(data)
                    size += len(data)
                case PostPage(data):
                    posts.append(data)
                    size += len(data)
                case End():
                    self.signed = True
        return team, posts

    def _next(self) -> Record | None:
        """The next record that we know; None at the end, whatever ended it."""
        try:
            for raw in self._raw:
                record = self._reader.receive(raw)
                if record is not None:
                    return record
            self._reader.end()
        except Refused as refused:
            self.fault = self.fault or refused
        return None

    @property
    def why(self) -> str:
        """What is wrong with the file, in words; empty where it is whole."""
        return carried.why(self.fault) if self.fault else ""


@dataclass(slots=True)
class Tally:
    """What became of the pages."""

    stored: int = 0
    reasons: dict[LogId, Reason] = field(default_factory=dict)

    def count(self, node: Membership, results: Sequence[Ingested]) -> None:
        """Take results in."""
        for result in results:
            self.stored += result.stored
            if result.reason is not None and result.log is not None:
                log_id = entry.log_id(node.replica.team_id, *result.log)
                self.reasons.setdefault(log_id, result.reason)


async def take(node: Membership, path: Path, job: Job) -> BundleTaken:
    """Store what the bundle brings. What is whole is kept, whatever ends it."""
    tally = Tally()
    with carried.open_file(path) as file:
        source = await work(job, lambda: Source.open(node, file, path, job))
        while True:
            team, posts = await work(job, source.read)
            if not team and not posts:
                break
            for pages in (team, posts):
                if pages:
                    node.room.look()
                    node.room.check()
                    tally.count(node, await node.take(pages, None))
    missing = await trio.to_thread.run_sync(_missing, node, source, tally)
    if source.signed and node.replica.team.is_active(source.start.by):
        node.is_stored_by(source.start.by, _held(node, source.runs))
    total = sum(run.entries for run in source.runs)
    lacking = sum(one.last - one.first + 1 for one in missing)
    return BundleTaken(
        str(path),
        source.start.made,
        named(node.replica.team, source.start.by),
        tally.stored,
        max(0, total - tally.stored - lacking),
        tuple(missing),
        source.fault is None,
        source.why,
    )


def _missing(node: Membership, source: Source, tally: Tally) -> list[MissingRun]:
    """The runs whose end is not here, and why."""
    found = []
    for run in source.runs:
        log_id = _log_id(node, run)
        if node.replica.holds(log_id, run.upto):
            continue
        reason = tally.reasons.get(log_id)
        if run.after and not node.replica.holds(log_id, run.after):
            why, last = "gap", run.after.seq
        elif reason is not None and reason is not Reason.GAP:
            why, last = str(reason), run.upto.seq
        else:
            why, last = "cut", run.upto.seq
        tip = node.replica.tip((run.device, run.incarnation, run.kind))
        first = min(tip.seq + 1 if tip else 1, last)
        found.append(_described(node, run, first, last, why))
    return found


def _described(node: Membership, run: Run, first: int, last: int, why: str) -> MissingRun:
    team = node.replica.team
    device = team.devices.get(run.device)
    member = member_name(team, device.member) if device else ""
    name = device.name if device else run.device.hex()[:8]
    return MissingRun(member, name, first, last, why)


def _held(node: Membership, runs: Sequence[Run]) -> dict[LogId, tuple[Tip, ...]]:
    """The ends that are here too: only of those can be said that it is the same log."""
    held: dict[LogId, tuple[Tip, ...]] = {}
    for run in runs:
        log_id = _log_id(node, run)
        if node.replica.holds(log_id, run.upto):
            held[log_id] = (*held.get(log_id, ()), run.upto)
    return held


def _log_id(node: Membership, run: Run) -> LogId:
    return entry.log_id(node.replica.team_id, run.device, run.incarnation, run.kind)


def show(node: Membership, path: Path, job: Job) -> BundleView:
    """What the bundle holds; reads it to its end and stores nothing. Runs in a thread."""
    entries = 0
    with carried.open_file(path) as file:
        source = Source.open(node, file, path, job)
        while any(batch := source.read()):
            entries += sum(_count(data) for pages in batch for data in pages)
    team = node.replica.team
    return BundleView(
        str(path),
        team.name,
        source.start.made,
        named(team, source.start.by),
        member_name(team, source.start.member),
        len(codec.decode(bundle.HEAD, source.head.body, len(source.head.body))[2]),
        sum(1 for run in source.runs if run.entries),
        entries,
        granted(source.runs),
        source.size,
        source.fault is None,
        source.why,
    )


def _count(data: bytes) -> int:
    """How many entries a page has; none where it is no page."""
    try:
        headers, _, _ = codec.decode(page.SHAPE, data, MAX_PAGE_BYTES)
    except Refused:
        return 0
    return len(headers)
