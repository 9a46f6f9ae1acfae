"""An encrypted connection: a TCP stream that carries a `SecureChannel`.

Whatever goes wrong with it ends it, as one of two errors: `Refused` when the other side broke a
rule, `ConnectionLost` when it or the network went away. Every wait for the other side has a
deadline, but `receive`'s: how long silence may last is for the session to say.
Spec: `protocol/channel.md`.
"""

import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from types import TracebackType
from typing import Final, Self

import trio

from p2pblog.errors import ConnectionLost, PeerError, Reason, Refused
from p2pblog.net.address import Address
from p2pblog.protocol.channel import Ended, Established, Event, Message, SecureChannel
from p2pblog.protocol.crypto import KEY_SIZE, DeviceKey, SigningKey
from p2pblog.protocol.limits import (
    CONNECT_TIMEOUT,
    DIAL_STAGGER,
    END_TIMEOUT,
    HANDSHAKE_TIMEOUT,
    LINK_TIMEOUT,
    MAX_HANDSHAKE,
    READ_SIZE,
    SEND_CHUNK,
    SEND_TIMEOUT,
)

# A link that breaks without a word is noticed in 10 + 3 * 3 seconds, for 13 bytes a second.
_TCP_OPTIONS: Final = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 3),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", int(LINK_TIMEOUT * 1000)),
)


class Connection:
    """Whole messages to and from one device, whose key is proved. Made by `dial` and `accept`.

    Several tasks may send; one may receive. Use it in an `async with`.
    """

    def __init__(
        self,
        stream: trio.SocketStream,
        channel: SecureChannel,
        established: Established,
        *,
        psk: bytes,
        initiator: bool,
        remote_address: Address,
    ) -> None:
        self.remote_device: Final[DeviceKey] = established.remote_device
        self.psk: Final = psk  # the one of ours that the initiator used
        self.handshake_hash: Final = established.handshake_hash
        self.initiator: Final = initiator
        self.remote_address: Final = remote_address
        self.local_host: Final[str] = stream.socket.getsockname()[0].partition("%")[0]
        self.bytes_sent = 0  # of messages, without what encryption and framing add
        self.bytes_received = 0
        self._stream = stream
        self._channel = channel
        self._socket = socket.socket(fileno=stream.socket.fileno())  # the same, without turns
        self._sending = trio.Lock()
        self._rest = b""  # of what `send_now` began to send
        self._torn = False  # a frame may have gone in part: nothing can follow it
        self._early: list[bytes] = []
        self._ended = False

    def __repr__(self) -> str:
        return f"Connection({self.remote_device.hex()[:8]} {self.remote_address})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def send(self, message: bytes) -> None:
        """Send one message of 1 to `MAX_MESSAGE` bytes; returns when the kernel has it.

        Raises `ConnectionLost`, also when the other side takes nothing for `SEND_TIMEOUT`.
        """
        await self.send_many((message,))

    async def send_many(self, messages: Iterable[bytes]) -> None:
        """Send messages one after the other, in as few writes as they fit."""
        async with self._sending:
            waiting = 0
            for message in messages:
                if self._torn:
                    raise ConnectionLost("closed while sending")
                waiting += self._queue(message)
                if waiting >= SEND_CHUNK:
                    await self._flush()
                    waiting = 0
            if waiting or self._rest:
                await self._flush()

    def send_now(self, messages: Sequence[bytes]) -> bool:
        """Send messages if the connection is free; with False nothing was done.

        What the kernel does not take at once stays `unsent`, to go with the next `send_many`.
        """
        if self._sending.locked() or self._torn or self._rest:
            return False
        if sum(map(len, messages)) > SEND_CHUNK:
            return False
        for message in messages:
            self._queue(message)
        data = self._channel.data_to_send()
        try:
            sent = self._socket.send(data)
        except OSError:  # full, or broken: the next `send_many` will tell
            sent = 0
        self._rest = data[sent:]
        return True

    @property
    def unsent(self) -> bool:
        """Whether `send_now` left something."""
        return bool(self._rest)

    async def receive(self) -> list[bytes]:
        """The messages of one read, at least one; none once the other side has ended.

        Raises `Refused` and `ConnectionLost`; the connection is of no use afterwards.
        """
        messages, self._early = self._early, []
        while not messages and not self._ended:
            data = await self._read()
            if not data:
                self._channel.receive_end()
            messages = self.take(self._channel.receive_data(data))
        self.bytes_received += sum(map(len, messages))
        return messages

    async def _read(self) -> bytes:
        """What has come, in one turn of the loop; `receive_some` tries first, and takes two."""
        while True:
            if self._socket.fileno() < 0:
                raise ConnectionLost("closed")
            with _mapped():
                await trio.lowlevel.wait_readable(self._socket)
                try:
                    return self._socket.recv(READ_SIZE)
                except BlockingIOError:
                    continue

    def take(self, events: Iterable[Event]) -> list[bytes]:
        """The messages among the channel's events; an end is noted."""
        messages = []
        for event in events:
            if isinstance(event, Message):
                messages.append(event.data)
            elif isinstance(event, Ended):
                self._ended = True
        return messages

    def keep(self, events: Iterable[Event]) -> None:
        """What came in one read with the end of the handshake, for the next `receive`."""
        self._early += self.take(events)

    async def aclose(self) -> None:
        """Say that nothing more comes, and close; never takes longer than `END_TIMEOUT`."""
        with trio.move_on_after(END_TIMEOUT, shield=True), suppress(ConnectionLost):
            async with self._sending:
                if not self._torn:
                    self._channel.end()
                    await self._flush()
        self._torn = True
        self._socket.detach()
        await trio.aclose_forcefully(self._stream)

    def _queue(self, message: bytes) -> int:
        self._channel.send(message)
        self.bytes_sent += len(message)
        return len(message)

    async def _flush(self) -> None:
        self._torn = True
        with _mapped(), _deadline(SEND_TIMEOUT, ConnectionLost("takes nothing")):
            await self._stream.send_all(self._rest + self._channel.data_to_send())
            self._rest = b""
            self._torn = False


