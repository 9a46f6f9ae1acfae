"""The two doors of the local API: a Unix socket for the user, TCP on loopback for page and bots.

Whoever can reach the socket is the user: it lies in a directory of mode 0700. On TCP anybody on
the machine can connect, so it asks for tokens. Spec: `protocol/api.md`, "Doors".
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from errno import EADDRINUSE
from pathlib import Path
from typing import Final

from p2pblog.api.limits import MAX_CONNECTIONS, MAX_SOCKET_PATH
from p2pblog.errors import CantWrite, Conflict, HomeLocked, NotAllowed, UsageError

LOOPBACK: Final = "127.0.0.1"
TOKEN_BYTES: Final = 32  # random: no guessing, ever


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """A door that listens. `port` is 0 and `start_token` empty where the door has none."""

    listening: socket.socket
    guarded: bool
    port: int
    start_token: str
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class UnixDoor:
    """A Unix socket at `path`: admin, without a token."""

    path: Path

    def open(self) -> OpenDoor:
        """Listen. Raises `UserError`s for a path that can't be used, `HomeLocked` if it is."""
        if sys.platform == "win32":
            raise UsageError("This platform has no Unix sockets", "Open the TCP door instead.")
        _check_length(self.path)
        _make_private(self.path.parent)
        _remove_stale(self.path)
        bound = socket.socket(socket.AF_UNIX)
        try:
            bound.bind(os.fspath(self.path))
        except OSError as error:
            bound.close()
            hint = "Make room, and check the folder's permissions."
            raise CantWrite(f"Can't make {self.path}: {error.strerror}.", hint) from error
        self.path.chmod(0o600)
        bound.listen(MAX_CONNECTIONS)
        return OpenDoor(bound, False, 0, "", lambda: self.path.unlink(missing_ok=True))


@dataclass(frozen=True, slots=True)
class TcpDoor:
    """TCP on 127.0.0.1: tokens. Port 0 is any free one; `port_file` says which it is.

    With a `token_file` this start has an admin token of its own, which only the user can read:
    the user's door where there are no Unix sockets.
    """

    port: int
    port_file: Path
    token_file: Path | None = None

    def open(self) -> OpenDoor:
        """Listen. Raises `Conflict` when the port is taken."""
        bound = _bind_tcp(self.port)
        port = int(bound.getsockname()[1])
        token = ""
        if self.token_file is not None:
            token = secrets.token_urlsafe(TOKEN_BYTES)
            _write_private(self.token_file, token)
        _write_private(self.port_file, str(port))
        bound.listen(MAX_CONNECTIONS)
        return OpenDoor(bound, True, port, token, self._forget)

    def _forget(self) -> None:
        for file in (self.port_file, self.token_file):
            if file is not None:
                file.unlink(missing_ok=True)


def _bind_tcp(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET)
    if sys.platform == "win32":  # else another user could share the port and take connections
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError as error:
        bound.close()
        words = "is taken" if error.errno == EADDRINUSE else f"can't be used: {error.strerror}"
        raise Conflict(
            f"Port {port} of {LOOPBACK} {words}", "Choose another, or 0 for any free one."
        ) from error
    return bound


def _check_length(path: Path) -> None:
    size = len(os.fsencode(path))
    if size > MAX_SOCKET_PATH:
        raise UsageError(
            f"The path of the API's socket has {size} bytes, above {MAX_SOCKET_PATH}: {path}",
            "Choose a shorter --home, or set XDG_RUNTIME_DIR.",
        )


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if sys.platform != "win32" and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise NotAllowed(f"{directory} is open to other users", f"Close it: chmod 700 {directory}")


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Conflict(f"{path} is in the way: it is no socket", "Move it elsewhere.")
    if _answers(path):
        raise HomeLocked(f"Another daemon answers on {path}", "Stop it first: p2pblog down.")
    path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # its queue is full: somebody listens
            return True
    return True


def _write_private(path: Path, text: str) -> None:
    """Write a file that only the user can read, whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
    partial.replace(path)
