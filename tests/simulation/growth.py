"""What a larger team costs: a post, a catch-up, and the start of a session, against its size."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from p2pblog.protocol import frontier, message
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Scope
from tests.simulation import calm
from tests.simulation.office import Office

Row = dict[str, float]
MISSED = 100  # entries that somebody lacks who comes back
SESSION_SIZES = (10, 100, 1_000, 10_000, 100_000)


def of_a_post(nodes: int, posts: int, seed: int) -> tuple[Row, Row]:
    """A post, and then the catch-up of a device that missed `MISSED` posts."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder), nodes, seed)
        calm.settle(office)
        post = calm.measure(office, posts).as_json()
        caught = _catch_up(office)
        office.close()
    return post, caught


def _catch_up(office: Office) -> Row:
    """One device is off while others write, and comes back."""
    away, others = office.devices[-1], office.devices[:-1]
    away.stop()
    for number in range(MISSED):
        others[number % len(others)].post()
        office.clock.run(0.1)
    office.clock.run(calm.AFTER)
    office.census.clear()
    came = office.clock.now
    away.start()
    office.clock.run_until(office.are_equal, 60.0, step=0.01)
    census = office.census
    return {
        "nodes": len(office.devices),
        "entries": MISSED,
        "seconds": office.clock.now - came,
        "sessions": len(away.ends),
        "redundancy": census.redundancy,
        "payload_bytes": census.page_bytes,
        "control_bytes": census.control_bytes,
        "messages": census.control_messages + census.page_messages,
    }


def of_a_session(logs: int) -> Row:
    """What a session works out at its start from so many logs, and says if two buckets differ.

    In milliseconds of the processor.
    """
    tips = {
        LogId(number.to_bytes(16, "little")): (Tip(number + 1, EntryId(bytes(32))),)
        for number in range(logs)
    }
    began = time.process_time()
    frontier.digest(tips, b"k" * 64)
    digested = time.process_time()
    count = frontier.buckets_for(logs)
    summary = frontier.summary(tips, b"k" * 64, count)
    summed = time.process_time()
    rows = list(frontier.rows_in(tips, (1, 2), count))
    listed = time.process_time()
    parts = frontier.parts(rows, count)
    said = [message.Rows(Scope.POSTS, (1, 2), part, True, True) for part in parts]
    return {
        "logs": logs,
        "digest_ms": 1000 * (digested - began),
        "summary_ms": 1000 * (summed - digested),
        "rows_ms": 1000 * (listed - summed),
        "summary_bytes": len(summary),
        "rows_bytes": sum(len(message.pack(part)) for part in said),
    }
