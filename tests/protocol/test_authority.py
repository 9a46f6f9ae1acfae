"""`protocol/authority.md`: what each may do, by the team of the ancestors alone."""

from typing import Any

import pytest

from tests.support.cases import check
from tests.support.vectors import vectors


@pytest.mark.parametrize("vector", vectors("authority", "valid"), ids=lambda v: v["name"])
def test_allowed(vector: dict[str, Any]) -> None:
    check(vector)


@pytest.mark.parametrize("vector", vectors("authority", "invalid"), ids=lambda v: v["name"])
def test_refused(vector: dict[str, Any]) -> None:
    check(vector)
