"""Who may do what: each rule of `protocol/authority.md`, kept and broken."""

import dataclasses
import random
from typing import Any

from p2pblog.errors import Reason
from p2pblog.protocol import codec, crypto, invitation
from p2pblog.protocol.entry import EntryId, body
from p2pblog.protocol.operation import (
    Admit,
    Extend,
    Invite,
    MemberId,
    Policy,
    Rename,
    RevokeDevice,
    Role,
    SetRole,
    Subject,
    parse,
)
from tests.support.cases import Case
from tests.support.cases import make as make_cases
from tests.support.teams import TeamBuilder

ANA, BEA, CYD = "Ana founder", "Bea member", "Cyd member"
ADMIN, BAD = "Bea admin", Reason.NOT_AUTHORISED


def founding(b: TeamBuilder) -> Case:
    b.found()
    return Case("A1", "the founding entry makes the founder", b, [ANA], more={"team_name": "Acme"})


def second_founding(b: TeamBuilder) -> Case:
    ana = b.found()
    again = b.act(ana, body(b.entries[0].payload or b""))
    return Case("A1", "founding again", b, [ANA], {again: BAD})


def later_code(b: TeamBuilder) -> Case:
    ana = b.found()
    newer = b.act(ana, codec.pack((99, tuple(b.heads()), "later")))
    void = {newer: Reason.NEEDS_NEWER_VERSION}
    return Case("A2", "an operation of a later version", b, [ANA], void)


def unreadable(b: TeamBuilder) -> Case:
    ana = b.found()
    broken = b.act(ana, b"\xc1")
    return Case("A2", "a body that is no operation", b, [ANA], {broken: Reason.MALFORMED})


def stranger(b: TeamBuilder) -> Case:
    b.found()
    act = b.set_policy(b.actor("Eve"), Policy(retention_days=90))
    return Case("A3", "a device never admitted", b, [ANA], {act: Reason.UNKNOWN_AUTHOR})


def stranger_from_nowhere(b: TeamBuilder) -> Case:
    b.found()
    act = b.leave(b.actor("Eve"), after=[])
    return Case("A3", "an act without ancestors", b, [ANA], {act: Reason.UNKNOWN_AUTHOR})


