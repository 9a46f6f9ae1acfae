"""Graphs of team entries: their one order, their heads, and what is pending."""

import random
from typing import Any

from p2pblog.protocol.ancestry import TeamEntry, arrange, places
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind
from p2pblog.protocol.operation import CutOff, Leave, Rename, Subject

# entry: (log, seq, the entry before, after, tip of a cut-off); all by letters
Node = tuple[str, int, str, str, str]
GRAPHS: dict[str, dict[str, Node]] = {
    "nothing": {},
    "a chain": {"a": ("x", 1, "", "", ""), "b": ("x", 2, "a", "", ""), "c": ("x", 3, "b", "", "")},
    "after names ancestors": {
        "c": ("x", 1, "", "", ""),
        "a": ("y", 1, "", "c", ""),
        "b": ("x", 2, "c", "a", ""),
    },
    "equal depths go by id": {
        "d": ("x", 1, "", "", ""),
        "c": ("y", 1, "", "d", ""),
        "b": ("z", 1, "", "d", ""),
        "a": ("x", 2, "d", "bc", ""),
    },
    "a fork": {"a": ("x", 1, "", "", ""), "c": ("x", 2, "a", "", ""), "b": ("x", 2, "a", "", "")},
    "the tip of a cut-off is an ancestor": {
        "a": ("x", 1, "", "", ""),
        "b": ("y", 1, "", "a", ""),
        "c": ("x", 2, "a", "", "b"),
    },
    "a missing backlink": {"a": ("x", 1, "", "", ""), "c": ("x", 3, "b", "", "")},
    "pending is inherited": {
        "a": ("x", 1, "", "", ""),
        "b": ("y", 1, "", "az", ""),
        "c": ("x", 2, "a", "b", ""),
        "d": ("x", 3, "c", "", ""),
    },
    "a missing tip": {"a": ("x", 1, "", "", ""), "c": ("x", 2, "a", "", "b")},
}


def ident(letter: str) -> EntryId:
    return EntryId(letter.encode() * 32)


def graph(nodes: dict[str, Node]) -> list[TeamEntry]:
    """The entries of a graph that is given in letters."""
    made = []
    for letter, (log, seq, before, after, tip) in nodes.items():
        known = tuple(ident(one) for one in sorted(after))
        named = (DeviceKey(b"y" * 32), Incarnation(bytes(8)), int(Kind.TEAM))
        operation: Leave | Rename = Rename(known, Subject.TEAM, None, letter)
        if tip:
            operation = Leave(known, (CutOff(*named, 1, ident(tip), bytes(64)),))
        device, backlink = DeviceKey(log.encode() * 32), EntryId(ident(before))
        made.append(
            TeamEntry(ident(letter), device, Incarnation(bytes(8)), seq, backlink, 0, operation)
        )
    return made


def make(rng: random.Random) -> dict[str, Any]:
    valid = []
    for name, nodes in GRAPHS.items():
        made = arrange(graph(nodes))
        letters = [entry.id[:1].decode() for entry in made.entries]
        heads = [letters[place] for place in places(made.heads(made.everything))]
        valid.append(
            {
                "name": name,
                "entries": {letter: list(node) for letter, node in nodes.items()},
                "order": letters,
                "depth": list(made.depth),
                "ancestors": [[letters[p] for p in places(mask)] for mask in made.ancestors],
                "heads": heads,
                "pending": sorted(one[:1].decode() for one in made.pending),
            }
        )
    return {"module": "ancestry", "valid": valid, "invalid": []}
