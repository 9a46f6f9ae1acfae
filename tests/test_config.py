"""Homes and settings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.config import SETTINGS, Config, Home, load_config, save_config
from p2pblog.errors import NotAllowed, UsageError


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_option_goes_before_the_environment_and_that_before_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    env = {"P2PBLOG_HOME": str(tmp_path / "env")}
    assert Home.resolve(str(tmp_path / "given"), env).path == tmp_path / "given"
    assert Home.resolve(None, env).path == tmp_path / "env"
    assert Home.resolve(None, {}).path == tmp_path / "p2pblog"


def test_two_ways_to_write_a_home_are_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Home.resolve(str(tmp_path / "link" / ".")) == Home.resolve(str(tmp_path / "real"))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "far").symlink_to(tmp_path / "deep" / "er")
    assert Home.resolve(f"{tmp_path}/far/../x").path == tmp_path / "deep" / "x"


def test_directories_are_for_their_owner_only(tmp_path: Path) -> None:
    home = Home.resolve(str(tmp_path / "a" / "home"))
    home.create()
    assert mode(home.path) == mode(home.state_dir) == 0o700
    assert not home.state_dir.is_relative_to(home.path)
    home.create()


def test_an_empty_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    Home.resolve(str(tmp_path / "home")).create()
    assert mode(tmp_path / "home") == 0o700


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home" / "letter.txt").touch()
    with pytest.raises(NotAllowed, match="open to other users"):
        Home.resolve(str(tmp_path / "home")).create()
    assert mode(tmp_path / "home") == 0o755


def test_a_home_that_can_not_be_made_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotAllowed, match="Can't use"):
        Home.resolve(str(tmp_path / "file" / "home")).create()


def test_a_home_of_another_user_is_named_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.resolve(str(tmp_path / "home"))
    home.create()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(NotAllowed, match="belongs to another user"):
        home.check_socket()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotAllowed, match="is no directory"):
        Home.resolve(str(tmp_path / "file")).create()


def test_settings_that_can_not_be_read_are_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="Can't read"):
        load_config(tmp_path)


def test_the_socket_moves_out_where_the_path_is_too_long(tmp_path: Path) -> None:
    near = Home.resolve("/srv/blog")
    assert near.api_socket == Path("/srv/blog/api.sock")
    far = Home.resolve(str(tmp_path / ("x" * 90)))
    assert far.api_socket.parent == tmp_path / "run" / "p2pblog"
    far.create()
    assert mode(far.api_socket.parent) == 0o700
    far.check_socket()
    far.api_socket.parent.chmod(0o777)
    with pytest.raises(NotAllowed):
        far.check_socket()


def test_a_home_is_fresh_until_a_daemon_used_it(tmp_path: Path) -> None:
    home = Home.resolve(str(tmp_path / "home"))
    assert home.is_fresh()
    home.create()
    assert home.is_fresh()
    home.store.touch()
    assert not home.is_fresh()


def test_settings_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_config(path) == Config()
    config = Config(port=0, listen="127.0.0.1", mdns=False, channel="büro", tcp_api=8080)
    save_config(path, config)
    assert load_config(path) == config
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.toml"]


def test_defaults_are_not_written(tmp_path: Path) -> None:
    save_config(tmp_path / "config.toml", Config(mdns=False))
    assert (tmp_path / "config.toml").read_text().splitlines()[1:] == ["mdns = false"]


@given(st.text(min_size=1, max_size=20))
def test_any_channel_that_is_accepted_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    path = tmp_path_factory.mktemp("config") / "config.toml"
    try:
        config = Config().with_value("channel", name)
    except UsageError:
        return
    save_config(path, config)
    assert load_config(path) == config


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("port", "0", "0"),
        ("port", " 65535 ", "65535"),
        ("mdns", "OFF", "off"),
        ("mdns", "yes", "on"),
        ("listen", "::1", "::1"),
        ("listen", "all", "all"),
        ("channel", "#pumps", "pumps"),
        ("tcp_api", "auto", "auto"),
        ("tcp_api", "off", "off"),
        ("tcp_api", "8080", "8080"),
    ],
)
def test_values_as_people_type_them(tmp_path: Path, key: str, text: str, shown: str) -> None:
    config = Config().with_value(key, text)
    assert config.as_text()[key] == shown
    assert config.with_value(key, shown) == config
    save_config(tmp_path / "config.toml", config)
    assert load_config(tmp_path / "config.toml") == config
    assert config.with_value(key, None) == Config()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "٣"),
        ("mdns", "maybe"),
        ("listen", "example.org"),
        ("channel", ""),
        ("channel", "two words"),
        ("channel", "x" * 65),
        ("tcp_api", "on"),
    ],
)
def test_a_bad_value_says_what_is_taken(key: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Config().with_value(key, text)
    assert key in caught.value.message
    assert SETTINGS[key].takes in caught.value.hint


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        Config().with_value("prot", "1")
    assert caught.value.hint == "Did you mean: port?"


@pytest.mark.parametrize("text", ["port = ", 'port = "many"', "colour = 1", "\xff"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"config\.toml"):
        load_config(path)


def test_the_text_of_defaults_has_every_setting() -> None:
    assert set(Config().as_text()) == set(SETTINGS)
