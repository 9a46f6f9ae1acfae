"""Any text is a cursor of a list, of a search, a position of the event stream, or a ValueError.

A cursor that is read is written as the same text: there is one for each place. All that is in one
fits the store's numbers.
"""

from collections.abc import Iterator

from p2pblog.api import cursor
from p2pblog.api.fields import ARRIVAL, PLACE, POSITION
from p2pblog.protocol.entry import EntryId
from tests.fuzz import TAKEN
from tests.fuzz.material import texts


def run(data: bytes) -> str:
    text = texts(data)
    try:
        time, name = cursor.read_place(text)
    except ValueError:
        pass
    else:
        assert cursor.write_place(time, name) == text
        assert PLACE.read(text) == (time, name)
        assert time < 2**63
        return f"place {TAKEN}"
    try:
        arrival = cursor.read_arrival(text)
    except ValueError:
        pass
    else:
        assert cursor.write_arrival(arrival) == text
        assert ARRIVAL.read(text) == arrival < 2**63
        return f"arrival {TAKEN}"
    try:
        position = cursor.read_position(text)
    except ValueError:
        return "refused"
    assert str(position) == text
    assert POSITION.read(text) == position
    assert position.arrival < 2**63
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield cursor.write_place(1_700_000_000_000, EntryId(bytes(range(32)))).encode()
    yield cursor.write_arrival(7).encode()
    yield cursor.write_arrival(2**62).encode()
    yield from (b"0badcafe:12", b"0:0", b"0:01", b"g:1", b"", b"=", b"/" * 11, b"_" * 54)
