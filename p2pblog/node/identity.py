"""Who this device is: its keys and its team, in one file that only the user can read.

The file is written last when a team is founded or joined: with it the home is a member's, without
it the home is empty, whatever else lies there.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from p2pblog.errors import CantWrite, DiskError, Refused
from p2pblog.protocol import invitation
from p2pblog.protocol.crypto import KEY_SIZE, SigningKey
from p2pblog.protocol.entry import Incarnation, TeamId

ID_SIZE = 32
INCARNATION_SIZE = 8


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A device of a team. Its repr names the device, never a secret."""

    key: SigningKey
    incarnation: Incarnation
    team: TeamId
    network_key: bytes
    opening: int | None = None  # why the incarnation was opened, until its log says so

    def __repr__(self) -> str:
        return f"Identity({self.key.public[:4].hex()})"

    def save(self, path: Path) -> None:
        """Write it durably, whole or not at all."""
        save_json(
            path,
            {
                "seed": self.key.seed.hex(),
                "incarnation": self.incarnation.hex(),
                "team": self.team.hex(),
                "network_key": self.network_key.hex(),
                "opening": self.opening,
            },
        )

    @classmethod
    def load(cls, path: Path) -> Identity | None:
        """What the file holds; None where there is none. Raises `DiskError` if it is damaged."""
        data = load_json(path, "Restore it from a backup.")
        if data is None:
            return None
        try:
            seed, incarnation, team, network = (
                _field(data, name, size)
                for name, size in (
                    ("seed", KEY_SIZE),
                    ("incarnation", INCARNATION_SIZE),
                    ("team", ID_SIZE),
                    ("network_key", KEY_SIZE),
                )
            )
            opening = None if data.get("opening") is None else int(data["opening"])
            key, begun = SigningKey(seed), Incarnation(incarnation)
            return cls(key, begun, TeamId(team), network, opening)
        except (KeyError, TypeError, ValueError) as error:
            raise DiskError(f"{path} is damaged: {error}. Restore it from a backup.") from error


def _field(data: dict[str, str], name: str, size: int) -> bytes:
    found = bytes.fromhex(data[name])
    if len(found) != size:
        raise ValueError(f"{name} has {len(found)} bytes, not {size}")
    return found


@dataclass(frozen=True, slots=True)
class Joining:
    """A join under way: kept so that it finishes by itself, also after a restart."""

    seed: str
    code: str
    name: str
    device_name: str
    peers: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write it durably."""
        save_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Joining | None:
        """What the file holds; None where there is none."""
        data = load_json(path, "Remove it and join again.")
        if data is None:
            return None
        try:
            _field(data, "seed", KEY_SIZE)
            code = data["code"]
            parse = (
                invitation.parse_recovery_code
                if invitation.is_recovery(code)
                else invitation.parse_code
            )
            parse(code)
            fields = (data["seed"], data["code"], data["name"], data["device_name"])
            if not all(isinstance(text, str) for text in (*fields, *data["peers"])):
                raise TypeError("text is due")
            return cls(*fields, tuple(data["peers"]))
        except (KeyError, TypeError, ValueError, Refused) as error:
            raise DiskError(f"{path} is damaged: {error}. Remove it and join again.") from error


def save_json(path: Path, data: object) -> None:
    """Replace the file durably, readable by its owner alone. Raises `CantWrite`."""
    part = path.with_name(path.name + ".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        hint = "Make room, and check permissions and how the disk is mounted."
        raise CantWrite(f"Can't write {path}: {error.strerror}.", hint) from error


def load_json(path: Path, hint: str) -> dict[str, str] | None:
    """The object in the file; None where there is no file. Raises `DiskError` with the hint."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(f"can't read {path}: {error.strerror}") from error
    except ValueError as error:
        raise DiskError(f"{path} is damaged: {error}. {hint}") from error
    if not isinstance(data, dict):
        raise DiskError(f"{path} is damaged: not an object. {hint}")
    return data