def unaware_of_admission(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    act = b.rename(bea, bea, "Bo", after=b.entries[:1])
    void = {act: Reason.UNKNOWN_AUTHOR}
    return Case("A3", "an act that knows no admission of its device", b, [ANA, BEA], void)


def knows_it_is_cut(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.remove(ana, bea)
    act = b.rename(bea, bea, "Bo")
    void = {act: Reason.BEYOND_CUTOFF}
    return Case("A3", "an act that knows of its author's removal", b, [ANA, "Bea gone"], void)


def knows_it_is_revoked(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    laptop = b.own_device(bea)
    b.revoke(bea, laptop)
    act = b.invite(laptop).entry
    void = {act: Reason.BEYOND_CUTOFF}
    return Case("A3", "an act that knows of its device's revocation", b, [ANA, BEA], void)


def members_invite(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    b.join(bea, "Cyd")
    return Case("A4", "a member invites and admits", b, [ANA, BEA, CYD])


def invite_by_policy(b: TeamBuilder) -> Case:
    bea = b.join(b.found(policy=Policy(Role.ADMIN)))
    act = b.invite(bea).entry
    return Case("A4", "a member invites where only admins may", b, [ANA, BEA], {act: BAD})


def invite_above_oneself(b: TeamBuilder) -> Case:
    ana = b.found()
    invited = b.invite(b.join(ana), Role.ADMIN)
    b.admit(ana, invited, "Eve")
    void = {invited.entry: BAD, b.entries[-1]: Reason.INVITATION_UNKNOWN}
    return Case("A4", "a member invites an admin", b, [ANA, BEA], void)


def own_device_by_policy(b: TeamBuilder) -> Case:
    bea = b.join(b.found(policy=Policy(Role.ADMIN)))
    b.own_device(bea)
    return Case("A5", "another device of one's own, whatever the policy", b, [ANA, BEA])


def device_for_another(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    key, terms = b.key(), (Role.MEMBER, ana.member, b.time)
    signature = invitation.sign_binding(key, b.id, bea.device, *terms)
    act = b.act(bea, Invite((), key.public, *terms, signature))
    return Case("A5", "a device that would be another member's", b, [ANA, BEA], {act: BAD})


def copied_invitation(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    copied = parse(body(b.invite(ana).entry.payload or b""))
    act = b.act(bea, copied)
    void = {act: Reason.BAD_PROOF}
    return Case("A6", "an invitation copied by another inviter", b, [ANA, BEA], void)


def raised_invitation(b: TeamBuilder) -> Case:
    ana = b.found()
    invite = parse(body(b.invite(ana).entry.payload or b""))
    assert isinstance(invite, Invite)
    act = b.act(ana, dataclasses.replace(invite, role=Role.ADMIN))
    void = {act: Reason.BAD_PROOF}
    return Case("A6", "another role than the invitation's key signed", b, [ANA], void)


def withdrawn(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    invited = b.invite(bea)
    b.withdraw(bea, invited)
    b.admit(ana, invited, "Eve")
    void = {b.entries[-1]: Reason.INVITATION_WITHDRAWN}
    return Case("A7", "admitted on a withdrawn invitation", b, [ANA, BEA], void)


def withdraw_anothers(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    act = b.withdraw(bea, b.invite(ana))
    return Case("A7", "a member withdraws another's invitation", b, [ANA, BEA], {act: BAD})


def admin_withdraws(b: TeamBuilder) -> Case:
    ana = b.found()
    b.withdraw(ana, b.invite(b.join(ana)))
    return Case("A7", "an admin withdraws a member's invitation", b, [ANA, BEA])


def withdraw_nothing(b: TeamBuilder) -> Case:
    ana = b.found()
    founding = b.entries[0]
    act = b.withdraw(ana, dataclasses.replace(b.invite(ana), entry=founding))
    void = {act: Reason.INVITATION_UNKNOWN}
    return Case("A7", "withdrawing what is no invitation", b, [ANA], void)


def forged_proof(b: TeamBuilder) -> Case:
    ana = b.found()
    forged = dataclasses.replace(b.invite(ana), key=b.key())
    b.admit(ana, forged, "Eve")
    void = {b.entries[-1]: Reason.BAD_PROOF}
    return Case("A8", "a proof by another key than the invitation's", b, [ANA], void)


def stolen_proof(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    invited = b.invite(ana)
    cyd, eve = b.actor("Cyd"), b.actor("Eve")
    proof = invitation.prove(invited.key, b.id, invited.id, cyd.signing)
    b.admit(bea, invited, eve, proof=proof)
    void = {b.entries[-1]: Reason.BAD_PROOF}
    return Case("A8", "a proof made for another device: no bearer token", b, [ANA, BEA], void)


def unasked_device(b: TeamBuilder) -> Case:
    """A member that takes another's device for its own, by an act that seems to be earlier."""
    ana = b.found()
    bea = b.join(ana)
    invited = b.invite(bea, own=True)
    known = b.entries[-1:]
    cyd = b.join(ana, "Cyd")
    proof = invitation.prove(invited.key, b.id, invited.id, bea.signing)
    claim = crypto.to_sign(crypto.SIGN_PROOF, b.id, invited.id, cyd.device)
    forged = invited.key.sign(claim) + proof[64:]
    b.admit(bea, invited, cyd, after=known, proof=forged)
    void = {b.entries[-1]: Reason.BAD_PROOF}
    return Case("A8", "a device that did not ask for it", b, [ANA, BEA, CYD], void)


def no_proof(b: TeamBuilder) -> Case:
    ana = b.found()
    b.admit(ana, b.invite(ana), "Eve", proof=None)
    return Case("A8", "no proof", b, [ANA], {b.entries[-1]: Reason.BAD_PROOF})


def no_invitation(b: TeamBuilder) -> Case:
    ana = b.found()
    b.admit(ana, b.invite(ana), "Eve", invitation=None)
    void = {b.entries[-1]: Reason.INVITATION_UNKNOWN}
    return Case("A8", "admitted on nothing", b, [ANA], void)


def invitation_not_known(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    known = b.entries[-1]
    b.admit(bea, b.invite(ana), "Eve", after=[known])
    void = {b.entries[-1]: Reason.INVITATION_UNKNOWN}
    return Case("A8", "an invitation that is no ancestor", b, [ANA, BEA], void)


def used_twice(b: TeamBuilder) -> Case:
    ana = b.found()
    invited = b.invite(ana)
    b.admit(ana, invited)
    b.admit(ana, invited, "Eve")
    void = {b.entries[-1]: Reason.INVITATION_USED}
    return Case("A9", "an invitation used again", b, [ANA, BEA], void)


def inviter_removed(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    invited = b.invite(bea)
    b.remove(ana, bea, b.cut_offs(bea))
    b.admit(ana, invited, "Eve")
    void = {b.entries[-1]: Reason.INVITATION_WITHDRAWN}
    return Case("A10", "the inviter was removed since", b, [ANA, "Bea gone"], void)


def inviting_device_revoked(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    laptop = b.own_device(bea)
    invited = b.invite(laptop)
    b.revoke(bea, laptop, b.cut_offs(laptop))
    b.admit(bea, invited, "Eve")
    void = {b.entries[-1]: Reason.INVITATION_WITHDRAWN}
    return Case("A10", "the inviting device was revoked since", b, [ANA, BEA], void)


def expired(b: TeamBuilder) -> Case:
    ana = b.found()
    b.admit(ana, b.invite(ana, days=0), "Eve")
    return Case("A11", "too late", b, [ANA], {b.entries[-1]: Reason.INVITATION_EXPIRED})


def for_another_member(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.admit(ana, b.invite(bea), "Eve", member=ana.member)
    return Case("A12", "another binding than invited", b, [ANA, BEA], {b.entries[-1]: BAD})


def device_known(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.admit(ana, b.invite(ana), bea)
    void = {b.entries[-1]: Reason.ALREADY_ADMITTED}
    return Case("A13", "a device that is of the team", b, [ANA, BEA], void)


def cut_key_returns(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    laptop = b.own_device(bea)
    b.revoke(ana, laptop, b.cut_offs(laptop))
    b.admit(ana, b.invite(ana), laptop)
    return Case("A13", "a cut key never returns", b, [ANA, BEA], {b.entries[-1]: Reason.CUT})


def removed_returns(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.remove(ana, bea)
    b.join(ana)
    members = [ANA, "Bea 2 gone", BEA]
    return Case("A13", "the removed joins anew with another key", b, members)


def reissued(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    dan = b.join(ana, "Dan")
    invited = b.invite(ana, days=0.002)
    cut_offs = b.cut_offs(bea)
    known = b.entries[-1:]
    cyd = b.admit(bea, invited, "Cyd")
    fallen = b.entries[-1]
    b.remove(ana, bea, cut_offs, after=known)
    b.admit(dan, invited, cyd)
    members = [ANA, "Bea gone", "Dan member", CYD]
    void = {fallen: Reason.BEYOND_CUTOFF}
    return Case("A14", "an admission that fell, issued again", b, members, void)


def promoted(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    b.set_role(ana, bea, Role.ADMIN)
    b.set_role(bea, cyd, Role.ADMIN)
    b.set_role(cyd, bea, Role.MEMBER, b.cut_offs(bea))
    return Case("A15", "admins make admins and unmake them", b, [ANA, BEA, "Cyd admin"])


def promotes_itself(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    act = b.set_role(bea, bea, Role.ADMIN)
    return Case("A15", "a member makes itself an admin", b, [ANA, BEA], {act: BAD})


def founder_demoted(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    act = b.set_role(bea, ana, Role.MEMBER)
    return Case("A15", "an admin demotes the founder", b, [ANA, ADMIN], {act: BAD})


def role_of_nobody(b: TeamBuilder) -> Case:
    ana = b.found()
    act = b.act(ana, SetRole((), MemberId(bytes(32)), Role.ADMIN))
    void = {act: Reason.NOT_A_MEMBER}
    return Case("A15", "a role for nobody", b, [ANA], void)


def member_removes(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    act = b.remove(bea, cyd)
    return Case("A16", "a member removes another", b, [ANA, BEA, CYD], {act: BAD})


def founder_removed(b: TeamBuilder) -> Case:
    ana = b.found()
    act = b.remove(b.join(ana, role=Role.ADMIN), ana)
    return Case("A16", "an admin removes the founder", b, [ANA, ADMIN], {act: BAD})


def admin_removes(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd", Role.ADMIN)
    b.remove(cyd, bea)
    return Case("A16", "an admin removes a more senior one", b, [ANA, "Bea gone", "Cyd admin"])


def revokes_own(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    laptop = b.own_device(bea)
    b.revoke(laptop, bea)
    more = {"cut": [bea.device.hex()]}
    return Case("A17", "a member revokes a device of its own", b, [ANA, BEA], more=more)


def revokes_anothers(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    act = b.revoke(bea, cyd)
    return Case("A17", "a member revokes another's device", b, [ANA, BEA, CYD], {act: BAD})


def revokes_founders(b: TeamBuilder) -> Case:
    ana = b.found()
    act = b.revoke(b.join(ana, role=Role.ADMIN), ana)
    return Case("A17", "an admin revokes the founder's device", b, [ANA, ADMIN], {act: BAD})


def revokes_nothing(b: TeamBuilder) -> Case:
    ana = b.found()
    act = b.act(ana, RevokeDevice((), b.key().public, ()))
    return Case("A17", "no such device", b, [ANA], {act: Reason.NOT_A_MEMBER})


def recovered(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    new = b.recover()
    b.revoke(new, ana, b.cut_offs(ana), recovery=True)
    b.set_role(new, bea, Role.ADMIN)
    more = {"cut": [ana.device.hex()]}
    return Case("A18", "the founder returns by the recovery key", b, [ANA, ADMIN], more=more)


def recovery_forged(b: TeamBuilder) -> Case:
    b.found()
    b.recovery = b.key()
    b.recover()
    void = {b.entries[-1]: Reason.BAD_SIGNATURE}
    return Case("A18", "a recovery by another key", b, [ANA], void)


def recovery_moved(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.set_role(bea, bea, Role.ADMIN, recovery=True)
    b.set_role(ana, bea, Role.MEMBER)
    copied = parse(body(b.entries[-2].payload or b""))
    assert isinstance(copied, SetRole)
    act = b.act(bea, copied)
    void = {act: Reason.BAD_SIGNATURE}
    return Case("A18", "a recovery signature used at another place", b, [ANA, BEA], void)


def recovery_of_another(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    eve = b.actor("Eve")
    act = b.act(eve, Admit((), None, eve.device, bea.member, "Eve", "x", None), recovery=True)
    return Case("A18", "a recovered device for another member", b, [ANA, BEA], {act: BAD})


def founder_removed_by_recovery(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana, role=Role.ADMIN)
    b.remove(bea, ana, b.cut_offs(ana), recovery=True)
    return Case("A18", "the recovery key removes the founder", b, ["Ana gone", ADMIN])


def co_signed(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd", Role.ADMIN)
    dan = b.join(ana, "Dan", Role.ADMIN)
    b.revoke(dan, bea, co_signer=cyd)
    more = {"cut": [bea.device.hex()]}
    members = [ANA, ADMIN, "Cyd admin", "Dan admin"]
    return Case("A19", "two admins revoke a device", b, members, more=more)


def co_signed_by_member(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd, dan = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd"), b.join(ana, "Dan")
    act = b.revoke(bea, dan, co_signer=cyd)
    members = [ANA, ADMIN, CYD, "Dan member"]
    return Case("A19", "the co-signer is no admin", b, members, {act: BAD})


def co_signed_by_oneself(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd")
    laptop = b.own_device(bea)
    act = b.remove(bea, cyd, co_signer=laptop)
    return Case("A19", "the co-signer is the author's own", b, [ANA, ADMIN, CYD], {act: BAD})


def co_signature_forged(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana, role=Role.ADMIN), b.join(ana, "Cyd")
    act = b.remove(bea, cyd, co_signer=ana, fake=True)
    void = {act: Reason.BAD_SIGNATURE}
    return Case("A19", "a co-signature of something else", b, [ANA, ADMIN, CYD], void)


def renamed(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.rename(bea, bea, "Bo")
    b.rename(ana, bea, "Bob")
    b.act(ana, Rename((), Subject.TEAM, None, "Apex"))
    return Case("A20", "names anew", b, [ANA, "Bob member"], more={"team_name": "Apex"})


def renames_another(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    act = b.rename(bea, ana, "Eve")
    return Case("A20", "a member renames another", b, [ANA, BEA], {act: BAD})


def renames_team(b: TeamBuilder) -> Case:
    bea = b.join(b.found())
    act = b.act(bea, Rename((), Subject.TEAM, None, "Bea's"))
    return Case("A20", "a member renames the team", b, [ANA, BEA], {act: BAD})


def left(b: TeamBuilder) -> Case:
    ana = b.found()
    bea = b.join(ana)
    b.leave(bea)
    act = b.rename(bea, bea, "Bo")
    void = {act: Reason.BEYOND_CUTOFF}
    return Case("A21", "after leaving", b, [ANA, "Bea gone"], void)


def extends_nothing(b: TeamBuilder) -> Case:
    ana = b.found()
    act = b.act(ana, Extend((), EntryId(b.id), ()))
    return Case("A22", "an extension of what cuts nobody", b, [ANA], {act: Reason.BAD_VALUE})


def member_extends(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    removal = b.remove(ana, cyd)
    act = b.extend(bea, removal, b.cut_offs(cyd))
    return Case("A22", "a member extends", b, [ANA, BEA, "Cyd gone"], {act: BAD})


def policy_set(b: TeamBuilder) -> Case:
    ana = b.found()
    b.set_policy(b.join(ana, role=Role.ADMIN), Policy(Role.ADMIN, 30, 2))
    more = {"policy": [1, 30, 2]}
    return Case("A23", "an admin sets the policy", b, [ANA, ADMIN], more=more)


def policy_by_member(b: TeamBuilder) -> Case:
    act = b.set_policy(b.join(b.found()), Policy(retention_days=90))
    return Case("A23", "a member sets the policy", b, [ANA, BEA], {act: BAD})


def forgets_soon(b: TeamBuilder) -> Case:
    ana = b.found()
    b.set_policy(ana, Policy(retention_days=1))
    act = b.set_policy(b.join(ana, role=Role.ADMIN), Policy(retention_days=29))
    more = {"policy": [0, 1, 1]}
    return Case("A23", "an admin keeps less than 30 days", b, [ANA, ADMIN], {act: BAD}, more)


def tip_of_another_log(b: TeamBuilder) -> Case:
    ana = b.found()
    bea, cyd = b.join(ana), b.join(ana, "Cyd")
    b.invite(bea)
    (cut,) = b.cut_offs(bea)
    act = b.remove(ana, cyd, [cut._replace(device=cyd.device)])
    members = [ANA, BEA, CYD]
    return Case("A24", "a tip of another log", b, members, {act: Reason.BAD_VALUE})


def make(rng: random.Random) -> dict[str, Any]:
    return make_cases("authority", globals(), rng)
