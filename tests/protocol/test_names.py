"""`protocol/names.md`: what may be a name, and which read the same."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Refused
from p2pblog.protocol.limits import MAX_NAME
from p2pblog.protocol.names import clean, display_names, fold, shown
from tests.support.vectors import vectors

VALID = vectors("names", "valid")
NAMES = st.text(max_size=20)


def _with(key: str) -> list[dict[str, Any]]:
    return [vector for vector in VALID if key in vector]


@pytest.mark.parametrize("vector", _with("clean"))
def test_cleaned(vector: dict[str, Any]) -> None:
    assert clean(vector["name"]) == vector["clean"]


@pytest.mark.parametrize("vector", _with("shown"))
def test_shown(vector: dict[str, Any]) -> None:
    assert shown(vector["name"]) == vector["shown"]


@pytest.mark.parametrize("vector", _with("alike"))
def test_alike(vector: dict[str, Any]) -> None:
    assert {fold(name) for name in vector["alike"]} == {vector["fold"]}


@pytest.mark.parametrize("vector", _with("apart"))
def test_apart(vector: dict[str, Any]) -> None:
    assert len({fold(name) for name in vector["apart"]}) == len(vector["apart"])


@pytest.mark.parametrize("vector", _with("display"))
def test_display(vector: dict[str, Any]) -> None:
    assert list(display_names(enumerate(vector["names"])).values()) == vector["display"]


@pytest.mark.parametrize("vector", vectors("names", "invalid"), ids=lambda v: v["case"])
def test_refusals(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        clean(vector["name"])
    assert refused.value.reason == vector["reason"]


@given(NAMES)
def test_a_clean_name_stays_and_is_shown_as_it_is(name: str) -> None:
    with suppress(Refused):
        cleaned = clean(name)
        assert clean(cleaned) == cleaned == shown(cleaned)
        assert len(cleaned.encode()) <= MAX_NAME


@given(NAMES)
def test_anything_can_be_shown_and_folded(name: str) -> None:
    assert shown(shown(name)) == shown(name) != ""
    assert fold(name.upper()) == fold(name.upper().lower())


@given(st.lists(NAMES, max_size=8))
def test_no_two_display_names_read_the_same(names: list[str]) -> None:
    display = display_names(enumerate(names))
    assert len({fold(name) for name in display.values()}) == len(names)
