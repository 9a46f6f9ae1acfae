"""`python -m tests`: lint, format, types, tests. With `--slow`, or where CI=true, slow ones too.

Further arguments go to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*command: str) -> None:
    print("$", " ".join(command), flush=True)
    ended = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
    if ended.returncode:
        sys.exit(ended.returncode)


def main() -> None:
    arguments = sys.argv[1:]
    slow = "--slow" in arguments or os.environ.get("CI") == "true"
    run("ruff", "check")
    run("ruff", "format", "--check")
    run("mypy")
    which = ["-m", "slow or not slow"] if slow else []
    run("pytest", *which, *(a for a in arguments if a != "--slow"))


main()
