"""`python -m tests.e2e.small_disk DIR`: what becomes of a machine whose home is on a small disk.

Runs in a mount namespace of its own, in which the home of one machine is on a small tmpfs.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from examples.office.machine import Machine
from examples.office.office import Office
from p2pblog.cli.api import Api
from p2pblog.errors import Exit
from p2pblog.node.room import DISK_FLOOR
from tests.support.office import eventually, team, texts

MIB = 1024 * 1024
SIZE = DISK_FLOOR + 32 * MIB
PIECE = 64 * 1024


def mount(path: Path, *options: str) -> None:
    flags = [option for one in options for option in ("-o", one)]
    subprocess.run(["mount", "-t", "tmpfs", *flags, "none", str(path)], check=True)


class Ballast:
    """A file that takes the room of a disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self, left: int) -> None:
        """Until so many bytes are left; with none, until the last one is gone."""
        with suppress(OSError), self._path.open("ab", buffering=0) as file:
            while left == 0 or free(self._path.parent) > left:
                file.write(bytes(PIECE))
        if left == 0:
            with suppress(OSError), self._path.open("ab", buffering=0) as file:
                while True:
                    file.write(b"x" * 512)

    def drop(self) -> None:
        self._path.unlink()


def free(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def below_the_floor(office: Office, ballast: Ballast) -> None:
    """Own posts go on and out; those of others are left, until there is room again."""
    desk, van = office.machines
    desk.cli("post", "before")
    eventually("before arrives", lambda: "before" in texts(van))
    ballast.fill(DISK_FLOOR // 2)
    desk.cli("post", "while there is no room")
    van.cli("post", "from the full disk")
    eventually("own posts go out", lambda: "from the full disk" in texts(desk))
    eventually("a warning", lambda: "not taken in" in str(van.ask(Api.status)["warnings"]))
    assert "while there is no room" not in texts(van)
    found = van.run("doctor")
    assert found.returncode == Exit.PROBLEMS
    assert "Only" in found.stdout
    for number in range(20):
        desk.cli("post", f"more {number}")
    assert not any(text.startswith("more") for text in texts(van))
    ballast.drop()
    eventually("all by itself", lambda: sorted(texts(van)) == sorted(texts(desk)), 60)
    assert van.ask(Api.status)["warnings"] == []


def without_any_room(office: Office, ballast: Ballast) -> None:
    """Posts are refused and kept as drafts elsewhere, reading goes on; nothing is lost."""
    _, van = office.machines
    before = texts(van)
    ballast.fill(0)
    kept = []
    refused = None
    for number in range(2000):  # what lies ready in the store's files may still take some
        refused = van.run("post", f"tight {number} " + "x" * 8000)
        if refused.returncode:
            break
        kept.append(f"tight {number} " + "x" * 8000)
    assert refused is not None
    said_why(refused, Exit.FAILED)
    assert "the disk is full" in refused.stderr
    assert "kept in" in refused.stderr
    assert texts(van) == kept[::-1] + before
    assert van.run("search", "before").returncode == Exit.OK
    assert "disk is full" in str(van.ask(Api.status)["warnings"])
    van.kill()
    again = van.run("up", "--detach")
    print("start on the full disk:", again.returncode, again.stderr)
    if again.returncode:
        said_why(again, Exit.UNREACHABLE)
    else:
        assert texts(van) == kept[::-1] + before
        van.run("down")
    ballast.drop()
    van.start()
    assert texts(van)[-len(before) :] == before
    van.cli("post", "room again")
    assert texts(van) == ["room again", *kept[::-1], *before]


def read_only(office: Office, folder: Path) -> None:
    """Nothing starts, and it is said why; then everything is as it was."""
    _, van = office.machines
    van.stop()
    before = van.home.store.read_bytes()
    mount(folder, "remount,ro")
    refused = subprocess.run(van.argv("read"), capture_output=True, text=True, check=False)
    said_why(refused, Exit.UNREACHABLE, Exit.NOT_ALLOWED)
    print("read-only:", refused.stderr)
    posted = subprocess.run(
        van.argv("post", "in vain"), capture_output=True, text=True, check=False
    )
    said_why(posted, Exit.UNREACHABLE, Exit.NOT_ALLOWED)
    assert "kept in" in posted.stderr
    mount(folder, "remount,rw")
    assert van.home.store.read_bytes() == before
    van.start()
    van.cli("post", "writable again")
    assert texts(van)[0] == "writable again"


def said_why(done: subprocess.CompletedProcess[str], *codes: int) -> None:
    assert done.returncode in codes, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.strip(), done


def main() -> None:
    path = Path(sys.argv[1])
    folder = path / "van"
    folder.mkdir(parents=True)
    mount(folder, f"size={SIZE}")
    with team(path, 2) as office:
        assert {machine.home.path for machine in office.machines} >= {folder}
        ballast = Ballast(folder)
        below_the_floor(office, ballast)
        without_any_room(office, ballast)
        read_only(office, folder)
        for machine in office.machines:
            assert "Traceback" not in machine.home.log.read_text(), machine.last_words(40)
        same(office.machines)


def same(machines: list[Machine]) -> None:
    desk, van = machines
    eventually("equal in the end", lambda: desk.posts() == van.posts(), 60)


if __name__ == "__main__":
    main()
