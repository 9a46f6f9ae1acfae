"""Says when the network may have changed: a cable, an address, a machine that woke up.

On Linux the kernel tells (netlink); elsewhere the interfaces are looked at every few seconds. A
signal means "look again" and nothing more: several changes at once make one signal, and a signal
may turn out to mean nothing.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import trio

from p2pblog.net import interfaces
from p2pblog.protocol.limits import LINK_POLL, LINK_QUIET, LINK_QUIET_MAX, RESUME_GAP

_GROUPS: Final = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_NEW_LINK: Final = 16
_DEL_LINK: Final = 17
_NEW_ADDRESS: Final = 20
_DEL_ADDRESS: Final = 21
_CONNECTED: Final = 0x1 | 0x40 | 0x10000  # IFF_UP, IFF_RUNNING, IFF_LOWER_UP
_HEADER: Final = struct.Struct("=IHHII")  # nlmsghdr
_LINK: Final = struct.Struct("=BxHiII")  # ifinfomsg
_ADDRESS: Final = struct.Struct("=BBBBI")  # ifaddrmsg
_ATTRIBUTE: Final = struct.Struct("=HH")  # rtattr
_BUFFER: Final = 65536

Clock = Callable[[], float]


class News:
    """Picks what matters from the kernel's messages.

    Each renewal of an IPv6 address's lifetime is told, and each beacon of a wireless card: those
    must not make anybody look again.
    """

    def __init__(self) -> None:
        self._links: dict[int, int] = {}
        self._addresses: set[bytes] = set()

    def hear(self, data: bytes) -> bool:
        """Whether a datagram of the kernel tells of a change."""
        new = [self._is_new(kind, body) for kind, body in _messages(data)]  # each must be noted
        return any(new)

    def _is_new(self, kind: int, body: bytes) -> bool:
        if kind == _NEW_LINK and len(body) >= _LINK.size:
            _, _, index, flags, _ = _LINK.unpack_from(body)
            before = self._links.get(index)
            self._links[index] = flags & _CONNECTED
            return before != self._links[index]
        if kind == _NEW_ADDRESS and len(body) >= _ADDRESS.size + _ATTRIBUTE.size:
            size, _ = _ATTRIBUTE.unpack_from(body, _ADDRESS.size)
            known = body[: _ADDRESS.size + size]  # up to the end of the address itself
            before_count = len(self._addresses)
            self._addresses.add(known)
            return len(self._addresses) != before_count
        if kind in (_DEL_LINK, _DEL_ADDRESS):
            self._addresses.clear()
            self._links.clear()
            return True
        return False


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + _HEADER.size <= len(data):
        size, kind, _, _, _ = _HEADER.unpack_from(data, start)
        if size < _HEADER.size:
            return
        yield kind, data[start + _HEADER.size : start + size]
        start += (size + 3) & ~3


async def watch(
    changed: Callable[[], None],
    *,
    quiet: float = LINK_QUIET,
    wall: Clock = time.time,
    monotonic: Clock = time.monotonic,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `changed` after each change of link or address, and after a resume. Never returns."""
    send, receive = trio.open_memory_channel[None](1)  # a signal that waits stands for all

    def signal() -> None:
        with suppress(trio.WouldBlock):
            send.send_nowait(None)

    async with trio.open_nursery() as nursery:
        await nursery.start(_listen if sys.platform == "linux" else _poll, signal)
        nursery.start_soon(_watch_clocks, signal, wall, monotonic)
        task_status.started()
        while True:
            await receive.receive()
            with trio.move_on_after(LINK_QUIET_MAX):
                await _rest(receive, quiet)
            changed()


async def _rest(receive: trio.MemoryReceiveChannel[None], quiet: float) -> None:
    """Return when nothing was signalled for `quiet` seconds."""
    while True:
        with trio.move_on_after(quiet) as scope:
            await receive.receive()
        if scope.cancelled_caught:
            return


async def _listen(signal: Callable[[], None], *, task_status: trio.TaskStatus[None]) -> None:
    try:
        kernel = trio.socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError:  # a sandbox without netlink
        await _poll(signal, task_status=task_status)
        return
    with kernel:
        await kernel.bind((0, _GROUPS))
        task_status.started()
        news = News()
        while True:
            try:
                fresh = news.hear(await kernel.recv(_BUFFER))
            except OSError:
                fresh = True  # more was told than the socket's buffer holds
            if fresh:
                signal()


async def _poll(signal: Callable[[], None], *, task_status: trio.TaskStatus[None]) -> None:
    before = interfaces.look()
    task_status.started()
    while True:
        await trio.sleep(LINK_POLL)
        now = interfaces.look()
        if now != before:
            signal()
        before = now


async def _watch_clocks(signal: Callable[[], None], wall: Clock, monotonic: Clock) -> None:
    """A machine asleep: the wall clock goes on, the monotonic one does not."""
    apart = wall() - monotonic()
    while True:
        await trio.sleep(LINK_POLL)
        now = wall() - monotonic()
        if abs(now - apart) > RESUME_GAP:
            signal()
        apart = now
