"""Figures: what was measured, what was measured beside it, and both as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

HEAD = ("what", "figure", "beside it, in the same run", "to reach")


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one run."""

    what: str
    number: float
    unit: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one run, the limits or peers of that run beside it, and what is to be reached.

    `note` says how it was measured, where that is not plain.
    """

    what: str
    number: float
    unit: str
    beside: tuple[Value, ...] = ()
    reach: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """One value over all runs."""

    what: str
    unit: str
    runs: tuple[float, ...]

    def __str__(self) -> str:
        shown = f"{plain(median(self.runs))} {self.unit}"
        if len(self.runs) > 1:
            shown += f" ({plain(min(self.runs))}-{plain(max(self.runs))})"
        return shown

    def json(self) -> dict[str, object]:
        return {
            "what": self.what,
            "unit": self.unit,
            "median": median(self.runs),
            "low": min(self.runs),
            "high": max(self.runs),
            "runs": list(self.runs),
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over all runs."""

    row: str
    figure: Spread
    beside: tuple[Spread, ...]
    reach: str
    note: str

    def cells(self) -> tuple[str, str, str, str]:
        beside = "; ".join(f"{one.what}: {one}" for one in self.beside)
        what = f"{self.figure.what} [{self.note}]" if self.note else self.figure.what
        return what, str(self.figure), beside, self.reach

    def json(self) -> dict[str, object]:
        beside = [one.json() for one in self.beside]
        more = {"beside": beside, "reach": self.reach, "note": self.note}
        return {"row": self.row, **self.figure.json(), **more}


def gathered(row: str, runs: Sequence[Sequence[Figure]]) -> Iterator[Line]:
    """The figures of several runs, each over all of them."""
    every = [figure for run in runs for figure in run]
    for what in dict.fromkeys(figure.what for figure in every):
        same = [figure for figure in every if figure.what == what]
        first = same[0]
        number = Spread(what, first.unit, tuple(figure.number for figure in same))
        values = [value for figure in same for value in figure.beside]
        yield Line(row, number, tuple(_spreads(values)), first.reach, first.note)


def _spreads(values: Sequence[Value]) -> Iterator[Spread]:
    for what in dict.fromkeys(value.what for value in values):
        same = [value for value in values if value.what == what]
        yield Spread(what, same[0].unit, tuple(value.number for value in same))


def plain(number: float) -> str:
    """As many digits as mean something."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) >= 0.01 or not number else f"{number:.2g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def told(machine: Mapping[str, object]) -> str:
    """The machine in a line."""
    return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in machine.items())


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many in a hundred lie."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
