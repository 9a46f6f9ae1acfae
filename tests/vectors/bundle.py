"""A bundle for two devices, and records and files that must be refused."""

import random
from collections.abc import Sequence
from typing import Any

from p2pblog.protocol import bundle, codec, sealed
from p2pblog.protocol.bundle import Contents, End, PostPage, Record, Run, Start, TeamPage
from p2pblog.protocol.crypto import SigningKey, exchange_base
from p2pblog.protocol.entry import Entry, Kind
from p2pblog.protocol.operation import MemberId
from tests.support.logs import START, LogMaker, packed, tip

Vector = dict[str, Any]


def run(log: LogMaker, after: Entry | None, upto: Entry) -> Run:
    before = tip(after) if after else None
    return Run(log.device, log.incarnation, log.kind, before, tip(upto))


def file(records: Sequence[bytes], rng: random.Random, recipients: Sequence[SigningKey]) -> Vector:
    key, salt, ephemeral = rng.randbytes(32), rng.randbytes(16), rng.randbytes(32)
    head = bundle.make_head(key, salt, ephemeral, [one.public for one in recipients])
    sealer = sealed.Sealer(key, salt, head[-sealed.BINDING_SIZE :])
    data = head + b"".join(map(sealer.add, records)) + sealer.end()
    return {
        "seeds": [one.seed.hex() for one in recipients],
        "key": key.hex(),
        "salt": salt.hex(),
        "ephemeral_private": ephemeral.hex(),
        "ephemeral_public": exchange_base(ephemeral).hex(),
        "records": [one.hex() for one in records],
        "file": data.hex(),
    }


def sample(rng: random.Random) -> list[Record]:
    """The records of a small bundle."""
    key = SigningKey(rng.randbytes(32))
    team, posts = LogMaker(key, kind=Kind.TEAM, rng=rng), LogMaker(key, rng=rng)
    acts, written = team.run(2), posts.run(4)
    quiet = LogMaker(SigningKey(rng.randbytes(32)), rng=rng)
    last = quiet.run(1)[0]
    pages = packed(acts), packed(written[1:])
    start = Start(posts.team, START, key.public, MemberId(key.public))
    contents = Contents(
        (
            run(team, None, acts[-1]),
            run(posts, written[0], written[-1]),
            run(quiet, last, last),
        )
    )
    told = bundle.pack(start), bundle.pack(contents)
    signature = bundle.sign(key, posts.team, told)
    end = End(2, sum(map(len, pages)), signature)
    return [start, contents, TeamPage(pages[0]), PostPage(pages[1]), end]


def _bad_records(whole: list[bytes]) -> list[tuple[str, list[bytes], str]]:
    start, contents, team, posts, end = whole
    runs = codec.unpack(contents, 10_000)
    assert isinstance(runs, tuple)
    assert isinstance(runs[1], tuple)
    one: Any = runs[1][1]

    def changed(**fields: object) -> bytes:
        names = [name for name, _ in bundle.RUN.fields]
        return codec.pack((1, [[fields.get(n, v) for n, v in zip(names, one, strict=True)]]))

    wrong = codec.pack((4, 3, 5, bytes(64)))
    other = start.replace(b"T" * 32, b"t" * 32)
    return [
        ("nothing", [], "truncated"),
        ("without its end", whole[:4], "truncated"),
        ("no start", [contents], "unexpected"),
        ("two starts", [start, start], "unexpected"),
        ("posts before the team", [start, contents, posts, team], "unexpected"),
        ("contents after pages", [start, team, contents], "unexpected"),
        ("a page behind the end", [*whole, posts], "unexpected"),
        ("a later version's record first", [codec.pack((9,))], "unexpected"),
        ("a later version's record last", [*whole, codec.pack((9,))], "unexpected"),
        ("an end that counts otherwise", [start, contents, team, posts, wrong], "bad_value"),
        ("contents left out", [start, team, posts, end], "bad_signature"),
        ("contents twice", [start, contents, contents, team, posts, end], "bad_signature"),
        ("another start", [other, contents, team, posts, end], "bad_signature"),
        ("no signature", [start, contents, team, posts, end[:-66] + b"\xc0"], "bad_shape"),
        ("a page of no bytes", [start, codec.pack((2, b""))], "bad_value"),
        ("no array", [codec.pack(b"start")], "bad_shape"),
        ("an empty array", [codec.pack(())], "bad_shape"),
        ("a type that is no number", [codec.pack((b"0",))], "bad_shape"),
        ("cut short", [start[:1] + b"\0"], "malformed"),
        ("a short start", [codec.pack((0, b"T" * 32))], "bad_shape"),
        ("no msgpack", [b"\xc1"], "malformed"),
        ("an id before the first entry", [start, changed(after_seq=0)], "bad_value"),
        ("no id before the run", [start, changed(after_id=b"")], "bad_value"),
        ("a run that goes down", [start, changed(after_seq=9)], "bad_value"),
        ("a run to nothing", [start, changed(upto_seq=0)], "bad_value"),
    ]


def _bad_heads(rng: random.Random, good: sealed.Head) -> list[tuple[str, bytes, str]]:
    salt, public, slots = codec.decode(bundle.HEAD, good.body, 10_000)

    def head(*body: object) -> bytes:
        return sealed.make_head(bundle.MAGIC, 1, codec.pack(body))

    return [
        ("for other devices", head(salt, public, [rng.randbytes(48)]), "not_for_us"),
        ("another ephemeral key", head(salt, b"\t" + bytes(31), slots), "not_for_us"),
        ("an ephemeral key of low order", head(salt, bytes(32), slots), "low_order_key"),
        ("no slots", head(salt, public, []), "bad_value"),
        ("a slot too short", head(salt, public, [slots[0][1:]]), "bad_value"),
        ("a salt too short", head(salt[1:], public, slots), "bad_value"),
        ("a field too few", head(salt, public), "bad_shape"),
        ("a backup", sealed.make_head(b"p2pblog backup\n", 1, b""), "unknown_file"),
        ("a later version", sealed.make_head(bundle.MAGIC, 2, good.body), "version"),
    ]


def make(rng: random.Random) -> Vector:
    devices = [SigningKey(rng.randbytes(32)) for _ in range(2)]
    whole = [bundle.pack(record) for record in sample(rng)]
    later = [*whole[:3], codec.pack((9, b"of a later version")), *whole[3:]]
    valid = [
        {"name": "for two devices", **file(whole, rng, devices)},
        {"name": "with a record of a later version", **file(later, rng, devices[:1])},
    ]
    good = sealed.parse_head(bundle.MAGIC, 1, bytes.fromhex(valid[0]["file"]))
    assert good is not None
    seed = {"seed": devices[0].seed.hex()}
    invalid = [
        {"kind": "records", "name": name, "records": [one.hex() for one in records], "reason": why}
        for name, records, why in _bad_records(whole)
    ]
    invalid += [
        {"kind": "head", "name": name, **seed, "head": head.hex(), "reason": why}
        for name, head, why in _bad_heads(rng, good)
    ]
    return {"module": "bundle", "valid": valid, "invalid": invalid}
