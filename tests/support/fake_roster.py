"""Members and devices of the fake node: Anna, who is me, Ben, and Eve who was removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from p2pblog.errors import Conflict, NotAllowed, NotFound, UsageError
from p2pblog.node.roster import (
    MachineView,
    More,
    NewProfile,
    ProfileView,
    Removal,
    RoleView,
    Voided,
)

THEN = 1_795_438_800_000
REMOVAL = Removal(
    id="cc" * 32,
    kind="removed",
    subject="ee" * 32,
    name="Eve",
    by="Anna's laptop",
    time=THEN,
    known_by=1,
    devices=2,
    unaware=("Ben's desk",),
    voided=(Voided("0001" * 16, "member"),),
    fallen=("Flo's van",),
    more=(More("Eve's phone", 3, THEN, THEN + 1),),
)


class FakeRoster:
    """`Roster`: "Bens" could be several, Anna is the founder."""

    def __init__(self) -> None:
        self.said = ProfileView("aa" * 32, "Anna", "founder", True, "", (), "", "", None)
        self.roles = {"Anna": "founder", "Ben": "member"}
        self.machines = {"laptop": "Anna", "desk": "Ben"}

    def _known(self, who: str) -> str:
        if who == "Bens":
            raise Conflict("'Bens' could be Ben (ab), Ben 2 (cd).", "Give the start of the id.")
        if who not in self.roles:
            raise NotFound(f"No member is called {who!r}.")
        return who

    def _role(self, who: str) -> RoleView:
        return RoleView("bb" * 32, who, self.roles[who])

    def _machine(self, name: str) -> MachineView:
        if name not in self.machines:
            raise NotFound(f"No device is called {name!r}.")
        return MachineView("dd" * 32, name, self.machines[name], True, "active", THEN, False)

    async def profile(self, who: str) -> ProfileView:
        return replace(self.said, name=self._known(who))

    async def set_profile(self, new: NewProfile) -> ProfileView:
        given = {"about": new.about, "skills": new.skills, "picture": new.picture}
        kept = {name: value for name, value in given.items() if value is not None}
        self.said = replace(self.said, time=THEN, **kept)  # type: ignore[arg-type]  # its fields
        return self.said

    async def set_role(self, who: str, role: str) -> RoleView:
        if self._known(who) == "Anna":
            raise NotAllowed("The founder stays in charge.")
        self.roles[who] = role
        return self._role(who)

    async def rename_member(self, who: str, name: str) -> RoleView:
        self.roles[name] = self.roles.pop(self._known(who))
        return self._role(name)

    async def rename_team(self, name: str) -> str:
        return name

    async def devices(self, who: str) -> list[MachineView]:
        return [self._machine(name) for name in self.machines]

    async def rename_device(self, who: str, name: str) -> MachineView:
        self.machines[name] = self.machines.pop(self._machine(who).name)
        return self._machine(name)

    async def revoke(self, who: str) -> Removal:
        return replace(REMOVAL, kind="revoked", name=self._machine(who).name)

    async def remove(self, who: str) -> Removal:
        return replace(REMOVAL, name=self._known(who))

    async def leave(self, successor: str) -> Removal:
        if not successor:
            raise Conflict("You are the last one in charge.", "p2pblog leave --successor NAME")
        return replace(REMOVAL, kind="left", name="Anna")

    async def removal(self, who: str) -> Removal:
        if who != "Eve":
            raise NotFound(f"No member who has gone is called {who!r}.")
        return REMOVAL

    async def revocation(self, who: str) -> Removal:
        return replace(REMOVAL, kind="revoked", name=who)

    async def extend(self, who: str) -> Removal:
        return replace(await self.removal(who), more=())

    async def readmit(self, who: str) -> RoleView:
        return RoleView("ee" * 32, who, "member")

    async def resume(self, who: str) -> RoleView:
        return RoleView("ee" * 32, who, "member")

    async def recover_devices(self, code: str) -> Sequence[Removal]:
        if code != "RECO-VERY":
            raise UsageError("That is not this team's recovery code.")
        return [replace(REMOVAL, kind="revoked", name="Anna's phone")]
