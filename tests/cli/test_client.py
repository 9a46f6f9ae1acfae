"""The connection to the daemon: over a Unix socket, and over TCP where there is none."""

from __future__ import annotations

import socket

import pytest

from p2pblog.cli.client import Client, NotRunning
from p2pblog.config import Home
from p2pblog.errors import NotAllowed
from tests.support.cli import run_cli
from tests.support.fake_api import Team, serving, serving_tcp


def test_one_connection_serves_many_requests(home: Home, team: Team) -> None:
    client = Client(home)
    for _ in range(3):
        client.get("/status")
    client.close()
    client.get("/status")
    client.close()
    assert len(team.requests) == 4


def test_a_socket_that_a_dead_daemon_left_is_no_daemon(home: Home) -> None:
    home.create()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.api_socket))
    with pytest.raises(NotRunning):
        Client(home).open()


def test_a_socket_where_others_may_put_one_is_not_trusted(home: Home) -> None:
    with serving(home, Team()):
        home.path.chmod(0o777)
        assert run_cli(home, "status").code == NotAllowed.exit_code
        home.path.chmod(0o700)
        assert run_cli(home, "status").code == 0


@pytest.fixture
def without_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("socket.AF_UNIX")


@pytest.mark.usefixtures("without_unix_sockets")
def test_over_tcp_the_token_goes_to_who_proves_to_know_it(home: Home) -> None:
    with serving_tcp(home, Team(start_token="right")) as team:
        home.api_token.write_text("right\n")
        assert run_cli(home, "post", "hello").code == 0
    assert [path for _, path, _ in team.requests] == ["/proof", "/posts"]
    assert team.tokens_seen == {"", "Bearer right"}


@pytest.mark.usefixtures("without_unix_sockets")
def test_over_tcp_a_stranger_on_the_port_gets_nothing(home: Home) -> None:
    with serving_tcp(home, Team(start_token="other")) as stranger:
        home.api_token.write_text("right\n")
        result = run_cli(home, "post", "hello", "--no-start")
    assert result.code == 7
    assert "it is not our daemon" in result.err
    assert [path for _, path, _ in stranger.requests] == ["/proof"]
    assert stranger.tokens_seen == {""}


@pytest.mark.usefixtures("without_unix_sockets")
def test_over_tcp_without_a_port_there_is_no_daemon(home: Home) -> None:
    home.create()
    home.store.touch()
    assert run_cli(home, "read", "--no-start").code == 7
