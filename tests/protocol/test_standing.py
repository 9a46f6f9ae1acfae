"""`protocol/standing.md`."""

from typing import Any

import pytest

from tests.support.cases import check
from tests.support.vectors import vectors


@pytest.mark.parametrize("vector", vectors("standing", "valid"), ids=lambda v: v["name"])
def test_cases(vector: dict[str, Any]) -> None:
    check(vector)


@pytest.mark.parametrize("vector", vectors("standing", "invalid"), ids=lambda v: v["name"])
def test_cases_with_void_entries(vector: dict[str, Any]) -> None:
    check(vector)
