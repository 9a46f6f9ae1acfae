"""Whatever bytes come as its messages, a handshake reads them or is `Refused`, once and for all.

The counterpart is honest, but what it says arrives as the input has it: as it was (a number that is
0), with one bit turned (any other number), or as other bytes. Two sides that finish with one hash
have heard each other's very words; after a refusal nothing is read and nothing written any more.
"""

from collections.abc import Callable, Iterator
from functools import partial

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, crypto
from p2pblog.protocol.noise import PATTERNS, Handshake
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import from_vectors, named, plan

REASONS = {Reason.TOO_LARGE, Reason.MALFORMED, Reason.LOW_ORDER_KEY, Reason.DECRYPT_FAILED}
NAMES = ("XXpsk0", *PATTERNS, "NNpsk2", "IKpsk1")
STATIC = (b"\x11" * 32, b"\x22" * 32)
EPHEMERAL = (b"\x33" * 32, b"\x44" * 32)


def run(data: bytes) -> str:
    given = plan(data, int, bool, tuple)
    if given is None:
        return NO_INPUT
    name, initiator = NAMES[given[0] % len(NAMES)], given[1]
    ours, theirs = _side(name, initiator), _side(name, not initiator)
    altered, heard, turn = False, list(given[2]), initiator
    while not ours.finished:
        if turn:
            sent, reason = _use(ours, ours.write)
            if reason:
                return reason
            try:
                theirs.read(sent)
            except (Refused, ValueError):
                altered = True
        else:
            said = _said(theirs)
            came = _arrived(said, heard.pop(0) if heard else 0)
            altered = altered or came != said
            _, reason = _use(ours, partial(ours.read, came))
            if reason:
                return reason
        turn = not turn
    if theirs.finished and ours.hash == theirs.hash:
        assert not altered
        return TAKEN
    assert altered
    return "altered"


def _side(name: str, initiator: bool) -> Handshake:
    known = crypto.exchange_base(STATIC[1]) if initiator and name.startswith("IK") else None
    mine = int(not initiator)
    return Handshake(name, initiator, b"fuzz", STATIC[mine], EPHEMERAL[mine], known, [b"k" * 32])


def _said(side: Handshake) -> bytes:
    try:
        return side.write()
    except ValueError:  # it did not understand us
        return b""


def _arrived(said: bytes, how: object) -> bytes:
    if isinstance(how, bytes):
        return how
    if not isinstance(how, int) or not how or not said:
        return said
    place = how % (8 * len(said))
    return said[: place // 8] + bytes([said[place // 8] ^ 1 << place % 8]) + said[place // 8 + 1 :]


def _use(side: Handshake, call: Callable[[], bytes]) -> tuple[bytes, str]:
    """What reading or writing gives, or why it was refused."""
    try:
        return call(), ""
    except Refused as refused:
        assert not side.finished
        for again in (lambda: side.read(b""), side.write, side.split):
            try:
                again()
            except ValueError:
                continue
            raise AssertionError("a refused handshake goes on") from refused
        return b"", named(refused, REASONS)


def seeds() -> Iterator[bytes]:
    for number in range(len(NAMES)):
        for initiator in (True, False):
            yield codec.pack((number, initiator, ()))
            yield codec.pack((number, initiator, (7,)))
            yield codec.pack((number, initiator, (0, 300)))
    for data in from_vectors("noise", "messages"):
        yield codec.pack((0, False, (data[:200],)))
