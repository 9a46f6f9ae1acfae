"""Any bytes are a page, or `Refused` with a reason; a page is verified whole or not at all.

What is verified is so by an independent look as well: signatures, chain, payloads. Its kind was
readable before it was verified. The input says what of the page is to be made right first, with
the keys of the fuzzer's own devices, so that one fault at a time is tried.
"""

from collections.abc import Iterator

from p2pblog.errors import Refused
from p2pblog.protocol import codec, crypto, entry, page
from p2pblog.protocol.entry import NO_TEAM, Kind, TeamId
from p2pblog.protocol.page import Page
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import CHAIN, PAYLOADS, SIGNATURES, from_vectors, mended, named, plan
from tests.store.world import World
from tests.support.logs import TEAM, LogMaker, packed

LONGEST = 16 * 1024
DUE = {TAKEN}


def run(data: bytes) -> str:
    given = plan(data, bytes, int, bytes)
    if given is None:
        return NO_INPUT
    team, how, raw = TeamId(given[0][:32]), given[1], given[2]
    raw = mended(raw, how, team)
    try:
        found = page.verify(raw, team)
    except Refused as refused:
        return named(refused)
    assert page.kind_of(raw) == found.headers[0].kind
    assert page.pack(found.raw, found.payloads, found.signatures) == raw
    _look(found, team)
    return TAKEN


def _look(found: Page, team: TeamId) -> None:
    assert len(found.ids) == len(found.headers) == len(found.raw) == len(found.payloads) > 0
    for index, (header, raw) in enumerate(zip(found.headers, found.raw, strict=True)):
        assert entry.parse_header(raw) == header
        assert entry.entry_id(raw) == found.ids[index]
        assert header[1:4] == found.log
        if index:
            assert header.backlink == found.ids[index - 1]
            assert header.seq == found.headers[index - 1].seq + 1
        payload = found.payloads[index]
        assert payload is not None or header.kind != Kind.TEAM
        if payload is not None:
            entry.check_payload(header, payload)
        signature = found.held[index]
        assert signature is not None or (header.kind != Kind.TEAM and index + 1 < len(found.ids))
        if signature is not None:
            founds = header.kind == Kind.TEAM and TeamId(found.ids[index]) == team
            signed = entry.signed_bytes(NO_TEAM if founds else team, raw)
            assert crypto.verify(header.device, signed, signature)


def seeds() -> Iterator[bytes]:
    for data in from_vectors("page", "page"):
        yield codec.pack((TEAM, 0, data))
    everything = CHAIN | PAYLOADS | SIGNATURES
    run_of = LogMaker().run(4)
    yield codec.pack((TEAM, everything, packed(run_of)))
    yield codec.pack((TEAM, SIGNATURES, packed(run_of[1:])))
    world = World(2)
    yield codec.pack((world.team_id, everything, packed(world.team_log)))
