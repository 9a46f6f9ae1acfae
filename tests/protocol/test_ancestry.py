"""`protocol/ancestry.md`: one order for all readers, whatever came first."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol.ancestry import TeamEntry, arrange, parents, places
from tests.support.vectors import vectors
from tests.vectors.ancestry import graph


@pytest.mark.parametrize("vector", vectors("ancestry", "valid"), ids=lambda v: v["name"])
def test_graphs(vector: dict[str, Any]) -> None:
    made = arrange(graph({letter: tuple(node) for letter, node in vector["entries"].items()}))
    letters = [entry.id[:1].decode() for entry in made.entries]
    assert letters == vector["order"]
    assert list(made.depth) == vector["depth"]
    ancestors = [[letters[place] for place in places(mask)] for mask in made.ancestors]
    assert ancestors == vector["ancestors"]
    assert [letters[p] for p in places(made.heads(made.everything))] == vector["heads"]
    assert sorted(one[:1].decode() for one in made.pending) == vector["pending"]


def test_an_entry_that_names_itself_or_a_circle_is_pending() -> None:
    made = arrange(
        graph({"a": ("x", 1, "", "a", ""), "b": ("y", 1, "", "c", ""), "c": ("z", 1, "", "b", "")})
    )
    assert len(made.entries) == 0
    assert len(made.pending) == 3


LETTERS = "abcdefgh"
NODES = st.tuples(
    st.sampled_from("xyz"),
    st.integers(1, 3),
    st.sampled_from(LETTERS),
    st.sets(st.sampled_from(LETTERS), max_size=3).map(lambda letters: "".join(sorted(letters))),
    st.sampled_from(["", *LETTERS]),
)


@given(st.dictionaries(st.sampled_from(LETTERS), NODES), st.randoms())
def test_any_graph_has_one_order(nodes: Any, chance: random.Random) -> None:
    entries: list[TeamEntry] = graph(nodes)
    made = arrange(entries)
    shuffled = entries * 2
    chance.shuffle(shuffled)
    assert arrange(shuffled) == made
    for place, entry in enumerate(made.entries):
        below = 0
        for parent in parents(entry):
            above = made.place[parent]
            assert above < place
            below |= 1 << above | made.ancestors[above]
        assert made.ancestors[place] == below
    assert made.pending == {e.id for e in entries} - set(made.place)


@given(st.integers(0, 2**80))
def test_places_of_a_mask(mask: int) -> None:
    assert sum(1 << place for place in places(mask)) == mask
