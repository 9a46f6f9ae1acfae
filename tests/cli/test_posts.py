"""Writing and reading: post, read, search, channels, and what is new."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from p2pblog.cli.post import MAX_READ
from p2pblog.config import Home
from tests.support.cli import run_cli
from tests.support.fake_api import Team, join_view, problem


def test_a_post_says_where_it_is(home: Home, team: Team) -> None:
    result = run_cli(home, "post", "-c", "#pumps", "hello", "there")
    assert result.out == "Posted 01010101 in #pumps: safe here, on 1 of 3 devices so far\n"
    assert team.requests[-1] == ("POST", "/posts", {"text": "hello there", "channel": "pumps"})


def test_a_post_in_json(home: Home, team: Team) -> None:
    (posted,) = run_cli(home, "post", "hello", "--json").lines()
    assert posted["id"] == team.posts[0]["id"]
    assert "channel" not in team.requests[-1][2]


@pytest.mark.parametrize("arguments", [["post", "-"], ["post"]])
def test_standard_input_is_posted(home: Home, team: Team, arguments: list[str]) -> None:
    assert run_cli(home, *arguments, stdin="zwölf\nZeilen\n".encode()).code == 0
    assert team.posts[0]["text"] == "zwölf\nZeilen"


def test_text_that_starts_with_a_dash_needs_the_usual_marker(home: Home, team: Team) -> None:
    assert run_cli(home, "post", "--", "-5 degrees").code == 0
    assert team.posts[0]["text"] == "-5 degrees"


@pytest.mark.parametrize("stdin", [b"", b"  \n\n"])
def test_an_empty_post_is_refused_before_anything_starts(home: Home, stdin: bytes) -> None:
    result = run_cli(home, "post", "-", stdin=stdin)
    assert result.code == 2
    assert not home.path.exists()


def test_bytes_that_are_no_text_are_refused(home: Home, team: Team) -> None:
    assert run_cli(home, "post", "-", stdin=b"\xff\xfe").code == 2
    assert run_cli(home, "post", "\udcff").code == 2
    assert team.posts == []


def test_a_text_without_end_is_not_read_to_its_end(home: Home, team: Team) -> None:
    result = run_cli(home, "post", "-", stdin=b"x" * (MAX_READ + 1))
    assert (result.code, "longer than 1 MiB" in result.err) == (2, True)
    assert team.requests == []


@pytest.mark.parametrize("command", ["post", "read", "tail"])
def test_an_empty_name_is_no_channel(home: Home, team: Team, command: str) -> None:
    text = ["hello"] if command == "post" else []
    for name in ("", "#"):
        result = run_cli(home, command, "-c", name, *text)
        assert (result.code, "channel's name is empty" in result.err) == (2, True)
    assert team.posts == []


def editor(tmp_path: Path, code: int = 0) -> str:
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('from the editor\\n'); "
        f"sys.exit({code})"
    )
    return f"{sys.executable} {script}"


@pytest.mark.parametrize("variable", ["P2PBLOG_EDITOR", "VISUAL", "EDITOR"])
def test_on_a_terminal_the_editor_opens(
    home: Home, team: Team, tmp_path: Path, variable: str
) -> None:
    result = run_cli(home, "post", terminal=True, env={variable: editor(tmp_path)})
    assert result.code == 0
    assert team.posts[0]["text"] == "from the editor"


def test_an_editor_that_fails_posts_nothing_and_keeps_the_text(
    home: Home, team: Team, tmp_path: Path
) -> None:
    result = run_cli(home, "post", terminal=True, env={"EDITOR": editor(tmp_path, 1)})
    assert result.code == 1
    assert team.posts == []
    (draft,) = home.drafts.iterdir()
    assert draft.read_text() == "from the editor"


def test_without_an_editor_it_says_so(home: Home, team: Team) -> None:
    assert "EDITOR" in run_cli(home, "post", terminal=True).err
    result = run_cli(home, "post", terminal=True, env={"EDITOR": "no-such-editor"})
    assert (result.code, "no-such-editor" in result.err) == (2, True)


def test_a_text_that_could_not_be_posted_is_kept(home: Home, team: Team) -> None:
    team.overrides["POST /posts"] = problem(403, "not_allowed", 6, "You may not post", "Ask Dana.")
    result = run_cli(home, "post", "long thoughts")
    (draft,) = home.drafts.iterdir()
    assert draft.read_text() == "long thoughts"
    assert result.code == 6
    assert result.err == f"p2pblog: You may not post. Ask Dana. The text is kept in {draft}\n"
    assert draft.stat().st_mode & 0o077 == 0


def test_a_reply_goes_to_its_parents_channel(home: Home, team: Team) -> None:
    parent = team.add("who?", channel="pumps")
    assert run_cli(home, "post", "--reply", "0101", "me").code == 0
    sent = {"text": "me", "channel": "pumps", "reply_to": parent["id"]}
    assert team.requests[-1] == ("POST", "/posts", sent)


def test_a_reply_to_what_is_not_there_is_exit_5(home: Home, team: Team) -> None:
    assert run_cli(home, "post", "--reply", "ffff", "me").code == 5


def test_reading_an_empty_team_says_what_to_do(home: Home, team: Team) -> None:
    result = run_cli(home, "read")
    assert (result.code, result.out) == (0, "")
    assert "p2pblog post 'hello'" in result.err
    assert run_cli(home, "read", "--json").out == ""
    assert "No post fits" in run_cli(home, "read", "-c", "none").err


def test_posts_are_read_newest_first(home: Home, team: Team) -> None:
    for text in ("one", "two", "three"):
        team.add(text)
    assert run_cli(home, "read", "-n", "2").out == (
        "Dana  #general  2026-11-23 14:03  03030303\n  three\n\n"
        "Dana  #general  2026-11-23 14:02  02020202\n  two\n"
    )
    texts = [post["text"] for post in run_cli(home, "read", "--reverse", "--json").lines()]
    assert texts == ["one", "two", "three"]


def test_more_than_a_page_is_fetched_in_parts(home: Home, team: Team) -> None:
    for number in range(1203):
        team.add(str(number), id=f"{number:064x}")
    assert len(run_cli(home, "read", "--limit", "1100", "--json").lines()) == 1100
    assert [request[2]["limit"] for request in team.requests] == ["500", "500", "100"]
    assert len(run_cli(home, "read", "--limit", "5000", "--json").lines()) == 1203


def test_what_is_asked_for_reaches_the_daemon(home: Home, team: Team) -> None:
    arguments = ["-c", "#pumps", "--by", "Sam M.", "--since", "2026-11-20", "--until", "2026-11-21"]
    assert run_cli(home, "read", *arguments).code == 0
    assert team.requests[-1][2] == {
        "channel": "pumps",
        "by": "Sam M.",
        "since": "2026-11-19T23:00:00.000Z",
        "until": "2026-11-20T23:00:00.000Z",
        "limit": "20",
    }


def test_a_bad_date_is_refused_before_anything_starts(home: Home) -> None:
    result = run_cli(home, "read", "--since", "soonish")
    assert (result.code, "yesterday" in result.err) == (2, True)


def test_one_post_and_a_thread_by_id(home: Home, team: Team) -> None:
    first = team.add("question")
    team.add("answer", reply_to={"id": first["id"], "time": first["time"]})
    (post,) = run_cli(home, "read", "0202", "--json").lines()
    assert post["text"] == "answer"
    assert "in reply to 01010101" in run_cli(home, "read", "0202").out
    run_cli(home, "read", "--thread", "0101")
    assert team.requests[-1][1] == "/posts/0101/thread"
    assert run_cli(home, "read", "0101", "--channel", "x").code == 2
    assert run_cli(home, "read", "no/such").code == 5


def test_hostile_text_stays_text(home: Home, team: Team) -> None:
    team.add("a\x1b]0;title\x07b\n\u202ec", author="Eve\x1b[2J\nDana", channel="x\ty")
    out = run_cli(home, "read", terminal=True, env={"NO_COLOR": "1"}).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert out.startswith("Eve␛[2J␊Dana  #x␉y")
    assert "\n  a␛]0;title␇b\n  \ufffdc\n" in out


def test_posts_without_text_and_imported_ones_say_so(home: Home, team: Team) -> None:
    source = {"author": "|trey|", "time": "2004-11-15T12:18:00.000Z", "origin": "x:0"}
    team.add("usual", source=source)
    team.add("", state="missing")
    team.add("", state="newer", clock_ahead=True)
    out = run_cli(home, "read").out
    assert "|trey|  #general  2004-11-15 13:18  01010101\n  imported by Dana, 2026-11-23" in out
    assert "(the text is not here yet)" in out
    assert "(clock ahead)" in out
    assert "needs a newer version" in out


def test_search(home: Home, team: Team) -> None:
    team.add("pump seal")
    team.add("ladder")
    assert [post["text"] for post in run_cli(home, "search", "pump", "seal", "--json").lines()] == [
        "pump seal"
    ]
    result = run_cli(home, "search", "nothing")
    assert (result.code, result.out) == (0, "")
    assert "Nothing here has 'nothing'." in result.err


def test_channels(home: Home, team: Team) -> None:
    assert "No channels yet" in run_cli(home, "channels").err
    team.add("x", channel="pumps")
    assert run_cli(home, "channels").out == "#pumps  1 post  newest 2026-11-23 14:00\n"
    assert run_cli(home, "channels", "--json").lines()[0]["name"] == "pumps"


def test_what_is_new_is_told_once(home: Home, team: Team) -> None:
    assert "No posts yet" in run_cli(home).err
    team.events_end = True
    team.add("from Sam", author="Sam")
    team.add("my own")
    team.add("late", author="Ina", time="2026-11-01T08:00:00.000Z")
    result = run_cli(home)
    assert "from Sam" in result.out
    assert "late" in result.out
    assert "my own" not in result.out
    assert "Nothing new" in run_cli(home).err
    team.add("again", author="Sam")
    assert [post["text"] for post in run_cli(home, "--json").lines()] == ["again"]


def test_much_that_is_new_is_counted(home: Home, team: Team) -> None:
    run_cli(home)
    for number in range(300):
        team.add(f"number {number}.", author="Sam", id=f"{number:064x}")
    result = run_cli(home)
    assert "number 299." in result.out
    assert result.out.count("number") == 20
    assert "And 280 more before them" in result.err


def test_in_a_home_without_team_what_is_new_is_how_to_begin(home: Home, team: Team) -> None:
    team.phase = "empty"
    assert "p2pblog init" in run_cli(home).out


def test_while_a_join_is_pending_it_says_so(home: Home, team: Team) -> None:
    team.phase, team.joins = "joining", [join_view("searching", why="Nobody answers")]
    result = run_cli(home)
    assert (result.code, result.out.splitlines()[0]) == (0, "Not joined yet: Nobody answers.")
    assert run_cli(home, "--json").lines() == [{"phase": "joining"}]
