"""The committed vectors are what the seeded script makes."""

import pytest

from tests.vectors import FOLDER, names, text


@pytest.mark.parametrize("name", names())
def test_committed_vectors_are_what_the_script_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(name)
