"""The small things beside the logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pblog.store.notes import KEY_LIFETIME_MS
from p2pblog.store.replica import Replica, Token
from tests.store.world import NOW, World


@pytest.fixture
def world() -> World:
    return World(2)


@pytest.fixture
def replica(world: World, tmp_path: Path) -> Iterator[Replica]:
    with world.replica(tmp_path / "store") as replica:
        yield replica


def test_addresses_are_remembered_the_last_first(world: World, replica: Replica) -> None:
    one, other = world.keys[0].public, world.keys[1].public
    replica.remember_address(one, "10.0.0.1:1", NOW)
    replica.remember_address(other, "10.0.0.2:1", NOW + 1)
    replica.remember_address(one, "10.0.0.1:1", NOW + 2)
    assert replica.addresses() == [(one, "10.0.0.1:1"), (other, "10.0.0.2:1")]
    for number in range(20):
        replica.remember_address(other, f"10.0.0.3:{number}", NOW + 10 + number)
    kept = [address for device, address in replica.addresses() if device == other]
    assert kept == [f"10.0.0.3:{number}" for number in range(19, 11, -1)]


def test_settings(replica: Replica) -> None:
    replica.put_setting("b", "2")
    replica.put_setting("a", "1")
    replica.put_setting("b", "3")
    assert replica.settings() == {"a": "1", "b": "3"}
    replica.put_setting("b", None)
    assert replica.settings() == {"a": "1"}


def test_tokens_are_known_by_their_digest(replica: Replica) -> None:
    token = Token("1f", "robot", frozenset({"read", "post"}), NOW)
    replica.add_token(token, b"digest")
    assert replica.tokens() == [token]
    assert replica.scopes(b"digest") == token.scopes
    assert replica.scopes(b"other") is None
    assert replica.remove_token("1f")
    assert not replica.remove_token("1f")
    assert replica.scopes(b"digest") is None


def test_a_post_is_found_by_its_key_for_a_day(world: World, replica: Replica) -> None:
    (made,) = replica.append(world.author(0), [world.draft("once", key="k")], NOW)
    found = replica.keyed("k", NOW + KEY_LIFETIME_MS - 1)
    assert found is not None
    assert found.id == made.entry.id
    assert replica.keyed("other", NOW) is None
    assert replica.keyed("k", NOW + KEY_LIFETIME_MS) is None
