"""Posts to measure with: texts of 200 letters, their words as frequent as words are, in logs."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from p2pblog.protocol import entry, page
from p2pblog.protocol.crypto import SigningKey
from p2pblog.protocol.entry import NO_BACKLINK, EntryId, Header, Kind, PayloadClass, TeamId
from p2pblog.protocol.limits import MAX_PAGE_ENTRIES
from p2pblog.protocol.post import Post, Reference
from tests.support.teams import START, Actor

LETTERS = 200
VOCABULARY = 40_000
WORDS = 48  # of a text, before it is cut: enough for 200 letters
CHANNELS = ("general", "dev", "sales", "random", "support")
RARE = "xylophone"  # in one of ten thousand posts
REPLIES = 0.1  # of the posts answer one
TOPIC = 50  # posts of a log after which another one is answered
MANY = 100_000  # posts from which on several processes make them


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Words, the most frequent first, and their weights summed up (Zipf's law)."""
    rng, letters = random.Random("words"), "etaoinshrdlcumwfgypbvk"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(VOCABULARY)]
    return words, list(accumulate(1 / (rank + 3) for rank in range(VOCABULARY)))


def text(rng: random.Random, letters: int = LETTERS) -> str:
    """A text of so many letters."""
    words, weights = vocabulary()
    return " ".join(rng.choices(words, cum_weights=weights, k=WORDS))[:letters]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a log, and where its next post goes. Can be sent to another process."""

    seed: bytes
    incarnation: bytes
    team: bytes
    seq: int = 1
    backlink: bytes = b""
    time: int = START

    @classmethod
    def of(cls, team: TeamId, actor: Actor) -> Writer:
        return cls(actor.signing.seed, actor.incarnation, team)


@dataclass(frozen=True, slots=True)
class Log:
    """Pages of posts in a row, and who would write on."""

    pages: list[bytes]
    next: Writer


def log(writer: Writer, count: int, page_entries: int = MAX_PAGE_ENTRIES) -> Log:
    """So many posts; everything follows from the writer. The last one's text has `mark_of` it."""
    rng = random.Random(writer.seed + writer.seq.to_bytes(8, "big"))
    signing, made = SigningKey(writer.seed), []
    seq, backlink, moment = writer.seq, writer.backlink or NO_BACKLINK, writer.time
    topic: Reference | None = None
    for first in range(0, count, page_entries):
        headers: list[bytes] = []
        payloads: list[bytes] = []
        for number in range(first, min(first + page_entries, count)):
            moment += rng.randrange(1000, 60_000)
            body = _post(rng, topic, mark_of(writer) if number == count - 1 else "").pack()
            payload = rng.randbytes(16) + body
            fields = (1, signing.public, writer.incarnation, Kind.POSTS, seq, backlink, moment)
            hashed = (PayloadClass.POST, entry.payload_hash(payload), len(payload))
            headers.append(Header(*fields, *hashed).pack())  # type: ignore[arg-type]  # of a Writer, plain bytes
            payloads.append(payload)
            backlink, seq = entry.entry_id(headers[-1]), seq + 1
            if number % TOPIC == 0:
                topic = Reference(moment, EntryId(backlink))
        signature = signing.sign(entry.signed_bytes(TeamId(writer.team), headers[-1]))
        made.append(page.pack(headers, payloads, [signature]))
    return Log(made, Writer(writer.seed, writer.incarnation, writer.team, seq, backlink, moment))


def _post(rng: random.Random, topic: Reference | None, mark: str) -> Post:
    rare = RARE if rng.random() < 1e-4 else ""
    start = " ".join(filter(None, (mark, rare, text(rng))))[:LETTERS]
    answered = topic if rng.random() < REPLIES else None
    return Post(start, rng.choice(CHANNELS), answered)


def mark_of(writer: Writer) -> str:
    """A word that only the last post of a run of this writer has."""
    return f"mark{writer.seed.hex()[:12]}{writer.seq}"


def logs(writers: Iterable[Writer], each: int) -> Iterator[Log]:
    """A log of each writer, in order; where it is much work, made by as many as there are cores."""
    writers = list(writers)
    if len(writers) * each < MANY:
        yield from (log(writer, each) for writer in writers)
        return
    with multiprocessing.get_context("spawn").Pool() as pool:
        yield from pool.imap(_Make(each), writers)


@dataclass(frozen=True, slots=True)
class _Make:
    each: int

    def __call__(self, writer: Writer) -> Log:
        return log(writer, self.each)
