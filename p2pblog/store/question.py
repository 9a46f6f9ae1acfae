"""What a user types into the search: words, "phrases", prefix*, -not, from:NAME, in:CHANNEL.

Nothing that is typed is an error: what makes no term is left out. `match` is the text for FTS5,
every word of the user quoted in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MIN_PREFIX = 2  # letters before the *: a shorter one matches as a word, not every post
_TERM = re.compile(
    r'(?P<sign>-?)(?:(?P<field>from|in):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))'
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for. `field`: text, from or in."""

    text: str
    field: str = "text"
    negative: bool = False
    prefix: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The terms of what a user typed."""
    terms = []
    for found in _TERM.finditer(text.replace("\0", " ")):
        words = found["phrase"] if found["phrase"] is not None else found["word"]
        prefix = found["phrase"] is None and words.endswith("*")
        words = words.strip("*") if prefix else words
        if any(letter.isalnum() for letter in words):
            prefix = prefix and len(words) >= MIN_PREFIX
            terms.append(Term(words, found["field"] or "text", bool(found["sign"]), prefix))
    return tuple(terms)


def quoted(words: str) -> str:
    """A string of FTS5."""
    return '"' + words.replace('"', '""') + '"'


def in_column(column: str, words: str, prefix: bool = False) -> str:
    """A condition of FTS5 on one column."""
    return f"{column} : {quoted(words)}{' *' if prefix else ''}"


def any_of(conditions: list[str]) -> str:
    """One of the conditions."""
    return "(" + " OR ".join(conditions) + ")"


def match(positive: list[str], negative: list[str]) -> str:
    """All of the one and none of the other."""
    wanted = " AND ".join(positive)
    return f"({wanted}) NOT {any_of(negative)}" if negative else wanted
