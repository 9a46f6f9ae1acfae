"""A bundle: a sealed file that carries entries by hand, for the devices it was sealed to.

It says which runs of which logs it holds and what it takes for granted before each, then holds
team logs, then posts, in pages as a session sends them. Spec: `protocol/bundle.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto, sealed
from p2pblog.protocol.codec import Array, Bytes, Constant, Many, Maybe, Uint
from p2pblog.protocol.crypto import KEY_SIZE, TAG_SIZE, DeviceKey, SigningKey
from p2pblog.protocol.entry import EntryId, Incarnation, TeamId
from p2pblog.protocol.limits import (
    MAX_CONTENTS,
    MAX_HEAD,
    MAX_PAGE_BYTES,
    MAX_RECIPIENTS,
    MAX_RECORD,
    MAX_RUNS,
    MAX_SEQ,
    MAX_TIME_MS,
)
from p2pblog.protocol.log import Tip
from p2pblog.protocol.operation import MemberId

MAGIC: Final = b"p2pblog bundle\n"
VERSION: Final = 1
_SLOT = KEY_SIZE + TAG_SIZE

HEAD = Array(
    "head",
    (
        ("salt", Bytes(sealed.SALT_SIZE)),
        ("ephemeral", Bytes(32, note="X25519 public key")),
        ("slots", Many(Bytes(_SLOT), MAX_RECIPIENTS, 1, note="the key, once for each device")),
    ),
)
RUN = Array(
    "run",
    (
        ("device", Bytes(32)),
        ("incarnation", Bytes(8)),
        ("kind", Uint(15)),
        ("after_seq", Uint(MAX_SEQ, note="0 where it starts with the log")),
        ("after_id", Bytes(0, 32, note="empty where it starts with the log")),
        ("upto_seq", Uint(MAX_SEQ, 1)),
        ("upto_id", Bytes(32)),
    ),
)
START = Array(
    "start",
    (
        ("type", Constant(0)),
        ("team", Bytes(32)),
        ("made", Uint(MAX_TIME_MS, note="milliseconds since 1970 UTC")),
        ("by", Bytes(32, note="the device that made it")),
        ("member", Maybe(Bytes(32, note="whom it is for; nil: everybody"))),
    ),
    extra=True,
)
CONTENTS = Array("contents", (("type", Constant(1)), ("runs", Many(RUN, MAX_RUNS))))
TEAM_PAGE = Array("team page", (("type", Constant(2)), ("page", Bytes(1, MAX_PAGE_BYTES))))
POST_PAGE = Array("post page", (("type", Constant(3)), ("page", Bytes(1, MAX_PAGE_BYTES))))
END = Array(
    "end",
    (
        ("type", Constant(4)),
        ("pages", Uint(note="of both kinds")),
        ("size", Uint(note="of all pages, in bytes")),
        ("signature", Bytes(64, note="by the maker, of what the file says that it holds")),
    ),
    extra=True,
)
_RECORDS = (START, CONTENTS, TEAM_PAGE, POST_PAGE, END)


class Run(NamedTuple):
    """What follows `after` in a log on the way to `upto`. Who lacks `after` can't use it."""

    device: DeviceKey
    incarnation: Incarnation
    kind: int
    after: Tip | None
    upto: Tip

    @property
    def entries(self) -> int:
        """How many entries; 0 where it only says what is taken for granted."""
        return self.upto.seq - (self.after.seq if self.after else 0)


class Start(NamedTuple):
    """Of which team, made when and by which device, and for whom (None: everybody)."""

    team: TeamId
    made: int
    by: DeviceKey
    member: MemberId | None


class Contents(NamedTuple):
    """Some of the runs that it holds."""

    runs: tuple[Run, ...]


class TeamPage(NamedTuple):
    """A page of a team log."""

    page: bytes


class PostPage(NamedTuple):
    """A page of a posts log."""

    page: bytes


class End(NamedTuple):
    """How many pages there were, their bytes in all, and the maker's word for the contents."""

    pages: int
    size: int
    signature: bytes


Record: TypeAlias = Start | Contents | TeamPage | PostPage | End


def pack(record: Record) -> bytes:
    """The bytes of a record."""
    match record:
        case Start():
            return codec.pack((0, *record))
        case Contents(runs):
            return codec.pack((1, [_pack_run(run) for run in runs]))
        case TeamPage(page):
            return codec.pack((2, page))
        case PostPage(page):
            return codec.pack((3, page))
        case End():
            return codec.pack((4, *record))


def contents(runs: Sequence[Run]) -> Iterator[Contents]:
    """All runs, in as many records as it takes; at least one."""
    for at in range(0, len(runs) or 1, MAX_RUNS):
        yield Contents(tuple(runs[at : at + MAX_RUNS]))


def sign(key: SigningKey, team: TeamId, told: Iterable[bytes]) -> bytes:
    """The maker's signature; `told` are the bytes of its start and of all its contents."""
    digest = b""
    for record in told:
        digest = _told(digest, record)
    return key.sign(crypto.to_sign(crypto.SIGN_BUNDLE, team, digest))


