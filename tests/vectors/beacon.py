"""Tags, and TXT records to refuse."""

import random
from typing import Any

from p2pblog.protocol.beacon import Beacon, encode
from p2pblog.protocol.beacon import make as make_tag
from p2pblog.protocol.crypto import network_psk


def make(rng: random.Random) -> dict[str, Any]:
    valid: list[dict[str, Any]] = []
    for _ in range(3):
        key, nonce = rng.randbytes(32), rng.randbytes(16)
        tag = make_tag(key, nonce)
        txt = {name.decode(): value.decode() for name, value in encode(Beacon(tag)).items()}
        valid.append(
            {
                "network_key": key.hex(),
                "network_psk": network_psk(key).hex(),
                "nonce": nonce.hex(),
                "tag": tag.hex(),
                "txt": txt,
            }
        )
    t = valid[0]["tag"]
    bad: list[tuple[str, dict[str, str | None], str]] = [
        ("nothing", {}, "bad_shape"),
        ("no tag", {"v": "1"}, "bad_shape"),
        ("no version", {"t": t}, "bad_shape"),
        ("a tag without a value", {"v": "1", "t": None}, "bad_shape"),
        ("another version", {"v": "2", "t": t}, "version"),
        ("a version with a zero before", {"v": "01", "t": t}, "version"),
        ("a tag too short", {"v": "1", "t": t[:-2]}, "bad_value"),
        ("a tag too long", {"v": "1", "t": t + "00"}, "bad_value"),
        ("capitals", {"v": "1", "t": t.upper()}, "bad_value"),
        ("no hex", {"v": "1", "t": "g" * 64}, "bad_value"),
        ("no ASCII", {"v": "1", "t": "\u00e9" * 32}, "bad_value"),
    ]
    invalid = [{"name": name, "txt": txt, "reason": reason} for name, txt, reason in bad]
    return {"module": "beacon", "valid": valid, "invalid": invalid}
