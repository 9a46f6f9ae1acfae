"""Whatever bytes come, a channel gives events or is `Refused` for one of its reasons, for ever.

The same bytes in other pieces give the same events and the same end. The input says what comes:
bytes as they are, the next words of an honest handshake, or frames that a peer with the right keys
made of any plaintext. No more is held than a frame and a message. What we queue, the peer reads.
"""

import copy
from collections.abc import Iterator

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec
from p2pblog.protocol.channel import Ended, Established, Event, Message, SecureChannel
from p2pblog.protocol.limits import MAX_FRAME, MAX_MESSAGE
from p2pblog.protocol.noise import MAX_PLAINTEXT
from tests.fuzz import NO_INPUT, TAKEN
from tests.fuzz.material import cut, from_vectors, named, plan
from tests.support.logs import key

LONGEST = 8192
PSKS = (b"p" * 32, b"q" * 32)
REASONS = {
    *(Reason.TOO_LARGE, Reason.MALFORMED, Reason.DECRYPT_FAILED, Reason.LOW_ORDER_KEY),
    *(Reason.BAD_SHAPE, Reason.BAD_PROOF, Reason.UNEXPECTED),
}


def _fresh() -> tuple[SecureChannel, SecureChannel]:
    """The initiator, and the responder that takes its psk among others."""
    return (
        SecureChannel(True, key(1), b"\x33" * 32, PSKS[1:]),
        SecureChannel(False, key(2), b"\x44" * 32, PSKS),
    )


def _shaken() -> tuple[SecureChannel, SecureChannel]:
    one, two = _fresh()
    two.receive_data(one.data_to_send())
    one.receive_data(two.data_to_send())
    two.receive_data(one.data_to_send())
    return one, two


ESTABLISHED = _shaken()


def run(data: bytes) -> str:
    given = plan(data, bool, bool, bytes, tuple)
    if given is None:
        return NO_INPUT
    initiator, established, sizes, steps = given
    wire = _wire(initiator, established, steps)
    events, end = _received(initiator, established, wire, b"")
    in_pieces, end_in_pieces = _received(initiator, established, wire, sizes or b"\x01")
    assert end == end_in_pieces
    assert in_pieces[: len(events)] == events  # of a refused piece nothing is told
    assert len(in_pieces) == len(events) or end != TAKEN
    return end if events or end != TAKEN else "more"


def _pair(initiator: bool, established: bool) -> tuple[SecureChannel, SecureChannel]:
    """Ours, which is to be fuzzed, and the peer's."""
    one, two = copy.deepcopy(ESTABLISHED) if established else _fresh()
    return (one, two) if initiator else (two, one)


def _wire(initiator: bool, established: bool, steps: tuple[object, ...]) -> bytes:
    """What the peer puts on the wire."""
    ours, peer = _pair(initiator, established)
    wire = b""
    for step in steps:
        match step:
            case bytes():
                wire += step
            case int() if not peer.established:
                wire += _shake(ours, peer)
            case (bytes(plain),) if peer._send is not None and len(plain) <= MAX_PLAINTEXT:
                peer._frame(peer._send.encrypt(plain))
            case (bytes(said), int()) if peer.established and not peer._said_end and said:
                peer.send(said)
            case (int(), int()) if peer.established and not peer._said_end:
                peer.end()
        if peer.established:
            wire += peer.data_to_send()
    return wire


def _shake(ours: SecureChannel, peer: SecureChannel) -> bytes:
    """The peer's next words, once it has heard what an honest one of ours says."""
    if said := ours.data_to_send():
        peer.receive_data(said)
    words = peer.data_to_send()
    if words:
        ours.receive_data(words)
    return words


def _received(
    initiator: bool, established: bool, wire: bytes, sizes: bytes
) -> tuple[list[Event], str]:
    """The events, and how it ended."""
    ours, _ = _pair(initiator, established)
    events: list[Event] = []
    for piece in cut(wire, sizes):
        try:
            events += ours.receive_data(piece)
        except Refused as refused:
            assert _is_dead(ours)
            return events, named(refused, REASONS)
        assert len(ours._frames._buffer) <= MAX_FRAME + 2
        assert len(ours._messages._buffer) <= MAX_MESSAGE + 4 + MAX_PLAINTEXT
    sizes_of = [len(event.data) for event in events if isinstance(event, Message)]
    assert all(0 < size <= MAX_MESSAGE for size in sizes_of)
    assert Ended() not in events[:-1]
    assert ours.established == (established or isinstance(events[0] if events else 0, Established))
    return events, TAKEN


def _is_dead(ours: SecureChannel) -> bool:
    try:
        ours.receive_data(b"")
    except Refused as refused:
        return refused.reason is Reason.UNEXPECTED
    return False


def seeds() -> Iterator[bytes]:
    plain = b"\0\0\0\x05hello\0\0\0\x01x\0\0\0\x09to be"
    for initiator in (True, False):
        shake = (1, 1) if initiator else (1, 1, 1)
        yield codec.pack((initiator, False, b"\x07", (*shake, (b"hello", 1), (plain,), (1, 1))))
        yield codec.pack((initiator, False, b"\x01", (1, b"\0\x30" + bytes(48))))
        yield codec.pack((initiator, True, b"\x11\x02", ((plain,), (b" cont",), (b"x" * 300, 1))))
        yield codec.pack((initiator, True, b"", ((b"\0\0\0\0",), b"\0\x20" + bytes(32))))
    for data in from_vectors("channel", "received", "handshake"):
        if len(data) < 500:
            yield codec.pack((False, False, b"\x03", (data,)))
