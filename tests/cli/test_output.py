"""What reaches the terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from itertools import pairwise

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.cli import output
from p2pblog.cli.events import Event, parse
from tests.support.cli import Terminal


@given(st.text())
def test_no_control_character_passes(text: str) -> None:
    assert all(unicodedata.category(c) != "Cc" for c in output.clean(text))
    shown = output.clean(text, lines=True)
    assert all(unicodedata.category(c) != "Cc" for c in shown if c not in "\n\t")


@given(st.text())
def test_json_is_one_safe_line_and_says_the_same(text: str) -> None:
    line = output.to_json({"text": text})
    assert len(line.splitlines()) == 1 or "\u2028" in line or "\u2029" in line or "\x85" in line
    assert all(unicodedata.category(c) != "Cc" for c in line)
    assert json.loads(line) == {"text": text}


def test_direction_and_escape_characters_show_as_themselves() -> None:
    assert output.clean("a\x1b[31mb\u202ec\nd") == "a␛[31mb\ufffdc␊d"


@pytest.mark.parametrize(
    ("message", "hint", "line"),
    [
        ("It failed", "Do this.", "It failed. Do this."),
        ("It failed.", "", "It failed."),
        ("Really?", "No.", "Really? No."),
        ("two\nlines", "", "two␊lines."),
    ],
)
def test_errors_are_one_line(message: str, hint: str, line: str) -> None:
    assert output.sentence(message, hint) == line


@pytest.mark.parametrize(
    ("choice", "terminal", "environ", "wanted"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour(choice: str, terminal: bool, environ: dict[str, str], wanted: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert output.wants_color(choice, stream, environ) is wanted


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (4500, "4.5 kB"), (12_300_000, "12 MB"), (3 * 10**9, "3.0 GB")],
)
def test_sizes(number: int, shown: str) -> None:
    assert output.size(number) == shown


def test_columns_align_whatever_is_in_them() -> None:
    rows = [(click.style("Ana", bold=True), "x"), ("漢字", "x"), ("e\u0301", "x")]
    lines = output.table(rows)
    assert click.unstyle(lines[0]) == "Ana   x"
    assert lines[1:] == ["漢字  x", "e\u0301     x"]
    assert output.table([]) == []


STREAM = b': hi\n\nid: a:1\nevent: post\ndata: {"x":\ndata: 1}\n\nid: b:7\r\nevent: reset\r\n\r\n'


@given(st.lists(st.integers(0, len(STREAM)), max_size=5))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in pairwise(places)]
    assert list(parse(chunks)) == [
        Event("a:1", "post", '{"x":\n1}'),
        Event("b:7", "reset", ""),
    ]
