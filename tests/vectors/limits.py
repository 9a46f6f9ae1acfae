"""Every limit by name. `python -m tests.vectors.limits` writes the tables of the page anew."""

import random
import re
from pathlib import Path
from typing import Any

from p2pblog.protocol import limits

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "p2pblog" / "protocol" / "limits.py"
PAGE = ROOT / "protocol" / "limits.md"
MARK = "<!-- from limits.py -->\n"


def values() -> dict[str, int | float]:
    """Every limit of the protocol, in the order of the module."""
    found = vars(limits).items()
    return {name: value for name, value in found if name.isupper() and name not in ("KIB", "MIB")}


def tables() -> str:
    """The tables of the page: one for each section of the module."""
    due, lines = values(), []
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if section := re.fullmatch(r"# ([a-z ]+)", line):
            lines += ["", f"## {section[1].capitalize()}", "", "| name | value | reason |"]
            lines.append("|---|---|---|")
        limit = re.match(r"([A-Z_]+): Final = .*?  # (.*)", line)
        if limit and limit[1] in due:
            lines.append(f"| `{limit[1]}` | {due[limit[1]]:,} | {limit[2]} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its tables as they have to be."""
    before, _, after = text.split(MARK)
    return f"{before}{MARK}{tables()}\n{MARK}{after}"


def make(_: random.Random) -> dict[str, Any]:
    valid = [{"name": name, "value": value} for name, value in values().items()]
    return {"module": "limits", "valid": valid, "invalid": []}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
