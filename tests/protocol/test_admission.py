"""`protocol/admission.md`: both sides of letting a stranger in, by the vectors and any bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import admission, invitation, message
from p2pblog.protocol.admission import Ask, Joined, Joiner, Verified
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import TeamId
from p2pblog.protocol.limits import MAX_STRANGER_BYTES
from tests.support.vectors import vectors

VALID, INVALID = vectors("admission", "valid"), vectors("admission", "invalid")


def joiner_of(vector: dict[str, Any]) -> Joiner:
    seed = SigningKey(bytes.fromhex(vector["seed"]))
    return Joiner(invitation.key_of(vector["code"]), seed, "Bea", "Bea's desk")


def play(vector: dict[str, Any]) -> list[admission.Outcome]:
    joiner = joiner_of(vector)
    return [
        outcome
        for data in vector["host"]
        for outcome in joiner.receive(message.parse(bytes.fromhex(data)))
    ]


def judge(vector: dict[str, Any]) -> bytes:
    team = TeamId(bytes.fromhex(vector["team"]))
    known = admission.evaluate([bytes.fromhex(data) for data in vector["pages"]], team)
    asked = message.parse(bytes.fromhex(vector["request"]))
    assert isinstance(asked, message.Join)
    device = DeviceKey(bytes.fromhex(vector["device"]))
    granted = admission.admit(known, team, asked, device, vector["now"])
    assert granted is not None
    return granted.pack()


@pytest.mark.parametrize("vector", [v for v in VALID if "host" in v], ids=lambda v: str(v["name"]))
def test_dialogues(vector: dict[str, Any]) -> None:
    verified, asked, joined = play(vector)
    assert verified == Verified(vector["team_name"], vector["inviter"])
    assert asked == Ask(bytes.fromhex(vector["asks"]))
    assert isinstance(joined, Joined)
    assert joined.team.hex() == vector["team"]
    assert joined.network_key.hex() == vector["network_key"]


@pytest.mark.parametrize(
    "vector", [v for v in VALID if "request" in v], ids=lambda v: str(v["name"])
)
def test_requests_that_are_granted(vector: dict[str, Any]) -> None:
    assert judge(vector).hex() == vector["operation"]


@pytest.mark.parametrize("vector", INVALID, ids=lambda v: str(v["name"]))
def test_refusals(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        play(vector) if "host" in vector else judge(vector)
    assert refused.value.reason == vector["reason"]


def test_nothing_is_said_before_the_team_is_verified() -> None:
    vector = next(v for v in INVALID if v["name"] == "a team without the invitation")
    joiner = joiner_of(vector)
    *pages, done = (message.parse(bytes.fromhex(data)) for data in vector["host"])
    assert [outcome for data in pages for outcome in joiner.receive(data)] == []
    with pytest.raises(Refused):
        joiner.receive(done)


def test_a_flood_of_pages_ends_it() -> None:
    joiner = joiner_of(VALID[0])
    page = message.PageMessage(bytes(200_000), False)
    for _ in range(MAX_STRANGER_BYTES // 200_100):
        joiner.receive(page)
    with pytest.raises(Refused) as refused:
        joiner.receive(page)
    assert refused.value.reason == Reason.FLOOD


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=3))
def test_any_pages_are_refused_and_nothing_else(pages: list[bytes]) -> None:
    joiner = Joiner(SigningKey(bytes(32)), SigningKey(b"d" * 32), "Bea", "Bea's desk")
    for data in pages:
        joiner.receive(message.PageMessage(data, False))
    with pytest.raises(Refused):
        joiner.receive(message.Done(0))
