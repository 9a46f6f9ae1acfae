"""Operations: one of each, what later versions say, and bodies to refuse."""

import dataclasses
import random
from typing import Any

from p2pblog.protocol import codec, operation
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, TeamId
from p2pblog.protocol.operation import (
    Admit,
    CoSignature,
    CutOff,
    Extend,
    Found,
    Invite,
    Leave,
    MemberId,
    Operation,
    Policy,
    RemoveMember,
    Rename,
    RevokeDevice,
    Role,
    SetPolicy,
    SetRole,
    Subject,
    Withdraw,
    to_approve,
)


def _cut(rng: random.Random, kind: int) -> CutOff:
    log = (DeviceKey(bytes([kind + 1]) * 32), Incarnation(rng.randbytes(8)), kind)
    return CutOff(*log, 300, EntryId(rng.randbytes(32)), rng.randbytes(64))


def _operations(rng: random.Random) -> list[Operation]:
    after = tuple(sorted(EntryId(rng.randbytes(32)) for _ in range(2)))
    ident, device = EntryId(rng.randbytes(32)), DeviceKey(rng.randbytes(32))
    member, signature = MemberId(rng.randbytes(32)), rng.randbytes(64)
    cuts = (_cut(rng, 0), _cut(rng, 1))
    co_signature = CoSignature(device, signature)
    return [
        Found("Acme", "Ana", "desk", rng.randbytes(32), Policy(), rng.randbytes(32)),
        Invite(after, rng.randbytes(32), Role.ADMIN, None, 1_700_000_000_000, signature),
        Invite((), rng.randbytes(32), Role.MEMBER, member, 0, signature),
        Withdraw(after, ident),
        Admit(after, ident, device, None, "Bea", "laptop", 2 * signature),
        Admit(after, None, device, member, "Ana", "new desk", None, signature),
        SetRole(after, member, Role.MEMBER, cuts),
        Rename(after, Subject.TEAM, None, "Apex"),
        Rename(after, Subject.MEMBER, member, "\u00c5sa"),
        RemoveMember(after, member, cuts, None, co_signature),
        RevokeDevice(after, device, (), signature),
        Leave(after, cuts[1:]),
        Extend(after, ident, cuts),
        SetPolicy(after, Policy(Role.ADMIN, 90, 2)),
    ]


def _fields(made: Operation) -> dict[str, Any]:
    names = [name for name, _ in made.SHAPE.fields[1:]]
    return {name: codec.to_json(getattr(made, name)) for name in names}


def _approvals(rng: random.Random) -> list[dict[str, Any]]:
    team, device = TeamId(rng.randbytes(32)), DeviceKey(rng.randbytes(32))
    incarnation = Incarnation(rng.randbytes(8))
    bare = RemoveMember((), MemberId(rng.randbytes(32)), ())
    signed = dataclasses.replace(
        bare,
        recovery_signature=rng.randbytes(64),
        co_signature=CoSignature(device, rng.randbytes(64)),
    )
    return [
        {
            "name": "what is approved",
            "team": team.hex(),
            "device": device.hex(),
            "incarnation": incarnation.hex(),
            "seq": 7,
            "body": one.pack().hex(),
            "to_sign": to_approve(team, device, incarnation, 7, one).hex(),
        }
        for one in (bare, signed)
    ]


def _later(rng: random.Random) -> list[dict[str, Any]]:
    key = rng.randbytes(32)
    bodies: list[tuple[str, tuple[Any, ...]]] = [
        ("an unknown code", (12, (key,))),
        ("code 0", (0, ())),
        ("an unknown code with fields", (200, (), b"x", None)),
        ("a field more than known", (3, (), key, True)),
        ("an unknown role", (5, (), key, 2, (), None)),
        ("an unknown subject", (6, (), 3, None, "x")),
        ("a policy for an unknown role", (11, (), (2, None, 1))),
    ]
    return [
        {"name": name, "body": codec.pack(body).hex(), "unknown": body[0]} for name, body in bodies
    ]


def _invalid(rng: random.Random) -> list[tuple[str, bytes, str]]:
    key, signature = rng.randbytes(32), rng.randbytes(64)
    one, two = sorted((rng.randbytes(32), rng.randbytes(32)))
    cut = tuple(_cut(rng, 0))
    found = ("Acme", "Ana", "desk", key, (0, None, 1), key)

    def body(*fields: Any) -> bytes:
        return codec.pack(fields)

    return [
        ("nothing", b"", "malformed"),
        ("no array", codec.pack(3), "bad_shape"),
        ("no after", body(3), "bad_shape"),
        ("a code that is no number", body("3", ()), "bad_shape"),
        ("a code too high", body(256, ()), "bad_value"),
        ("after descending", body(3, (two, one), key), "bad_value"),
        ("after twice the same", body(3, (one, one), key), "bad_value"),
        ("after of an unknown code descending", body(99, (two, one)), "bad_value"),
        ("after with 65 ids", body(3, tuple(bytes([i]) * 32 for i in range(65)), key), "bad_value"),
        ("after with a short id", body(3, (one[:31],), key), "bad_value"),
        ("found with after", body(1, (one,), *found), "bad_value"),
        ("found without a commitment", body(1, (), *found[:-1]), "bad_shape"),
        ("found without a name", body(1, (), "", *found[1:]), "bad_value"),
        ("a field missing", body(3, ()), "bad_shape"),
        ("a name too long", body(6, (), 0, None, "x" * 65), "bad_value"),
        ("a policy of two fields", body(11, (), (0, None)), "bad_shape"),
        ("retention of no days", body(11, (), (0, 0, 1)), "bad_value"),
        ("version 0", body(11, (), (0, None, 0)), "bad_value"),
        ("a cut-off twice", body(9, (), (cut, cut)), "bad_value"),
        ("a cut-off at 0", body(9, (), ((*cut[:3], 0, *cut[4:]),)), "bad_value"),
        ("a cut-off without a signature", body(9, (), (cut[:5],)), "bad_shape"),
        ("a co-signature alone", body(7, (), key, (), None, signature), "bad_shape"),
        ("a role that is no number", body(5, (), key, "admin", (), None), "bad_shape"),
        ("not the shortest form", b"\x93\xcc\x03\x90\xc4\x20" + key, "not_canonical"),
        ("a byte more", body(3, (), key) + b"\0", "malformed"),
    ]


def make(rng: random.Random) -> dict[str, Any]:
    network_key = rng.randbytes(32)
    valid: list[dict[str, Any]] = [
        {"name": type(made).__name__, "body": made.pack().hex(), "fields": _fields(made)}
        for made in _operations(rng)
    ]
    valid += _later(rng)
    valid += _approvals(rng)
    commitment = operation.commit(network_key).hex()
    valid.append({"name": "commitment", "network_key": network_key.hex(), "commitment": commitment})
    invalid = [
        {"name": name, "body": body.hex(), "reason": reason} for name, body, reason in _invalid(rng)
    ]
    return {"module": "operation", "valid": valid, "invalid": invalid}
