"""`protocol/page.md`: a page is verified whole or refused whole, by name."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, entry, page
from p2pblog.protocol.entry import NO_TEAM, Entry, Incarnation, Kind, TeamId
from p2pblog.protocol.limits import MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_PAYLOAD
from tests.support.logs import TEAM, LogMaker, key, packed
from tests.support.mutate import mutated
from tests.support.vectors import vectors

POSTS = LogMaker().run(4)
OPERATIONS = LogMaker(kind=Kind.TEAM).run(3)

Parts = tuple[list[bytes], list[bytes | None], list[bytes]]


def parts(run: list[Entry]) -> Parts:
    raw, payloads, signatures = codec.decode(page.SHAPE, packed(run), MAX_PAGE_BYTES)
    return list(raw), list(payloads), list(signatures)


def refused(data: bytes) -> Reason:
    with pytest.raises(Refused) as caught:
        page.verify(data, TEAM)
    return caught.value.reason


@pytest.mark.parametrize("run", [POSTS, POSTS[1:3], POSTS[-1:], OPERATIONS, OPERATIONS[1:]])
def test_what_is_packed_verifies(run: list[Entry]) -> None:
    verified = page.verify(packed(run), TEAM)
    assert verified.ids == [made.id for made in run]
    assert verified.headers == [made.header for made in run]
    assert list(verified.raw) == [made.header_bytes for made in run]
    assert list(verified.payloads) == [made.payload for made in run]
    assert verified.log == (run[0].header.device, b"incarn 1", run[0].header.kind)


@pytest.mark.parametrize("run", [POSTS, OPERATIONS])
def test_the_kind_can_be_seen_before(run: list[Entry]) -> None:
    assert page.kind_of(packed(run)) == run[0].header.kind


def test_one_signature_covers_a_page_of_posts() -> None:
    verified = page.verify(packed(POSTS), TEAM)
    held = verified.held
    assert held == [None, None, None, POSTS[-1].signature]


def test_each_operation_bears_its_own() -> None:
    verified = page.verify(packed(OPERATIONS), TEAM)
    assert verified.held == [e.signature for e in OPERATIONS]


def test_any_other_kind_follows_the_rules_of_posts() -> None:
    run = LogMaker(kind=7).run(3)
    assert page.verify(packed(run), TEAM).signatures == (run[-1].signature,)


def test_a_founding_entry_is_signed_for_no_team() -> None:
    maker = LogMaker(kind=Kind.TEAM, team=NO_TEAM)
    founding = maker.next(None)
    team = TeamId(founding.id)
    then = LogMaker(kind=Kind.TEAM, team=team).run(2, founding)
    assert page.verify(packed([founding, *then]), team).ids[0] == founding.id
    assert refused(packed([founding])) == Reason.BAD_SIGNATURE


def test_payloads_of_posts_may_be_missing() -> None:
    raw, payloads, signatures = parts(POSTS)
    payloads[1] = None
    assert page.verify(page.pack(raw, payloads, signatures), TEAM).payloads[1] is None


def without_a_payload(raw: list[bytes], payloads: list[bytes | None], _: list[bytes]) -> None:
    payloads.pop()


def flip_the_signature(_: list[bytes], __: list[bytes | None], signatures: list[bytes]) -> None:
    signatures[-1] = bytes([signatures[-1][0] ^ 1]) + signatures[-1][1:]


def sign_the_first(_: list[bytes], __: list[bytes | None], signatures: list[bytes]) -> None:
    signatures[:] = [POSTS[0].signature]


def two_signatures(_: list[bytes], __: list[bytes | None], signatures: list[bytes]) -> None:
    signatures[:] = [POSTS[0].signature, POSTS[-1].signature]


def other_time(raw: list[bytes], _: list[bytes | None], __: list[bytes]) -> None:
    raw[1] = POSTS[1].header._replace(time=5).pack()


def leave_one_out(raw: list[bytes], payloads: list[bytes | None], _: list[bytes]) -> None:
    del raw[1], payloads[1]


def from_another_log(raw: list[bytes], payloads: list[bytes | None], _: list[bytes]) -> None:
    raw[0] = POSTS[0].header._replace(incarnation=Incarnation(b"incarn 2")).pack()


def from_another_device(raw: list[bytes], _: list[bytes | None], __: list[bytes]) -> None:
    raw[0] = POSTS[0].header._replace(device=key(2).public).pack()


def swap_payloads(_: list[bytes], payloads: list[bytes | None], __: list[bytes]) -> None:
    payloads[0], payloads[1] = payloads[1], payloads[0]


def garble_a_header(raw: list[bytes], _: list[bytes | None], __: list[bytes]) -> None:
    raw[0] = raw[0][:-1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_a_payload, Reason.BAD_SHAPE),
        (flip_the_signature, Reason.BAD_SIGNATURE),
        (sign_the_first, Reason.BAD_SIGNATURE),
        (two_signatures, Reason.BAD_SHAPE),
        (other_time, Reason.BAD_BACKLINK),
        (leave_one_out, Reason.BAD_SEQ),
        (from_another_log, Reason.WRONG_LOG),
        (from_another_device, Reason.WRONG_LOG),
        (swap_payloads, Reason.BAD_PAYLOAD),
        (garble_a_header, Reason.MALFORMED),
    ],
)
def test_refused_pages(change: Callable[..., None], reason: Reason) -> None:
    made = parts(POSTS)
    change(*made)
    assert refused(page.pack(*made)) == reason


def test_refused_pages_of_operations() -> None:
    raw, payloads, signatures = parts(OPERATIONS)
    assert refused(page.pack(raw, payloads, signatures[-1:])) == Reason.BAD_SHAPE
    wrong = [signatures[0], signatures[0], signatures[2]]
    assert refused(page.pack(raw, payloads, wrong)) == Reason.BAD_SIGNATURE
    assert refused(page.pack(raw, [*payloads[:2], None], signatures)) == Reason.PAYLOAD_NEEDED


def test_another_team_s_page_is_refused() -> None:
    assert refused(packed(LogMaker(team=TeamId(b"U" * 32)).run(2))) == Reason.BAD_SIGNATURE


def test_limits() -> None:
    maker = LogMaker()
    most = maker.run(MAX_PAGE_ENTRIES)
    assert len(page.verify(packed(most), TEAM).ids) == MAX_PAGE_ENTRIES
    assert refused(packed([*most, maker.next(most[-1])])) == Reason.BAD_VALUE
    assert refused(page.pack([], [], [])) == Reason.BAD_VALUE
    assert refused(bytes(MAX_PAGE_BYTES + 1)) == Reason.TOO_LARGE
    largest = LogMaker()
    salted = largest.rng.randbytes(MAX_PAYLOAD)
    made = entry.make(
        largest.signing,
        TEAM,
        largest.incarnation,
        Kind.POSTS,
        seq=1,
        backlink=entry.NO_BACKLINK,
        time=0,
        payload_class=2,
        salt=salted[:16],
        content=salted[16:],
    )
    assert page.verify(packed([made]), TEAM).payloads == (salted,)


@given(st.binary(max_size=300) | mutated([packed(POSTS[:2]), packed(OPERATIONS[:2])]))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with suppress(Refused):
        assert page.kind_of(data) >= 0
    with suppress(Refused):
        assert page.verify(data, TEAM).ids


@pytest.mark.parametrize("vector", vectors("page", "valid"), ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    verified = page.verify(bytes.fromhex(vector["page"]), TeamId(bytes.fromhex(vector["team"])))
    assert [made.hex() for made in verified.ids] == vector["ids"]
    assert codec.to_json(verified.payloads) == vector["payloads"]
    assert codec.to_json(verified.log) == [
        vector[name] for name in ("device", "incarnation", "kind")
    ]
    assert verified.headers[0].seq == vector["first_seq"]


@pytest.mark.parametrize("vector", vectors("page", "invalid"), ids=lambda vector: vector["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        page.verify(bytes.fromhex(vector["page"]), TeamId(bytes.fromhex(vector["team"])))
    assert caught.value.reason == vector["reason"]
