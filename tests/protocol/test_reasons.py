"""`protocol/reasons.md` names every reason, and nothing else."""

import re
from pathlib import Path

from p2pblog.errors import Reason
from p2pblog.protocol.effects import BLAMELESS

PAGES = Path(__file__).parents[2] / "protocol"
ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \|(.*)\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall((PAGES / "reasons.md").read_text(encoding="utf-8"))


def test_each_reason_has_its_row() -> None:
    assert sorted(name for name, _, _ in rows()) == sorted(Reason)


def test_the_blameless_are_told() -> None:
    for name, _, rest in rows():
        if name in BLAMELESS:
            assert rest.split("|")[0].strip() == "no"


def test_the_pages_named_are_there() -> None:
    for name, _, rest in rows():
        for page in re.findall(r"`(\w+\.md)`", rest):
            assert (PAGES / page).is_file(), (name, page)


def test_every_word_for_a_refusal_on_a_page_is_a_reason() -> None:
    """In tables of error codes, where a word in backticks stands first."""
    for page in PAGES.glob("*.md"):
        if page.name == "api.md":
            continue
        text = page.read_text(encoding="utf-8")
        for part in re.findall(r"## Error codes\n(.*?)(?:\n## |\Z)", text, re.DOTALL):
            for word in re.findall(r"^\| `([a-z_]+)`", part, re.MULTILINE):
                assert word in list(Reason), (page.name, word)
