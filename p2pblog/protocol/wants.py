"""Payloads that are missing: told by a hash, and asked for until the peer has no more of them.

A part of a session. Whenever two frontiers are equal and the hashes of what is missing are not, one
of the two has what the other lacks; in the end both miss the same. Spec: `protocol/wants.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

from p2pblog.protocol import codec, crypto, message
from p2pblog.protocol.effects import Effect, Send, View
from p2pblog.protocol.limits import MAX_WANTS
from p2pblog.protocol.message import Missing


def digest(missing: Iterable[Missing]) -> bytes | None:
    """16 bytes: equal where two miss the same payloads. None where none is missing."""
    packed = [codec.pack(one) for one in sorted(missing)]
    return crypto.blake2b(crypto.WANTED, *packed, size=16) if packed else None


class Wants:
    """What is asked of one peer: one `Want` at a time, from the newest entry on. Goes to `out`."""

    def __init__(self, view: View, out: list[Effect]) -> None:
        self._view = view
        self._out = out
        self._asked = 0  # payloads, in the Want that is not answered yet
        self._lacked = 0  # payloads that the peer did not have when it was asked
        self._again = False

    @property
    def is_asking(self) -> bool:
        """Whether an answer is due."""
        return self._asked > 0

    def ask_all(self) -> None:
        """Ask for whatever is missing; where that is under way, once more when it is through."""
        if self._asked:
            self._again = True
        else:
            self._lacked = 0
            self._ask()

    def filled(self, count: int) -> None:
        """So many of those asked for last came, and were right: ask on."""
        self._lacked += max(0, self._asked - count)
        self._ask()
        if self._again and not self._asked:
            self._again = False
            self.ask_all()

    def _ask(self) -> None:
        """Ask for the next payloads, but for those that the peer lacks too."""
        missing = tuple(self._view.wanted(MAX_WANTS, self._lacked))
        self._asked = len(missing)
        if missing:
            self._out.append(Send(message.pack(message.Want(missing))))
