import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
import trio.testing

from p2pblog.errors import ConnectionLost
from p2pblog.net import listener as module
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection, dial
from p2pblog.net.listener import Listener, listen
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.limits import MAX_PENDING_PER_SOURCE
from tests.support.aio import run

ANNA = SigningKey(b"a" * 32)
BERT = SigningKey(b"b" * 32)
PSK = b"p" * 32


async def echo(connection: Connection) -> None:
    while messages := await connection.receive():
        await connection.send_many(messages)


@asynccontextmanager
async def bert(psks: Sequence[bytes] = (PSK,), timeout: float = 5.0) -> AsyncIterator[Listener]:
    """Bert listens and echoes."""

    async def serve() -> None:
        await listener.serve(echo, BERT, lambda: psks, handshake_timeout=timeout)

    async with await listen(0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        yield listener
        nursery.cancel_scope.cancel()


async def greet(address: Address) -> None:
    async with await dial([address], ANNA, PSK) as connection:
        await connection.send(b"hello")
        assert await connection.receive() == [b"hello"]


def test_it_listens_on_both_families_with_one_port() -> None:
    async def main() -> None:
        async with bert() as listener:
            await greet(Address("127.0.0.1", listener.port))
            if socket.has_ipv6:
                await greet(Address("::1", listener.port))

    run(main)


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    async def main() -> None:
        async with await listen(0) as first, await listen(first.port) as second:
            assert second.port not in (0, first.port)

    run(main)


def test_keys_are_asked_for_each_connection_anew() -> None:
    async def main() -> None:
        psks: list[bytes] = []
        async with bert(psks) as listener:
            address = Address("127.0.0.1", listener.port)
            with pytest.raises(ConnectionLost):
                await greet(address)
            psks.append(PSK)
            await greet(address)

    run(main)


def test_a_thousand_silent_strangers_do_not_keep_a_member_out() -> None:
    async def main() -> None:
        async with bert(timeout=60.0) as listener, AsyncExitStack() as strangers:
            address = Address("127.0.0.1", listener.port)
            for _ in range(300):
                stream = await trio.open_tcp_stream(address.host, address.port)
                strangers.push_async_callback(trio.aclose_forcefully, stream)
            await greet(address)
            assert len(listener._pending) <= MAX_PENDING_PER_SOURCE

    run(main)


def test_a_stranger_with_nothing_to_say_is_put_out() -> None:
    async def main() -> None:
        async with bert(timeout=0.05) as listener:
            stream = await trio.open_tcp_stream("127.0.0.1", listener.port)
            async with stream:
                assert await stream.receive_some(1) == b""

    run(main)


def test_no_more_than_so_many_are_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)

    async def main() -> None:
        async with bert() as listener, AsyncExitStack() as stack:
            address = Address("127.0.0.1", listener.port)
            for _ in range(2):
                await stack.enter_async_context(await dial([address], ANNA, PSK))
            with pytest.raises(ConnectionLost):
                await dial([address], ANNA, PSK)
            await stack.aclose()
            await trio.testing.wait_all_tasks_blocked(0.05)
            await greet(address)

    run(main)
