"""`protocol/recovery.md`: the founder comes back with the code, and nobody else does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import message, page, recovery, team
from p2pblog.protocol.admission import PAGE_COST, Ask, Joined, Outcome, Verified
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import Incarnation
from p2pblog.protocol.limits import MAX_STRANGER_BYTES
from p2pblog.protocol.recovery import Fresh, Recoverer
from tests.support.teams import TeamBuilder
from tests.support.vectors import vectors

CHANNEL = b"c" * 64
FRESH = Fresh(Incarnation(b"incarn 1"), b"s" * 16, 1_785_000_000_000)


def a_team() -> TeamBuilder:
    b = TeamBuilder()
    b.join(b.found())
    return b


def recoverer(b: TeamBuilder, key: SigningKey | None = None) -> Recoverer:
    return Recoverer(key or b.recovery, b.key(), "new desk", CHANNEL, FRESH)


def show(machine: Recoverer, pages: list[bytes]) -> list[Outcome]:
    for data in pages:
        assert machine.receive(message.PageMessage(data, live=False)) == []
    return machine.receive(message.Done(0))


def pages_of(outcomes: list[Outcome]) -> list[bytes]:
    sent = [message.parse(one.data) for one in outcomes if isinstance(one, Ask)]
    return [one.page for one in sent if isinstance(one, message.PageMessage)]


def reason_of(b: TeamBuilder, machine: Recoverer) -> Reason:
    with pytest.raises(Refused) as caught:
        show(machine, b.pages())
    return caught.value.reason


def test_the_founder_comes_back_by_way_of_any_member() -> None:
    b = a_team()
    machine = recoverer(b)
    (first,) = machine.start()
    assert isinstance(first, Ask)
    asked = message.parse(first.data)
    assert isinstance(asked, message.Recover)
    recovery.check_proof(b.team(), CHANNEL, asked.proof)
    outcomes = show(machine, b.pages())
    assert outcomes[0] == Verified("Acme", "", "Ana")
    (made,) = pages_of(outcomes)
    (device,) = {header.device for header in page.verify(made, b.id).headers}
    recovery.check_page(made, b.id, device)
    entries = [*b.team_entries(), *team.entries_of(page.verify(made, b.id))]
    known = team.evaluate(entries, b.id)
    member = known.member_of(device)
    assert member is not None
    assert (member.name, member.founder, known.may(device, "admin")) == ("Ana", True, True)
    (joined,) = machine.receive(message.Admitted(b.network_key, b.entries[0].id))
    assert joined == Joined(b.id, b.network_key, (*b.pages(), made))


def test_another_key_is_not_the_teams() -> None:
    b = a_team()
    assert reason_of(b, recoverer(b, b.key())) is Reason.BAD_PROOF
    with pytest.raises(Refused) as caught:
        recovery.check_proof(b.team(), CHANNEL, recovery.prove(b.key(), CHANNEL))
    assert caught.value.reason is Reason.BAD_PROOF


def test_a_founder_who_left_does_not_come_back() -> None:
    b = a_team()
    b.leave(b.actors[0])
    assert reason_of(b, recoverer(b)) is Reason.NOT_A_MEMBER


def test_a_wrong_network_key_is_refused() -> None:
    b = a_team()
    machine = recoverer(b)
    show(machine, b.pages())
    with pytest.raises(Refused) as caught:
        machine.receive(message.Admitted(bytes(32), b.entries[0].id))
    assert caught.value.reason is Reason.BAD_PROOF


def test_what_the_host_says_is_heard() -> None:
    b = a_team()
    for said, due in ((Reason.CUT, Reason.CUT), ("later", Reason.NEEDS_NEWER_VERSION)):
        with pytest.raises(Refused) as caught:
            recoverer(b).receive(message.Goodbye(said, ""))
        assert caught.value.reason is due


def test_unexpected_and_too_much() -> None:
    b = a_team()
    assert recoverer(b).receive(None) == []
    for sent in (message.Push((), True), message.Admitted(bytes(32), b.entries[0].id)):
        with pytest.raises(Refused) as caught:
            recoverer(b).receive(sent)
        assert caught.value.reason is Reason.UNEXPECTED
    for size in (2**18, 1):  # large ones, and what would be a million tiny ones
        machine = recoverer(b)
        data = message.PageMessage(bytes(size), live=False)
        most = MAX_STRANGER_BYTES // (size + PAGE_COST)
        for _ in range(most):
            machine.receive(data)
        with pytest.raises(Refused) as caught:
            machine.receive(data)
        assert caught.value.reason is Reason.FLOOD


def test_only_a_team_page_of_the_device_is_taken() -> None:
    b = a_team()
    ana, bea = b.actors
    with pytest.raises(Refused) as caught:
        recovery.check_page(b.pages()[0], b.id, bea.device)
    assert caught.value.reason is Reason.WRONG_LOG
    recovery.check_page(b.pages()[0], b.id, ana.device)


@given(st.binary(max_size=80))
def test_any_proof_is_refused_by_name(proof: bytes) -> None:
    with pytest.raises(Refused) as caught:
        recovery.check_proof(a_team().team(), CHANNEL, proof)
    assert caught.value.reason is Reason.BAD_PROOF


def _machine(vector: dict[str, Any]) -> Recoverer:
    fresh = Fresh(
        Incarnation(bytes.fromhex(vector.get("incarnation", "00" * 8))),
        bytes.fromhex(vector.get("salt", "00" * 16)),
        vector.get("now", 0),
    )
    key, device = (
        SigningKey(bytes.fromhex(vector[name])) for name in ("recovery_seed", "device_seed")
    )
    channel = bytes.fromhex(vector.get("channel", ""))
    return Recoverer(key, device, vector.get("device_name", "desk"), channel, fresh)


@pytest.mark.parametrize("vector", vectors("recovery", "valid"), ids=lambda v: v["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    if vector["kind"] == "proof":
        key = SigningKey(bytes.fromhex(vector["seed"]))
        assert recovery.prove(key, bytes.fromhex(vector["channel"])).hex() == vector["proof"]
        return
    machine = _machine(vector)
    due = [one.data for one in machine.start() if isinstance(one, Ask)]
    last: list[Outcome] = []
    for said in vector["messages"]:
        data = bytes.fromhex(said["message"])
        if said["from"] == "device":
            assert due.pop(0) == data
        else:
            last = machine.receive(message.parse(data))
            due += [one.data for one in last if isinstance(one, Ask)]
    assert due == []
    assert isinstance(last[-1], Joined)
    assert last[-1].team.hex() == vector["team"]


def _refuse(vector: dict[str, Any]) -> None:
    if vector["kind"] == "proof":
        known = replace(a_team().team(), recovery_key=bytes.fromhex(vector["public"]))
        channel, proof = (bytes.fromhex(vector[name]) for name in ("channel", "proof"))
        recovery.check_proof(known, channel, proof)
    show(_machine(vector), [bytes.fromhex(data) for data in vector["pages"]])


@pytest.mark.parametrize("vector", vectors("recovery", "invalid"), ids=lambda v: v["name"])
def test_invalid_vectors(vector: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        _refuse(vector)
    assert caught.value.reason == vector["reason"]
