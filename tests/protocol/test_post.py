"""`protocol/post.md`: posts, profiles and openings survive; any other body is refused by name."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, post
from p2pblog.protocol.entry import EntryId, Incarnation
from p2pblog.protocol.limits import (
    MAX_ABOUT,
    MAX_PAYLOAD,
    MAX_PICTURE,
    MAX_SKILLS,
    MAX_TEXT,
    SALT_SIZE,
)
from p2pblog.protocol.post import PICTURES, Cause, Opening, Post, Profile, Reference, Source
from tests.support.mutate import mutated
from tests.support.vectors import vectors

REPLY = Reference(1_700_000_000_000, EntryId(b"r" * 32))
SOURCE = Source("anna", 1_200_000_000_000, "chat-17")
POSTS = (
    Post("hello", "general"),
    Post("Grüße \N{WAVING HAND SIGN}", "büro", REPLY, SOURCE),
    Post("x" * MAX_TEXT, "c" * 64, REPLY, Source("a" * 64, 1, "o" * 128)),
)
OPENING = Opening(Cause.RESTORED, ((Incarnation(b"incarn 1"), 7, EntryId(b"t" * 32)),))


@pytest.mark.parametrize("made", POSTS)
def test_posts_survive(made: Post) -> None:
    assert post.parse_post(made.pack()) == made
    assert SALT_SIZE + len(made.pack()) <= MAX_PAYLOAD


def test_profiles_survive() -> None:
    picture = PICTURES[1] + b"x" * (MAX_PICTURE - 3)
    for made in (
        Profile(),
        Profile("Fitter", ("pumps", "Kräne"), PICTURES[0]),
        Profile("x" * MAX_ABOUT, ("s" * 64,) * MAX_SKILLS, picture),
    ):
        assert post.parse_profile(made.pack()) == made
        assert SALT_SIZE + len(made.pack()) <= MAX_PAYLOAD


def test_openings_survive() -> None:
    assert post.parse_opening(OPENING.pack()) == OPENING
    most = Opening(200, OPENING.tips * 64)
    assert post.parse_opening(most.pack()) == most


def test_later_versions_may_append() -> None:
    later = codec.pack(("hello", "general", (1, b"r" * 32, 5), ("anna", 1, "o", 6), 7))
    assert post.parse_post(later) == Post(
        "hello", "general", Reference(1, EntryId(b"r" * 32)), Source("anna", 1, "o")
    )
    assert post.parse_opening(codec.pack((9, (), "more"))) == Opening(9, ())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (("", "general", None, None), Reason.BAD_VALUE),
        (("x" * (MAX_TEXT + 1), "general", None, None), Reason.BAD_VALUE),
        (("é" * (MAX_TEXT // 2 + 1), "general", None, None), Reason.BAD_VALUE),
        (("hello", "", None, None), Reason.BAD_VALUE),
        (("hello", "c" * 65, None, None), Reason.BAD_VALUE),
        (("hello", "general", None), Reason.BAD_SHAPE),
        ((b"hello", "general", None, None), Reason.BAD_SHAPE),
        (("hello", "general", (1,), None), Reason.BAD_SHAPE),
        (("hello", "general", (1, b"r" * 31), None), Reason.BAD_VALUE),
        (("hello", "general", None, ("", 1, "o")), Reason.BAD_VALUE),
        ("hello", Reason.BAD_SHAPE),
    ],
)
def test_refused_posts(value: Any, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        post.parse_post(codec.pack(value))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ((256, ()), Reason.BAD_VALUE),
        ((1,), Reason.BAD_SHAPE),
        ((1, ((b"incarn 1", 0, b"t" * 32),)), Reason.BAD_VALUE),
        ((1, ((b"incarn 1", 1, b"t" * 32),) * 65), Reason.BAD_VALUE),
    ],
)
def test_refused_openings(value: Any, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        post.parse_opening(codec.pack(value))
    assert caught.value.reason == reason


@given(st.binary(max_size=100) | mutated([POSTS[0].pack(), POSTS[1].pack(), OPENING.pack()]))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        assert post.parse_post(data).text
    with suppress(Refused):
        assert post.parse_opening(data).cause >= 0
    with suppress(Refused):
        assert post.parse_profile(data).picture != b""


PARSE: dict[str, Callable[[bytes], Post | Profile | Opening]] = {
    "post": post.parse_post,
    "profile": post.parse_profile,
    "opening": post.parse_opening,
}


@pytest.mark.parametrize("vector", vectors("post", "valid"), ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["body"])
    made = PARSE[vector["kind"]](body)
    assert codec.to_json(codec.unpack(body, MAX_PAYLOAD)) == vector["fields"]
    packed = codec.to_json(codec.unpack(made.pack(), MAX_PAYLOAD))
    assert packed == vector["fields"][: len(packed)]


@pytest.mark.parametrize("vector", vectors("post", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        PARSE[vector["kind"]](bytes.fromhex(vector["body"]))
    assert caught.value.reason == vector["reason"]


@given(st.lists(mutated([POSTS[0].pack(), POSTS[1].pack()]), max_size=3))
def test_posts_of_a_page_are_read_as_each_is(bodies: list[bytes]) -> None:
    found = post.parse_posts(bodies)
    if found is not None:
        assert found == [post.parse_post(body) for body in bodies]


def test_posts_of_a_page_are_read_at_once() -> None:
    bodies = [one.pack() for one in POSTS]
    assert post.parse_posts(bodies) == list(POSTS)
    assert post.parse_posts([*bodies, b""]) is None
