"""Where a home keeps its files, and the settings that it holds.

A *home* is the directory of one device in one team. It is chosen by `--home`, else by
`P2PBLOG_HOME`, else it is the platform's directory for a user's data. Everything in it is readable
by its owner only. The state directory lies outside of it, so that a copied or restored home can be
told from the one that was here before.

Settings are a flat TOML file in the home. Only what differs from the defaults is written, so a
default that changes with a later version takes effect.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from p2pblog.errors import CantWrite, NotAllowed, UsageError

DEFAULT_PORT: Final = 7461  # not assigned by IANA; a fixed one, so that a firewall can be opened
MAX_SOCKET_PATH: Final = 100  # bytes; the kernel takes 107 on Linux, 103 on macOS
MAX_CHANNEL: Final = 64  # bytes, as limits.MAX_NAME

Value = int | str | bool | None


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one device in one team, and the names of the files in it."""

    path: Path

    @classmethod
    def resolve(cls, given: str | None, environ: Mapping[str, str] = os.environ) -> Home:
        """The home that the user means: `given`, else `P2PBLOG_HOME`, else the platform's place."""
        chosen = given or environ.get("P2PBLOG_HOME") or _default_home()
        return cls(Path(absolute(os.path.expanduser(chosen), os.path.realpath)))

    @property
    def store(self) -> Path:
        """The database: log entries and the views of them."""
        return self.path / "store.db"

    @property
    def identity(self) -> Path:
        """The device's keys."""
        return self.path / "identity.json"

    @property
    def joining(self) -> Path:
        """A join that is pending."""
        return self.path / "joining.json"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.path / "config.toml"

    @property
    def lock(self) -> Path:
        """Held by the daemon while it runs."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What a daemon in the background says."""
        return self.path / "daemon.log"

    @property
    def api_port(self) -> Path:
        """The number of the local API's TCP port, while it is open."""
        return self.path / "api.port"

    @property
    def api_token(self) -> Path:
        """The admin token of this start, where there are no Unix sockets."""
        return self.path / "api.token"

    @property
    def drafts(self) -> Path:
        """Texts that could not be posted."""
        return self.path / "drafts"

    @property
    def api_socket(self) -> Path:
        """The local API's Unix socket; elsewhere if the home's path is too long for one."""
        inside = self.path / "api.sock"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
            return inside
        return _runtime_dir() / f"{self._digest()}.sock"

    @property
    def state_dir(self) -> Path:
        """What must not travel with a copy of the home, keyed by the home's place."""
        import appdirs

        return Path(appdirs.user_state_dir("p2pblog")) / self._digest()

    def is_fresh(self) -> bool:
        """Whether no daemon has ever used this home."""
        return not any(map(os.path.exists, (self.store, self.identity, self.joining)))

    def create(self) -> None:
        """Make the home, the state directory and the socket's, each for its owner only."""
        ours = os.path.exists(self.config) or not self.is_fresh()
        _make_private(self.path, ours=ours)
        _make_private(self.state_dir, ours=True)
        _make_private(self.api_socket.parent, ours=False)

    def check_socket(self) -> None:
        """Refuse a socket in a directory that another user could have made."""
        _check_private(self.api_socket.parent)

    def _digest(self) -> str:
        from hashlib import blake2b

        return blake2b(os.fsencode(self.path), digest_size=8).hexdigest()


def absolute(path: str, made: Callable[[str], str] = os.path.abspath) -> str:
    """A path from the root; `UsageError` where we stand in a directory that is gone."""
    try:
        return made(path)
    except OSError as e:
        hint = "Go to another: cd; or name the file from the root."
        raise UsageError("The directory that you are in is gone", hint) from e


def _default_home() -> str:
    import appdirs

    return str(appdirs.user_data_dir("p2pblog", appauthor=False))


def _runtime_dir() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given:
        return Path(given) / "p2pblog"
    import tempfile

    user = "user" if sys.platform == "win32" else str(os.getuid())
    return Path(tempfile.gettempdir()) / f"p2pblog-{user}"


