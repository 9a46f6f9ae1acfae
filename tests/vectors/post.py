"""Bodies of posts, profiles and openings; bodies that do not decode."""

import random
from typing import Any

from p2pblog.protocol import codec
from p2pblog.protocol.entry import EntryId, Incarnation
from p2pblog.protocol.limits import MAX_ABOUT, MAX_PICTURE, MAX_TEXT
from p2pblog.protocol.post import PICTURES, Cause, Opening, Post, Profile, Reference, Source

Vector = dict[str, Any]


def _vector(kind: str, name: str, body: bytes) -> Vector:
    fields = codec.to_json(codec.unpack(body, 1 << 20))
    return {"kind": kind, "name": name, "body": body.hex(), "fields": fields}


def make(rng: random.Random) -> Vector:
    reply = Reference(1_785_000_000_000, EntryId(rng.randbytes(32)))
    source = Source("anna", 1_200_000_000_000, "chat-17")
    tips = tuple((Incarnation(rng.randbytes(8)), 7 + n, EntryId(rng.randbytes(32))) for n in (0, 1))
    later = codec.pack(("hello", "general", None, None, "more", 7))
    valid = [
        _vector("post", "a post", Post("Good morning", "general").pack()),
        _vector("post", "a reply", Post("Grüße an alle", "büro", reply).pack()),
        _vector("post", "an imported reply", Post("hi", "general", reply, source).pack()),
        _vector("post", "with elements of a later version", later),
        _vector("opening", "after a restore", Opening(Cause.RESTORED, tips).pack()),
        _vector("opening", "with nothing known", Opening(Cause.MOVED, ()).pack()),
        _vector("opening", "for a cause of a later version", Opening(99, tips[:1]).pack()),
        _vector("opening", "after a repair", Opening(Cause.REPAIRED, tips[:1]).pack()),
        _vector("profile", "in words", Profile("Fitter, the depot.", ("pumps", "cranes")).pack()),
        _vector("profile", "with a PNG", Profile("", (), PICTURES[0] + rng.randbytes(40)).pack()),
        _vector("profile", "with a JPEG", Profile("", (), PICTURES[1] + rng.randbytes(40)).pack()),
        _vector("profile", "with elements of a later version", codec.pack(("", (), None, 7))),
    ]
    png = PICTURES[0] + bytes(MAX_PICTURE)
    bad: list[tuple[str, str, codec.Value, str]] = [
        ("post", "no text", ("", "general", None, None), "bad_value"),
        ("post", "a text too long", ("x" * (MAX_TEXT + 1), "general", None, None), "bad_value"),
        ("post", "no channel", ("hello", "", None, None), "bad_value"),
        ("post", "a channel of 65 bytes", ("hello", "c" * 65, None, None), "bad_value"),
        ("post", "three elements", ("hello", "general", None), "bad_shape"),
        ("post", "a text of bytes", (b"hello", "general", None, None), "bad_shape"),
        ("post", "a reference without an id", ("hello", "general", (1,), None), "bad_shape"),
        ("post", "a reference cut", ("hello", "general", (1, bytes(31)), None), "bad_value"),
        ("post", "a source of nobody", ("hello", "general", None, ("", 1, "o")), "bad_value"),
        ("post", "no array", "hello", "bad_shape"),
        ("opening", "cause 256", (256, ()), "bad_value"),
        ("opening", "no tips", (1,), "bad_shape"),
        ("opening", "65 tips", (1, ((bytes(8), 1, bytes(32)),) * 65), "bad_value"),
        ("opening", "a tip of height 0", (1, ((bytes(8), 0, bytes(32)),)), "bad_value"),
        ("profile", "an about too long", ("x" * (MAX_ABOUT + 1), (), None), "bad_value"),
        ("profile", "33 skills", ("", ("a",) * 33, None), "bad_value"),
        ("profile", "an empty skill", ("", ("",), None), "bad_value"),
        ("profile", "a picture too large", ("", (), png[: MAX_PICTURE + 1]), "bad_value"),
        ("profile", "an empty picture", ("", (), b""), "bad_value"),
        ("profile", "a picture of no kind", ("", (), b"GIF89a"), "bad_value"),
        ("profile", "two elements", ("", ()), "bad_shape"),
    ]
    invalid = [
        {"kind": kind, "name": name, "body": codec.pack(value).hex(), "reason": reason}
        for kind, name, value, reason in bad
    ]
    invalid.append({"kind": "post", "name": "cut short", "body": "94a5", "reason": "malformed"})
    return {"module": "post", "valid": valid, "invalid": invalid}
