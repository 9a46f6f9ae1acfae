"""`p2pblog post` and `p2pblog read` as whole processes, beside a bare interpreter with click."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tests.bench import limits
from tests.bench.daemons import daemons
from tests.bench.figures import Figure, Value
from tests.bench.homes import Place


def measure(place: Place) -> Iterator[Figure]:
    """Each in turn with the others, so that all have the same luck."""
    home = place.copy(place.thousand())
    ours = ("-m", "p2pblog", "--home", str(home.path))
    commands = {
        "post": (*ours, "post", "The pump at unit 4 runs again"),
        "read": (*ours, "read"),
        "bare": ("-c", "import click"),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with daemons(home):
        for _ in range(place.size(21, 3)):
            for name, command in commands.items():
                taken[name].append(limits.whole_process(*command))
    beside = (Value("bare interpreter and click", median(taken["bare"]), "ms"),)
    reach = "under 200 ms, less than twice the bare interpreter"
    for name in ("post", "read"):
        took = median(taken[name])
        yield Figure(f"p2pblog {name}, whole process", took, "ms", beside, reach)
        ratio = took / beside[0].number
        yield Figure(f"p2pblog {name}: of the bare interpreter", ratio, "times", beside)