def _make_private(path: Path, *, ours: bool) -> None:
    """Make `path` with mode 0700. One that exists is tightened if it is `ours` or empty."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32" and (ours or not any(path.iterdir())):
            path.chmod(0o700)
    except OSError as e:
        _check_private(path)
        first = "Mount the disk for writing, or choose" if e.errno == errno.EROFS else "Choose"
        hint = f"{first} another with --home."
        raise NotAllowed(f"Can't use {path}: {e.strerror}", hint) from e
    _check_private(path)


def _check_private(path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        found = path.lstat()
    except OSError:  # not there, or not ours to look at: who uses it is told
        return
    if not stat.S_ISDIR(found.st_mode):
        raise NotAllowed(f"{path} is no directory", "Choose another with --home.")
    if found.st_uid != os.getuid():
        raise NotAllowed(f"{path} belongs to another user", "Choose another with --home.")
    if found.st_mode & 0o077:
        raise NotAllowed(f"{path} is open to other users", f"Close it: chmod 700 {path}")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a home. `SETTINGS` says what each one means and takes."""

    port: int = DEFAULT_PORT
    listen: str = ""
    mdns: bool = True
    channel: str = "general"
    tcp_api: int | None = None

    def with_value(self, key: str, text: str | None) -> Config:
        """These settings with one changed, or back at its default for None."""
        setting = find_setting(key)
        value = getattr(Config(), key) if text is None else setting.parse(text.strip())
        changed: dict[str, Any] = {key: value}  # each of its field's type: SETTINGS parses it
        return replace(self, **changed)

    def as_text(self) -> dict[str, str]:
        """Every setting as the user types it."""
        return {key: setting.show(getattr(self, key)) for key, setting in SETTINGS.items()}


@dataclass(frozen=True, slots=True)
class Setting:
    """What one setting is for and how it is written."""

    help: str
    takes: str
    parse: Callable[[str], Value]
    show: Callable[[Value], str] = str


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise ValueError(text)


def _tcp_api(text: str) -> int | None:
    return {"off": None, "auto": 0}[text] if text in ("off", "auto") else _port(text)


def _switch(text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
    if text.lower() in words:
        return words[text.lower()]
    raise ValueError(text)


def _listen(text: str) -> str:
    if text in ("", "all"):
        return ""
    import ipaddress

    return str(ipaddress.ip_address(text))


def _channel(text: str) -> str:
    name = text.removeprefix("#")
    if name and name.isprintable() and " " not in name and len(name.encode()) <= MAX_CHANNEL:
        return name
    raise ValueError(text)


SETTINGS: Final[Mapping[str, Setting]] = {
    "port": Setting(
        "TCP port for the devices of your team; if it is taken, any free one is used",
        "a number from 0 to 65535; 0 is any free port",
        _port,
    ),
    "listen": Setting(
        "the address of this machine that other devices may connect to",
        "an IP address, or all",
        _listen,
        lambda value: str(value) or "all",
    ),
    "mdns": Setting(
        "find the other devices, and be found, on the local network",
        "on or off",
        _switch,
        lambda value: "on" if value else "off",
    ),
    "channel": Setting(
        "the channel of a post that names none", f"a word of at most {MAX_CHANNEL} bytes", _channel
    ),
    "tcp_api": Setting(
        "local API on 127.0.0.1 for bots, with tokens",
        "off, auto (any free port) or a port",
        _tcp_api,
        lambda value: "off" if value is None else str(value) if value else "auto",
    ),
}


def find_setting(key: str) -> Setting:
    """The setting of that name; UsageError names the nearest when there is none."""
    if key in SETTINGS:
        return _named(key, SETTINGS[key])
    from difflib import get_close_matches

    near = get_close_matches(key, SETTINGS, n=1) or [", ".join(SETTINGS)]
    raise UsageError(f"There is no setting {key!r}", f"Did you mean: {near[0]}?")


def _named(key: str, setting: Setting) -> Setting:
    def parse(text: str) -> Value:
        try:
            return setting.parse(text)
        except ValueError as e:
            raise UsageError(f"{text!r} is no value for {key}", f"It takes {setting.takes}.") from e

    return replace(setting, parse=parse)


def load_config(path: Path) -> Config:
    """The settings in a file; defaults for what it does not say, or if it is not there."""
    import tomllib

    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        return Config()
    except OSError as e:
        raise NotAllowed(f"Can't read {path}: {e.strerror}", "Is it yours?") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise UsageError(f"{path} is not TOML: {e}", "Mend it or delete it.") from e
    config = Config()
    for key, value in found.items():
        text = ("on" if value else "off") if isinstance(value, bool) else str(value)
        try:
            config = config.with_value(key, text)
        except UsageError as e:
            raise UsageError(f"{path}: {e.message}", e.hint) from e
    return config


def save_config(path: Path, config: Config) -> None:
    """Write the settings that differ from the defaults, whole or not at all: else `CantWrite`."""
    default = Config()
    lines = ["# Written by p2pblog config set. One setting a line; see p2pblog config list."]
    for field in fields(config):
        value = getattr(config, field.name)
        if value != getattr(default, field.name):
            lines.append(f"{field.name} = {_toml(value, SETTINGS[field.name].show(value))}")
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            partial.unlink()
        hint = "Make room; nothing was changed."
        raise CantWrite(f"Can't write {path}: {e.strerror}.", hint) from e


def _toml(value: Value, text: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if text.isdigit() and isinstance(value, int):
        return text
    import json

    return json.dumps(text, ensure_ascii=False)  # for printable text a TOML basic string
