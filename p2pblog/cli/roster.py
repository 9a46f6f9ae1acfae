"""The calls of the local API about members and devices, with the types of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast
from urllib.parse import quote

from p2pblog.cli.client import Client
from p2pblog.cli.records import Join, Listing


class Profile(TypedDict):
    """What members say of themselves; `picture` is base64."""

    id: str
    name: str
    role: str
    is_me: bool
    about: str
    skills: list[str]
    picture: str
    picture_type: str
    time: str | None


class Machine(TypedDict):
    """A device of a member; `state` is active or cut."""

    key: str
    name: str
    member: str
    is_me: bool
    state: str
    last_seen: str | None
    connected: bool


class Named(TypedDict):
    """A member and its role."""

    id: str
    name: str
    role: str


class Voided(TypedDict):
    """An invitation that nobody can use any more."""

    id: str
    role: str


class More(TypedDict):
    """What this machine holds beyond a cut-off."""

    device: str
    entries: int
    oldest: str
    newest: str


class Removal(TypedDict):
    """How a member or a device went, who knows of it, and what went along."""

    id: str
    kind: str
    subject: str
    name: str
    by: str
    time: str
    known_by: int
    devices: int
    unaware: list[str]
    voided: list[Voided]
    fallen: list[str]
    more: list[More]


class Roster:
    """Members and devices, seen through the API of a daemon."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _ask(self, method: str, *path: str, body: Mapping[str, object] | None = None) -> object:
        return self._client.request(method, "/" + "/".join(quote(p, safe="") for p in path), body)

    def profile(self, who: str) -> Profile:
        """What a member says of itself."""
        return cast(Profile, self._ask("GET", "members", who, "profile"))

    def set_profile(self, said: Mapping[str, object]) -> Profile:
        """Say something else of oneself; what is left out stays."""
        return cast(Profile, self._ask("PUT", "profile", body=said))

    def set_role(self, who: str, role: str) -> Named:
        """Promote or demote."""
        return cast(Named, self._ask("PUT", "members", who, "role", body={"role": role}))

    def rename_member(self, who: str, name: str) -> Named:
        """Name a member anew."""
        return cast(Named, self._ask("PUT", "members", who, "name", body={"name": name}))

    def rename_team(self, name: str) -> str:
        """Name the team anew."""
        return cast(dict[str, str], self._ask("PUT", "team", "name", body={"name": name}))["team"]

    def remove(self, who: str) -> Removal:
        """Remove a member."""
        return cast(Removal, self._ask("DELETE", "members", who))

    def removal(self, who: str) -> Removal:
        """What became of a member who has gone."""
        return cast(Removal, self._ask("GET", "members", who, "removal"))

    def extend(self, who: str) -> Removal:
        """Let all count that is held here of a member who has gone."""
        return cast(Removal, self._ask("POST", "members", who, "extend"))

    def readmit(self, who: str) -> Named:
        """Let in again who fell with somebody removed."""
        return cast(Named, self._ask("POST", "members", who, "readmit"))

    def resume(self, who: str) -> Named:
        """Take in more of a member who wrote more than is taken in a day."""
        return cast(Named, self._ask("POST", "members", who, "resume"))

    def devices(self, of: str = "") -> list[Machine]:
        """The devices of a member, oneself if empty."""
        found = self._client.get("/devices", {"of": of} if of else None)
        return cast(Listing[Machine], found)["items"]

    def rename_device(self, who: str, name: str) -> Machine:
        """Name a device anew."""
        return cast(Machine, self._ask("PUT", "devices", who, "name", body={"name": name}))

    def revoke(self, who: str) -> Removal:
        """Revoke a device."""
        return cast(Removal, self._ask("DELETE", "devices", who))

    def revocation(self, who: str) -> Removal:
        """What became of a device that was revoked."""
        return cast(Removal, self._ask("GET", "devices", who, "removal"))

    def leave(self, successor: str) -> Removal:
        """Leave the team."""
        return cast(Removal, self._ask("POST", "leave", body={"successor": successor}))

    def recover(self, code: str, device: str, peers: list[str]) -> Join:
        """Begin to come back as the founder."""
        body = {"code": code, "device": device, "peers": peers}
        return cast(Join, self._ask("POST", "recover", body=body))

    def recover_devices(self, code: str) -> list[Removal]:
        """Revoke the founder's other devices."""
        found = self._ask("POST", "recover", "devices", body={"code": code})
        return cast(Listing[Removal], found)["items"]
