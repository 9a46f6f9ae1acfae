"""What devices said that they have is kept, and never goes down."""

from p2pblog.node.known import Knowledge
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, LogId
from p2pblog.protocol.log import Tip

SAM, LEE = DeviceKey(b"s" * 32), DeviceKey(b"l" * 32)
ONE, OTHER = LogId(b"1" * 16), LogId(b"2" * 16)


def test_heights_only_rise() -> None:
    known = Knowledge({})
    known.note(SAM, ONE, 5)
    known.note(SAM, ONE, 3)
    known.note_tips(SAM, {OTHER: (Tip(2, EntryId(b"")), Tip(9, EntryId(b""))), ONE: ()})
    assert [known.height(SAM, log) for log in (ONE, OTHER)] == [5, 9]
    assert known.height(LEE, ONE) == 0


def test_it_is_kept_over_restarts() -> None:
    known = Knowledge({"fixed peers": "[]"})
    known.note(SAM, ONE, 5)
    known.note(LEE, ONE, 2)
    kept = dict(known.take_changed())
    assert known.take_changed() == []
    known.note(LEE, ONE, 2)
    assert known.take_changed() == []
    again = Knowledge(kept)
    assert (again.height(SAM, ONE), again.height(LEE, ONE)) == (5, 2)
    assert again.take_changed() == []
