"""Whatever a host says, a newcomer verifies, asks or joins, or `Refused` says what is wrong.

Nothing of the newcomer's is asked for before a team was verified, and it asks as the device it is;
it has joined only a team whose log admits its device and whose network key is the founded one.
The same holds for a founder with the recovery code. The pages of the input can be made right first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from p2pblog.errors import Refused
from p2pblog.protocol import admission, codec, invitation, message, operation, page
from p2pblog.protocol.admission import Ask, Joined, Joiner, Outcome, Verified
from p2pblog.protocol.entry import Entry, Incarnation, TeamId, entry_id
from p2pblog.protocol.limits import MAX_PAGE_BYTES
from p2pblog.protocol.message import Admitted, Done, PageMessage, Scope
from p2pblog.protocol.operation import Found, Invite, Operation, Role
from p2pblog.protocol.recovery import Fresh, Recoverer
from tests.fuzz import NO_INPUT
from tests.fuzz.material import (
    CHAIN,
    PAYLOADS,
    SIGNATURES,
    attempt,
    from_vectors,
    mended,
    named,
    of_bytes,
    plan,
)
from tests.store.world import NOW, World
from tests.support.logs import key, packed

LONGEST = 16 * 1024
DUE = {"Verified, Ask", "Verified, Ask, Joined", "Ask, Verified, Ask, Ask"}
NETWORK_KEY = bytes(32)
CODE, RECOVERY, DEVICE = key(60), key(200), key(9)
FRESH = Fresh(Incarnation(b"incarn 9"), b"s" * 16, NOW)


def run(data: bytes) -> str:
    given = plan(data, bool, int, tuple)
    if given is None:
        return NO_INPUT
    recovers, how, wire = given[0], given[1], of_bytes(given[2])
    side = (
        Recoverer(RECOVERY, DEVICE, "desk", b"c" * 64, FRESH)
        if recovers
        else Joiner(CODE, DEVICE, "Nina", "laptop")
    )
    told: list[Outcome] = []
    try:
        told += side.start()
        for raw in _mended(wire, how):
            told += side.receive(message.parse(raw))
            _look(told, recovers)
    except Refused as refused:
        return named(refused)
    return ", ".join(type(one).__name__ for one in told) or "more"


def _look(told: Sequence[Outcome], recovers: bool) -> None:
    asked = told[1:] if recovers else told  # the proof of the recovery key comes first
    assert not asked or isinstance(asked[0], Verified)
    for one in told:
        match one:
            case Ask(data):
                said = message.parse(data)
                if isinstance(said, message.Join):
                    assert said.device == DEVICE.public
                    assert not recovers
            case Joined(team, network_key, pages):
                known = admission.evaluate(pages, team)
                assert known.is_active(DEVICE.public)
                assert known.network_commitment == operation.commit(network_key)


def _mended(wire: list[bytes], how: int) -> Iterator[bytes]:
    team = TeamId(b"")
    for raw in wire:
        said, _ = attempt(message.parse, raw)
        if isinstance(said, PageMessage):
            fixed = mended(said.page, how, team)
            if not team:
                team = _founded(fixed)
                fixed = mended(said.page, how, team)
            said = said._replace(page=fixed[:MAX_PAGE_BYTES])
        yield raw if said is None else message.pack(said)


def _founded(data: bytes) -> TeamId:
    value, _ = attempt(codec.decode, page.SHAPE, data, MAX_PAGE_BYTES)
    return TeamId(entry_id(value[0][0])) if value else TeamId(b"")


class Firm(World):
    """A team that was founded with a network key that we know."""

    def _operate(self, made_operation: Operation, team: TeamId) -> Entry:
        if isinstance(made_operation, Found):
            commitment = operation.commit(NETWORK_KEY)
            made_operation = replace(made_operation, network_commitment=commitment)
        return super()._operate(made_operation, team)


def seeds() -> Iterator[bytes]:
    everything = CHAIN | PAYLOADS | SIGNATURES
    for host in _hosts():
        yield codec.pack((False, 0, host))
        yield codec.pack((False, everything, host))
    world = Firm(1)
    team_log = message.pack(PageMessage(packed(world.team_log), False))
    done = message.pack(Done(Scope.TEAM))
    yield codec.pack((True, everything, (team_log, done)))
    yield codec.pack(
        (True, 0, (team_log, done, message.pack(Admitted(NETWORK_KEY, entry_id(b"")))))
    )
    for raw in from_vectors("admission", "host"):
        if len(raw) < 2000:
            yield codec.pack((False, 0, (raw, done)))


def _hosts() -> Iterator[tuple[bytes, ...]]:
    """Team logs with an invitation of our code, and with our admission after it."""
    world = Firm(1)
    terms = (world.team_id, world.keys[0].public, Role.MEMBER, None, 2 * NOW)
    signature = invitation.sign_binding(CODE, *terms)
    opened = world.operate(lambda after: Invite(after, CODE.public, *terms[2:], signature))
    done = message.pack(Done(Scope.TEAM))
    yield message.pack(PageMessage(packed(world.team_log), False)), done
    proof = invitation.prove(CODE, world.team_id, opened.id, DEVICE)
    more = (opened.id, DEVICE.public, None, "Nina", "laptop", proof)
    made = world.operate(lambda after: operation.Admit(after, *more))
    first = message.pack(PageMessage(packed(world.team_log[:-1]), False))
    second = message.pack(PageMessage(packed([made]), False))
    yield first, done, second, message.pack(Admitted(NETWORK_KEY, made.id))
