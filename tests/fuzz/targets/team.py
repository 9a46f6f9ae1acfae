"""Any set of team entries, whatever their bodies say, makes a team; and in any order the same one.

`evaluate` never fails. What is void has a reason, nobody is active whose member has gone, and
while anybody is left somebody is in charge. The input is acts: who, after which own entry, which
body. In a body two bytes stand for an act's id, its signature, or a device; approvals are signed
by whom they name, so that not every change is void for its signatures.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol import codec, entry, invitation, operation, team
from p2pblog.protocol.codec import Value
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, NO_TEAM, Entry, EntryId, Kind, PayloadClass, TeamId
from p2pblog.protocol.operation import (
    Admit,
    Approved,
    CoSignature,
    Invite,
    RemoveMember,
    RevokeDevice,
    SetRole,
    Unknown,
)
from tests.fuzz import NO_INPUT
from tests.fuzz.material import attempt, plan
from tests.support.logs import INCARNATION, START, key

LONGEST = 8192
ACTORS = [key(number) for number in range(1, 8)]
DEVICES = {actor.public: actor for actor in ACTORS}
CODE, RECOVERY = key(60), key(200)
FOUND = (1, (), "Firm", "Anna", "desk", RECOVERY.public, (0, None, 1), bytes(32))
MOST = 40  # acts


def run(data: bytes) -> str:
    given = plan(data, tuple)
    if given is None:
        return NO_INPUT
    acts = Acts()
    for act in given[0][:MOST]:
        match act:
            case (int(who), int(before), bytes(body)):
                acts.add(who, before, body)
    entries = [team.entry_of(one.id, one.header, one.payload) for one in acts.made]
    found = team.evaluate(entries, acts.team)
    random.Random(len(data)).shuffle(entries)
    assert team.evaluate([*entries, *entries[:2]], acts.team) == found
    again = [
        team.entry_of(one.id, one.header, one.payload, one.id in found.proven) for one in acts.made
    ]
    assert team.evaluate(again, acts.team) == found
    _look(found)
    return f"{len(found.members)} members, {len(set(found.void.values()))} reasons"


def _look(found: team.Team) -> None:
    assert bool(found.in_charge) == bool(found.present_members())
    assert all(isinstance(reason, Reason) for reason in found.void.values())
    for device in found.devices.values():
        assert not device.active or found.members[device.member].present


class Acts:
    """The acts of an input as entries; the first founds the team."""

    def __init__(self) -> None:
        self.made: list[Entry] = []
        self.logs: dict[bytes, list[Entry]] = {}
        self.team = NO_TEAM

    def add(self, who: int, before: int, body: bytes) -> None:
        signing = ACTORS[who % len(ACTORS)]
        log = self.logs.setdefault(signing.public, [])
        last = log[before % len(log)] if log and before else (log[-1] if log else None)
        seq = last.header.seq + 1 if last else 1
        made = entry.make(
            signing,
            self.team,
            INCARNATION,
            Kind.TEAM,
            seq=seq,
            backlink=last.id if last else NO_BACKLINK,
            time=START + len(self.made),
            payload_class=PayloadClass.OPERATION,
            salt=bytes(16),
            content=self._signed(self._named(body), signing, seq),
        )
        log.append(made)
        self.made.append(made)
        if not self.team:
            self.team = TeamId(made.id)

    def _named(self, body: bytes) -> bytes:
        value, _ = attempt(codec.unpack, body, 4096)
        return body if value is None else codec.pack(self._resolve(value))

    def _resolve(self, value: Value) -> Value:
        """With the ids, devices and signatures that it stands for."""
        match value:
            case (b"after", *numbers):
                made = self.made
                return tuple(
                    sorted({made[n % len(made)].id for n in numbers if made and isinstance(n, int)})
                )
            case tuple():
                return tuple(map(self._resolve, value))
            case bytes() if len(value) == 2 and self.made:
                one = self.made[value[1] % len(self.made)]
                device = ACTORS[value[1] % len(ACTORS)].public
                return {73: one.id, 83: one.signature, 68: device}.get(value[0], value)
        return value

    def _signed(self, body: bytes, signing: SigningKey, seq: int) -> bytes:
        """With the signatures that its author would have got, where it has 64 zeros."""
        found, _ = attempt(operation.parse, body)
        device = signing.public
        match found:
            case Invite(_, public, role, member, expires) if public == CODE.public:
                terms = (self.team, device, role, member, expires)
                return replace(found, signature=invitation.sign_binding(CODE, *terms)).pack()
            case Admit(invitation=bytes(opened), device=joiner) if joiner in DEVICES:
                proof = invitation.prove(CODE, self.team, EntryId(opened), DEVICES[joiner])
                found = replace(found, proof=proof)
        if isinstance(found, Admit | SetRole | RemoveMember | RevokeDevice):
            found = self._approved(found, device, seq)
        return body if found is None or isinstance(found, Unknown) else found.pack()

    def _approved(self, found: Approved, device: DeviceKey, seq: int) -> Approved:
        told = operation.to_approve(self.team, device, INCARNATION, seq, found)
        if found.recovery_signature == bytes(64):
            found = replace(found, recovery_signature=RECOVERY.sign(told))
        if isinstance(found, RemoveMember | RevokeDevice) and found.co_signature:
            second = found.co_signature.device
            if second in DEVICES:
                signed = CoSignature(second, DEVICES[second].sign(told))
                found = replace(found, co_signature=signed)
        return found


def seeds() -> Iterator[bytes]:
    invite = (2, (b"after", 0), CODE.public, 0, None, 2 * START, bytes(64))
    admit = (4, (b"after", 1), b"I\1", b"D\1", None, "Ben", "laptop", bytes(128), None)
    base: tuple[Any, ...] = ((0, 0, FOUND), (0, 0, invite), (0, 0, admit))
    cut = ((b"D\1", INCARNATION, 0, 1, b"I\3", b"S\3"),)
    rename = (6, (b"after", 2), 1, b"D\1", "Bea")
    acts: list[tuple[Any, ...]] = [
        (1, 0, rename),
        (0, 0, (5, (b"after", 2), b"D\1", 1, (), None)),
        (0, 0, (7, (b"after", 3), b"D\1", cut, None, None)),
        (1, 0, (7, (b"after", 2), b"D\0", (), bytes(64), (b"D\0", bytes(64)))),
        (1, 0, (9, (b"after", 2), ())),
        (0, 1, (8, (b"after", 1), b"D\1", (), None, None)),
        (0, 0, (10, (b"after", 3, 4), b"I\4", cut)),
        (0, 0, (11, (b"after", 2), (1, 30, 1))),
        (0, 0, (3, (b"after", 2), b"I\1")),
        (3, 0, (4, (b"after", 2), None, b"D\3", b"D\0", "Anna", "new", None, bytes(64))),
    ]
    for count in range(len(acts) + 1):
        yield _plan((*base, *acts[:count]))
    for act in acts:
        yield _plan((*base, act))


def _plan(acts: tuple[Any, ...]) -> bytes:
    return codec.pack((tuple((who, before, codec.pack(body)) for who, before, body in acts),))
