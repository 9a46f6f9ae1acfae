"""What devices said that they have is kept, and never goes down."""

import random

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


def test_logs_keep_their_places_over_restarts() -> None:
    logs = [LogId(bytes([number]) * 16) for number in range(5)]
    kept: dict[str, str] = {}
    for number, log in enumerate(logs):
        known = Knowledge(kept)
        known.note(SAM if number % 2 else LEE, log, number + 1)
        kept |= known.take_changed()
    again = Knowledge(kept)
    assert [again.height(LEE, log) for log in logs] == [1, 0, 3, 0, 5]
    assert [again.height(SAM, log) for log in logs] == [0, 2, 0, 4, 0]


def test_what_could_not_be_kept_is_never_taken_for_something_else() -> None:
    """A full disk: of each round a random number of settings is kept."""
    for seed in range(200):
        chance, kept, said = random.Random(seed), dict[str, str](), dict[tuple[str, LogId], int]()
        logs = [LogId(bytes([number]) * 16) for number in range(8)]
        known = Knowledge({})
        for _ in range(10):
            device, log = chance.choice((SAM, LEE)), chance.choice(logs)
            seq = said[device.hex(), log] = said.get((device.hex(), log), 0) + chance.randint(1, 9)
            known.note(device, log, seq)
            changed = known.take_changed()
            kept |= changed[: chance.randint(0, len(changed))]
            if chance.random() < 0.3:
                known = Knowledge(kept)
        for device in (SAM, LEE):
            for log in logs:
                at_most = said.get((device.hex(), log), 0)
                assert Knowledge(kept).height(device, log) <= at_most, f"seed {seed}"


def test_what_an_older_version_kept_is_taken_over() -> None:
    known = Knowledge({f"stored by {SAM.hex()}": '{"' + ONE.hex() + '": 5}'})
    assert known.height(SAM, ONE) == 5
    again = Knowledge(dict(known.take_changed()))
    assert (again.height(SAM, ONE), again.height(SAM, OTHER)) == (5, 0)


def test_a_row_that_a_repair_found_without_its_logs_says_nothing() -> None:
    known = Knowledge({f"stored by {SAM.hex()}": "500 7"})
    known.note(LEE, ONE, 3)
    assert (known.height(SAM, ONE), known.height(LEE, ONE)) == (0, 3)
