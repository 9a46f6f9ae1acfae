"""The limits that both sides of a connection must agree on, by name."""

import random
from typing import Any

from p2pblog.protocol import limits


def values() -> dict[str, int | float]:
    """Every limit of the protocol, in the order of the module."""
    found = vars(limits).items()
    return {name: value for name, value in found if name.isupper() and name not in ("KIB", "MIB")}


def make(_: random.Random) -> dict[str, Any]:
    valid = [{"name": name, "value": value} for name, value in values().items()]
    return {"module": "limits", "valid": valid, "invalid": []}