def _told(digest: bytes, record: bytes) -> bytes:
    return crypto.blake2b(crypto.CONTENTS, digest, record)


def _pack_run(run: Run) -> tuple[Any, ...]:
    after = run.after or (0, b"")
    return (run.device, run.incarnation, run.kind, *after, *run.upto)


class Reader:
    """Reads the records in order, and holds that the order is right."""

    def __init__(self) -> None:
        self._due = 0  # the lowest type that may come
        self._contents = self._pages = self._size = 0
        self._told = b""
        self._start: Start | None = None

    def receive(self, data: bytes) -> Record | None:
        """The record in `data`; None for a type that a later version added. Raises `Refused`."""
        value = codec.unpack(data, MAX_RECORD)
        if type(value) is not tuple or not value or type(value[0]) is not int:
            raise Refused(Reason.BAD_SHAPE, "a record is an array that starts with its type")
        if value[0] >= len(_RECORDS) and self._due in (1, 2, 3):
            return None
        self._check_turn(value[0])
        _RECORDS[value[0]].check(value)
        record = _read(value)
        self._count(record, data)
        return record

    def _count(self, record: Record, data: bytes) -> None:
        match record:
            case Start():
                self._start = record
                self._told = _told(b"", data)
            case Contents():
                self._contents += 1
                if self._contents > MAX_CONTENTS:
                    raise Refused(Reason.TOO_LARGE, f"more than {MAX_CONTENTS} contents")
                self._told = _told(self._told, data)
            case TeamPage(page) | PostPage(page):
                self._pages += 1
                self._size += len(page)
            case End():
                self._check_end(record)

    def _check_end(self, end: End) -> None:
        if end[:2] != (self._pages, self._size):
            raise Refused(Reason.BAD_VALUE, f"{self._pages} pages, not {end.pages}")
        assert self._start is not None
        told = crypto.to_sign(crypto.SIGN_BUNDLE, self._start.team, self._told)
        if not crypto.verify(self._start.by, told, end.signature):
            raise Refused(Reason.BAD_SIGNATURE, "of the contents")

    def _check_turn(self, number: int) -> None:
        once = number in (0, 4)
        if not self._due <= number <= 4 or (self._due == 0 and number):
            raise Refused(Reason.UNEXPECTED, f"record {number} where {self._due} was due")
        self._due = number + 1 if once else max(number, 1)

    def end(self) -> None:
        """The records have ended. Raises `Refused` TRUNCATED where the last is missing."""
        if self._due != len(_RECORDS):
            raise Refused(Reason.TRUNCATED, "without its end")


def _read(value: tuple[Any, ...]) -> Record:
    match value[0]:
        case 0:
            return Start(*value[1:5])
        case 1:
            return Contents(tuple(map(_read_run, value[1])))
        case 2:
            return TeamPage(value[1])
        case 3:
            return PostPage(value[1])
        case _:
            return End(*value[1:4])


def _read_run(value: tuple[Any, ...]) -> Run:
    device, incarnation, kind, seq, start, upto, tip = value
    if len(start) != (32 if seq else 0) or upto < seq:
        raise Refused(Reason.BAD_VALUE, f"a run from {seq} to {upto}")
    after = Tip(seq, EntryId(start)) if seq else None
    return Run(device, incarnation, kind, after, Tip(upto, EntryId(tip)))


# The head


def make_head(key: bytes, salt: bytes, ephemeral: bytes, recipients: Iterable[DeviceKey]) -> bytes:
    """The file's head: `key` for each of the devices.

    `key` (32), `salt` (16) and `ephemeral`, an X25519 private key, are random. Slots stand in the
    order of their bytes: none can be told from another.
    """
    public = crypto.exchange_base(ephemeral)
    slots = []
    for device in recipients:
        theirs = crypto.exchange_public(device)
        shared = crypto.x25519(ephemeral, theirs)
        slots.append(crypto.encrypt(_wrapping(shared, public, theirs), 0, b"", key))
    body = codec.pack((salt, public, sorted(slots)))
    return sealed.make_head(MAGIC, VERSION, body)


def open_head(head: sealed.Head, device: SigningKey) -> sealed.Opener:
    """What opens the file for `device`. Raises `Refused` NOT_FOR_US, or what is wrong with it."""
    salt, public, slots = codec.decode(HEAD, head.body, MAX_HEAD)
    shared = crypto.x25519(device.exchange_private(), public)
    wrapping = _wrapping(shared, public, crypto.exchange_public(device.public))
    for slot in slots:
        try:
            key = crypto.decrypt(wrapping, 0, b"", slot)
        except Refused:
            continue
        return sealed.Opener(key, salt, head.binding)
    raise Refused(Reason.NOT_FOR_US, f"sealed to {len(slots)} other devices")


def _wrapping(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    return crypto.blake2b(crypto.WRAP, shared, ephemeral, recipient)
