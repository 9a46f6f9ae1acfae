"""Any text is cleaned to a name, or `Refused` as BAD_NAME; and any text at all can be shown.

What is clean stays as it is, is short, and has nothing hidden in it. What is shown has nothing
hidden either, and alike names fold alike. Of any names no two that read the same are shown alike.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason
from p2pblog.protocol import names
from p2pblog.protocol.limits import MAX_NAME
from tests.fuzz import TAKEN
from tests.fuzz.material import attempt, texts
from tests.support.vectors import vectors


def run(data: bytes) -> str:
    text = texts(data)
    name, outcome = attempt(names.clean, text)
    assert outcome in (TAKEN, Reason.BAD_NAME)
    if name is not None:
        assert names.clean(name) == name
        assert 0 < len(name.encode()) <= MAX_NAME
        assert names.shown(name) == name
    shown = names.shown(text)
    assert shown
    assert names.shown(shown) == shown
    several = [*text.split("/")[:20], text]
    display = names.display_names(enumerate(several))
    folded = [names.fold(one) for one in display.values()]
    assert len(set(folded)) == len(several)
    return outcome


def seeds() -> Iterator[bytes]:
    for part in ("valid", "invalid"):
        for vector in vectors("names", part):
            for field in ("name", "clean", "typed", "shown"):
                if isinstance(vector.get(field), str):
                    yield vector[field].encode("utf-8", "surrogatepass")
    yield "Anna/anna/Аnna/Anna 2/ANNA/l0/1O".encode()
