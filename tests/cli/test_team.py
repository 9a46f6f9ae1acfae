"""The team: init, invite, join, members, peers, status, config, token."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pblog.cli import join as join_module
from p2pblog.cli.ask import host_name
from p2pblog.config import Config, Home, load_config
from tests.support.cli import run_cli
from tests.support.fake_api import STAMP, Team, join_view, peer, problem, sync


@pytest.fixture
def empty(team: Team) -> Team:
    team.phase = "empty"
    return team


def test_init_founds_and_shows_the_recovery_code_and_the_next_step(home: Home, empty: Team) -> None:
    result = run_cli(home, "init", "--team", "Acme Roofing", "--name", "Dana")
    assert result.code == 0
    assert "RECO-VERY" in result.out
    assert "p2pblog invite" in result.out
    sent = {"team": "Acme Roofing", "name": "Dana", "device": host_name()}
    assert empty.requests[-1] == ("POST", "/team", sent)


def test_init_asks_on_a_terminal(home: Home, empty: Team) -> None:
    result = run_cli(home, "init", stdin=b"Acme\nDana\n", terminal=True)
    assert result.code == 0
    assert empty.requests[-1][2]["team"] == "Acme"
    assert empty.requests[-1][2]["name"] == "Dana"


def test_init_needs_a_team_where_nobody_can_be_asked(home: Home, empty: Team) -> None:
    result = run_cli(home, "init")
    assert (result.code, result.err) == (
        2,
        "p2pblog: Name of the team is missing. Give it with --team.\n",
    )
    assert empty.requests == []


def test_init_in_a_team_is_a_conflict(home: Home, team: Team) -> None:
    assert run_cli(home, "init", "--team", "x", "--name", "y").code == 9
    (founded,) = run_init_json(home, team)
    assert founded["recovery_code"] == "RECO-VERY"


def run_init_json(home: Home, team: Team) -> list[dict[str, str]]:
    team.phase = "empty"
    return run_cli(home, "init", "--team", "x", "--name", "y", "--json").lines()


def test_an_invitation_is_a_code_a_link_and_how_long_it_is_good(home: Home, team: Team) -> None:
    out = run_cli(home, "invite").out
    assert "p2pblog join K7QF-M2XD-9HWA-T3PL" in out
    assert "p2pblog join 'p2pblog:join/K7QF-M2XD-9HWA-T3PL'" in out, "quoted: it may hold a &"
    assert "7 days from now" in out
    assert "p2pblog invite withdraw 3f9a3f9a" in out
    assert "█" not in out
    assert "█" in run_cli(home, "invite", terminal=True).out


def test_what_an_invitation_is_for(home: Home, team: Team) -> None:
    assert run_cli(home, "invite", "--device", "--role", "admin", "--expires", "2d").code == 0
    assert team.requests[-1][2] == {"role": "admin", "own_device": True, "hours": 48}
    assert run_cli(home, "invite", "--expires", "forever").code == 2
    assert "code" in run_cli(home, "invite", "--json").lines()[0]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_goes_to_a_file(home: Home, team: Team, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"sam.{ending}"
    assert str(file) in run_cli(home, "invite", "--qr", str(file)).out
    assert file.stat().st_size > 100


def test_a_picture_that_can_not_be_written(home: Home, team: Team, tmp_path: Path) -> None:
    assert run_cli(home, "invite", "--qr", "sam.gif").code == 2
    assert team.invitations == []
    result = run_cli(home, "invite", "--qr", str(tmp_path / "no" / "sam.png"))
    assert (result.code, "No such file" in result.err) == (1, True)
    assert "p2pblog join K7QF" in result.out, "it is made: who asked has to see it"


def test_invitations_are_listed_and_withdrawn(home: Home, team: Team) -> None:
    assert "Make one: p2pblog invite" in run_cli(home, "invite", "list").err
    run_cli(home, "invite")
    team.invitations.append(team.invitations[0] | {"state": "used", "used_by": "Sam"})
    out = run_cli(home, "invite", "list").out
    assert "open until" in out
    assert "used by Sam" in out
    assert run_cli(home, "invite", "withdraw", "3F9A").out == "Withdrawn: 3f9a3f9a\n"
    assert run_cli(home, "invite", "list", "--json").lines()[0]["state"] == "withdrawn"
    assert run_cli(home, "invite", "withdraw", "ffff").code == 5


CODE = "K7QF-M2XD-9HWA-T3PL"


def test_join_tells_team_and_inviter_and_what_is_here(
    home: Home, empty: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_module, "FIRST_POSTS", 0.05)
    found = {"team": "Acme Roofing", "inviter": "Dana"}
    empty.joins = [join_view("searching"), join_view("asking", **found)]
    empty.joins += [join_view("joined", **found)]
    result = run_cli(home, "join", CODE, "--name", "Sam", "--peer", "192.0.2.1", "--peer", "depot")
    assert result.code == 0
    assert result.out == "Joined as Sam\nPosts come by themselves. Read: p2pblog read\n"
    told = [
        "Looking for the team ...",
        "Team: Acme Roofing; invited by Dana",
        "Asking to be let in ...",
    ]
    assert result.err.splitlines() == told
    sent = empty.requests[0][2]
    assert sent["peers"] == ["192.0.2.1", "depot"]
    assert (sent["code"], sent["name"], sent["device"]) == (CODE, "Sam", host_name())


def test_a_join_with_nobody_in_reach_is_pending(
    home: Home, empty: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_module, "PATIENCE", 0.05)
    empty.joins = [join_view("searching", why="nobody answers", tried=["mDNS on eth0"])]
    result = run_cli(home, "join", CODE, "--name", "Sam")
    assert result.code == 0
    assert result.out.startswith("Not joined yet: nobody answers (tried mDNS on eth0).\nIt goes on")
    assert run_cli(home, "join", CODE, "--json").lines()[0]["state"] == "searching"


def test_a_join_counts_the_posts_that_came(home: Home, team: Team) -> None:
    run_cli(home, "post", "hello")
    team.joins = [join_view("joined")]
    assert "1 post here. Read: p2pblog read" in run_cli(home, "join").out


def test_waiting_in_vain_is_exit_8(
    home: Home, empty: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.joins = [join_view("searching")]
    result = run_cli(home, "join", CODE, "--name", "Sam", "--wait", "--timeout", "1s")
    assert result.code == 8
    assert "nobody of the team is in reach" in result.err
    assert run_cli(home, "join", CODE, "--wait", "--timeout", "x").code == 2


def test_a_refused_join_is_a_conflict(home: Home, empty: Team) -> None:
    empty.joins = [join_view("refused", why="the code is used", hint="Ask for another.")]
    result = run_cli(home, "join", CODE, "--name", "Sam")
    assert (result.code, result.out) == (9, "")
    assert "p2pblog: Not joined: the code is used. Ask for another.\n" in result.err


def test_how_a_join_stands_and_giving_it_up(home: Home, empty: Team) -> None:
    empty.joins = [join_view("")]
    assert run_cli(home, "join").code == 2
    empty.joins = [join_view("searching")]
    assert "Not joined yet" in run_cli(home, "join").out
    assert run_cli(home, "join", "--cancel").out == "The join is given up.\n"
    assert empty.requests[-1][:2] == ("DELETE", "/join")


def test_members(home: Home, team: Team) -> None:
    device = {"key": "ab", "name": "front-desk", "is_me": True, "last_seen": None}
    device |= {"connected": False}
    van = device | {"name": "van", "is_me": False, "connected": True}
    depot = van | {"name": "depot", "connected": False, "last_seen": STAMP}
    never = depot | {"name": "new", "last_seen": None}
    dana = {"id": "01", "name": "Dana", "role": "founder", "is_me": True, "devices": [device]}
    sam = dana | {"name": "Sam", "role": "member", "is_me": False, "devices": [van, depot, never]}
    team.members = [dana, sam]
    assert run_cli(home, "members").out.splitlines() == [
        "Dana (you)  founder  front-desk  this device",
        "Sam         member   van         connected",
        "                     depot       last seen 2026-11-23 14:00",
        "                     new         not met yet",
    ]
    assert [one["name"] for one in run_cli(home, "members", "--json").lines()] == ["Dana", "Sam"]


def test_peers(home: Home, team: Team) -> None:
    assert "p2pblog invite" in run_cli(home, "peers").err
    team.peers = [
        peer(),
        peer("Ina", sync=sync(entries_to_get=1200, bytes_to_get=3_100_000)),
        peer("Bob", "unreachable", why="no route to host", clock_ahead_ms=-7_200_000),
    ]
    assert run_cli(home, "peers").out.splitlines() == [
        "Sam (van)  connected    192.0.2.20:7461  in sync",
        "Ina (van)  connected    192.0.2.20:7461  1,200 entries to come (3.1 MB)",
        "Bob (van)  unreachable  192.0.2.20:7461  "
        "last seen 2026-11-23 14:00, no route to host, clock 2 hours behind",
    ]
    assert len(run_cli(home, "peers", "--json").lines()) == 3


def test_fixed_peers(home: Home, team: Team) -> None:
    assert "p2pblog peer add" in run_cli(home, "peer", "list").err
    assert "[::1]:7461 is tried from now on" in run_cli(home, "peer", "add", "[::1]:7461").out
    assert "connecting" in run_cli(home, "peer", "list").out
    assert run_cli(home, "peer", "remove", "[::1]:7461").code == 0
    assert run_cli(home, "peer", "list", "--json").lines() == []
    assert run_cli(home, "peer").code == 2


def test_status_when_alone(home: Home, team: Team) -> None:
    assert run_cli(home, "status").out.startswith("Alone: no other device is known yet. Invite one")
    team.newest_own = {"id": "01" * 32, "time": STAMP, "stored_on": 1, "devices": 2}
    assert run_cli(home, "status").out.startswith("Alone: nobody is in reach")
    team.newest_own = None
    team.peers = [peer(state="unreachable")]
    assert run_cli(home, "status").out.startswith("Alone: nobody is in reach")


def test_status_of_a_healthy_team(home: Home, team: Team) -> None:
    team.add("hello")
    team.peers = [peer()]
    team.newest_own = {"id": "01" * 32, "time": STAMP, "stored_on": 3, "devices": 5}
    out = run_cli(home, "status").out
    assert out.startswith("In sync with 1 device\n")
    assert "Team         Acme Roofing" in out
    assert "You          Dana, on front-desk" in out
    assert "Here         1 post, 4.5 kB" in out
    assert "stored on 3 of 5 devices (01010101, 2026-11-23 14:00)" in out
    assert run_cli(home, "status", "--json").lines()[0]["newest_own"]["stored_on"] == 3


def test_status_of_progress_and_warnings(home: Home, team: Team) -> None:
    team.peers = [peer()] * 20
    team.sync = sync(entries_to_get=1200, bytes_to_get=3_100_000)
    team.warnings = ["This clock is 2 hours behind"]
    out = run_cli(home, "status").out
    assert out.startswith("Catching up: 1,200 entries, 3.1 MB to come")
    assert "and 8 more: p2pblog peers" in out
    assert out.endswith("Warning: This clock is 2 hours behind\n")
    team.sync = sync(entries_to_send=1, bytes_to_send=200)
    assert run_cli(home, "status").out.startswith("Sending: 1 entry, 200 B to go")


def test_status_before_there_is_a_team(home: Home, empty: Team) -> None:
    assert run_cli(home, "status").code == 4
    empty.phase, empty.joins = "joining", [join_view("searching", why="nobody answers")]
    assert run_cli(home, "status").out.startswith("Joining: nobody answers\n")


def test_settings_without_a_daemon(home: Home) -> None:
    assert run_cli(home, "config", "get", "channel").out == "general\n"
    assert run_cli(home, "config", "set", "channel", "#pumps").out == "channel = pumps\n"
    assert load_config(home.config) == Config(channel="pumps")
    assert run_cli(home, "config", "list", "--json").lines()[3]["value"] == "pumps"
    assert "mdns = on\n" in run_cli(home, "config", "list").out
    assert run_cli(home, "config", "unset", "channel").out == "channel = general\n"
    assert load_config(home.config) == Config()
    assert run_cli(home, "config", "path").out == f"{home.config}\n"


def test_a_bad_setting_is_refused(home: Home) -> None:
    assert run_cli(home, "config", "set", "prot", "1").code == 2
    assert run_cli(home, "config", "set", "port", "many").code == 2
    assert run_cli(home, "config", "get", "prot").code == 2
    assert not home.path.exists()


def test_a_running_daemon_is_told_of_settings(home: Home, team: Team) -> None:
    assert run_cli(home, "config", "set", "mdns", "off").code == 0
    assert team.settings == {"mdns": "off"}
    assert not home.config.exists()
    assert run_cli(home, "config", "unset", "mdns").code == 0
    assert team.settings == {}
    team.overrides["PUT /config/mdns"] = problem(403, "not_allowed", 6, "The policy forbids it")
    assert run_cli(home, "config", "set", "mdns", "off").code == 6


def test_tokens(home: Home, team: Team) -> None:
    assert "No keys" in run_cli(home, "token", "list").err
    result = run_cli(home, "token", "create", "bot", "--scope", "read", "--scope", "post")
    assert result.out == "s3cret\n"
    assert "read post" in run_cli(home, "token", "list").out
    assert run_cli(home, "token", "create", "bot", "--scope", "all").code == 2
    assert run_cli(home, "token", "revoke", "7777").code == 0
    assert run_cli(home, "token", "list", "--json").lines() == []
