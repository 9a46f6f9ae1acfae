"""Any text is a moment, or a `UsageError`; any is a length of time, or a `UsageError`.

A moment is in UTC and can be said to the API; a length of time is longer than none.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from p2pblog.cli import when
from p2pblog.errors import UsageError
from tests.fuzz import TAKEN
from tests.fuzz.material import texts

NOW = datetime(2026, 11, 23, 14, 30)


def run(data: bytes) -> str:
    text = texts(data)
    outcomes = []
    try:
        found = when.parse_when(text, NOW)
    except UsageError as error:
        outcomes.append(error.code)
    else:
        assert found.tzinfo is UTC
        assert when.from_api(when.rfc3339(found)) == found.replace(
            microsecond=found.microsecond // 1000 * 1000
        )
        when.show(when.rfc3339(found), NOW)
        outcomes.append(TAKEN)
    try:
        assert when.parse_span(text) > timedelta(0)
    except UsageError as error:
        outcomes.append(error.code)
    else:
        outcomes.append("span")
    return " ".join(outcomes)


def seeds() -> Iterator[bytes]:
    yield from (
        *(b"2h", b"3 d", b"999999w", b"now", b"today", b"yesterday 7:05", b"mon", b"tuesday 23:59"),
        *(b"14:00", b"24:00", b"2026-11-20", b"2026-11-20 14:00", b"2026-11-20T14:00:00.5+01:00"),
        *(b"0001-01-01", b"9999-12-31T23:59:59-23:59", b"2026-W47-1", b"20261120", b"", b"0s"),
        *(b"2026-02-30", b"90s", b"10m", b"wed 5:61", b"sat 12:00"),
    )
