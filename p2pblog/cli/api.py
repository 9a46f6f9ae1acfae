"""The calls of the local API that commands make, with the types of their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from p2pblog.cli.client import JOB_TIMEOUT, TIMEOUT, Client, Query, encoded
from p2pblog.cli.records import (
    BackupView,
    BundleTaken,
    BundleView,
    Channel,
    Finding,
    FixedPeer,
    Founded,
    Imported,
    ImportItem,
    Invitation,
    Join,
    Listing,
    Member,
    Peers,
    Post,
    Posted,
    Restored,
    Status,
    Token,
)

MAX_LIMIT: Final = 500  # posts of one answer


class Api:
    """A daemon, seen through its API."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def status(self) -> Status:
        """Everything on one screen."""
        return cast(Status, self.client.get("/status"))

    def found(self, team: str, name: str, device: str) -> Founded:
        """Found a team."""
        body = {"team": team, "name": name, "device": device}
        return cast(Founded, self.client.request("POST", "/team", body))

    def join(self, code: str, name: str, device: str, peers: Sequence[str]) -> Join:
        """Begin to join a team."""
        body = {"code": code, "name": name, "device": device, "peers": list(peers)}
        return cast(Join, self.client.request("POST", "/join", body))

    def join_state(self) -> Join:
        """How the join stands."""
        return cast(Join, self.client.get("/join"))

    def cancel_join(self) -> None:
        """Give the join up."""
        self.client.request("DELETE", "/join")

    def post(
        self, text: str, channel: str | None = None, reply_to: str | None = None, key: str = ""
    ) -> Posted:
        """Write a post; asking again with the same `key` writes no second one."""
        body: dict[str, str] = {"text": text}
        if channel is not None:
            body["channel"] = channel
        if reply_to is not None:
            body["reply_to"] = reply_to
        headers = {"Idempotency-Key": key} if key else {}
        return cast(Posted, self.client.request("POST", "/posts", body, headers=headers))

    def posts(self, limit: int, query: Query | None = None) -> list[Post]:
        """The newest `limit` posts of a query, newest first."""
        return list(self._walk("/posts", limit, query or {}))

    def search(self, words: str, limit: int) -> list[Post]:
        """Posts that have all the words, best known order of the daemon."""
        return list(self._walk("/search", limit, {"q": words}))

    def _walk(self, path: str, limit: int, query: Query) -> Iterator[Post]:
        before: str | None = None
        while limit > 0:
            part = {**query, "limit": min(limit, MAX_LIMIT), "before": before}
            found = cast(Listing[Post], self.client.get(path, part))
            yield from found["items"][:limit]
            limit -= len(found["items"])
            before = found.get("next")
            if before is None or not found["items"]:
                return

    def post_by_id(self, prefix: str) -> Post:
        """The one post whose id starts so."""
        return cast(Post, self.client.get(f"/posts/{_segment(prefix.lower())}"))

    def thread(self, prefix: str) -> list[Post]:
        """A post, what it answers and what answers it."""
        found = self.client.get(f"/posts/{_segment(prefix.lower())}/thread")
        return cast(Listing[Post], found)["items"]

    def channels(self) -> list[Channel]:
        """All channels with posts."""
        return cast(Listing[Channel], self.client.get("/channels"))["items"]

    def doctor(self, timeout: float = TIMEOUT) -> list[Finding]:
        """What is well and what is not; after a repair, where one is under way."""
        found = self.client.request("GET", "/doctor", timeout=timeout)
        return cast(Listing[Finding], found)["items"]

    def members(self) -> list[Member]:
        """The team."""
        return cast(Listing[Member], self.client.get("/members"))["items"]

    def peers(self) -> Peers:
        """The devices that we talk to or could talk to."""
        return cast(Peers, self.client.get("/peers"))

    def add_peer(self, address: str) -> FixedPeer:
        """Keep trying an address."""
        return cast(FixedPeer, self.client.request("POST", "/peers", {"address": address}))

    def remove_peer(self, address: str) -> None:
        """Try an address no more."""
        self.client.request("DELETE", f"/peers/{_segment(address)}")

    def invite(self, role: str, hours: int | None, own_device: bool) -> Invitation:
        """Make an invitation."""
        body: dict[str, object] = {"role": role, "own_device": own_device}
        if hours is not None:
            body["hours"] = hours
        return cast(Invitation, self.client.request("POST", "/invitations", body))

    def invitations(self) -> list[Invitation]:
        """All invitations, without their codes."""
        return cast(Listing[Invitation], self.client.get("/invitations"))["items"]

    def withdraw(self, prefix: str) -> Invitation | None:
        """Make an invitation void."""
        answer = self.client.request("DELETE", f"/invitations/{_segment(prefix.lower())}")
        return cast("Invitation | None", answer)

    def begin_import(self, items: Sequence[ImportItem]) -> None:
        """Send posts that were written elsewhere; `finish_import` has to follow."""
        self.client.begin("POST", "/import", encoded({"items": items}))

    def finish_import(self) -> Imported:
        """Wait until they are stored."""
        return cast(Imported, self.client.finish())

    def export_bundle(self, path: str, member: str, *, force: bool) -> BundleView:
        """Write a bundle."""
        body = {"path": path, "member": member, "force": force}
        return cast(BundleView, self._work("/bundles/export", body))

    def import_bundle(self, path: str) -> BundleTaken:
        """Take a bundle in."""
        return cast(BundleTaken, self._work("/bundles/import", {"path": path}))

    def show_bundle(self, path: str) -> BundleView:
        """What a bundle holds."""
        return cast(BundleView, self._work("/bundles/show", {"path": path}))

    def back_up(self, path: str, passphrase: str, *, force: bool) -> BackupView:
        """Write a backup."""
        body = {"path": path, "passphrase": passphrase, "force": force}
        return cast(BackupView, self._work("/backup", body))

    def restore(self, path: str, passphrase: str) -> Restored:
        """Bring a home back."""
        body = {"path": path, "passphrase": passphrase}
        return cast(Restored, self._work("/restore", body))

    def _work(self, path: str, body: object) -> object:
        return self.client.request("POST", path, body, timeout=JOB_TIMEOUT)

    def set_config(self, key: str, value: str | None) -> None:
        """Change a setting; None for its default."""
        path = f"/config/{_segment(key)}"
        if value is None:
            self.client.request("DELETE", path)
        else:
            self.client.request("PUT", path, {"value": value})

    def tokens(self) -> list[Token]:
        """The keys of bots, without their secrets."""
        return cast(Listing[Token], self.client.get("/tokens"))["items"]

    def make_token(self, name: str, scopes: Sequence[str]) -> Token:
        """Make a key for a bot."""
        body = {"name": name, "scopes": list(scopes)}
        return cast(Token, self.client.request("POST", "/tokens", body))

    def revoke_token(self, prefix: str) -> None:
        """Make a bot's key void."""
        self.client.request("DELETE", f"/tokens/{_segment(prefix)}")

    def stop(self) -> None:
        """Ask the daemon to stop."""
        self.client.request("POST", "/stop")


def _segment(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    from urllib.parse import quote

    return quote(text, safe="")
