import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pblog.errors import Reason, Refused, UsageError
from p2pblog.net.address import Address, literal, parse

PORT = 7878


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("anna", Address("anna", PORT)),
        ("Anna.local", Address("anna.local", PORT)),
        (" anna:81 ", Address("anna", 81)),
        ("10.0.0.7", Address("10.0.0.7", PORT)),
        ("10.0.0.7:81", Address("10.0.0.7", 81)),
        ("2001:DB8::1", Address("2001:db8::1", PORT)),
        ("[2001:db8::1]", Address("2001:db8::1", PORT)),
        ("[2001:db8::1]:81", Address("2001:db8::1", 81)),
        ("fe80::1%eth0", Address("fe80::1%eth0", PORT)),
        ("[fe80::1%2]:81", Address("fe80::1%2", 81)),
    ],
)
def test_what_people_write_is_understood_and_printed_back(text: str, address: Address) -> None:
    assert parse(text, PORT) == address
    assert parse(str(address), 1) == address


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no host"),
        (":81", "no host"),
        ("anna:", "port"),
        ("anna:0", "port"),
        ("anna:65536", "port"),
        ("anna:0111111111", "port"),
        ("anna:٣", "port"),
        ("two words", "host name"),
        ("-anna", "host name"),
        ("a..b", "host name"),
        ("a" * 64, "host name"),
        ("https://anna", "port"),
        ("anna@firm", "host name"),
        ("1.2.3", "IP address"),
        ("1.2.3.256", "IP address"),
        ("1:2:3", "IP address"),
        ("[2001:db8::1", "brackets"),
        ("[anna]:81", "brackets"),
        ("[::1]81", "brackets"),
        ("0.0.0.0", "one machine"),
        ("224.0.0.251", "one machine"),
        ("ff02::fb", "one machine"),
        ("fe80::1", "which interface"),
        ("fe80::1%a]b", "interface"),
        ("fe80::1%a b", "interface"),
    ],
)
def test_nonsense_is_named(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse(text, PORT)


@given(st.text(max_size=40))
def test_any_text_parses_to_something_printable_or_is_a_usage_error(text: str) -> None:
    try:
        address = parse(text, PORT)
    except UsageError:
        return
    assert parse(str(address), 1) == address


@given(st.text(max_size=20), st.integers())
def test_a_peers_address_is_a_public_literal_or_refused(host: str, port: int) -> None:
    try:
        address = literal(host, port)
    except Refused:
        return
    assert address.ip is not None


@pytest.mark.parametrize(
    "host", ["anna", "127.0.0.1", "::1", "fe80::1%2", "169.254.1.1", "224.0.0.1", "::", "0.0.0.0"]
)
def test_a_peer_must_not_send_us_to_ourselves_or_into_a_lookup(host: str) -> None:
    with pytest.raises(Refused) as caught:
        literal(host, 1)
    assert caught.value.reason is Reason.BAD_VALUE


def test_a_peers_address_is_taken_in_its_one_form() -> None:
    assert literal("2001:DB8:0::1", 81) == Address("2001:db8::1", 81)
    with pytest.raises(Refused):
        literal("10.0.0.1", 0)
