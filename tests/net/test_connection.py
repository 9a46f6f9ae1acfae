"""Two connections over real sockets on loopback, and what others may do to them between."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from p2pblog.errors import ConnectionLost, PeerError, Reason, Refused
from p2pblog.net import connection
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection, accept, dial
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.limits import MAX_MESSAGE
from tests.support.aio import run

ANNA = SigningKey(b"a" * 32)
BERT = SigningKey(b"b" * 32)
PSK = b"p" * 32
OTHER_PSK = b"o" * 32


async def socket_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    """Both ends of a TCP connection."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near = await trio.open_tcp_stream(*listener.socket.getsockname())
        return near, await listener.accept()


@asynccontextmanager
async def door(
    serve: Callable[[trio.SocketStream], object],
) -> AsyncIterator[Address]:
    """An address at which each incoming stream is given to `serve`."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        yield Address("127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def two() -> AsyncIterator[tuple[Connection, Connection]]:
    """Anna, who dialled Bert; and Bert."""
    send, receive = trio.open_memory_channel[Connection](1)

    async def serve(stream: trio.SocketStream) -> None:
        async with await accept(stream, BERT, (OTHER_PSK, PSK)) as bert:
            await send.send(bert)
            await trio.sleep_forever()

    async with door(serve) as address, await dial([address], ANNA, PSK) as anna:
        yield anna, await receive.receive()


def test_both_sides_know_each_other_and_exchange_messages() -> None:
    async def main() -> None:
        async with two() as (anna, bert):
            assert (anna.remote_device, bert.remote_device) == (BERT.public, ANNA.public)
            assert (anna.psk, bert.psk) == (PSK, PSK)
            assert (anna.initiator, bert.initiator) == (True, False)
            assert anna.handshake_hash == bert.handshake_hash
            assert bert.remote_address.host == "127.0.0.1"
            await anna.send(b"hello")
            assert await bert.receive() == [b"hello"]
            await bert.send_many([b"one", b"two"])
            assert await anna.receive() == [b"one", b"two"]
            assert (anna.bytes_sent, anna.bytes_received) == (5, 6)

    run(main)


def test_large_messages_arrive_whole_and_in_order() -> None:
    async def main() -> None:
        messages = [bytes([number]) * MAX_MESSAGE for number in range(8)]
        async with two() as (anna, bert), trio.open_nursery() as nursery:
            nursery.start_soon(anna.send_many, messages)
            got: list[bytes] = []
            while len(got) < len(messages):
                got += await bert.receive()
            assert got == messages

    run(main)


def test_what_the_kernel_does_not_take_at_once_goes_first_later() -> None:
    async def main() -> None:
        large = [bytes([number]) * 100_000 for number in range(200)]
        async with two() as (anna, bert):
            assert anna.send_now([b"one", b"two"])
            assert not anna.unsent
            taken = next(at for at, data in enumerate(large) if not anna.send_now([data]))
            assert anna.unsent
            got: list[bytes] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(anna.send_many, [b"last"])
                while got[-1:] != [b"last"]:
                    got += await bert.receive()
            assert got == [b"one", b"two", *large[:taken], b"last"]
            assert not anna.unsent

    run(main)


def test_nothing_is_sent_at_once_between_the_parts_of_something_else() -> None:
    async def main() -> None:
        large = [bytes([number]) * MAX_MESSAGE for number in range(40)]
        async with two() as (anna, bert), trio.open_nursery() as nursery:
            nursery.start_soon(anna.send_many, large)
            await trio.testing.wait_all_tasks_blocked()
            assert not anna.send_now([b"not now"])
            got: list[bytes] = []
            while len(got) < len(large):
                got += await bert.receive()
            assert got == large

    run(main)


def test_a_clean_end_is_told_from_a_cut() -> None:
    async def main() -> None:
        async with two() as (anna, bert):
            await anna.send(b"last words")
            await anna.aclose()
            assert await bert.receive() == [b"last words"]
            assert await bert.receive() == []
            assert await bert.receive() == []
            await anna.aclose()
        async with two() as (anna, bert):
            await trio.aclose_forcefully(anna._stream)
            with pytest.raises(ConnectionLost):
                await bert.receive()

    run(main)


def test_after_the_end_nothing_can_be_sent() -> None:
    async def main() -> None:
        async with two() as (anna, bert):
            await anna.aclose()
            with pytest.raises(ConnectionLost):
                await anna.send(b"too late")
            with pytest.raises(ConnectionLost):
                await anna.receive()
            assert await bert.receive() == []

    run(main)


def test_a_send_that_was_cancelled_leaves_no_half_frame_behind() -> None:
    async def main() -> None:
        async with two() as (anna, _):
            with trio.move_on_after(0.05):
                await anna.send_many(bytes(MAX_MESSAGE) for _ in range(1000))
            with pytest.raises(ConnectionLost):
                await anna.send(b"more")

    run(main)


def test_closing_does_not_wait_for_a_peer_that_takes_nothing() -> None:
    async def main() -> None:
        async with two() as (anna, _), trio.open_nursery() as nursery:

            async def fill() -> None:
                with pytest.raises(ConnectionLost):
                    await anna.send_many(bytes(MAX_MESSAGE) for _ in range(1000))

            nursery.start_soon(fill)
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(2):
                await anna.aclose()

    run(main)


def test_a_peer_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SEND_TIMEOUT", 0.05)

    async def main() -> None:
        async with two() as (anna, _):
            with pytest.raises(ConnectionLost, match="takes nothing"):
                await anna.send_many(bytes(MAX_MESSAGE) for _ in range(1000))

    run(main)


async def refusal(data: bytes, *, then_close: bool = False, timeout: float = 5.0) -> PeerError:
    """What `accept` raises for a stranger that sends `data`."""
    near, far = await socket_pair()
    async with near:
        await near.send_all(data)
        if then_close:
            await near.send_eof()
        with pytest.raises(PeerError) as caught:
            await accept(far, BERT, (PSK,), timeout=timeout)
        assert far.socket.fileno() == -1
    return caught.value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", Reason.TOO_LARGE),
        (b"\xff\xff" + bytes(100), Reason.TOO_LARGE),
        (b"\x00\x00", Reason.MALFORMED),
        (b"\x00\x08abcdefgh", Reason.MALFORMED),
        (b"\x00\x30" + b"x" * 48, Reason.DECRYPT_FAILED),
        (b"\x00\x30" + bytes(48), Reason.DECRYPT_FAILED),
    ],
)
def test_garbage_is_refused_by_name(data: bytes, reason: Reason) -> None:
    async def main() -> None:
        assert (await refusal(data)).reason is reason

    run(main)


def test_a_truncated_handshake_is_a_lost_connection() -> None:
    async def main() -> None:
        for data in (b"", b"\x00", b"\x00\x30" + bytes(47)):
            assert isinstance(await refusal(data, then_close=True), ConnectionLost)

    run(main)


def test_a_slow_handshake_is_timed_out() -> None:
    async def main() -> None:
        for data in (b"", b"\x00\x30xx"):
            assert (await refusal(data, timeout=0.05)).reason is Reason.TIMED_OUT

    run(main)


def test_an_outsider_is_refused_and_learns_nothing() -> None:
    async def main() -> None:
        reasons: list[Reason] = []

        async def serve(stream: trio.SocketStream) -> None:
            with pytest.raises(Refused) as caught:
                await accept(stream, BERT, (PSK,))
            reasons.append(caught.value.reason)

        async with door(serve) as address:
            with pytest.raises(ConnectionLost):
                await dial([address], ANNA, OTHER_PSK)
        assert reasons == [Reason.DECRYPT_FAILED]

    run(main)


async def to_the_end(connection: Connection) -> None:
    while await connection.receive():
        pass


class Relay:
    """Stands between two and does as it likes with what the dialler sends."""

    def __init__(self, target: Address, alter: Callable[[bytes], bytes]) -> None:
        self.target = target
        self.alter = alter
        self.heard: list[bytes] = []

    async def serve(self, near: trio.SocketStream) -> None:
        far = await trio.open_tcp_stream(self.target.host, self.target.port)
        async with far, trio.open_nursery() as nursery:
            nursery.start_soon(self._pass, far, near, lambda data: data)
            await self._pass(near, far, self._altered)

    def _altered(self, data: bytes) -> bytes:
        self.heard.append(data)
        return self.alter(data)

    async def _pass(
        self,
        source: trio.SocketStream,
        target: trio.SocketStream,
        alter: Callable[[bytes], bytes],
    ) -> None:
        try:
            async for data in source:
                await target.send_all(alter(bytes(data)))
            await target.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # one of the two gave up


@pytest.mark.parametrize(
    ("alter", "reason"),
    [
        (lambda data: data + data, Reason.DECRYPT_FAILED),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), Reason.DECRYPT_FAILED),
        (lambda data: b"\x00\x05" + data, Reason.MALFORMED),
    ],
    ids=["replayed", "altered", "inserted"],
)
def test_what_a_relay_does_to_frames_is_refused(
    alter: Callable[[bytes], bytes], reason: Reason
) -> None:
    async def main() -> None:
        got: list[Reason] = []
        done = trio.Event()

        async def serve(stream: trio.SocketStream) -> None:
            async with await accept(stream, BERT, (PSK,)) as bert:
                assert await bert.receive() == [b"untouched"]
                relay.alter = alter
                await bert.send(b"go on")
                with pytest.raises(Refused) as caught:
                    await to_the_end(bert)
                got.append(caught.value.reason)
            done.set()

        async with door(serve) as target:
            relay = Relay(target, lambda data: data)
            async with door(relay.serve) as address, await dial([address], ANNA, PSK) as anna:
                await anna.send(b"untouched")
                assert await anna.receive() == [b"go on"]
                await anna.send(b"touched")
                await done.wait()
        assert got == [reason]

    run(main)


def test_a_recorded_handshake_is_of_no_use() -> None:
    async def main() -> None:
        async def serve(stream: trio.SocketStream) -> None:
            async with await accept(stream, BERT, (PSK,)) as bert:
                await bert.receive()

        async with door(serve) as target:
            relay = Relay(target, lambda data: data)
            async with door(relay.serve) as address, await dial([address], ANNA, PSK) as anna:
                await anna.send(b"pay 100")
        assert relay.heard
        assert (await refusal(b"".join(relay.heard))).reason is Reason.DECRYPT_FAILED

    run(main)


def test_ourselves_at_the_other_end_are_refused() -> None:
    async def main() -> None:
        async def serve(stream: trio.SocketStream) -> None:
            with pytest.raises(Refused, match="ourselves"):
                await accept(stream, ANNA, (PSK,))

        async with door(serve) as address:
            with pytest.raises(Refused) as caught:
                await dial([address], ANNA, PSK)
            assert caught.value.reason is Reason.SELF

    run(main)


def test_of_several_addresses_the_one_that_works_is_taken() -> None:
    async def main() -> None:
        async def myself(stream: trio.SocketStream) -> None:
            with pytest.raises(Refused):
                await accept(stream, ANNA, (PSK,))

        async def silent(stream: trio.SocketStream) -> None:
            await trio.sleep_forever()

        async def bert(stream: trio.SocketStream) -> None:
            async with await accept(stream, BERT, (PSK,)) as connection:
                await connection.receive()

        async with door(myself) as one, door(silent) as two, door(bert) as three:
            nobody = Address("127.0.0.1", 1)
            async with await dial([nobody, one, two, three], ANNA, PSK) as connection:
                assert connection.remote_device == BERT.public
                assert connection.remote_address == three

    run(main)


def test_of_many_failures_the_one_that_says_most_is_raised() -> None:
    async def main() -> None:
        nobody = Address("127.0.0.1", 1)
        with pytest.raises(ConnectionLost, match="Connection refused"):
            await dial([nobody, nobody], ANNA, PSK)
        with pytest.raises(ConnectionLost, match="no address"):
            await dial([], ANNA, PSK)

        async def silent(stream: trio.SocketStream) -> None:
            await trio.sleep_forever()

        async with door(silent) as address:
            with pytest.raises(Refused) as caught:
                await dial([nobody, address, nobody], ANNA, PSK, handshake_timeout=0.1)
            assert caught.value.reason is Reason.TIMED_OUT

    run(main)
