"""schemathesis: thousands of requests made from the OpenAPI document, good and bad ones.

Needs the extra `fuzz`; run with `pytest -m slow tests/api/test_fuzz.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.support.aio import run
from tests.support.fake_service import FakeService
from tests.support.http import BASE, Server, serving

SCHEMATHESIS = shutil.which(
    "schemathesis",
    path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
)
# What JSON Schema can't say is refused all the same: lengths in bytes, February 30, two cursors
LEFT_OUT = ["positive_data_acceptance"]
EXAMPLES = 60
SEED = 1


@pytest.mark.slow
@pytest.mark.skipif(SCHEMATHESIS is None, reason="needs the extra fuzz: pip install .[fuzz]")
def test_no_request_breaks_the_server(tmp_path: Path) -> None:
    async def main() -> None:
        service = FakeService(posts=20)
        async with serving(tmp_path, service, start_token=True) as server:
            token = (tmp_path / "home" / "api.token").read_text().strip()
            done = await trio.run_process(
                command(server, token),
                check=False,
                capture_stdout=True,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
            )
            assert done.returncode == 0, done.stdout.decode()
            assert (await server.ask("GET", "/status")).status == 200

    run(main, seconds=600)


def command(server: Server, token: str) -> list[str]:
    assert SCHEMATHESIS is not None
    origin = f"http://{server.host}"
    return [
        SCHEMATHESIS,
        "run",
        f"{origin}{BASE}/openapi.json",
        f"--url={origin}",
        f"--header=Authorization: Bearer {token}",
        f"--exclude-checks={','.join(LEFT_OUT)}",
        f"--exclude-path={BASE}/events",  # never ends
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--generation-database=none",
        "--no-color",
        "--warnings=off",
    ]
