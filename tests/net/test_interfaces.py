import ifaddr

from p2pblog.net import interfaces
from p2pblog.net.interfaces import picture


def adapter(name: str, index: int, *addresses: str) -> ifaddr.Adapter:
    ips = [
        ifaddr.IP((text, 0, index) if ":" in text else text, 64 if ":" in text else 24, name)
        for text in addresses
    ]
    return ifaddr.Adapter(name, name, ips, index)


LOOPBACK = adapter("lo", 1, "127.0.0.1", "::1")


def test_each_interface_multicasts_once_a_family_and_announces_all() -> None:
    wired = adapter("eth0", 2, "10.0.0.7", "10.0.0.8", "2001:db8::7", "fe80::7")
    found = picture([LOOPBACK, wired])
    assert found.addresses == ("10.0.0.7", "10.0.0.8", "2001:db8::7", "fe80::7")
    assert found.ways == ("10.0.0.7", "fe80::7")
    assert not found.alone


def test_without_a_network_loopback_serves() -> None:
    found = picture([LOOPBACK])
    assert found.addresses == ("127.0.0.1", "::1")
    assert found.ways == ("127.0.0.1", 1)
    assert found.alone


def test_one_link_local_address_on_two_interfaces_is_told_apart_by_index() -> None:
    twins = [adapter("eth0", 2, "fe80::7"), adapter("eth0.10", 3, "fe80::7")]
    assert picture(twins).ways == (2, 3)


def test_no_interface_at_all_is_a_picture_too() -> None:
    assert picture([]).ways == ()


def test_this_machine_has_a_picture() -> None:
    assert interfaces.look() == interfaces.look()
