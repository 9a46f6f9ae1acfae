"""`protocol/overlay.md`: which links a device dials, gives back, and keeps."""

from p2pblog.protocol.limits import MESH_SIZE, RANDOM_LINKS, ROTATION_INTERVAL, YOUNG_LINK
from p2pblog.protocol.overlay import Overlay, newer_stays, relays
from tests.support.vectors import vectors


def test_a_small_team_is_a_mesh() -> None:
    overlay = Overlay(0.0)
    assert not relays(MESH_SIZE)
    assert overlay.wants(MESH_SIZE, MESH_SIZE - 1, MESH_SIZE - 1, 10.0)
    assert overlay.surplus(MESH_SIZE, MESH_SIZE - 1, 10.0) == 0


def test_a_larger_one_has_a_few_links_and_counts_those_that_are_coming() -> None:
    overlay = Overlay(1000.0)
    assert relays(MESH_SIZE + 1)
    wanted = [overlay.wants(100, linked, RANDOM_LINKS - 1 - linked, 0.0) for linked in range(8)]
    assert wanted == [True] * RANDOM_LINKS
    assert not overlay.wants(100, 0, RANDOM_LINKS, 0.0)


def test_a_rotation_takes_one_link_and_gives_back_what_is_too_many() -> None:
    overlay = Overlay(10.0)
    assert overlay.surplus(100, 20, 9.0) == 0
    assert not overlay.wants(100, 20, 0, 9.0)
    assert overlay.wants(100, 20, 0, 10.0)
    assert not overlay.wants(100, 20, 1, 10.0)
    assert overlay.surplus(100, 21, 11.0) == 21 - RANDOM_LINKS
    assert not overlay.wants(100, RANDOM_LINKS, 0, 10.0 + ROTATION_INTERVAL)
    assert overlay.wants(100, RANDOM_LINKS, 0, 11.0 + ROTATION_INTERVAL)


def test_a_change_of_the_network_makes_a_rotation_due() -> None:
    overlay = Overlay(1000.0)
    overlay.hurry()
    assert overlay.wants(100, RANDOM_LINKS, 0, 1.0)


def test_both_sides_keep_the_same_of_two_connections() -> None:
    ranks = [(bytes([dialler]), bytes([key])) for dialler in range(2) for key in range(2)]
    for one in ranks:
        for other in ranks:
            if one != other:  # each side may have greeted either of them first
                assert newer_stays(0.0, one, other) != newer_stays(YOUNG_LINK, other, one)
                assert newer_stays(YOUNG_LINK + 1, one, other)


def test_vectors_of_links() -> None:
    vector = vectors("overlay", "valid")[0]
    overlay = Overlay(vector["first"])
    for step in vector["steps"]:
        match step:
            case {"wants": due, "devices": devices, "linked": linked, "coming": coming, "at": at}:
                assert overlay.wants(devices, linked, coming, at) is due
            case {"surplus": due, "devices": devices, "linked": linked, "at": at}:
                assert overlay.surplus(devices, linked, at) == due
            case {"hurry": True}:
                overlay.hurry()


def test_vectors_of_two_connections() -> None:
    for step in vectors("overlay", "valid")[1]["steps"]:
        (old, old_key), (new, new_key) = (map(bytes.fromhex, step[who]) for who in ("old", "new"))
        assert newer_stays(step["age"], (old, old_key), (new, new_key)) is step["stays"]
