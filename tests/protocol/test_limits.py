"""`protocol/limits.md`: the page has every limit with value and reason; they fit each other."""

from p2pblog.protocol import limits
from p2pblog.protocol.crypto import TAG_SIZE
from tests.support.vectors import vectors
from tests.vectors.limits import PAGE, page, tables, values


def test_the_page_has_every_limit() -> None:
    """Else: `python -m tests.vectors.limits`."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


def test_every_limit_states_its_reason() -> None:
    written = tables()
    assert [name for name in values() if f"| `{name}` |" not in written] == []


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
