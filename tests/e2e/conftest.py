"""A place for homes, for each module one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.office.machine import place


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with place() as made:
        yield made
