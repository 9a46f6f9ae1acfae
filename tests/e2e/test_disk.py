"""A disk that takes nothing more: what people see, what goes on, and that nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.office.machine import Machine
from p2pblog.cli.api import Api
from p2pblog.errors import Exit
from tests.support.office import team, texts

ROOT = Path(__file__).parents[2]


@contextmanager
def no_writes(machine: Machine) -> Iterator[None]:
    """The daemon can write to no file: every write is beyond the limit."""
    assert machine.process is not None
    process = machine.process.pid
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others are set on Linux")
def test_a_daemon_that_can_write_nothing_reads_on_and_goes_on_afterwards(path: Path) -> None:
    with team(path / "limit", 1) as office:
        (desk,) = office.machines
        assert desk.process is not None
        process = desk.process.pid
        desk.cli("post", "kept before")
        assert len(desk.cli("search", "kept").splitlines()) >= 1
        with no_writes(desk):
            refused = desk.run("post", "not written")
            assert refused.returncode == Exit.FAILED
            assert "Nothing can be written to" in refused.stderr
            assert "ulimit" in refused.stderr
            assert "Traceback" not in refused.stderr
            (draft,) = desk.home.drafts.iterdir()
            assert draft.read_text() == "not written"
            assert str(draft) in refused.stderr
            assert texts(desk) == ["kept before"]
            assert "kept before" in desk.cli("search", "kept")
            assert "Nothing can be written" in desk.ask(Api.status)["warnings"][0]
            assert desk.run("doctor").returncode == Exit.PROBLEMS
            setting = desk.run("config", "set", "channel", "other")
            assert setting.returncode == Exit.FAILED
            assert "config.toml" in setting.stderr
        desk.cli("post", "kept after")
        assert desk.process.pid == process
        assert desk.process.poll() is None
        assert texts(desk) == ["kept after", "kept before"]
        assert desk.ask(Api.status)["warnings"] == []


def test_a_damaged_store_is_named_and_mended(path: Path) -> None:
    with team(path / "damage", 1) as office:
        (desk,) = office.machines
        with desk.api() as api:
            for text in ("first", "second", "third"):
                api.post(text)
        desk.stop()
        data = bytearray(desk.home.store.read_bytes())
        data[:100] = bytes(100)
        desk.home.store.write_bytes(data)
        refused = subprocess.run(desk.argv("post", "in vain"), capture_output=True, text=True)
        assert refused.returncode == Exit.UNREACHABLE
        assert "p2pblog doctor --repair" in refused.stderr
        assert "kept in" in refused.stderr
        assert "Traceback" not in refused.stderr
        mended = subprocess.run(
            desk.argv("--json", "doctor", "--repair"), capture_output=True, text=True
        )
        try:
            (done, *_) = map(json.loads, mended.stdout.splitlines())
            assert done["check"] == "repair"
            assert "No entry is known to be lost" in done["why"], mended
            assert texts(desk) == ["third", "second", "first"]
        finally:
            desk.cli("down")


@pytest.mark.slow
def test_a_full_and_a_read_only_disk(path: Path) -> None:
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable]
    probe = subprocess.run([*argv[:-1], "mount", "-t", "tmpfs", "none", "/mnt"], check=False)
    if probe.returncode:
        pytest.skip("a small disk can't be mounted here")
    done = subprocess.run(
        [*argv, "-m", "tests.e2e.small_disk", str(path / "disk")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
