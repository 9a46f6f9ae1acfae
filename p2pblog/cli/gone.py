"""What is said of a member or a device that has gone: who knows, what went along, what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from p2pblog.cli import output, posts, when
from p2pblog.cli.app import App
from p2pblog.cli.roster import Removal

PATIENCE: Final = 2.0  # seconds; on a local network all know within a tenth
POLL: Final = 0.1  # seconds between two questions: people see no shorter wait
WENT: Final = {"removed": "is removed", "left": "has left", "revoked": "is revoked"}


def follow(app: App, gone: Removal, look: Callable[[], Removal]) -> None:
    """Print how it stands once those in reach know, or have had their time."""
    deadline = time.monotonic() + PATIENCE
    while gone["unaware"] and time.monotonic() < deadline:
        time.sleep(POLL)
        gone = look() | {"voided": gone["voided"], "fallen": gone["fallen"]}
    show(app, gone)


def show(app: App, gone: Removal) -> None:
    """Print how it stands."""
    if app.json:
        app.emit(gone)
    else:
        app.say("\n".join(_lines(gone)))


def _lines(gone: Removal) -> Iterator[str]:
    name = output.clean(gone["name"])
    yield f"{output.strong(name)} {WENT[gone['kind']]}."
    if gone["devices"]:
        yield who_knows(gone)
    for one in gone["voided"]:
        yield (
            f"The invitation {posts.short(one['id'])} ({one['role']}) is void with it. Whoever "
            "holds its code needs a new one: p2pblog invite"
        )
    for lost in map(output.clean, gone["fallen"]):
        yield f"Out with it, for {name} had let it in: {lost}. To let it in again: "
        yield f"    p2pblog member readmit {lost!r}"
    for more in gone["more"]:
        span = f"{when.show(more['oldest'])} to {when.show(more['newest'])}"
        count = output.count(more["entries"], "entry").replace("entrys", "entries")
        yield (
            f"This machine holds {count} of {output.clean(more['device'])} that do not count, "
            f"from {span}. To let them count: p2pblog member extend {name!r}"
        )


def who_knows(gone: Removal) -> str:
    """`7 of 8 devices know of it; Sam's van does not yet.`"""
    known = f"{gone['known_by']} of {gone['devices']} devices know of it"
    if not gone["unaware"]:
        return f"{known}."
    return f"{known}; {_names(gone['unaware'])} not yet. Each hears of it from the first it meets."


def _names(unaware: Sequence[str]) -> str:
    verb = "does" if len(unaware) == 1 else "do"
    return f"{', '.join(map(output.clean, unaware))} {verb}"
