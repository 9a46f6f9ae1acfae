"""A plausible node in memory, for the tests of the local API: posts, a team, peers, tokens."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import trio

from p2pblog.errors import Conflict, NotFound, UsageError
from p2pblog.node.service import (
    ChannelView,
    DeviceView,
    Finding,
    FixedPeer,
    Founded,
    Imported,
    ImportItem,
    InvitationView,
    JoinView,
    MemberView,
    NewestPost,
    PeerView,
    Phase,
    Posted,
    PostQuery,
    PostView,
    Status,
    Sync,
    TextState,
    Token,
    Totals,
)
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.operation import MemberId
from p2pblog.protocol.post import Reference, Source
from tests.support.fake_carriage import FakeCarriage
from tests.support.fake_roster import FakeRoster

Batches: TypeAlias = AsyncIterator[list[PostView]]

NOW = 1_795_438_800_000  # 2026-11-23T13:00:00Z
ME = DeviceKey(b"\x01" * 32)
STORE = "5707e0000000aa01"


def fake_id(number: int) -> EntryId:
    return EntryId(hashlib.blake2b(str(number).encode(), digest_size=32).digest())


def fake_post(number: int, text: str = "", channel: str = "general") -> PostView:
    return PostView(
        id=fake_id(number),
        time=NOW + number,
        arrival=number,
        device=ME,
        member=MemberId(ME),
        author="Anna",
        device_name="laptop",
        channel=channel,
        text=text or f"post {number}",
        state=TextState.HERE,
        reply_to=None,
        source=None,
    )


class FakeService:
    """`Service` without a disk or a network.

    `members` waits for `hold` and sets `waiting`; `stop` sets `stopped`.
    """

    def __init__(self, posts: int = 0) -> None:
        self.phase = Phase.MEMBER
        self.store = STORE
        self.kept = [fake_post(number + 1) for number in range(posts)]
        self.fixed: list[FixedPeer] = []
        self.opened: list[InvitationView] = []
        self.made: list[Token] = []
        self.keys: dict[str, Posted] = {}
        self.settings = {"channel": "general", "port": "7117"}
        self.joining: JoinView | None = None
        self.stopped = trio.Event()
        self.hold = trio.Event()
        self.hold.set()
        self.waiting = trio.Event()
        self.carriage = FakeCarriage()
        self.roster = FakeRoster()
        self._news = trio.Condition()

    # what tests do to it

    async def receive(self, *posts: PostView) -> None:
        """Posts arrive from elsewhere."""
        async with self._news:
            self.kept.extend(posts)
            self._news.notify_all()

    # Service

    async def status(self) -> Status:
        return Status(
            phase=self.phase,
            home="/home/anna/p2pblog",
            version="0.1.0",
            store=self.store,
            team="Office",
            team_id="aa" * 32,
            member="Anna",
            device_name="laptop",
            device=ME.hex(),
            port=7117,
            started=NOW,
            totals=Totals(len(self.kept), len(self.kept), 1, 0, 1),
            newest_arrival=len(self.kept),
            peers=tuple(await self.peers()),
            sync=Sync(),
            newest_own=NewestPost(fake_id(1), NOW, 1, 2),
            warnings=(),
            joining=self.joining,
        )

    async def found(self, team: str, name: str, device_name: str) -> Founded:
        if self.phase is Phase.MEMBER:
            raise Conflict("This home belongs to Office already", "Choose another with --home.")
        self.phase = Phase.MEMBER
        return Founded(team, "aa" * 32, name, "words on paper")

    async def join(self, code: str, name: str, device_name: str, peers: Sequence[str]) -> JoinView:
        if self.phase is Phase.MEMBER:
            raise Conflict("This home belongs to Office already", "Choose another with --home.")
        self.phase = Phase.JOINING
        self.joining = JoinView("searching", "nobody is in reach", "", "", "", name, tuple(peers))
        return self.joining

    async def recover(self, code: str, device_name: str, peers: Sequence[str]) -> JoinView:
        return await self.join(code, "", device_name, peers)

    async def join_state(self) -> JoinView:
        if self.joining is None:
            raise NotFound("No join is under way")
        return self.joining

    async def cancel_join(self) -> None:
        await self.join_state()
        self.phase, self.joining = Phase.EMPTY, None

    async def post(self, text: str, channel: str, reply_to: EntryId | None, key: str) -> Posted:
        if key in self.keys:
            return self.keys[key]
        parent = None
        if reply_to is not None:
            answered = await self.post_by_id(reply_to.hex())
            parent = Reference(answered.time, answered.id)
        number = len(self.kept) + 1
        made = fake_post(number, text, channel or self.settings["channel"])
        await self.receive(replace(made, reply_to=parent))
        posted = Posted(made.id, made.time, made.arrival, 1, 2)
        if key:
            self.keys[key] = posted
        return posted

    async def import_posts(self, items: Sequence[ImportItem]) -> Imported:
        origins = {post.source.origin for post in self.kept if post.source}
        new = [item for item in items if item.origin not in origins and item.text]
        refused = tuple((item.origin, "The post is empty.") for item in items if not item.text)
        for item in new:
            made = fake_post(len(self.kept) + 1, item.text, item.channel)
            source = Source(item.author, item.time, item.origin)
            await self.receive(replace(made, source=source))
        return Imported(len(new), len(items) - len(new) - len(refused), refused)

    async def posts(self, query: PostQuery) -> list[PostView]:
        found = [post for post in self.kept if _fits(post, query)]
        found.sort(key=lambda post: (post.time, post.id), reverse=True)
        return found[-query.limit :] if query.after else found[: query.limit]

    async def devices_of(self, who: str) -> PostQuery:
        if who != "Anna":
            raise NotFound(f"Nobody is called {who}")
        return PostQuery(by=frozenset({ME}))

    async def post_by_id(self, prefix: str) -> PostView:
        found = [post for post in self.kept if post.id.hex().startswith(prefix)]
        if not found:
            raise NotFound(f"No post has the id {prefix}")
        if len(found) > 1:
            raise Conflict(f"{len(found)} posts have ids that start with {prefix}")
        return found[0]

    async def thread(self, prefix: str) -> list[PostView]:
        root = await self.post_by_id(prefix)
        answers = [post for post in self.kept if post.reply_to and post.reply_to.id == root.id]
        return [root, *answers]

    async def search(self, text: str, limit: int, before: int | None) -> list[PostView]:
        found = [post for post in self.kept if text in post.text]
        if before is not None:
            found = [post for post in found if post.arrival < before]
        return found[::-1][:limit]

    async def channels(self) -> list[ChannelView]:
        names = sorted({post.channel for post in self.kept})
        return [ChannelView(name, 1, NOW) for name in names]

    async def members(self) -> list[MemberView]:
        self.waiting.set()
        await self.hold.wait()
        device = DeviceView(ME.hex(), "laptop", True, None, False)
        return [MemberView(ME.hex(), "Anna", "founder", True, (device,))]

    async def doctor(self) -> list[Finding]:
        return [Finding("store", "ok", "All is whole."), Finding("disk", "warning", "Low.", "Mop.")]

    async def peers(self) -> list[PeerView]:
        name = ("ab" * 32, "Ben", "desk", "192.0.2.7:7117", "mdns", "connected", "")
        return [PeerView(*name, last_seen=NOW, clock_ahead_ms=12, sync=Sync(1, 2, 3, 4, 5, 6))]

    async def fixed_peers(self) -> list[FixedPeer]:
        return self.fixed

    async def add_peer(self, address: str) -> FixedPeer:
        self.fixed.append(FixedPeer(address, "connecting", ""))
        return self.fixed[-1]

    async def remove_peer(self, address: str) -> None:
        left = [peer for peer in self.fixed if peer.address != address]
        if len(left) == len(self.fixed):
            raise NotFound(f"{address} was not added")
        self.fixed = left

    async def invite(self, role: str, hours: int, own_device: bool) -> InvitationView:
        id_ = f"{len(self.opened) + 0x1000:064x}"[::-1]
        expires = NOW + hours * 3_600_000
        made = InvitationView(id_, role, "Anna", expires, "open", "", "CODE", "p2pblog://CODE")
        self.opened.append(replace(made, code="", link=""))
        return made

    async def invitations(self) -> list[InvitationView]:
        return self.opened

    async def withdraw(self, prefix: str) -> InvitationView:
        for index, one in enumerate(self.opened):
            if one.id.startswith(prefix):
                self.opened[index] = replace(one, state="withdrawn")
                return self.opened[index]
        raise NotFound(f"No invitation has the id {prefix}")

    async def config(self) -> dict[str, str]:
        return dict(self.settings)

    async def set_config(self, key: str, value: str | None) -> dict[str, str]:
        if key not in self.settings:
            raise UsageError(f"There is no setting {key!r}", "Did you mean: channel?")
        self.settings[key] = "general" if value is None else value
        return dict(self.settings)

    async def tokens(self) -> list[Token]:
        return [replace(token, secret="") for token in self.made]

    async def make_token(self, name: str, scopes: Sequence[str]) -> Token:
        number = len(self.made) + 1
        self.made.append(Token(f"{number:08x}", name, tuple(scopes), NOW, f"secret-{number}"))
        return self.made[-1]

    async def revoke_token(self, prefix: str) -> None:
        left = [token for token in self.made if not token.id.startswith(prefix)]
        if len(left) == len(self.made):
            raise NotFound(f"No token has the id {prefix!r}")
        self.made = left

    async def scopes_of(self, secret: str) -> frozenset[str]:
        found = [token.scopes for token in self.made if token.secret == secret]
        return frozenset(found[0]) if found else frozenset()

    async def stop(self) -> None:
        self.stopped.set()

    @asynccontextmanager
    async def arrivals(self, after: int, limit: int) -> AsyncIterator[Batches]:
        async def batches() -> AsyncGenerator[list[PostView], None]:
            place = after
            while True:
                async with self._news:
                    while len(self.kept) <= place:
                        await self._news.wait()
                batch = self.kept[place : place + limit]
                place = batch[-1].arrival
                yield batch

        found = batches()
        try:
            yield found
        finally:
            await found.aclose()


def _fits(post: PostView, query: PostQuery) -> bool:
    place = (post.time, post.id)
    return (
        (query.channel is None or post.channel == query.channel)
        and (query.by is None or post.device in query.by)
        and (query.since is None or post.time >= query.since)
        and (query.until is None or post.time < query.until)
        and (query.before is None or place < query.before)
        and (query.after is None or place > query.after)
    )
