"""member, team, profile, device, leave, recover: what they ask, say and refuse."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from p2pblog.cli import gone as gone_module
from p2pblog.cli import join as join_module
from p2pblog.cli import recovering as recovering_module
from p2pblog.config import Home
from tests.support.cli import run_cli
from tests.support.fake_api import STAMP, Json, Team, join_view, peer, problem

SAM = "5a" * 32
ME = "cd" * 32


def removal(kind: str = "removed", name: str = "Sam", **given: Any) -> Json:
    made: Json = {"id": "cc" * 32, "kind": kind, "subject": SAM, "name": name, "by": "Dana's desk"}
    made |= {"time": STAMP, "known_by": 3, "devices": 3, "unaware": [], "voided": []}
    return made | {"fallen": [], "more": []} | given


def profile(name: str = "Sam", **given: Any) -> Json:
    made: Json = {
        "id": SAM,
        "name": name,
        "role": "member",
        "is_me": False,
        "about": "",
        "skills": [],
    }
    return made | {"picture": "", "picture_type": "", "time": None} | given


def machine(name: str, **given: Any) -> Json:
    made: Json = {
        "key": "ab" * 32,
        "name": name,
        "member": "Sam",
        "is_me": False,
        "state": "active",
    }
    return made | {"last_seen": None, "connected": False} | given


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone_module, "PATIENCE", 0.05)
    monkeypatch.setattr(join_module, "PATIENCE", 0.05)
    monkeypatch.setattr(join_module, "FIRST_POSTS", 0.05)
    monkeypatch.setattr(recovering_module, "CALM", 0.2)


@pytest.fixture
def staffed(team: Team) -> Team:
    team.members = [
        {"id": ME, "name": "Dana", "role": "founder", "is_me": True, "devices": []},
        {"id": SAM, "name": "Sam", "role": "member", "is_me": False, "devices": []},
    ]
    return team


def answer(team: Team, call: str, body: Any, status: int = 200) -> None:
    team.overrides[call] = (status, body)


def asked(team: Team) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in team.requests if method != "GET"]


def test_members_are_removed_after_a_question(home: Home, staffed: Team) -> None:
    answer(staffed, "GET /members/sam/profile", profile())
    answer(staffed, f"DELETE /members/{SAM}", removal())
    answer(staffed, "GET /devices", {"items": [machine("van"), machine("phone")], "next": None})
    result = run_cli(home, "member", "remove", "sam", stdin=b"n\n", terminal=True)
    assert (result.code, asked(staffed)) == (130, [])
    assert "Remove Sam (member, 5a5a5a5a) from the team?" in result.err
    result = run_cli(home, "member", "remove", "sam", stdin=b"y\n", terminal=True)
    assert result.code == 0
    assert "is removed." in result.out
    assert "3 of 3 devices know of it." in result.out
    assert "Copies already on van, phone stay there." in result.err


def test_without_a_terminal_yes_is_said_before(home: Home, staffed: Team) -> None:
    answer(staffed, "GET /members/Sam/profile", profile())
    result = run_cli(home, "member", "remove", "Sam")
    assert (result.code, asked(staffed)) == (2, [])
    assert "--yes" in result.err


def test_who_does_not_know_yet_is_named(home: Home, staffed: Team) -> None:
    answer(staffed, "GET /members/Sam/profile", profile())
    answer(staffed, "GET /devices", {"items": [], "next": None})
    late = removal(known_by=7, devices=8, unaware=["Ina's van"])
    more = {"device": "Sam's van", "entries": 1, "oldest": STAMP, "newest": STAMP}
    voided = [{"id": "3f9a" * 16, "role": "member"}]
    extras = {"voided": voided, "fallen": ["Flo's van"], "more": [more]}
    answer(staffed, f"DELETE /members/{SAM}", late | extras)
    answer(staffed, f"GET /members/{SAM}/removal", late | {"more": [more]})
    out = run_cli(home, "member", "remove", "Sam", "--yes").out
    assert "7 of 8 devices know of it; Ina's van does not yet." in out
    assert "The invitation 3f9a3f9a (member) is void with it." in out
    assert 'p2pblog member readmit "Flo\'s van"' in out
    assert "1 entry of Sam's van that do not count" in out
    answer(staffed, "GET /members/Sam/removal", late)
    (shown,) = run_cli(home, "member", "removal", "Sam", "--json").lines()
    assert shown["unaware"] == ["Ina's van"]


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(404, "not_found", 5), (409, "conflict", 9), (403, "not_allowed", 6)],
)
def test_what_the_daemon_refuses(
    home: Home, staffed: Team, status: int, code: str, exit_code: int
) -> None:
    staffed.overrides["GET /members/Sam/profile"] = problem(status, code, exit_code, "No, Sam")
    staffed.overrides["PUT /members/Sam/role"] = problem(status, code, exit_code, "No, Sam")
    for words in (["member", "remove", "Sam", "--yes"], ["member", "role", "Sam", "admin"]):
        result = run_cli(home, *words)
        assert (result.code, "No, Sam" in result.err) == (exit_code, True)
    assert [call for call in asked(staffed) if call[0] == "DELETE"] == []


def test_roles_and_names(home: Home, staffed: Team) -> None:
    sam = {"id": SAM, "name": "Sam Fox", "role": "admin"}
    for call in ("PUT /members/Sam/role", "PUT /members/Sam/name", f"PUT /members/{ME}/name"):
        answer(staffed, call, sam)
    assert run_cli(home, "member", "role", "Sam", "admin").out == "Sam Fox (admin)\n"
    assert staffed.requests[-1][2] == {"role": "admin"}
    assert run_cli(home, "member", "rename", "Sam", "Sam Fox").code == 0
    assert run_cli(home, "member", "rename", "Dee", "--json").lines() == [sam]
    assert staffed.requests[-1] == ("PUT", f"/members/{ME}/name", {"name": "Dee"})
    assert run_cli(home, "member", "rename").code == 2
    assert run_cli(home, "member", "rename", "a", "b", "c").code == 2
    assert run_cli(home, "member", "role", "Sam", "king").code == 2
    answer(staffed, "PUT /team/name", {"team": "Ours"})
    assert run_cli(home, "team", "rename", "Ours").out == "The team is Ours\n"
    assert run_cli(home, "team", "rename", "Ours", "--json").lines() == [{"team": "Ours"}]
    assert "Sam" in run_cli(home, "member", "list").out


def test_what_is_held_is_let_count(home: Home, staffed: Team) -> None:
    more = {"device": "Sam's van", "entries": 3, "oldest": STAMP, "newest": STAMP}
    answer(staffed, "GET /members/Sam/removal", removal(more=[more]))
    answer(staffed, "POST /members/Sam/extend", removal())
    result = run_cli(home, "member", "extend", "Sam", stdin=b"y\n", terminal=True)
    assert (result.code, "Let 3 more of Sam count?" in result.err) == (0, True)
    assert run_cli(home, "member", "extend", "Sam").code == 2
    assert run_cli(home, "member", "extend", "Sam", "--yes", "--json").lines()[0]["more"] == []
    answer(staffed, "POST /members/Cleo/readmit", {"id": SAM, "name": "Cleo", "role": "member"})
    assert run_cli(home, "member", "readmit", "Cleo").out == "Cleo (member)\n"
    answer(staffed, "POST /members/Cleo/resume", {"id": SAM, "name": "Cleo", "role": "member"})
    assert run_cli(home, "member", "resume", "Cleo").out == "Cleo (member)\n"


def test_profiles(home: Home, staffed: Team, tmp_path: Path) -> None:
    picture = base64.b64encode(b"\x89PNG").decode()
    said: Json = {"about": "Fitter\nat the depot", "skills": ["pumps", "cranes"], "time": STAMP}
    answer(
        staffed,
        "GET /members/Sam/profile",
        profile(picture=picture, picture_type="image/png", **said),
    )
    out = run_cli(home, "profile", "show", "Sam", "--save", str(tmp_path / "sam.png")).out
    assert out.startswith("Sam, member\nFitter\nat the depot\nSkills: pumps, cranes\n")
    assert (tmp_path / "sam.png").read_bytes() == b"\x89PNG"
    result = run_cli(home, "profile", "show", "Sam", "--save", str(tmp_path / "no" / "sam.png"))
    assert result.code == 1
    answer(staffed, f"GET /members/{ME}/profile", profile("Dana", is_me=True))
    assert "has said nothing yet" in run_cli(home, "profile", "show").out
    assert run_cli(home, "profile", "show", "--save", str(tmp_path / "x")).code == 5


def test_what_is_said_of_oneself(home: Home, staffed: Team, tmp_path: Path) -> None:
    answer(staffed, "PUT /profile", profile("Dana", is_me=True, about="Fitter", time=STAMP))
    file = tmp_path / "me.png"
    file.write_bytes(b"\x89PNG")
    words = ["--about", "Fitter", "--skills", "pumps, , cranes ", "--picture", str(file)]
    assert run_cli(home, "profile", "set", *words).code == 0
    picture = base64.b64encode(b"\x89PNG").decode()
    said = {"about": "Fitter", "skills": ["pumps", "cranes"], "picture": picture}
    assert staffed.requests[-1][2] == said
    run_cli(home, "profile", "set", "--no-picture", "--skills", "")
    assert staffed.requests[-1][2] == {"skills": [], "picture": ""}
    file.write_bytes(bytes(17 * 1024))
    for wrong in (
        [],
        ["--picture", str(file)],
        ["--picture", str(tmp_path / "nothing.png")],
        ["--picture", str(file), "--no-picture"],
    ):
        assert run_cli(home, "profile", "set", *wrong).code == 2


def test_devices(home: Home, staffed: Team) -> None:
    kept = [
        machine("front-desk", is_me=True),
        machine("van", connected=True),
        machine("phone", last_seen=STAMP),
        machine("tablet"),
        machine("old", state="cut"),
    ]
    answer(staffed, "GET /devices", {"items": kept, "next": None})
    out = run_cli(home, "device", "list", "Sam").out.splitlines()
    assert [line.split("  ")[-1].strip() for line in out[:2]] == ["this device", "connected"]
    assert "last seen" in out[2]
    assert "not met yet" in out[3]
    assert "revoked or gone" in out[4]
    assert staffed.requests[-1][2] == {"of": "Sam"}
    assert len(run_cli(home, "device", "list", "--json").lines()) == 5
    answer(staffed, f"PUT /devices/{'12' * 32}/name", machine("desk"))
    assert run_cli(home, "device", "rename", "desk").out == "abababab is desk\n"
    answer(staffed, "PUT /devices/phone/name", machine("mobile"))
    assert run_cli(home, "device", "rename", "phone", "mobile", "--json").lines()
    assert run_cli(home, "device", "rename").code == 2


def test_a_device_is_added_with_a_code(home: Home, staffed: Team, tmp_path: Path) -> None:
    file = tmp_path / "code.svg"
    out = run_cli(home, "device", "add", "--expires", "2h", "--qr", str(file)).out
    assert "p2pblog join K7QF-M2XD-9HWA-T3PL" in out
    assert "another device of yours" in out
    assert staffed.requests[-1][2] == {"role": "member", "own_device": True, "hours": 2}
    assert file.exists()


def test_a_device_is_revoked_after_a_question(home: Home, staffed: Team) -> None:
    gone = removal("revoked", "Dana's van", known_by=1, unaware=["Sam's desk"])
    answer(staffed, "DELETE /devices/van", gone)
    answer(staffed, f"GET /devices/{SAM}/removal", gone | {"known_by": 3, "unaware": []})
    assert run_cli(home, "device", "revoke", "van").code == 2
    result = run_cli(home, "device", "revoke", "van", stdin=b"y\n", terminal=True)
    assert "Revoke van? It can never come back" in result.err
    assert "is revoked." in result.out
    assert "3 of 3 devices know of it." in result.out


def test_leaving_says_what_stays(home: Home, staffed: Team) -> None:
    answer(staffed, "POST /leave", removal("left", "Dana"))
    result = run_cli(home, "leave", stdin=b"n\n", terminal=True)
    assert (result.code, asked(staffed)) == (130, [])
    assert "What you wrote stays with the others." in result.err
    result = run_cli(home, "leave", "--successor", "Sam", "--yes")
    assert (result.code, result.out.startswith("Dana has left.")) == (0, True)
    assert staffed.requests[-1][2] == {"successor": "Sam"}
    staffed.overrides["POST /leave"] = problem(409, "conflict", 9, "You are the last")
    assert run_cli(home, "leave", "--yes").code == 9


CODE = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV"


def test_the_founder_comes_back(home: Home, staffed: Team) -> None:
    staffed.phase = "empty"
    staffed.joins = [join_view("joined", team="Acme Roofing", name="Dana")]
    answer(staffed, "POST /recover", staffed.joins[0], 202)
    result = run_cli(home, "recover", stdin=CODE.encode() + b"\n", terminal=True)
    assert result.code == 0
    assert "Joined as" in result.out
    assert "shut it out: p2pblog recover --revoke" in result.err
    sent = next(body for method, path, body in staffed.requests if path == "/recover")
    assert sent["code"] == CODE
    assert run_cli(home, "recover").code == 2


def test_lost_devices_are_revoked_with_the_code(home: Home, staffed: Team) -> None:
    mine = [machine("new", is_me=True), machine("lost"), machine("older", state="cut")]
    answer(staffed, "GET /devices", {"items": mine, "next": None})
    gone = [removal("revoked", "Dana's lost")]
    answer(staffed, "POST /recover/devices", {"items": gone, "next": None})
    result = run_cli(home, "recover", CODE, "--revoke", stdin=b"y\n", terminal=True)
    assert (result.code, "Revoke lost?" in result.err) == (0, True)
    assert "is revoked." in result.out
    assert asked(staffed) == [("POST", "/recover/devices")]
    answer(staffed, "GET /devices", {"items": mine[:1], "next": None})
    assert "no other device" in run_cli(home, "recover", CODE, "--revoke", "--yes").err


def test_a_new_machine_catches_up_before_it_revokes(
    home: Home, staffed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed.joins = [join_view("joined", team="Acme Roofing", name="Dana")]
    answer(staffed, "GET /devices", {"items": [machine("lost")], "next": None})
    answer(staffed, "POST /recover", staffed.joins[0], 202)
    answer(staffed, "POST /recover/devices", {"items": [removal("revoked")], "next": None})
    staffed.phase = "empty"
    words = ["recover", CODE, "--revoke", "--yes"]
    assert run_cli(home, *words).code == 0
    assert asked(staffed) == [("POST", "/recover")]  # it is not in yet

    def joins(*_: object, **__: object) -> None:
        staffed.phase = "member"

    monkeypatch.setattr(join_module, "follow", joins)
    staffed.phase, staffed.peers = "empty", [peer()]
    result = run_cli(home, *words)
    assert "Catching up first" in result.err
    assert asked(staffed)[1:] == [("POST", "/recover"), ("POST", "/recover/devices")]
    monkeypatch.setattr(recovering_module, "CATCH_UP", 0.2)
    staffed.phase, staffed.peers = "empty", []
    assert run_cli(home, *words).code == 8
    assert asked(staffed)[3:] == [("POST", "/recover")]
