"""An invitation from code to admission: the joiner's dialogues, and the host's judgements."""

import random
from typing import Any

from p2pblog.protocol import admission, invitation, message
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import CODE_BYTES
from p2pblog.protocol.message import Message, Scope
from tests.support.teams import Actor, Invited, TeamBuilder, page_of


class Story:
    """A team with one invitation of a known code, and somebody who holds the code."""

    def __init__(self, rng: random.Random) -> None:
        self.code = invitation.new_code(rng.randbytes(CODE_BYTES))
        self.key = invitation.key_of(self.code)
        self.team = TeamBuilder(rng)
        self.founder = self.team.found()
        self.invited: Invited = self.team.invite(self.founder, code=self.code)
        self.joiner: Actor = self.team.actor("Bea")
        self.proof = invitation.prove(self.key, self.team.id, self.invited.id, self.joiner.signing)

    def shown(self) -> list[Message]:
        """What the host shows."""
        pages = [message.PageMessage(data, False) for data in self.team.pages()]
        return [*pages, message.Done(Scope.TEAM)]

    def let_in(self, network_key: bytes) -> list[Message]:
        """The host's answer, once it has admitted."""
        before = len(self.founder.log)
        self.team.admit(self.founder, self.invited, self.joiner)
        made = self.founder.log[before:]
        page = message.PageMessage(page_of(made), False)
        return [page, message.Admitted(network_key, made[-1].id)]

    def request(self, **changed: Any) -> message.Join:
        """What the joiner asks."""
        device = self.joiner.device
        asked = message.Join(self.invited.id, device, "Bea", "Bea's desk", self.proof)
        return asked._replace(**changed)


def _hex(messages: list[Message]) -> list[str]:
    return [message.pack(one).hex() for one in messages]


def _dialogue(name: str, story: Story, host: list[Message], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "code": story.code,
        "seed": story.joiner.signing.seed.hex(),
        "host": _hex(host),
        **more,
    }


def _joined(rng: random.Random) -> dict[str, Any]:
    story = Story(rng)
    shown, asked = story.shown(), story.request()
    host = [*shown, *story.let_in(story.team.network_key)]
    return _dialogue(
        "from code to admission",
        story,
        host,
        team=story.team.id.hex(),
        team_name="Acme",
        inviter="Ana",
        asks=message.pack(asked).hex(),
        network_key=story.team.network_key.hex(),
    )


def _refused_dialogues(rng: random.Random) -> list[dict[str, Any]]:
    made = []

    def add(name: str, story: Story, host: list[Message], reason: str) -> None:
        made.append(_dialogue(name, story, host, reason=reason))

    used = Story(rng)
    used.team.admit(used.founder, used.invited, "Cleo")
    add("used by somebody else", used, used.shown(), "invitation_used")
    gone = Story(rng)
    gone.team.withdraw(gone.founder, gone.invited)
    add("withdrawn", gone, gone.shown(), "invitation_withdrawn")
    other, mine = Story(rng), Story(rng)
    add("a team without the invitation", mine, other.shown(), "invitation_unknown")
    empty = Story(rng)
    add("nothing shown", empty, [message.Done(Scope.TEAM)], "invitation_unknown")
    wrong = Story(rng)
    host = [*wrong.shown(), *wrong.let_in(bytes(32))]
    add("another network key", wrong, host, "bad_proof")
    kept = Story(rng)
    host = [*kept.shown(), message.Admitted(kept.team.network_key, EntryId(bytes(32)))]
    add("admitted without an entry that says so", kept, host, "not_a_member")
    early = Story(rng)
    add("posts instead", early, [message.Announce(())], "unexpected")
    told = Story(rng)
    add("told why not", told, [message.Goodbye("name_taken", "")], "name_taken")
    bad = Story(rng)
    spoilt = bytearray(bad.team.pages()[0])
    spoilt[-1] ^= 1
    host = [message.PageMessage(bytes(spoilt), False), message.Done(Scope.TEAM)]
    add("a forged page", bad, host, "bad_signature")
    return made


def _judgements(rng: random.Random) -> list[dict[str, Any]]:
    story = Story(rng)
    soon = story.team.time + 1000
    late = story.team.time + 8 * 24 * 3600 * 1000
    stranger = SigningKey(rng.randbytes(32))
    cases: list[tuple[str, message.Join, int, str]] = [
        ("", story.request(), soon, ""),
        ("no such invitation", story.request(invitation=bytes(32)), soon, "invitation_unknown"),
        ("after its expiry", story.request(), late, "invitation_expired"),
        ("for another device", story.request(device=stranger.public), soon, "bad_proof"),
        ("a proof of another", story.request(proof=bytes(128)), soon, "bad_proof"),
        ("a name that is taken", story.request(name="ANA"), soon, "name_taken"),
        ("a name that looks like one", story.request(name="\u0410na"), soon, "name_taken"),
        ("no name", story.request(name="\u202e"), soon, "bad_name"),
    ]
    made = []
    for name, asked, now, reason in cases:
        case = {
            "name": name or "a request that is granted",
            "team": story.team.id.hex(),
            "pages": [data.hex() for data in story.team.pages()],
            "device": story.joiner.device.hex(),
            "request": message.pack(asked).hex(),
            "now": now,
        }
        if reason:
            made.append(case | {"reason": reason})
        else:
            known = admission.evaluate(story.team.pages(), story.team.id)
            granted = admission.admit(known, story.team.id, asked, story.joiner.device, now)
            assert granted is not None
            made.append(case | {"operation": granted.pack().hex()})
    return made


def make(rng: random.Random) -> dict[str, Any]:
    """The vectors of the page."""
    judged = _judgements(rng)
    return {
        "module": "admission",
        "valid": [_joined(rng), *(case for case in judged if "operation" in case)],
        "invalid": [*_refused_dialogues(rng), *(case for case in judged if "reason" in case)],
    }
