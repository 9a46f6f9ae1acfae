"""`protocol/limits.md`: the page names every limit with its value; the limits fit each other."""

import re
from pathlib import Path

from p2pblog.protocol import limits
from p2pblog.protocol.crypto import TAG_SIZE
from tests.support.vectors import vectors
from tests.vectors.limits import values

ROOT = Path(__file__).parents[2]


def test_the_page_names_every_limit() -> None:
    page = (ROOT / "protocol/limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([0-9.,]+) \|", page, re.MULTILINE)
    told = {name: float(value.replace(",", "")) for name, value in rows}
    assert told == values()


def test_every_limit_states_its_reason() -> None:
    source = (ROOT / "p2pblog/protocol/limits.py").read_text(encoding="utf-8")
    for line in source.splitlines():
        if ": Final =" in line and not line.startswith(("KIB", "MIB", "MAX_TEAM_NAME")):
            assert "  # " in line, line


def test_the_vectors_are_the_limits() -> None:
    assert {vector["name"]: vector["value"] for vector in vectors("limits", "valid")} == values()


def test_what_must_fit_fits() -> None:
    assert limits.MAX_PAGE_BYTES < limits.MAX_MESSAGE
    assert limits.MAX_ROWS < limits.MAX_ITEMS
    assert limits.MAX_PAGE_ENTRIES < limits.MAX_ITEMS
    assert limits.MAX_HEADER + limits.MAX_PAYLOAD < limits.MAX_PAGE_BYTES
    assert limits.MAX_HANDSHAKE < limits.MAX_FRAME - TAG_SIZE
    assert limits.MAX_HEADER_EXTRA < limits.MAX_HEADER
    assert limits.MAX_SEQ < 2**63
    assert limits.MAX_TIME_MS < 2**63
    assert limits.IDLE_TIMEOUT >= 3 * limits.PING_INTERVAL
