"""Pages of posts, of operations and of a founding; pages to refuse."""

import random
from typing import Any

from p2pblog.protocol import codec, page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_TEAM, Entry, Incarnation, Kind, TeamId
from tests.support.logs import LogMaker, packed

Vector = dict[str, Any]


def _vector(name: str, run: list[Entry], data: bytes, team: TeamId) -> Vector:
    first = run[0].header
    return {
        "name": name,
        "team": team.hex(),
        "page": data.hex(),
        "device": first.device.hex(),
        "incarnation": first.incarnation.hex(),
        "kind": first.kind,
        "first_seq": first.seq,
        "ids": [made.id.hex() for made in run],
        "payloads": codec.to_json(page.verify(data, team).payloads),
    }


def _without_payload(run: list[Entry], index: int) -> bytes:
    payloads = [None if at == index else made.payload for at, made in enumerate(run)]
    return page.pack([made.header_bytes for made in run], payloads, [run[-1].signature])


def _invalid(posts: list[Entry], operations: list[Entry], other: list[Entry]) -> list[Vector]:
    raw, payloads, last = (
        [made.header_bytes for made in posts],
        [made.payload for made in posts],
        posts[-1].signature,
    )
    each = [made.signature for made in operations]
    op_raw = [made.header_bytes for made in operations]
    op_payloads = [made.payload for made in operations]
    flipped = bytes([last[0] ^ 1]) + last[1:]
    late = posts[1].header._replace(time=1).pack()
    elsewhere = posts[0].header._replace(incarnation=Incarnation(bytes(8))).pack()
    swapped = [payloads[1], payloads[0], *payloads[2:]]
    cases: list[tuple[str, bytes, str]] = [
        ("nothing", b"", "malformed"),
        ("without its signatures", codec.pack((raw, payloads)), "bad_shape"),
        ("no entry", page.pack([], [], []), "bad_value"),
        ("513 entries", page.pack([b"h"] * 513, [None] * 513, [last]), "bad_value"),
        ("a payload less", page.pack(raw, payloads[:-1], [last]), "bad_shape"),
        ("a header cut", page.pack([raw[0][:-1], *raw[1:]], payloads, [last]), "malformed"),
        ("two signatures of posts", page.pack(raw, payloads, [last, last]), "bad_shape"),
        ("the signature flipped", page.pack(raw, payloads, [flipped]), "bad_signature"),
        ("the signature of another entry", page.pack(raw, payloads, each[:1]), "bad_signature"),
        ("another team's page", packed(other), "bad_signature"),
        ("a header altered", page.pack([raw[0], late, *raw[2:]], payloads, [last]), "bad_backlink"),
        (
            "an entry left out",
            page.pack([raw[0], *raw[2:]], [payloads[0], *payloads[2:]], [last]),
            "bad_seq",
        ),
        ("an entry twice", page.pack([raw[0], *raw], [payloads[0], *payloads], [last]), "bad_seq"),
        ("another log's entry", page.pack([elsewhere, *raw[1:]], payloads, [last]), "wrong_log"),
        ("two payloads swapped", page.pack(raw, swapped, [last]), "bad_payload"),
        ("one signature of operations", page.pack(op_raw, op_payloads, each[-1:]), "bad_shape"),
        (
            "the signature of an operation in between replaced",
            page.pack(op_raw, op_payloads, [each[0], each[0], each[2]]),
            "bad_signature",
        ),
        (
            "an operation without its payload",
            page.pack(op_raw, [None, *op_payloads[1:]], each),
            "payload_needed",
        ),
    ]
    team = LogMaker().team.hex()
    return [
        {"name": name, "team": team, "page": data.hex(), "reason": reason}
        for name, data, reason in cases
    ]


def make(rng: random.Random) -> Vector:
    key = SigningKey(rng.randbytes(32))
    posts_log = LogMaker(key, rng=rng)
    posts, operations = posts_log.run(4), LogMaker(key, kind=Kind.TEAM, rng=rng).run(3)
    other = LogMaker(key, team=TeamId(rng.randbytes(32)), rng=rng).run(2)
    founding = LogMaker(key, team=NO_TEAM, kind=Kind.TEAM, rng=rng).next(None)
    founded = TeamId(founding.id)
    more = LogMaker(key, team=founded, kind=Kind.TEAM, rng=rng).run(1, founding)
    team, later = posts_log.team, LogMaker(key, kind=3, rng=rng).run(2)
    valid = [
        _vector("four posts, the last one's signature", posts, packed(posts), team),
        _vector("the middle of a log", posts[1:3], packed(posts[1:3]), team),
        _vector("one post", posts[:1], packed(posts[:1]), team),
        _vector("a payload that is not here", posts, _without_payload(posts, 2), team),
        _vector("operations, each signed", operations, packed(operations), team),
        _vector(
            "a team's first page: the founding is signed for no team",
            [founding, *more],
            packed([founding, *more]),
            founded,
        ),
        _vector("a kind of a later version", later, packed(later), team),
    ]
    return {"module": "page", "valid": valid, "invalid": _invalid(posts, operations, other)}
