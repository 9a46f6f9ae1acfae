"""The committed vectors are what the seeded script makes, and the pages' examples come of them."""

import re

import pytest

from tests.vectors import FOLDER, names, text

NO_HEX = {
    "ancestry",
    "gossip",
    "limits",
    "names",
    "order",
}  # their examples are in words and numbers


@pytest.mark.parametrize("name", names())
def test_committed_vectors_are_what_the_script_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(name)


@pytest.mark.parametrize("name", names())
def test_hex_on_a_page_is_from_its_vectors(name: str) -> None:
    page = (FOLDER.parent / f"{name}.md").read_text(encoding="utf-8")
    example = page.partition("## Worked example")[2].partition("\n## ")[0]
    vectors = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    words = re.findall(r"\b[0-9a-f]{16,}\b", example)
    assert [word for word in words if word not in vectors] == []
