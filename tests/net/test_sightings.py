from p2pblog.net.address import Address
from p2pblog.net.sightings import Found, Instance, Sightings
from p2pblog.protocol.limits import (
    DOUBT_PAUSE,
    HEARD_FOR,
    LOOK_EVERY,
    MAX_INSTANCES,
    MAX_UNANSWERED,
)

ANNA = Instance("anna")
BERT = Instance("bert")


def found(instance: Instance, port: int = 1) -> Found:
    return Found(instance, (Address("10.0.0.1", port),), {b"v": b"1"})


def seen(*instances: Instance, now: float = 0.0) -> Sightings:
    sightings = Sightings()
    for instance in instances:
        sightings.hear(instance, now)
        sightings.describe(found(instance))
    return sightings


def test_who_was_heard_lately_need_not_answer() -> None:
    assert seen(ANNA, BERT).ask(HEARD_FOR / 2) == [ANNA, BERT]


def test_who_was_not_heard_for_a_while_must_answer() -> None:
    sightings = seen(ANNA, BERT)
    sightings.hear(BERT, HEARD_FOR / 2)
    assert sightings.ask(HEARD_FOR) == [BERT]


def test_who_does_not_answer_is_lost() -> None:
    sightings = seen(ANNA)
    for _ in range(MAX_UNANSWERED):
        assert sightings.ask(HEARD_FOR) == []
        assert ANNA in sightings.table()
    sightings.ask(HEARD_FOR)
    assert sightings.table() == {}


def test_an_answer_counts_afresh() -> None:
    sightings = seen(ANNA)
    for _ in range(MAX_UNANSWERED):
        sightings.ask(HEARD_FOR)
    sightings.hear(ANNA, HEARD_FOR)
    assert sightings.ask(HEARD_FOR) == [ANNA]


def test_only_changes_are_news() -> None:
    sightings = seen(ANNA)
    first = sightings.table()[ANNA]
    sightings.hear(ANNA, 1.0)
    sightings.describe(found(ANNA))
    assert sightings.table()[ANNA] == first
    sightings.describe(found(ANNA, port=2))
    assert sightings.table()[ANNA].news > first.news


def test_the_doubted_must_answer_and_are_news_when_they_do() -> None:
    sightings = seen(ANNA, BERT)
    before = sightings.table()
    assert sightings.doubt(ANNA, 1.0)
    assert sightings.ask(1.0) == [BERT]
    assert sightings.table() == before
    sightings.hear(ANNA, 1.0)
    assert sightings.table()[ANNA].news > before[ANNA].news
    assert sightings.table()[BERT] == before[BERT]


def test_who_dispelled_a_doubt_is_not_doubted_again_at_once() -> None:
    sightings = seen(ANNA)
    assert sightings.doubt(ANNA, 1.0)
    sightings.hear(ANNA, 2.0)
    assert not sightings.doubt(ANNA, 3.0)
    assert sightings.ask(3.0) == [ANNA]
    assert sightings.doubt(ANNA, 2.0 + DOUBT_PAUSE)


def test_after_a_change_of_network_all_must_answer() -> None:
    sightings = seen(ANNA, BERT)
    sightings.doubt_all()
    assert sightings.ask(1.0) == []


def test_a_stranger_can_not_be_doubted() -> None:
    assert not seen(ANNA).doubt(BERT, 1.0)


def test_a_goodbye_is_believed() -> None:
    sightings = seen(ANNA)
    sightings.forget(ANNA)
    assert sightings.table() == {}
    sightings.describe(found(ANNA))
    assert sightings.table() == {}


def test_the_lost_are_news_when_they_are_back() -> None:
    sightings = seen(ANNA)
    before = sightings.table()[ANNA].news
    sightings.forget(ANNA)
    sightings.hear(ANNA, 1.0)
    sightings.describe(found(ANNA))
    assert sightings.table()[ANNA].news > before


def test_the_table_is_bounded_and_forgets_the_longest_unheard() -> None:
    sightings = seen(ANNA, now=0.0)
    for number in range(MAX_INSTANCES):
        sightings.hear(Instance(str(number)), 1.0)
    assert ANNA not in sightings
    assert len(sightings.ask(1.0)) == MAX_INSTANCES


def test_the_more_there_are_the_less_each_asks() -> None:
    assert Sightings().every == LOOK_EVERY
    assert seen(*(Instance(str(number)) for number in range(24))).every == 24.0
