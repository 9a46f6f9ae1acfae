"""Any text is a code, a link, a recovery code, or `Refused` as BAD_CODE and nothing else.

A code that is read is read again as itself, in whatever case; a link made of what a link said says
the same. No slip of one symbol passes for another code.
"""

from collections.abc import Iterator

from p2pblog.errors import Reason
from p2pblog.protocol import invitation
from p2pblog.protocol.limits import MAX_LINK_ADDRESSES
from tests.fuzz import TAKEN
from tests.fuzz.material import attempt, texts
from tests.support.vectors import vectors


def run(data: bytes) -> str:
    text = texts(data)
    invitation.is_recovery(text)
    outcomes = []
    for parse in (invitation.parse_code, invitation.parse_recovery_code):
        code, outcome = attempt(parse, text)
        outcomes.append(outcome)
        if code is not None:
            assert parse(code) == parse(code.lower()) == parse(code.replace("-", " ")) == code
            _slip(code)
    read, outcome = attempt(invitation.read, text)
    outcomes.append(outcome)
    if read is not None:
        code, addresses = read
        assert len(addresses) <= MAX_LINK_ADDRESSES
        assert invitation.read(invitation.link(code, addresses)) == read
    assert set(outcomes) <= {TAKEN, Reason.BAD_CODE}
    return TAKEN if TAKEN in outcomes else Reason.BAD_CODE


def _slip(code: str) -> None:
    other = "0" if code[0] != "0" else "1"
    parse = invitation.parse_recovery_code if len(code) > 20 else invitation.parse_code
    assert attempt(parse, other + code[1:]) == (None, Reason.BAD_CODE)


def seeds() -> Iterator[bytes]:
    for part in ("valid", "invalid"):
        for vector in vectors("invitation", part):
            for field in ("code", "text"):
                if isinstance(vector.get(field), str):
                    yield vector[field].encode()
    yield b"P2PBLOG:JOIN/YWPP-HXMB-AS82-5SZ8?a=10.0.0.1:7117&a=[fe80::1]:7117&b=1"
