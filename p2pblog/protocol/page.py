"""A page: entries of one log in a row, and the signature on the last that covers them all.

The id of an entry leaves its signature out and every header names the entry before it, so one
valid signature authenticates the chain up to it. In team logs every entry bears its own.
A page is atomic: it is stored whole or refused whole. Spec: `protocol/page.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto
from p2pblog.protocol.codec import Array, Bytes, Many, Maybe
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import (
    NO_TEAM,
    EntryId,
    Header,
    Incarnation,
    Kind,
    TeamId,
    check_signature,
    parse_header,
    parse_headers,
)
from p2pblog.protocol.limits import MAX_HEADER, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_PAYLOAD

SHAPE = Array(
    "page",
    (
        ("headers", Many(Bytes(1, MAX_HEADER), MAX_PAGE_ENTRIES, 1)),
        ("payloads", Many(Maybe(Bytes(0, MAX_PAYLOAD)), MAX_PAGE_ENTRIES, 1)),
        (
            "signatures",
            Many(Bytes(64), MAX_PAGE_ENTRIES, 1, note="one, of the last; each, in team logs"),
        ),
    ),
)


class Page(NamedTuple):
    """A verified page. `ids`, `headers`, `raw` and `payloads` are parallel, in order of seq."""

    ids: list[EntryId]
    headers: list[Header]
    raw: tuple[bytes, ...]
    payloads: tuple[bytes | None, ...]
    signatures: tuple[bytes, ...]

    @property
    def log(self) -> tuple[DeviceKey, Incarnation, int]:
        """Whose log, which incarnation, what kind."""
        first = self.headers[0]
        return first.device, first.incarnation, first.kind

    @property
    def held(self) -> list[bytes | None]:
        """The signature that each entry bears itself, if any."""
        return [None] * (len(self.ids) - len(self.signatures)) + list(self.signatures)


def pack(
    raw: Sequence[bytes], payloads: Sequence[bytes | None], signatures: Sequence[bytes]
) -> bytes:
    """The bytes of a page."""
    return codec.pack((raw, payloads, signatures))


def kind_of(data: bytes) -> int:
    """Of which kind of log the page in `data` claims to be, not verified. Raises `Refused`."""
    raw, _, _ = codec.decode(SHAPE, data, MAX_PAGE_BYTES)
    return parse_header(raw[0]).kind


def verify(data: bytes, team: TeamId) -> Page:
    """The page in `data`, wholly verified but for where it attaches.

    First the signatures, then the chain backwards, then the payloads' hashes. Raises `Refused`.
    """
    raw, payloads, signatures = codec.decode(SHAPE, data, MAX_PAGE_BYTES)
    if len(payloads) != len(raw):
        raise Refused(Reason.BAD_SHAPE, f"{len(payloads)} payloads for {len(raw)} headers")
    headers = parse_headers(raw)
    kind = headers[0].kind
    if len(signatures) != (len(raw) if kind == Kind.TEAM else 1):
        raise Refused(Reason.BAD_SHAPE, f"{len(signatures)} signatures for {len(raw)} entries")
    _check_signatures(headers, raw, signatures, team)
    ids = _check_chain(headers, raw)
    _check_payloads(headers, payloads)
    return Page(ids, headers, raw, payloads, signatures)


def _check_signatures(
    headers: list[Header], raw: tuple[bytes, ...], signatures: tuple[bytes, ...], team: TeamId
) -> None:
    for offset in range(1, len(signatures) + 1):
        header = headers[-offset]
        founds = header.kind == Kind.TEAM and _is_founding(header, raw[-offset], team)
        check_signature(
            NO_TEAM if founds else team, header.device, raw[-offset], signatures[-offset]
        )


def _is_founding(header: Header, raw: bytes, team: TeamId) -> bool:
    return header.seq == 1 and crypto.blake2b(crypto.ENTRY, raw) == team


def _check_chain(headers: list[Header], raw: tuple[bytes, ...]) -> list[EntryId]:
    ids = [EntryId(id_) for id_ in crypto.blake2b_each(crypto.ENTRY, raw)]
    first = headers[0]
    log = first[1:4]
    seq = first.seq
    for index in range(len(headers) - 1, 0, -1):
        header = headers[index]
        if header[1:4] != log:
            raise Refused(Reason.WRONG_LOG, f"seq {header.seq}")
        if header.seq != seq + index:
            raise Refused(Reason.BAD_SEQ, f"seq {header.seq}")
        if header.backlink != ids[index - 1]:
            raise Refused(Reason.BAD_BACKLINK, f"seq {header.seq}")
    return ids


def _check_payloads(headers: list[Header], payloads: tuple[bytes | None, ...]) -> None:
    hashes = crypto.blake2b_each(crypto.PAYLOAD, (payload or b"" for payload in payloads))
    for header, payload, hashed in zip(headers, payloads, hashes, strict=True):
        if payload is None:
            if header.kind == Kind.TEAM:
                raise Refused(Reason.PAYLOAD_NEEDED, f"team entry {header.seq}")
        elif len(payload) != header.payload_size or hashed != header.payload_hash:
            raise Refused(Reason.BAD_PAYLOAD, f"seq {header.seq}")
