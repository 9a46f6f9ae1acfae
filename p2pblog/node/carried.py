"""Files that users carry about: written whole or not at all, read in pieces, faults in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from p2pblog.errors import (
    Conflict,
    Exit,
    NotAllowed,
    NotFound,
    Reason,
    Refused,
    UsageError,
    UserError,
)
from p2pblog.protocol import sealed
from p2pblog.protocol.limits import MAX_CHUNK

PIECE = 4 * MAX_CHUNK  # read at a time

_ENDS = {
    Reason.TRUNCATED: "it ends too early",
    Reason.DECRYPT_FAILED: "a part of it was altered",
    Reason.OUT_OF_ORDER: "a part of it is missing or out of place",
    Reason.MALFORMED: "something was appended to it, or it was made wrong",
}


class BadFile(UserError):
    """A bundle or a backup that can't be used; `code` is the reason."""

    def __init__(self, reason: Reason, exit_code: Exit, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = str(reason)
        self.exit_code = exit_code


def why(refused: Refused) -> str:
    """What is wrong with the rest of a file, in words."""
    return _ENDS.get(refused.reason, f"it was made wrong ({refused.reason}: {refused.detail})")


def refusal(refused: Refused, path: Path, thing: str) -> UserError:
    """What the user is told of a file that can't be used at all. `thing`: bundle or backup."""
    reason = refused.reason
    match reason:
        case Reason.UNKNOWN_FILE:
            message = f"{path} is no {thing} of p2pblog."
            return BadFile(reason, Exit.USAGE, message, "Is it the right file?")
        case Reason.VERSION:
            message = f"{path} was made by a newer p2pblog; nothing was touched."
            return BadFile(reason, Exit.CONFLICT, message, "Install the newer version here too.")
        case Reason.BAD_HEAD:
            message = f"{path} is damaged: its beginning was altered."
            return BadFile(reason, Exit.FAILED, message, "Copy it again, or make another.")
        case Reason.NOT_FOR_US:
            message = f"{path} is not sealed to this device: {refused.detail}."
            hint = "Have it exported anew, by somebody who knows of this device."
            return BadFile(reason, Exit.NOT_ALLOWED, message, hint)
        case Reason.WRONG_TEAM:
            message = f"{path} is of another team."
            return BadFile(reason, Exit.CONFLICT, message, "Use the home of that team: --home DIR")
        case Reason.WRONG_PASSPHRASE:
            message = f"{path} does not open with this passphrase."
            return BadFile(reason, Exit.NOT_ALLOWED, message, "Try again; nothing was touched.")
        case _:
            message = f"{path} is damaged: {why(refused)}."
            return BadFile(reason, Exit.FAILED, message, "Copy it again, or make another.")


def place(path: str) -> Path:
    """The path that a user gave. Raises `UsageError` unless it is absolute."""
    if not os.path.isabs(path) or "\0" in path:
        raise UsageError(f"{path!r} is no absolute path.", "Give it from the root on.")
    return Path(path)


@contextmanager
def writing(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A new file at `path`: there once the block has ended, durable; else nothing is left of it.

    Raises `Conflict` where there is a file already and `force` is not given.
    """
    _check_free(path, force)
    part = path.with_name(path.name + ".part")
    with mapped(path):
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _check_free(path, force)
            part.replace(path)
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)  # has taken its place, or is of no use


def _check_free(path: Path, force: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", f"Name a file: {path / 'p2pblog.bundle'}")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no file.", "Name one in a directory of yours.")
    if path.exists() and not force:
        raise Conflict(f"{path} exists already.", "Take another name, or overwrite it: --force")


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows, and some sticks: there is nothing to be synced
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """What the user's disk did, as an error of the user's."""
    try:
        yield
    except OSError as error:
        raise _fault(path, error) from error


def _fault(path: Path, error: OSError) -> UserError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return NotFound(f"{path} is not there.", "Check the path: is the stick plugged in?")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return NotAllowed(f"{path}: {error.strerror}.", "Check its permissions.")
        case errno.EISDIR:
            return UsageError(f"{path} is a directory.", "Name a file in it.")
        case errno.ENOSPC | errno.EFBIG | errno.EDQUOT:
            hint = "Make room, or take another disk; one formatted as FAT holds 4 GB a file."
            return UserError(f"{path}: {error.strerror}.", hint)
        case _:
            return UserError(f"{path}: {error.strerror}.", "Check the disk.")


def open_file(path: Path) -> BinaryIO:
    """The file, to be read. Raises `UserError`s."""
    with mapped(path):
        return path.open("rb")


def read_head(file: BinaryIO, path: Path, magic: bytes, version: int) -> sealed.Head:
    """The head of a sealed file; reading goes on behind it. Raises `Refused`, `UserError`."""
    data = b""
    with mapped(path):
        while (head := sealed.parse_head(magic, version, data)) is None:
            piece = file.read(PIECE)
            if not piece:
                raise Refused(Reason.TRUNCATED, "in its head")
            data += piece
        file.seek(head.size)
    return head


def pieces(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The rest of the file."""
    with mapped(path):
        while piece := file.read(PIECE):
            yield piece


def records(
    file: BinaryIO, path: Path, opener: sealed.Opener, step: Callable[[int], None]
) -> Iterator[bytes]:
    """The records of a sealed file; `step` is told the place in the file. Raises `Refused`."""
    for piece in pieces(file, path):
        yield from opener.receive(piece)
        step(file.tell())
    opener.end()


def drop_cached(file: BinaryIO) -> None:
    """Let what was written be read from the medium, not from memory, where the system can."""
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only the user can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
