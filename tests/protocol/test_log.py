"""`protocol/log.md`: where a page attaches, where two branches part, what a locator names."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol import page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Entry, EntryId, TeamId
from p2pblog.protocol.limits import MAX_MARKS, MAX_SEQ
from p2pblog.protocol.log import Branch, Outcome, Place, Tip, locator_heights, meeting, place
from tests.support.logs import LogMaker, ids, tip
from tests.support.replicas import ADMIT, Replica
from tests.support.vectors import vectors


def branch_of(number: int, parent: int | None, first: int, way: list[Entry]) -> Branch:
    return Branch(number, parent, first, tip(way[-1]))


class Tree:
    """A log 1-10 with a branch that leaves it after 6 and one that starts anew."""

    def __init__(self) -> None:
        maker = LogMaker()
        self.main = maker.run(10)
        self.side = [*self.main[:6], *maker.run(3, self.main[5])]
        self.anew = maker.run(2)
        self.ways = [self.main, self.side, self.anew]
        self.branches = [
            branch_of(0, None, 1, self.main),
            branch_of(1, 0, 7, self.side),
            branch_of(2, 0, 1, self.anew),
        ]

    def id_at(self, branch: Branch, seq: int) -> EntryId | None:
        way = self.ways[branch.number]
        return way[seq - 1].id if 1 <= seq <= len(way) else None

    def place(self, run: list[Entry], count: int = 3) -> Place:
        header = run[0].header
        return place(self.branches[:count], header.seq, header.backlink, ids(run), self.id_at)


TREE = Tree()
MAKER = LogMaker(rng=random.Random("more"))


def test_a_new_log_starts_at_one() -> None:
    assert TREE.place(TREE.main, 0) == Place(Outcome.STORED)
    assert TREE.place(TREE.main[1:], 0) == Place(Outcome.GAP)


def test_what_follows_a_tip_is_stored() -> None:
    for number, way in enumerate(TREE.ways):
        run = MAKER.run(2, way[-1])
        assert TREE.place(run) == Place(Outcome.STORED, 0, TREE.branches[number])


@pytest.mark.parametrize("start", range(10))
@pytest.mark.parametrize("end", [1, 5, 6, 7, 10])
def test_what_is_here_is_known(start: int, end: int) -> None:
    for way in TREE.ways:
        run = way[start:end]
        if run:
            found = TREE.place(run)
            assert (found.outcome, found.index) == (Outcome.KNOWN, len(run))
            assert found.branch is not None
            assert TREE.id_at(found.branch, run[-1].header.seq) == run[-1].id


def test_an_overlap_is_stored_from_what_is_new() -> None:
    run = [*TREE.side[4:], *MAKER.run(2, TREE.side[-1])]
    assert TREE.place(run) == Place(Outcome.STORED, 5, TREE.branches[1])


def test_a_run_that_leaves_a_branch_is_a_fork() -> None:
    run = MAKER.run(3, TREE.main[7])
    assert TREE.place(run) == Place(Outcome.FORK, 0, TREE.branches[0])
    run = [*TREE.main[2:8], *MAKER.run(3, TREE.main[7])]
    assert TREE.place(run) == Place(Outcome.FORK, 6, TREE.branches[0])
    run = MAKER.run(3, TREE.side[7])
    assert TREE.place(run) == Place(Outcome.FORK, 0, TREE.branches[1])


def test_another_first_entry_is_a_fork() -> None:
    found = TREE.place(MAKER.run(3))
    assert (found.outcome, found.index) == (Outcome.FORK, 0)


def test_a_run_over_a_gap_is_told() -> None:
    run = MAKER.run(4, TREE.main[-1])
    assert TREE.place(run[1:]) == Place(Outcome.GAP)
    stranger = MAKER.run(9)
    assert TREE.place(stranger[5:]) == Place(Outcome.GAP)


def test_where_two_branches_part() -> None:
    def id_at(at: Tip, seq: int) -> EntryId | None:
        return next(TREE.id_at(b, seq) for b in TREE.branches if TREE.id_at(b, at.seq) == at.id)

    main, side, anew = (branch.tip for branch in TREE.branches)
    assert meeting(main, side, id_at) == tip(TREE.main[5])
    assert meeting(side, main, id_at) == tip(TREE.main[5])
    assert meeting(main, tip(TREE.main[3]), id_at) == tip(TREE.main[3])
    assert meeting(main, main, id_at) == main
    assert meeting(main, anew, id_at) is None


@pytest.mark.parametrize(
    ("height", "heights"),
    [
        (0, []),
        (1, [1]),
        (2, [2, 1]),
        (3, [3, 2, 1]),
        (5, [5, 4, 2, 1]),
        (20, [20, 19, 17, 13, 5, 1]),
    ],
)
def test_a_locator_steps_down_ever_wider(height: int, heights: list[int]) -> None:
    assert locator_heights(height) == heights


@given(st.integers(1, MAX_SEQ))
def test_every_locator_fits(height: int) -> None:
    heights = locator_heights(height)
    assert heights[0] == height
    assert heights[-1] == 1
    assert heights == sorted(set(heights), reverse=True)
    assert len(heights) <= MAX_MARKS


def replayed(vector: dict[str, Any]) -> list[Any]:
    team = TeamId(bytes.fromhex(vector["team"]))
    held, author = Replica(1), Replica(2)
    first = page.verify(bytes.fromhex(vector["steps"][0]["page"]), team)
    author.signing = SigningKey(bytes(32))
    author.signing.public = first.log[0]
    held.operate(ADMIT, author)
    steps = []
    for step in vector["steps"]:
        taken = held.ingest(bytes.fromhex(step["page"]))
        ways = held.logs[taken.log].ways if taken.log in held.logs else []
        steps.append(
            {
                "page": step["page"],
                "new": [made.id.hex() for made in taken.new],
                "tips": sorted([len(way), way[-1].id.hex()] for way in ways),
                **({"reason": taken.reason.value} if taken.reason else {}),
            }
        )
    return steps


LOGS = [vector for vector in vectors("log", "valid") if "steps" in vector]


@pytest.mark.parametrize("vector", LOGS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    assert replayed(vector) == vector["steps"]


@pytest.mark.parametrize("vector", vectors("log", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    assert replayed(vector) == vector["steps"]
    assert vector["steps"][-1]["reason"] == vector["reason"]


def test_vectors_of_locators() -> None:
    for vector in vectors("log", "valid"):
        if "locator" in vector:
            assert locator_heights(vector["tip"]) == vector["locator"]
