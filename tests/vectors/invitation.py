"""Codes, links, keys and what they sign."""

import random
from typing import Any

from p2pblog.protocol import invitation
from p2pblog.protocol.crypto import SigningKey, invitation_psk
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.limits import CODE_BYTES, RECOVERY_BYTES

ADDRESSES = ["192.0.2.7:4747", "[2001:db8::7]:4747", "desk.example:80"]


def _codes(rng: random.Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for data in (bytes(CODE_BYTES), rng.randbytes(CODE_BYTES), b"\xff" * CODE_BYTES):
        code = invitation.new_code(data)
        key = invitation.key_of(code).public
        typed = [code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')}\n"]
        typed.append(code.replace("-", "\u2013"))
        typed.append(code.replace("0", "o").replace("1", "l"))
        made.append(
            {
                "name": "invitation code",
                "random": data.hex(),
                "code": code,
                "typed": typed,
                "key": key.hex(),
                "psk": invitation_psk(key).hex(),
            }
        )
    for data in (bytes(RECOVERY_BYTES), rng.randbytes(RECOVERY_BYTES)):
        code = invitation.new_recovery_code(data)
        key = invitation.recovery_key(code).public
        made.append({"name": "recovery code", "random": data.hex(), "code": code, "key": key.hex()})
    return made


def _links(code: str) -> list[dict[str, Any]]:
    bare = invitation.link(code)
    full = invitation.link(code, ADDRESSES)
    typed = [
        (bare, []),
        (full, ADDRESSES),
        (code.lower(), []),
        (f"{bare.upper()}?A={ADDRESSES[0]}&later=1", ADDRESSES[:1]),
        (f"  {bare.replace('-', '')}?x\n", []),
    ]
    return [
        {"name": "link", "text": text, "code": code, "addresses": addresses}
        for text, addresses in typed
    ]


def _signatures(rng: random.Random, key: SigningKey) -> list[dict[str, Any]]:
    team, ident = TeamId(rng.randbytes(32)), EntryId(rng.randbytes(32))
    joiner = SigningKey(rng.randbytes(32))
    device = joiner.public
    expires = 1_700_000_000_000
    made: list[dict[str, Any]] = []
    for role, member in ((0, None), (1, None), (0, rng.randbytes(32))):
        signature = invitation.sign_binding(key, team, device, role, member, expires)
        made.append(
            {
                "name": "binding",
                "seed": key.seed.hex(),
                "team": team.hex(),
                "inviter": device.hex(),
                "role": role,
                "member": member and member.hex(),
                "expires": expires,
                "signature": signature.hex(),
            }
        )
    proof = invitation.prove(key, team, ident, joiner)
    made.append(
        {
            "name": "proof",
            "seed": key.seed.hex(),
            "team": team.hex(),
            "invitation": ident.hex(),
            "device_seed": joiner.seed.hex(),
            "device": device.hex(),
            "proof": proof.hex(),
        }
    )
    return made


def _invalid(code: str) -> list[dict[str, Any]]:
    plain = code.replace("-", "")
    swapped = next(
        plain[:i] + plain[i + 1] + plain[i] + plain[i + 2 :]
        for i in range(15)
        if plain[i] != plain[i + 1]
    )
    wrong = ("B" if plain[0] == "A" else "A") + plain[1:]
    texts = [
        ("nothing", ""),
        ("one too few", plain[:-1]),
        ("one too many", plain + "0"),
        ("another symbol", wrong),
        ("two neighbours swapped", swapped),
        ("a letter of no code", "U" + plain[1:]),
        ("a sign of no code", "!" + plain[1:]),
        ("a dotless i", "\u0131" + plain[1:]),
        ("a long s", plain.replace("S", "\u017f") if "S" in plain else "\u017f" + plain[1:]),
        ("too long", plain + " " * 3000 + "0"),
        ("another scheme", f"p2pblog:team/{code}"),
        ("a link without a code", "p2pblog:join/"),
        ("a link with a broken code", f"p2pblog:join/{wrong}"),
        ("an address without a port", f"p2pblog:join/{code}?a=host"),
        ("an address with port 0", f"p2pblog:join/{code}?a=host:0"),
        ("an address with a high port", f"p2pblog:join/{code}?a=host:65536"),
        ("an address with a path", f"p2pblog:join/{code}?a=host:80/x"),
        ("nine addresses", f"p2pblog:join/{code}?" + "&".join(["a=host:80"] * 9)),
    ]
    return [{"name": name, "text": text, "reason": "bad_code"} for name, text in texts]


def make(rng: random.Random) -> dict[str, Any]:
    codes = _codes(rng)
    code = codes[1]["code"]
    valid = [*codes, *_links(code), *_signatures(rng, invitation.key_of(code))]
    return {"module": "invitation", "valid": valid, "invalid": _invalid(code)}
