"""`python -m tests`: lint, format, types, tests. With `--slow`, or where CI=true, slow ones too.

Further arguments go to pytest. Files of the quick run are in memory where there is room for them,
since a third of it was waiting for the disk; the slow run has them on the disk.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")  # on Linux; in containers often of 64 MB
ROOM = 1 << 30  # bytes: several times what the quick run takes


def run(*command: str) -> None:
    print("$", " ".join(command), flush=True)
    ended = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
    if ended.returncode:
        sys.exit(ended.returncode)


def has_room() -> bool:
    """Whether files can be in memory, and be run from there as scripts of tests are."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return False
    system = os.statvfs(MEMORY)
    runs = not system.f_flag & os.ST_NOEXEC
    return runs and system.f_bavail * system.f_frsize >= ROOM


@contextmanager
def files_in_memory() -> Iterator[str | None]:
    """Let temporary files be there, unless the user has said where: pytest's option for its own."""
    if "TMPDIR" in os.environ or not has_room():
        yield None
        return
    with TemporaryDirectory(prefix="p2p", dir=MEMORY, ignore_cleanup_errors=True) as place:
        os.environ["TMPDIR"] = place
        yield f"--basetemp={place}/t"  # short: the path of a socket has 107 bytes at most


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each daemon would compile all sources anew
    arguments = sys.argv[1:]
    slow = "--slow" in arguments or os.environ.get("CI") == "true"
    run("ruff", "check")
    run("ruff", "format", "--check")
    run("mypy")
    rest = [argument for argument in arguments if argument != "--slow"]
    if slow:
        run("pytest", "-m", "slow or not slow", *rest)
    else:
        with files_in_memory() as option:
            run("pytest", *([option] if option else []), *rest)


main()
