"""Names that people choose: what may be one, which are alike, and how equals are told apart.

Unicode's tables grow with every version, so names never decide what is valid: they are cleaned
where they are typed and where they are shown. Spec: `protocol/names.md`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable
from typing import Final, TypeVar

from p2pblog.errors import Reason, Refused
from p2pblog.protocol.limits import MAX_NAME

Key = TypeVar("Key", bound=Hashable)

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

# Look-alikes by their small forms, as written and as read. Where capital and small look like two
# letters (Greek Η and η), the capital decides: it is the one that can't be told from Latin at all.
_PAIRS: Final = (
    "аa вb еe кk мm нh оo рp сc тt уy хx іi їi јj ѕs ԁd һh ӏl ԛq ԝw ѵv үy "  # Cyrillic
    "αa βb εe ζz ηh ιi κk μm νn οo ρp τt υy χx γy ϲc ϳj "  # Greek
    "ıi ȷj ɑa ɡg ɩi ᴏo ᴄc ᴠv ᴡw ᴢz ꜱs "  # Latin
    "օo սu հh ոn զq ցg "  # Armenian
    "0o 1l"  # digits
)
_TO_LATIN: Final = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}


def clean(name: str) -> str:
    """The name as it is kept: NFC, without spaces around it and with single ones inside.

    Raises `Refused` BAD_NAME for what is empty, longer than 64 bytes, without a letter or digit,
    or has control, formatting (bidirectional, zero-width) or unassigned characters.
    """
    parts = unicodedata.normalize("NFC", name).strip().split(" ")
    cleaned = " ".join(part for part in parts if part)
    if not cleaned:
        raise Refused(Reason.BAD_NAME, "a name is needed")
    bad = next((c for c in cleaned if _is_hidden(c)), None)
    if bad is not None:
        raise Refused(Reason.BAD_NAME, f"U+{ord(bad):04X} can't be in a name")
    if len(cleaned.encode()) > MAX_NAME:
        raise Refused(Reason.BAD_NAME, f"longer than {MAX_NAME} bytes")
    if not any(c.isalnum() for c in cleaned):
        raise Refused(Reason.BAD_NAME, "a name has a letter or a digit")
    return cleaned


def _is_hidden(char: str) -> bool:
    """Controls, formats, surrogates, private use, unassigned; separators other than a space."""
    category = unicodedata.category(char)
    return category[0] == "C" or (category[0] == "Z" and char != " ")


def shown(name: str) -> str:
    """Any text from elsewhere as a name that is safe to show; never fails."""
    safe = "".join(REPLACEMENT if _is_hidden(c) else c for c in name)
    return " ".join(unicodedata.normalize("NFC", safe).split()) or REPLACEMENT


def fold(name: str) -> str:
    """What is compared: two names that read the same fold to the same text."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    latin = folded.translate(_TO_LATIN).replace("rn", "m").replace("vv", "w")
    return " ".join(latin.split())


def display_names(named: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """Names to show, the most senior first: the first keeps its name, the next is "Anna 2"."""
    last: dict[str, int] = {}  # by fold: the number up to which no form is free
    display: dict[Key, str] = {}
    for key, name in named:
        wanted = candidate = shown(name)
        folded = unnumbered = fold(wanted)
        while folded in last:
            last[unnumbered] += 1
            candidate = f"{wanted} {last[unnumbered]}"
            folded = fold(candidate)
        last[folded] = 1
        display[key] = candidate
    return display
