"""Search: nothing typed is an error, everything stored is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.protocol.entry import Entry
from p2pblog.protocol.post import Source
from p2pblog.store import question, search
from p2pblog.store.question import Term
from p2pblog.store.replica import Replica
from tests.store.world import NOW, World
from tests.support.logs import START, packed

TEXTS = (
    "The quick brown fox",
    "quick fix for the café door",
    "don't open the door #maintenance",
    "Über den Wolken, brown bread",
    "select * from posts; NEAR AND OR NOT",
    "mail anna@example.org",
)


@pytest.fixture
def replica(tmp_path: Path) -> Replica:
    world = World(3)
    run: list[Entry] = []
    for number, text in enumerate(TEXTS):
        channel = ("general", "Dev")[number % 2]
        run.append(world.post(1, run[-1] if run else None, text, channel=channel))
    source = Source("Old Hand", START, "line 1")
    imported = [world.post(2, None, "quick words from elsewhere", source=source)]
    return world.replica(tmp_path / "store", [packed(run), packed(imported)])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("quick", [6, 1, 0]),
        ("QUICK brown", [0]),
        ('"quick fix"', [1]),
        ('"fix quick"', []),
        ("cafe", [1]),
        ("uber wolken", [3]),
        ("quick -fix", [6, 0]),
        ("-quick", [5, 4, 3, 2]),
        ("qui*", [6, 1, 0]),
        ("q*", []),
        ("don't", [2]),
        ("#maintenance", [2]),
        ("anna@example.org", [5]),
        ("AND", [4]),
        ("in:general", [6, 4, 2, 0]),
        ("in:dev quick", [1]),
        ("in:#Dev quick", [1]),
        ("in:nowhere quick", []),
        ("from:ben quick", [1, 0]),
        ("from:carla", [6]),
        ("from:hand quick", [6]),
        ('from:"old hand"', [6]),
        ("from:nobody", []),
        ("-from:ben", [6]),
        ("-in:general", [5, 3, 1]),
        ("-in:general -in:dev", []),
        ("-in:general -in:dev -in:nowhere", []),
        ("-in:general -quick", [5, 3]),
        ("quick -from:ben -in:dev", [6]),
        ("lg2", []),
        ("meta", []),
        ('"', []),
        ("***", []),
        ("", []),
        ("-", []),
        ('"quick', [6, 1, 0]),
    ],
)
def test_questions(replica: Replica, asked: str, found: list[int]) -> None:
    texts = [*TEXTS, "quick words from elsewhere"]
    assert [post.text for post in replica.search(asked, 10)] == [texts[n] for n in found]


def test_answers_come_in_pages(replica: Replica) -> None:
    first = replica.search("quick", 2)
    rest = replica.search("quick", 2, before=first[-1].arrival)
    assert [post.text for post in first + rest] == [
        post.text for post in replica.search("quick", 9)
    ]


def test_what_is_not_indexed_yet_is_found(tmp_path: Path) -> None:
    world = World(2)
    with world.replica(tmp_path / "store", [packed(world.posts(1, 20))]) as replica:
        assert len(replica.search("post", 100)) == 20
        replica.append(world.author(0), [world.draft("a post")], NOW)
        assert len(replica.search("post", 100)) == 21
        assert not replica.index_search(1)


def test_the_index_follows_in_steps(tmp_path: Path) -> None:
    world = World(2)
    with world.replica(tmp_path / "store", [packed(world.posts(1, 20))]) as replica:
        steps = 1
        while replica.index_search(6):
            steps += 1
        assert steps == 4


def test_no_text_is_an_error(replica: Replica) -> None:
    @given(st.text())
    def check(asked: str) -> None:
        replica.search(asked, 3)

    @given(st.lists(st.sampled_from(['"', "-", "*", "from:", "in:", "a", " ", "(", ")", ":", "^"])))
    def check_syntax(asked: list[str]) -> None:
        replica.search("".join(asked), 3)

    check()
    check_syntax()


def test_a_prefix_of_few_words_and_of_many(tmp_path: Path) -> None:
    world = World(2)
    texts = [f"word{number:03} one{number % 7}" for number in range(search.MAX_WORDS + 5)]
    run: list[Entry] = []
    for text in texts:
        run.append(world.post(1, run[-1] if run else None, text))
    with world.replica(tmp_path / "store", [packed(run)]) as replica:
        for asked, start in (("wo*", "wo"), ("wor*", "wor"), ("WORD0*", "word0"), ("zzz*", "zzz")):
            found = [post.text for post in replica.search(asked, 200)]
            assert found == [text for text in texts[::-1] if text.startswith(start)]
        assert len(replica.search("one* -word00*", 200)) == len(texts) - 10


def test_terms() -> None:
    assert question.parse('a -"b c" from:d in:"e f" gh* i*') == (
        Term("a"),
        Term("b c", negative=True),
        Term("d", "from"),
        Term("e f", "in"),
        Term("gh", prefix=True),
        Term("i"),
    )
