"""A home with a fake daemon, or without one. No setting of the machine reaches these tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pblog.config import Home
from tests.support.fake_api import Team, serving

UNSET = ("NO_COLOR", "CLICOLOR_FORCE", "P2PBLOG_EDITOR", "VISUAL", "EDITOR", "P2PBLOG_PAGER")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.resolve(str(tmp_path / "home"))


@pytest.fixture
def team(home: Home) -> Iterator[Team]:
    with serving(home, Team()) as served:
        yield served
