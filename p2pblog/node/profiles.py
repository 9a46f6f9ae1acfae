"""What members say of themselves: shown, and said anew."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import replace

import trio

from p2pblog.errors import UsageError
from p2pblog.node import naming, roles
from p2pblog.node.membership import Membership
from p2pblog.node.roster import NewProfile, ProfileView
from p2pblog.protocol.entry import Kind, PayloadClass
from p2pblog.protocol.limits import MAX_ABOUT, MAX_NAME, MAX_PICTURE, MAX_SKILLS, SALT_SIZE
from p2pblog.protocol.post import PICTURES, Profile
from p2pblog.protocol.team import Member
from p2pblog.store.replica import Draft

TYPES = dict(zip(PICTURES, ("image/png", "image/jpeg"), strict=True))


async def show(node: Membership, who: str) -> ProfileView:
    """The profile of a member; one's own where `who` is empty."""
    member = naming.find_member(node.replica.team, who) if who else roles.my_member(node)
    time, profile = await _said(node, member)
    picture = profile.picture or b""
    return ProfileView(
        member.id.hex(),
        member.display_name,
        roles.word(member),
        member == node.replica.team.member_of(node.me),
        profile.about,
        profile.skills,
        base64.b64encode(picture).decode(),
        next((name for start, name in TYPES.items() if picture.startswith(start)), ""),
        time,
    )


async def put(node: Membership, new: NewProfile) -> ProfileView:
    """Replace one's own profile; what `new` leaves out stays as it was."""
    _, profile = await _said(node, roles.my_member(node))
    if new.about is not None:
        profile = replace(profile, about=_about(new.about))
    if new.skills is not None:
        profile = replace(profile, skills=_skills(new.skills))
    if new.picture is not None:
        profile = replace(profile, picture=_picture(new.picture) if new.picture else None)
    salt = node.salt(SALT_SIZE)
    await node.append(Kind.POSTS, [Draft(Kind.POSTS, PayloadClass.PROFILE, profile.pack(), salt)])
    return await show(node, "")


async def _said(node: Membership, member: Member) -> tuple[int | None, Profile]:
    devices = [d.key for d in node.replica.team.devices.values() if d.member == member.id]
    found = await trio.to_thread.run_sync(node.replica.profile, devices)
    return found or (None, Profile())


def _about(text: str) -> str:
    cleaned = _text(text)
    size = len(cleaned.encode())
    if size > MAX_ABOUT:
        raise UsageError(f"That is {size:,} bytes, {MAX_ABOUT:,} at most.", "Say it shorter.")
    return cleaned


def _skills(given: tuple[str, ...]) -> tuple[str, ...]:
    cleaned = tuple(dict.fromkeys(word for word in map(_text, given) if word))
    if len(cleaned) > MAX_SKILLS:
        raise UsageError(f"{len(cleaned)} skills, {MAX_SKILLS} at most.", "Name the best.")
    for one in cleaned:
        if len(one.encode()) > MAX_NAME or "\n" in one:
            raise UsageError(f"{one[:20]!r} is too long, {MAX_NAME} bytes at most.", "Shorten it.")
    return cleaned


def _text(text: str) -> str:
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if any("\ud800" <= char <= "\udfff" for char in cleaned) or "\0" in cleaned:
        raise UsageError("There are bytes that are no text.", "Give it as UTF-8.")
    return cleaned


def _picture(text: str) -> bytes:
    try:
        picture = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("The picture is not base64.", "Encode the file's bytes.") from error
    if not picture.startswith(PICTURES):
        raise UsageError("The picture is neither PNG nor JPEG.", "Save it as one of them.")
    if len(picture) > MAX_PICTURE:
        kib = f"{len(picture) / 1024:.1f} KiB, {MAX_PICTURE // 1024} KiB at most"
        raise UsageError(f"The picture has {kib}.", "128 x 128 pixels as JPEG will do.")
    return picture
