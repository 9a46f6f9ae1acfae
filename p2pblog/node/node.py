"""The node: a home that is empty, joins a team, or is a member's device. What surfaces talk to."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

import trio

from p2pblog.errors import Conflict, DiskError, NotFound, NotSetUp, Refused, UsageError
from p2pblog.net.address import parse
from p2pblog.net.interfaces import own_addresses
from p2pblog.net.listener import Listener, listen
from p2pblog.node import doctor, importing, overview, people, publishing
from p2pblog.node.carriage import Carriage
from p2pblog.node.carrier import Carrier
from p2pblog.node.files import Files
from p2pblog.node.finding import find
from p2pblog.node.founding import found_team, take_membership
from p2pblog.node.identity import Identity, Joining
from p2pblog.node.incarnation import settled
from p2pblog.node.jobs import Jobs, work
from p2pblog.node.joining import Join
from p2pblog.node.membership import Membership, wall_clock
from p2pblog.node.repairing import Repaired, repair
from p2pblog.node.roster import Roster
from p2pblog.node.service import (
    ChannelView,
    Finding,
    FixedPeer,
    Founded,
    Imported,
    ImportItem,
    InvitationView,
    JoinView,
    MemberView,
    PeerView,
    Phase,
    Posted,
    PostQuery,
    PostView,
    Status,
    Sync,
    Token,
    Totals,
)
from p2pblog.node.staff import Staff
from p2pblog.node.tokens import Tokens
from p2pblog.protocol import invitation, names
from p2pblog.protocol.crypto import KEY_SIZE
from p2pblog.protocol.entry import EntryId
from p2pblog.protocol.limits import RECOVERY_BYTES
from p2pblog.store.replica import Replica
from p2pblog.supervisor import keep_running

T = TypeVar("T")
INSTANCE_SIZE = 8
NEWS = 8  # posts just stored, in memory still: read in less time than a thread takes to start
READERS = 4  # reads of the store at a time: more only wait for the disk
NO_JOIN = JoinView("none", "No join is under way.", "Join with: p2pblog join CODE", "", "", "", ())


class Settings(Protocol):
    """The settings of a home, as text."""

    def all(self) -> dict[str, str]:
        """Every setting with its present value."""
        ...

    def put(self, key: str, value: str | None) -> None:
        """Change one, None for its default. Raises `UserError`."""
        ...


@dataclass(slots=True, eq=False)
class Node:
    """One home at work, while `run` runs. `salt` makes random bytes."""

    files: Files
    settings: Settings
    version: str
    salt: Callable[[int], bytes]
    chance: random.Random
    on_stop: Callable[[], None]
    repair: bool = False  # mend the store before anything else
    _started: int = field(default_factory=wall_clock)
    _changed: trio.Event = field(default_factory=trio.Event)
    _settled: trio.Event = field(default_factory=trio.Event)
    _settling: trio.Lock = field(default_factory=trio.Lock)
    _turn: trio.Lock = field(default_factory=trio.Lock)  # of who changes what the home is
    jobs: Jobs = field(default_factory=Jobs)
    _repaired: Repaired | None = None
    _member: Membership | None = None
    _join: Join | None = None
    _port: int = 0
    _limit: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(READERS))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be what the home is, until cancelled. Ready once the store is open and the port bound."""
        async with await self._listen() as listener:
            self._port = listener.port
            ready = self.repair  # others may look how far it is
            if ready:
                task_status.started()
                await self._mend()
            while True:
                self._changed = trio.Event()
                try:
                    async with trio.open_nursery() as nursery:
                        await self._become(listener, nursery)
                        if not self._settled.is_set():
                            self._settled.set()
                        if not ready:
                            ready = True
                            task_status.started()
                        await self._changed.wait()
                        nursery.cancel_scope.cancel()
                finally:
                    self._close()

    async def _mend(self) -> None:
        with self.jobs.begin("repair", str(self.files.store)) as job:
            mend = partial(repair, self.files, self.salt, wall_clock(), job)
            self._repaired = await work(job, mend)
        self.repair = False

    async def _listen(self) -> Listener:
        host = self._listen_host()
        try:
            return await listen(self._default_port(), host)
        except OSError as error:
            hint = "Another address: p2pblog config set listen all"
            where = host or "any address"
            raise Conflict(f"Can't listen on {where}: {error.strerror}.", hint) from error

    def _listen_host(self) -> str:
        return self.settings.all()["listen"].replace("all", "")

    async def _become(self, listener: Listener, nursery: trio.Nursery) -> None:
        """What the files say: a member, on the way into a team, or nothing yet."""
        identity = Identity.load(self.files.identity)
        if identity is not None:
            await self._be_member(identity, listener, nursery)
            return
        joining = Joining.load(self.files.joining)
        if joining is not None:
            mdns = self.settings.all()["mdns"] == "on"
            default = self._default_port()
            self._join = Join(joining, self._port, default, self.salt, mdns, self.chance)
            nursery.start_soon(self._finish_join, self._join)

    def _close(self) -> None:
        if self._member is not None:
            self._member.close()
            self._member = None

    async def _be_member(
        self, identity: Identity, listener: Listener, nursery: trio.Nursery
    ) -> None:
        replica = await trio.to_thread.run_sync(Replica.open, self.files.store)
        if replica.team_id != identity.team:
            replica.close()
            both = f"{self.files.identity} and {self.files.store}"
            raise DiskError(f"{both} are of two teams. Restore both from one backup.")
        identity = await trio.to_thread.run_sync(settled, identity, replica, self.files, self.salt)
        instance = self.salt(INSTANCE_SIZE)
        member = Membership(
            identity, replica, listener, self.salt, self.chance, instance, self.files
        )
        for address in member.addresses.fixed():
            member.peering.add(f"fixed {address}", "fixed", [parse(address, self._default_port())])
        await nursery.start(member.run)
        self._member = member
        if self.settings.all()["mdns"] == "on":
            key = identity.network_key

            async def find_others() -> None:
                await find(member.peering, listener.port, key, self.salt, anybody=False)

            nursery.start_soon(keep_running, "mdns", find_others)

    async def _finish_join(self, join: Join) -> None:
        await join.run()
        if join.result is not None and join.host is not None:
            await trio.to_thread.run_sync(
                take_membership,
                self.files,
                join.device_key,
                join.result,
                join.host,
                join.fixed,
                self.salt,
                wall_clock(),
            )
        self.files.joining.unlink(missing_ok=True)
        self._changed.set()

    def _default_port(self) -> int:
        return int(self.settings.all()["port"])

    @property
    def _here(self) -> Membership:
        if self._member is None:
            if self.repair:
                raise Conflict("The store is being repaired.", "Wait: p2pblog status")
            if self._join is not None and self._join.result is None:
                raise NotSetUp("This home is in no team yet: it is joining.", "Look: p2pblog join")
            hint = "Found a team: p2pblog init. Or join one: p2pblog join CODE"
            raise NotSetUp("This home belongs to no team yet.", hint)
        return self._member

    # -- team --------------------------------------------------------------------------------

    async def status(self) -> Status:
        """Everything on one screen."""
        member = self._member
        if member is None:
            return self._status_without_team()
        team = member.replica.team
        mine, device = team.member_of(member.me), team.devices.get(member.me)
        totals = await self._read(member.replica.totals)
        return Status(
            phase=Phase.MEMBER,
            home=str(self.files.home),
            version=self.version,
            store=member.replica.store_id.hex(),
            team=team.name,
            team_id=member.replica.team_id.hex(),
            member=mine.display_name if mine else "",
            device_name=device.name if device else "",
            device=member.me.hex(),
            port=self._port,
            started=self._started,
            totals=totals,
            newest_arrival=member.replica.newest_arrival(),
            peers=tuple(overview.peers(member)),
            sync=overview.total(member.sessions),
            newest_own=await self._read(overview.newest_own, member),
            warnings=await self._read(overview.warnings, member),
            job=self.jobs.view(),
        )

    def _status_without_team(self) -> Status:
        joining = self._join is not None and self._join.result is None
        nothing = ("",) * 6
        return Status(
            Phase.JOINING if joining else Phase.EMPTY,
            str(self.files.home),
            self.version,
            *nothing,
            self._port,
            self._started,
            Totals(0, 0, 0, 0, 0),
            0,
            (),
            Sync(),
            None,
            (),
            self._join.view() if self._join else None,
            self.jobs.view(),
        )

    async def found(self, team: str, name: str, device_name: str) -> Founded:
        """Found a team in this home."""
        team, name, device_name = (_name(text) for text in (team, name, device_name))
        async with self._turn:
            self._check_empty()
            if self.files.joining.exists():
                hint = "Give it up first: p2pblog join --cancel"
                raise Conflict("This home is about to join a team.", hint)
            code = invitation.new_recovery_code(self.salt(RECOVERY_BYTES))
            await trio.to_thread.run_sync(
                found_team, self.files, team, name, device_name, code, self.salt, wall_clock()
            )
            await self._settle()
        return Founded(team, self._here.replica.team_id.hex(), name, code)

    def _check_empty(self) -> None:
        if self._member is not None:
            team = self._member.replica.team.name
            hint = "For another team use another home: p2pblog --home DIR init"
            raise Conflict(f"This home is of the team {team!r} already.", hint)
        self.jobs.check_free()

    async def _settle(self) -> None:
        """The files say something new: become it."""
        async with self._settling:
            settled = self._settled = trio.Event()
            self._changed.set()
            await settled.wait()

    async def join(self, code: str, name: str, device_name: str, peers: Sequence[str]) -> JoinView:
        """Start to join; it goes on by itself."""
        self._check_empty()
        try:
            plain, more = invitation.read(code)
        except Refused as refused:
            if invitation.is_recovery(code):
                hint = "Come back with it: p2pblog recover CODE"
                raise UsageError("That is a recovery code, no invitation.", hint) from None
            hint = "Look again: sixteen letters and digits, in groups of four."
            raise UsageError(f"That is no code: {refused.detail}.", hint) from None
        addresses = [*peers, *more]
        for peer in addresses:
            parse(peer, self._default_port())
        return await self._start_join(plain, _name(name), _name(device_name), addresses)

    async def _start_join(
        self, code: str, name: str, device_name: str, peers: Sequence[str]
    ) -> JoinView:
        """With the key of an earlier try: it may have been admitted, and the answer lost."""
        async with self._turn:
            self._check_empty()
            before = Joining.load(self.files.joining)
            again = before is not None and before.code == code
            seed = before.seed if before and again else self.salt(KEY_SIZE).hex()
            Joining(seed, code, name, device_name, tuple(peers)).save(self.files.joining)
            await self._settle()
            return await self.join_state()

    async def join_state(self) -> JoinView:
        """How the join stands."""
        view = self._join.view() if self._join else NO_JOIN
        settling = view.state == "joined" and self._member is None
        return replace(view, state="asking") if settling else view

    async def cancel_join(self) -> None:
        """Give up joining."""
        async with self._turn:
            if self._member is not None or self._join is None:
                raise NotFound(NO_JOIN.why, NO_JOIN.hint)
            self.files.joining.unlink(missing_ok=True)
            self._join = None
            await self._settle()

    async def recover(self, code: str, device_name: str, peers: Sequence[str]) -> JoinView:
        """Start to come back as the founder; it goes on by itself."""
        self._check_empty()
        plain = _recovery_code(code)
        for peer in peers:
            parse(peer, self._default_port())
        return await self._start_join(plain, "", _name(device_name), peers)

    @property
    def roster(self) -> Roster:
        """The members and devices of the team."""
        return Staff(lambda: self._here)

    async def members(self) -> list[MemberView]:
        """Everybody of the team."""
        return people.members(self._here)

    async def invite(self, role: str, hours: int, own_device: bool) -> InvitationView:
        """Open an invitation."""
        host = self._listen_host()
        addresses = await trio.to_thread.run_sync(own_addresses, self._port, host)
        return await people.invite(self._here, role, hours, own_device, addresses)

    async def invitations(self) -> list[InvitationView]:
        """All invitations."""
        return people.invitations(self._here)

    async def withdraw(self, prefix: str) -> InvitationView:
        """Close an open invitation."""
        return await people.withdraw(self._here, prefix)

    # -- posts -------------------------------------------------------------------------------

    async def post(self, text: str, channel: str, reply_to: EntryId | None, key: str) -> Posted:
        """Append a post of ours; with a `key` seen before, the answer of then."""
        member = self._here
        if not key:
            return await self._post(member, text, channel, reply_to, key)
        async with member.publishing:
            before = await self._read(member.replica.keyed, key, wall_clock())
            if before is not None:
                return publishing.posted(member, before.id, before.time, before.arrival)
            return await self._post(member, text, channel, reply_to, key)

    async def _post(
        self, member: Membership, text: str, channel: str, reply_to: EntryId | None, key: str
    ) -> Posted:
        answered = await self.post_by_id(reply_to.hex()) if reply_to else None
        default = answered.channel if answered else self.settings.all()["channel"]
        return await publishing.post(member, text, channel or default, answered, key)

    async def import_posts(self, items: Sequence[ImportItem]) -> Imported:
        """Append posts that others wrote elsewhere, once each."""
        member = self._here
        async with member.publishing:
            return await importing.import_posts(member, items)

    async def posts(self, query: PostQuery) -> list[PostView]:
        """The timeline."""
        return await self._read(self._here.replica.posts, query)

    async def devices_of(self, who: str) -> PostQuery:
        """A query for what one member wrote."""
        return PostQuery(by=people.devices_of(self._here, who))

    async def post_by_id(self, prefix: str) -> PostView:
        """The post whose id starts like this. Raises `NotFound`, `Conflict` for several."""
        found = await self._read(self._here.replica.find, prefix)
        if not found:
            raise NotFound(f"No post has an id with {prefix!r}.", "See ids with: p2pblog read")
        if len(found) > 1:
            raise Conflict(f"{len(found)} posts have an id with {prefix!r}.", "Give more of it.")
        return found[0]

    async def thread(self, prefix: str) -> list[PostView]:
        """The post, what it answers, and all answers."""
        return await self._read(self._here.replica.thread, await self.post_by_id(prefix))

    async def search(self, text: str, limit: int, before: int | None) -> list[PostView]:
        """Posts with these words, the newest first."""
        await self._here.writer.index_news()
        return await self._read(self._here.replica.search, text, limit, before)

    async def channels(self) -> list[ChannelView]:
        """The channels that have posts."""
        return await self._read(self._here.replica.channels)

    @asynccontextmanager
    async def arrivals(
        self, after: int, limit: int
    ) -> AsyncIterator[AsyncIterator[list[PostView]]]:
        """Batches of posts by arrival number above `after`, for ever."""
        yield self._arrivals(self._here, after, limit)

    async def _arrivals(
        self, member: Membership, after: int, limit: int
    ) -> AsyncIterator[list[PostView]]:
        while True:
            news = member.arrived
            newest = member.replica.newest_arrival()
            while after < newest:
                if newest - after <= NEWS:
                    batch = member.replica.by_arrival(after, limit)
                else:
                    batch = await self._read(member.replica.by_arrival, after, limit)
                after = batch[-1].arrival if batch else newest
                if batch:
                    yield batch
            await news.wait()

    # -- peers -------------------------------------------------------------------------------

    async def peers(self) -> list[PeerView]:
        """Devices that we talk to or could talk to."""
        return overview.peers(self._here)

    async def fixed_peers(self) -> list[FixedPeer]:
        """The addresses that the user gave."""
        return overview.fixed(self._here)

    async def add_peer(self, address: str) -> FixedPeer:
        """Keep an address and dial it."""
        member = self._here
        known = parse(address, self._default_port())
        await member.addresses.fix(str(known))
        way = member.peering.add(f"fixed {known}", "fixed", [known])
        return FixedPeer(str(known), way.state if way else "refused", way.why if way else "")

    async def remove_peer(self, address: str) -> None:
        """Forget an address that the user gave."""
        member = self._here
        known = str(parse(address, self._default_port()))
        if known not in member.addresses.fixed():
            raise NotFound(f"{known} is no address of yours.", "See them with: p2pblog peer list")
        await member.addresses.unfix(known)
        member.peering.remove(f"fixed {known}")

    @property
    def carriage(self) -> Carriage:
        """Bundles and backups."""
        return Carrier(
            lambda: self._here,
            *(self.files, self.settings, self.version, self.salt, self.jobs, self._settle),
        )

    # -- the machine -------------------------------------------------------------------------

    async def config(self) -> dict[str, str]:
        """Every setting."""
        return self.settings.all()

    async def set_config(self, key: str, value: str | None) -> dict[str, str]:
        """Change one setting."""
        self.settings.put(key, value)
        return self.settings.all()

    async def tokens(self) -> list[Token]:
        """The keys of bots."""
        return await Tokens(self._here).all()

    async def make_token(self, name: str, scopes: Sequence[str]) -> Token:
        """Make a key for a bot; its secret is seen only now."""
        return await Tokens(self._here).make(name, scopes)

    async def revoke_token(self, prefix: str) -> None:
        """Make a key useless."""
        await Tokens(self._here).revoke(prefix)

    async def scopes_of(self, secret: str) -> frozenset[str]:
        """What a key allows; nothing for an unknown one."""
        return await Tokens(self._here).scopes_of(secret) if self._member else frozenset()

    async def doctor(self) -> list[Finding]:
        """Look at everything that can go wrong; after a repair, where one is under way."""
        if self.repair:
            await self._settled.wait()
        member, settings = self._here, self.settings.all()

        def examine() -> list[Finding]:
            port = self._default_port()
            found = doctor.examine(member, mdns=settings["mdns"] == "on", preferred_port=port)
            return [*doctor.repaired(self._repaired), *found]

        return await self._read(examine)

    async def stop(self) -> None:
        """End the daemon."""
        self.on_stop()

    async def _read(self, function: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(function, *args, limiter=self._limit)


def _recovery_code(text: str) -> str:
    try:
        return invitation.parse_recovery_code(text)
    except Refused as refused:
        hint = "Look again: 28 letters and digits, in groups of four."
        raise UsageError(f"That is no recovery code: {refused.detail}.", hint) from None


def _name(text: str) -> str:
    try:
        return names.clean(text)
    except Refused as refused:
        raise UsageError(f"{text!r} can't be a name: {refused.detail}.", "Take another.") from None
