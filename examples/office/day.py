"""The day that `office_day.py` tells: its scenes, one after the other, and what they showed."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from examples.office.history import Line, Seats, lines, parts
from examples.office.lan import Lan, unavailable
from examples.office.machine import Machine, Trouble, place
from examples.office.office import Office, open_office, wait_posts, wait_until
from examples.office.watch import latencies, percentile
from p2pblog.cli.api import Api
from p2pblog.errors import Exit, P2pblogError

CAST: Final = (
    ("front-desk", "Front desk"),
    ("accounts", "Accounts"),
    ("workshop", "Workshop"),
    ("depot", "Depot"),
    ("site", "Site office"),
    ("boss", "Boss"),
    ("van", "Van"),
    ("tablet", "Apprentice"),
)
SHARES: Final = (0.4, 0.2, 0.2, 0.2)  # of the posts: morning, van off, two halves, afternoon
LIVE_POSTS: Final = 40
LIVE_PAUSE: Final = 0.05  # seconds between two live posts: people, not a load test
POWER: Final = (0.1, 0.5)  # seconds until the power fails, from the beginning of an import


@dataclass(slots=True)
class Day:
    """The office and what has happened in it."""

    office: Office
    parts: list[list[Line]]
    chance: random.Random
    seats: Seats = field(default_factory=Seats)
    posts: int = 0
    imported: int = 0
    importing: float = 0.0
    started: float = field(default_factory=time.monotonic)
    waiting: dict[Machine, list[Line]] = field(default_factory=dict)
    figures: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """A line of the log."""
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def note(self, what: str, figure: str) -> None:
        """A figure for the end."""
        self.figures.append((what, figure))

    def write(self, part: Sequence[Line], there: Sequence[Machine]) -> int:
        """Let `there` import what its people wrote of a part; how many posts. The rest waits."""
        self.seat(part, there)
        started = time.monotonic()
        stored = sum(self.office.each(self._import, there))
        self.importing += time.monotonic() - started
        self.imported += stored
        self.posts += stored
        return stored

    def seat(self, part: Sequence[Line], there: Sequence[Machine]) -> None:
        """Give what is said to the machines where its authors sit; new ones sit at `there`."""
        machines = self.office.machines
        seats = [machines.index(machine) for machine in there]
        for number, said in self.seats.spread(part, seats).items():
            self.waiting.setdefault(machines[number], []).extend(said)

    def _import(self, machine: Machine) -> int:
        text = "".join(line.text for line in self.waiting.pop(machine, []))
        if not text:
            return 0
        answer = machine.json("import", "-", stdin=text)
        if answer["refused"]:
            raise Trouble(f"{machine.name} refused {answer['refused'][:3]}")
        return int(answer["stored"])


def open_doors(day: Day) -> None:
    """All but the last two found and join the team."""
    office = day.office
    first, *others = office.machines[:-2]
    office.each(Machine.start, office.machines)
    day.tell(f"{len(office.machines)} machines are switched on, each with a daemon and no team")
    office.found(first, "Acme Roofing")
    day.tell(f"{first.member} founds the team Acme Roofing")
    codes = {machine: first.json("invite")["code"] for machine in others}
    took = office.each(lambda machine: office.join(machine, codes[machine], first), others)
    for machine, seconds in zip(others, took, strict=True):
        day.tell(f"{machine.member} joins with the code {codes[machine]}, {seconds:.1f} s")
    day.note("joined, slowest", f"{max(took):.1f} s")


def join_while_inviter_sleeps(day: Day) -> None:
    """The van is invited by somebody who is off when it joins."""
    office = day.office
    host, inviter, *_ = office.machines
    van = office.machines[-2]
    made = inviter.json("invite")
    wait_until("the invitation to spread", lambda: _knows(host, made["id"]))
    inviter.stop()
    took = office.join(van, made["code"], host)
    day.tell(f"{van.member} joins in {took:.1f} s; {inviter.member}, who invited, is asleep")
    inviter.start()


def _knows(machine: Machine, invitation: str) -> bool:
    return any(one["id"] == invitation for one in machine.ask(Api.invitations))


def work_morning(day: Day) -> None:
    """Everybody posts, and everybody gets everything."""
    there = day.office.machines[:-1]
    count = day.write(day.parts[0], there)
    took = wait_posts(there, day.posts)
    day.tell(f"Morning: {count:,} posts on {len(there)} machines, all equal {took:.1f} s later")


def switch_van_off(day: Day) -> None:
    """One machine is off for hours."""
    van, there = day.office.machines[-2], day.office.machines[:-2]
    before, stopped = day.posts, van.stop()
    day.tell(f"{van.member} is switched off (stopped in {stopped:.1f} s)")
    count = day.write(day.parts[1], there)
    wait_posts(there, day.posts)
    day.tell(f"Hours later: {count:,} posts more on the other {len(there)} machines")
    up = van.start()
    took = up + wait_posts([van], day.posts)
    missed = day.posts - before
    day.tell(f"{van.member} is back and catches up with {missed:,} posts, {took:.1f} s")


def part_and_meet(day: Day) -> None:
    """The network falls into two halves; both go on posting."""
    there = day.office.machines[:-1]
    half = len(there) // 2
    sides = there[:half], there[half:]
    words, before = iter(parts(day.parts[2], (0.5, 0.5))), day.posts

    def work(side: Sequence[Machine]) -> None:
        known = day.posts if side is sides[0] else before
        count = day.write(next(words), side)
        wait_posts(side, known + count)
        names = ", ".join(machine.member for machine in side)
        day.tell(f"  {count:,} posts on this side only: {names}")

    day.tell("The network falls into two halves")
    healed = day.office.apart(*sides, work)
    wait_posts(there, day.posts)
    took = time.monotonic() - healed
    day.tell(f"It is one network again: all equal after {took:.1f} s")
    day.note("equal again after the partition", f"{took:.1f} s")


def welcome_newcomer(day: Day) -> None:
    """Somebody joins late and gets all that was said."""
    office = day.office
    inviter, newcomer = office.machines[2], office.machines[-1]
    code = inviter.json("invite")["code"]
    joined = office.join(newcomer, code, inviter)
    caught_up = wait_posts([newcomer], day.posts)
    rate = day.posts / (joined + caught_up)
    day.tell(
        f"{newcomer.member} joins late ({joined:.1f} s) and has all {day.posts:,} posts"
        f" {caught_up:.1f} s later"
    )
    day.note(
        "newcomer, from `join` to all posts", f"{joined + caught_up:.1f} s, {rate:,.0f} posts/s"
    )


def cut_power(day: Day) -> None:
    """A machine loses power while it imports: what was acknowledged is there afterwards."""
    depot = day.office.machines[3]
    day.seat(day.parts[3], day.office.machines)
    text = "".join(line.text for line in day.waiting.get(depot, []))
    with depot.popen("--json", "import", "-") as importing:
        with suppress(subprocess.TimeoutExpired):
            importing.communicate(text, timeout=day.chance.uniform(*POWER))
        depot.kill()
        answer, _ = importing.communicate()
    depot.start()
    kept = depot.ask(Api.status)["totals"]["posts"] - day.posts
    if importing.returncode == 0 and kept < json.loads(answer)["stored"]:
        raise Trouble(f"{depot.name} has lost posts: {kept} here, acknowledged {answer}")
    day.posts += kept
    day.imported += kept
    day.tell(f"The power fails at the {depot.name} during an import: {kept:,} posts are kept")


def work_afternoon(day: Day) -> None:
    """The rest, and live posts whose way to every other machine is timed."""
    there = day.office.machines
    count = day.write([], there)
    wait_posts(there, day.posts)
    day.tell(f"Afternoon: {count:,} posts, the newcomer writes too")
    times = latencies(there, LIVE_POSTS, LIVE_PAUSE)
    day.posts += LIVE_POSTS
    p50, p99 = (1000 * percentile(times, share) for share in (0.5, 0.99))
    day.tell(f"{LIVE_POSTS} live posts: readable elsewhere after {p50:.0f} ms (p99 {p99:.0f} ms)")
    figure = f"p50 {p50:.1f}, p99 {p99:.1f}, most {1000 * times[-1]:.1f} ms"
    day.note(f"live, {len(times)} ways", figure)


def compare(day: Day) -> bool:
    """Whether all have the same posts in the same order, byte for byte."""
    machines = day.office.machines
    wait_posts(machines, day.posts)
    read = day.office.each(Machine.posts, machines)
    digests = [hashlib.blake2b("\n".join(one).encode(), digest_size=16).hexdigest() for one in read]
    for machine, posts, digest in zip(machines, read, digests, strict=True):
        day.tell(f"  {machine.name:<12} {len(posts):>8,} posts  {digest}")
    equal = len(set(digests)) == 1 and len(read[0]) == day.posts
    day.tell("All have the same posts in the same order" if equal else "THEY DIFFER")
    return equal


def report(day: Day, source: str) -> None:
    """The figures."""
    machines = day.office.machines
    status = machines[0].ask(Api.status)
    rate = day.imported / day.importing if day.importing else 0
    day.note("posts", f"{day.posts:,} of {day.seats.authors:,} people, from {source}")
    day.note("imported", f"{rate:,.0f} posts/s on all machines together")
    day.note(
        "entries on each", f"{status['totals']['entries']:,} in {status['totals']['logs']} logs"
    )
    day.note("sent by all", f"{day.office.traffic():,} bytes")
    day.note("store on disk", f"{machines[0].stored():,} bytes")
    day.note("most memory of a daemon", f"{max(m.memory() for m in machines) / 1e6:.0f} MB")
    day.note("the whole day", f"{time.monotonic() - day.started:.1f} s")
    width = max(len(what) for what, _ in day.figures)
    print()
    for what, figure in day.figures:
        print(f"  {what:<{width}}  {figure}")


SCENES: Final[Sequence[Callable[[Day], None]]] = (
    open_doors,
    join_while_inviter_sleeps,
    work_morning,
    switch_van_off,
    part_and_meet,
    welcome_newcomer,
    cut_power,
    work_afternoon,
)


def run(options: argparse.Namespace) -> bool:
    """The whole day; whether all is equal in the end."""
    why = "as asked for" if options.loopback else unavailable()
    source, history = lines(options.posts, options.authors, options.seed)
    cast = [*CAST[: options.machines - 2], *CAST[-2:]]
    network = nullcontext(None) if why else Lan(len(cast))
    print(f"Network: loopback, {why}" if why else "Network: a LAN of network namespaces, mDNS")
    with place(options.keep) as path, network as lan, open_office(path, cast, lan) as office:
        day = Day(office, parts(history, SHARES), random.Random(options.seed))
        try:
            for scene in SCENES:
                scene(day)
            equal = compare(day)
            report(day, source)
        except (Trouble, P2pblogError) as error:
            day.tell(f"FAILED: {error}")
            for machine in office.machines:
                print(f"\n-- {machine.name}\n{machine.last_words()}")
            return False
    return equal


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("office_day.py", description=__doc__)
    parser.add_argument("--posts", type=int, default=2000, metavar="N", help="so many messages")
    parser.add_argument("--authors", type=int, metavar="N", help="of so many people only")
    parser.add_argument("--machines", type=int, default=7, metavar="N", help="5 to 8 [7]")
    parser.add_argument("--loopback", action="store_true", help="no network namespaces")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another part of the chat")
    parser.add_argument("--keep", metavar="DIR", help="put the homes here and keep them")
    options = parser.parse_args(arguments)
    if options.keep and Path(options.keep).exists():
        parser.error(f"{options.keep} is there already")
    if not 5 <= options.machines <= len(CAST) or options.posts < 20:
        parser.error("5 to 8 machines and 20 posts or more")
    return options


@contextmanager
def _hangups() -> Iterator[None]:
    """Let a kill or a closed terminal end the day as Ctrl-C does, so that it is cleaned up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the day; its exit code."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        with _hangups():
            return Exit.OK if run(options) else Exit.FAILED
    except KeyboardInterrupt:
        print("Interrupted; everything is stopped and removed.")
        return Exit.INTERRUPTED
