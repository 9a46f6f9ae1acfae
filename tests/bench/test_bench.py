"""The small form of every row works: it measures what it says, and sets something beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.bench import __main__ as bench

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", bench.EVERY)
def test_a_row_measures_and_compares(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.main([name, "--small", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["machine"]["cores"] >= 1
    assert found["rows"]
    table = capsys.readouterr().out
    for line in found["rows"]:
        assert line["row"] == name
        assert line["beside"], line
        for one in (line, *line["beside"]):
            assert all(math.isfinite(number) and number >= 0 for number in one["runs"]), one
        assert f"| {line['what']}" in table
