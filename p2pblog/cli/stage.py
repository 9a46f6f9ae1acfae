"""The demo's devices: daemons on loopback in homes that are thrown away."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2pblog.cli import events
from p2pblog.cli.api import Api
from p2pblog.cli.client import Client
from p2pblog.cli.records import Post
from p2pblog.cli.start import start_daemon
from p2pblog.config import Config, Home, save_config
from p2pblog.errors import P2pblogError, WaitRanOut

PATIENCE: Final = 30.0  # seconds; each step takes well under one
POLL: Final = 0.02  # seconds between two questions: it shows how quick it is
MAX_POSTS: Final = 500


@dataclass(slots=True)
class Device:
    """A pretend machine: a home and the daemon that runs on it, or not."""

    member: str
    name: str
    home: Home
    api: Api
    process: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> None:
        """Start the daemon."""
        self.process = start_daemon(self.home)

    def unplug(self) -> None:
        """Pull the plug: the process has no chance to do anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.api.client.close()

    def address(self) -> str:
        """Where the others reach it."""
        return f"127.0.0.1:{self.api.status()['port']}"

    def posts(self) -> list[Post]:
        """All its posts, newest first."""
        return self.api.posts(MAX_POSTS)

    def remove(self) -> None:
        """Stop the daemon and delete what it keeps outside of the home."""
        with contextlib.suppress(P2pblogError):
            self.api.stop()
        self.api.client.close()
        if self.process is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.unplug()
        shutil.rmtree(self.home.state_dir, ignore_errors=True)
        self.home.api_socket.unlink(missing_ok=True)


@contextlib.contextmanager
def stage(cast: list[tuple[str, str]]) -> Iterator[list[Device]]:
    """Devices for (member, device) names, plugged in; nothing of them is left afterwards."""
    with _hangups(), tempfile.TemporaryDirectory(prefix="p2pblog-demo-") as place:
        devices = [_device(Path(place), member, name) for member, name in cast]
        with contextlib.ExitStack() as stack:
            for device in devices:
                stack.callback(device.remove)
                device.plug_in()
            yield devices


def _device(place: Path, member: str, name: str) -> Device:
    home = Home.resolve(str(place / name))
    home.create()
    save_config(home.config, Config(port=0, listen="127.0.0.1", mdns=False))
    return Device(member, name, home, Api(Client(home)))


@contextlib.contextmanager
def _hangups() -> Iterator[None]:
    """Let a closed terminal or a kill end the demo as Ctrl-C does, so that it cleans up."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), _interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def wait_for(what: str, condition: Callable[[], bool]) -> float:
    """Seconds until the condition held; WaitRanOut if it does not in time."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > PATIENCE:
            raise WaitRanOut(f"Waited in vain for {what}", "Try again; if it stays so, report it.")
        time.sleep(POLL)
    return time.monotonic() - start


def post_and_watch(writer: Device, text: str, reader: Device) -> float:
    """Seconds from the command to post until another device has the text."""
    after = events.position_of(reader.api.status())
    start = time.monotonic()
    posted = writer.api.post(text)
    for event in events.follow(reader.api.client, after, timeout=PATIENCE):
        if event.name == "post" and event.post()["id"] == posted["id"]:
            return time.monotonic() - start
    raise WaitRanOut(f"{reader.member} did not get the post", "Try again.")
