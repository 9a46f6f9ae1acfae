"""What went over the network, and by how many hops entries came: the figures of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2pblog.protocol import codec, page
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.limits import MAX_PAGE_BYTES
from p2pblog.store.replica import Ingested

PAGE = b"\x06"  # the type of a message that carries entries, as its second byte
Entry = tuple[LogId, int]  # a log and a height


@dataclass(slots=True)
class Census:
    """Counted while `run`s go on; `clear` begins anew. Bytes are those of messages, unencrypted."""

    control_bytes: int = 0
    control_messages: int = 0
    page_bytes: int = 0
    page_messages: int = 0
    copies: int = 0  # of entries received
    stored: int = 0  # of those the ones that were new
    arrived: int = 0  # messages
    hops: dict[Entry, dict[int, int]] = field(default_factory=dict)  # by device
    at: dict[Entry, float] = field(default_factory=dict)  # when it came to the last of them

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]  # the same object: every device holds it

    def sent(self, data: bytes) -> None:
        if data[1:2] == PAGE:
            self.page_bytes += len(data)
            self.page_messages += 1
        else:
            self.control_bytes += len(data)
            self.control_messages += 1

    def received(self, data: bytes) -> None:
        self.arrived += 1

    def written(self, log: LogId, seq: int, device: int, now: float) -> None:
        """An entry was made."""
        self.hops[log, seq] = {device: 0}
        self.at[log, seq] = now

    def took(
        self, data: bytes, result: Ingested, log: LogId, sender: int, device: int, now: float
    ) -> None:
        """A page was looked at: counts its entries, and notes the hops of those that are new."""
        headers, _, _ = codec.decode(page.SHAPE, data, MAX_PAGE_BYTES)
        self.copies += len(headers)
        self.stored += result.stored
        if result.stored and result.tip is not None:
            for seq in range(result.tip.seq - result.stored + 1, result.tip.seq + 1):
                hops = self.hops.get((log, seq))
                if hops is not None and device not in hops:
                    hops[device] = hops.get(sender, 0) + 1
                    self.at[log, seq] = now

    @property
    def redundancy(self) -> float:
        """Copies received per entry, less one."""
        return self.copies / self.stored - 1 if self.stored else 0.0
