"""Names: cleaned, refused, alike, told apart."""

import random
from typing import Any

from p2pblog.protocol.names import clean, display_names, fold, shown

CLEAN = [
    "Ana",
    "  Ana  Maria ",
    "A\u030asa",
    "\u0410\u043d\u043d\u0430",
    "Jos\u00e9 2",
    "O'Neil",
    "7",
]
SHOWN = ["Ana", "a\u202eb", "a\nb  c", "", "\u200b", "A\u030a"]
ALIKE = [
    ["Anna", "anna", "ANNA", "\u0410nna", "\uff21\uff2e\uff2e\uff21", " Anna "],
    ["Anna Berg", "anna  berg"],
    ["\u0410\u041d\u041d\u0410", "\u0430\u043d\u043d\u0430", "AHHA"],
    ["Bob", "B0b", "\u0412ob", "\u0392\u03bfb"],
    ["Arno", "Amo"],
    ["Stra\u00dfe", "STRASSE"],
    ["Ren\u00e9", "Rene\u0301"],
    ["\ufb01nn", "Finn"],
    ["Vv", "W"],
]
APART = [["Anna", "Ana"], ["Rene", "Ren\u00e9"], ["Lia", "Ila"], ["Tim", "Tom"]]
DISPLAY = [
    ["Anna", "anna", "Bea", "ANNA"],
    ["Anna", "Anna 2", "Anna"],
    ["", "\u202e", "x"],
]
REFUSED = [
    ("nothing", ""),
    ("spaces", "   "),
    ("a line break", "a\nb"),
    ("a tab", "a\tb"),
    ("a control", "a\x00b"),
    ("right to left override", "a\u202eb"),
    ("a zero-width space", "a\u200bb"),
    ("a no-break space", "a\u00a0b"),
    ("a surrogate", "a\ud800"),
    ("private use", "a\ue000"),
    ("marks alone", "\u0301"),
    ("signs alone", "---"),
    ("65 bytes", "x" * 65),
    ("33 letters of two bytes", "\u00e5" * 33),
]


def make(rng: random.Random) -> dict[str, Any]:
    valid: list[dict[str, Any]] = [{"name": name, "clean": clean(name)} for name in CLEAN]
    valid += [{"name": name, "shown": shown(name)} for name in SHOWN]
    valid += [{"alike": names, "fold": fold(names[0])} for names in ALIKE]
    valid += [{"apart": names} for names in APART]
    valid += [
        {"names": names, "display": list(display_names(enumerate(names)).values())}
        for names in DISPLAY
    ]
    invalid = [{"case": case, "name": name, "reason": "bad_name"} for case, name in REFUSED]
    return {"module": "names", "valid": valid, "invalid": invalid}