async def dial(
    addresses: Sequence[Address],
    signing_key: SigningKey,
    psk: bytes,
    *,
    connect_timeout: float = CONNECT_TIMEOUT,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
) -> Connection:
    """A connection to whoever answers first at one of the addresses, with a handshake.

    The next address is tried `DIAL_STAGGER` seconds after one, or at once when that failed. The
    handshake is part of the race: an address may lead to a stranger, or back to ourselves.
    Raises `Refused` (SELF, TIMED_OUT, or what was wrong with the handshake) or `ConnectionLost`.
    """
    winners: list[Connection] = []
    failures: list[PeerError] = []

    async def attempt(address: Address, failed: trio.Event) -> None:
        try:
            connection = await _dial(address, signing_key, psk, connect_timeout, handshake_timeout)
        except PeerError as error:
            failures.append(error)
            failed.set()
        else:
            winners.append(connection)
            race.cancel_scope.cancel()

    async with AsyncExitStack() as stack:
        async with trio.open_nursery() as race:
            stack.push_async_callback(_close_all, winners)
            for address in addresses:
                failed = trio.Event()
                race.start_soon(attempt, address, failed)
                with trio.move_on_after(DIAL_STAGGER):
                    await failed.wait()
        if not winners:
            raise _worst(failures)
        stack.pop_all()
    await _close_all(winners[1:])
    return winners[0]


async def accept(
    stream: trio.SocketStream,
    signing_key: SigningKey,
    psks: Sequence[bytes],
    *,
    timeout: float = HANDSHAKE_TIMEOUT,
) -> Connection:
    """The connection that an incoming stream becomes; the stream is closed when it does not.

    Raises `Refused` (SELF, TIMED_OUT, or what was wrong with the handshake) or `ConnectionLost`.
    """
    return await _shake(stream, signing_key, psks, timeout, initiator=False)


async def _dial(
    address: Address,
    signing_key: SigningKey,
    psk: bytes,
    connect_timeout: float,
    handshake_timeout: float,
) -> Connection:
    with _mapped(), _deadline(connect_timeout, ConnectionLost(f"{address} does not answer")):
        try:
            stream = await trio.open_tcp_stream(address.host, address.port)
        except UnicodeError as error:  # of IDNA, whose rules for names are more than ours
            raise ConnectionLost(f"{address.host!r} is no host name") from error
        except OSError as error:
            raise ConnectionLost(_why(error)) from error
    return await _shake(stream, signing_key, (psk,), handshake_timeout, initiator=True)


async def _shake(
    stream: trio.SocketStream,
    signing_key: SigningKey,
    psks: Sequence[bytes],
    timeout: float,
    *,
    initiator: bool,
) -> Connection:
    channel = SecureChannel(initiator, signing_key, secrets.token_bytes(KEY_SIZE), psks)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(trio.aclose_forcefully, stream)
        with _mapped(), _deadline(timeout, Refused(Reason.TIMED_OUT, "handshake")):
            _set_options(stream)
            remote = _remote_address(stream)
            established, rest = await _established(stream, channel)
        if established.remote_device == signing_key.public:
            raise Refused(Reason.SELF, "we reached ourselves")
        connection = Connection(
            stream,
            channel,
            established,
            psk=psks[established.psk_index],
            initiator=initiator,
            remote_address=remote,
        )
        connection.keep(rest)
        stack.pop_all()
    return connection


async def _established(
    stream: trio.SocketStream, channel: SecureChannel
) -> tuple[Established, list[Event]]:
    """Take turns until the handshake is done; also what came after it in the last read."""
    while True:
        if ours := channel.data_to_send():
            await stream.send_all(ours)
        data = await stream.receive_some(MAX_HANDSHAKE)
        if not data:
            raise ConnectionLost("closed during the handshake")
        events = channel.receive_data(data)
        if events and isinstance(events[0], Established):
            if ours := channel.data_to_send():
                await stream.send_all(ours)
            return events[0], events[1:]


def _set_options(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS:
        if option := getattr(socket, name, None):  # not every system has each
            stream.setsockopt(socket.IPPROTO_TCP, option, value)


def _remote_address(stream: trio.SocketStream) -> Address:
    host, port, *more = stream.socket.getpeername()
    scope = more[1] if len(more) == 2 else 0
    return Address(f"{host}%{scope}" if scope else host, port)


def _worst(failures: Sequence[PeerError]) -> PeerError:
    """The failure that says most: of somebody who was there, if there was any."""
    for failure in failures:
        if isinstance(failure, Refused):
            return failure
    return failures[-1] if failures else ConnectionLost("no address")


async def _close_all(connections: Sequence[Connection]) -> None:
    for connection in connections:
        await connection.aclose()


def _why(error: OSError) -> str:
    """The system's reason: trio says only that all its attempts failed."""
    cause: BaseException | None = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[-1]
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return error.strerror or str(error)


@contextmanager
def _mapped() -> Iterator[None]:
    """Say of every way in which a socket fails that the connection is lost."""
    try:
        yield
    except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise ConnectionLost(str(error)) from error


@contextmanager
def _deadline(seconds: float, error: PeerError) -> Iterator[None]:
    with trio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise error
