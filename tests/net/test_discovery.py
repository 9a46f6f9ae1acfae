"""Real mDNS between network namespaces: a process each, told apart by what they print."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from p2pblog.protocol.limits import MAX_INSTANCE_ADDRESSES
from tests.support import avahi
from tests.support.lan import Lan, needs_lan

pytestmark = needs_lan

Said = dict[str, Any]


class Finder:
    """A `tests.support.finder` on a host of the LAN."""

    def __init__(self, lan: Lan, host: int, port: int = 0) -> None:
        port = port or 4000 + host
        argv = [sys.executable, "-m", "tests.support.finder", str(port), "v=1", "t=feed"]
        self._process = lan.popen(host, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._said: queue.Queue[Said] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.instance: str = self.hears(lambda said: "up" in said)["up"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def hears(self, wanted: Callable[[Said], bool], seconds: float = 20.0) -> Said:
        """The next thing of this sort that it says."""
        while True:
            said = self._said.get(timeout=seconds)
            if wanted(said):
                return said

    def finds(self, other: "Finder", address: str = "") -> Said:
        """It finds the other, at `address`."""

        def wanted(said: Said) -> bool:
            there = any(found.startswith(address) for found in said.get("addresses", []))
            return said.get("found") == other.instance and there

        return self.hears(wanted)

    def loses(self, other: "Finder") -> Said:
        """It loses the other."""
        return self.hears(lambda said: said.get("lost") == other.instance)

    def forget(self) -> None:
        """Whatever it said until now."""
        while not self._said.empty():
            self._said.get()

    def doubts(self, other: "Finder") -> None:
        """Have it doubt the other, as a node does that lost the connection."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"doubt {other.instance}\n")
        self._process.stdin.flush()

    def stop(self, seconds: float = 5.0) -> None:
        """End it, with a goodbye."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(seconds) == 0
        self._reader.join()
        self._process.stdout.close()


@contextmanager
def finders(lan: Lan, *hosts: int) -> Iterator[list[Finder]]:
    started = [Finder(lan, host) for host in hosts]
    yield started
    for finder in started:
        finder.stop()


def test_two_find_each_other_and_hear_a_goodbye() -> None:
    with Lan(2) as lan, finders(lan, 1) as (anna,):
        with finders(lan, 2) as (bert,):
            assert anna.finds(bert)["addresses"][0] == f"{lan.address(2)}:4002"
            assert bert.finds(anna)["addresses"][0] == f"{lan.address(1)}:4001"
        anna.loses(bert)


def test_a_new_address_is_found_and_the_old_forgotten() -> None:
    with Lan(2) as lan, finders(lan, 1, 2) as (anna, bert):
        anna.finds(bert)
        lan.renumber(2, "10.77.0.99")
        anna.finds(bert, "10.77.0.99")


@pytest.mark.slow
def test_ipv6_link_local_addresses_carry_their_scope() -> None:
    with Lan(2) as lan, finders(lan, 1, 2) as (anna, bert):
        (address,) = (
            address
            for address in anna.finds(bert, "[fe80::")["addresses"]
            if address.startswith("[fe80::")
        )
        assert "%" in address


def test_an_interface_that_can_not_multicast_stops_nobody() -> None:
    with Lan(2) as lan:
        for argv in (
            ["ip", "link", "add", "bad0", "type", "bridge"],
            ["ip", "link", "set", "bad0", "multicast", "off", "up"],
            ["ip", "addr", "add", "10.99.0.1/32", "dev", "bad0"],
            ["ip", "link", "add", "down0", "type", "bridge"],
            ["ip", "addr", "add", "10.98.0.1/24", "dev", "down0"],
        ):
            lan.run(1, argv)
        with finders(lan, 1, 2) as (anna, bert):
            anna.finds(bert)
            bert.finds(anna)


def test_ipv4_alone_is_enough() -> None:
    with Lan(2) as lan:
        for host in lan.hosts:
            lan.run(host, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"])
        with finders(lan, 1, 2) as (anna, bert):
            assert anna.finds(bert)["addresses"] == [f"{lan.address(2)}:4002"]


def test_a_machine_off_every_network_finds_its_own_daemons() -> None:
    with Lan(1) as lan:
        lan.link(1, "down")
        lan.run(1, ["ip", "addr", "flush", "dev", "eth0"])
        anna, bert = Finder(lan, 1, 5001), Finder(lan, 1, 5002)
        assert anna.finds(bert)["addresses"][0] == "127.0.0.1:5002"
        assert bert.finds(anna)["addresses"][0] == "127.0.0.1:5001"
        anna.stop()
        bert.stop()


@pytest.mark.slow
def test_a_flood_of_false_answers_hides_nobody() -> None:
    with Lan(3) as lan, finders(lan, 1) as (anna,):
        lan.run(3, [sys.executable, "-m", "tests.support.mdns_flood", "1000"])
        with finders(lan, 2) as (bert,):
            told: list[Said] = []

            def is_bert(said: Said) -> bool:
                told.append(said)
                return said.get("found") == bert.instance

            anna.hears(is_bert)
        false = [said for said in told if "found" in said and said["found"] != bert.instance]
        assert false
        assert all(len(said["addresses"]) <= MAX_INSTANCE_ADDRESSES for said in false)
        assert all(said["found"].isalnum() for said in false)


@pytest.mark.slow
def test_a_healed_partition_is_noticed() -> None:
    with Lan(4) as lan, finders(lan, 1, 2, 3, 4) as (anna, bert, cleo, dora):
        anna.finds(cleo)
        cleo.finds(anna)
        lan.split([1, 2], [3, 4])
        for near in (anna, bert):
            for far in (cleo, dora):
                near.doubts(far)
                far.doubts(near)
        anna.loses(cleo)
        cleo.loses(anna)
        lan.heal()
        healed = [anna.finds(cleo)["at"], cleo.finds(anna)["at"]]
        assert abs(healed[0] - healed[1]) < 10


@pytest.mark.slow
def test_a_cable_pulled_loses_the_others_and_putting_it_back_finds_them() -> None:
    with Lan(2) as lan, finders(lan, 1, 2) as (anna, bert):
        anna.finds(bert)
        bert.finds(anna)
        lan.unplug(2)
        bert.loses(anna)
        lan.renumber(2, "10.77.0.99")
        lan.plug(2)
        anna.finds(bert, "10.77.0.99")
        bert.finds(anna)


@pytest.mark.slow
def test_an_interface_that_comes_later_is_used() -> None:
    with Lan(2) as lan:
        lan.link(2, "down")
        lan.run(2, ["ip", "addr", "flush", "dev", "eth0"])
        with finders(lan, 1, 2) as (anna, bert):
            lan.renumber(2, lan.address(2))
            lan.link(2, "up")
            anna.finds(bert, lan.address(2))
            bert.finds(anna)


@pytest.mark.skipif(bool(avahi.missing()), reason=avahi.missing())
def test_avahi_resolves_the_service_and_finds_no_name_in_it() -> None:
    with Lan(2) as lan, avahi.daemon(lan, 2) as browse, finders(lan, 1, 2) as (anna, bert):
        anna.finds(bert)
        bert.finds(anna)
        lines = browse("_p2pblog._tcp")
        resolved = [line.split(";") for line in lines if line.startswith("=") and "IPv4" in line]
        assert {line[3] for line in resolved} == {anna.instance, bert.instance}
        for _, _, _, instance, kind, domain, host, address, port, text in resolved:
            assert (kind, domain) == ("_p2pblog._tcp", "local")
            assert len(bytes.fromhex(instance)) == len(bytes.fromhex(host[: -len(".local")])) == 6
            assert address in (lan.address(1), lan.address(2))
            assert port in ("4001", "4002")
            assert sorted(text.split()) == ['"t=feed"', '"v=1"']
