"""Wrong requests about members and devices: each is refused by name, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.aio import run
from tests.support.fake_service import FakeService
from tests.support.http import serving

WRONG: list[tuple[str, str, object, int, str]] = [
    ("DELETE", "/members/Zed", None, 404, "not_found"),
    ("DELETE", "/members/Bens", None, 409, "conflict"),
    ("GET", "/members/Ben/removal", None, 404, "not_found"),
    ("POST", "/members/Zed/extend", None, 404, "not_found"),
    ("PUT", "/members/Anna/role", {"role": "member"}, 403, "not_allowed"),
    ("PUT", "/members/Ben/role", {"role": "king"}, 400, "usage"),
    ("PUT", "/members/Ben/role", {}, 400, "usage"),
    ("PUT", "/members/Ben/name", {"name": ""}, 400, "usage"),
    ("PUT", "/members/Ben/name", {"name": "x" * 257}, 400, "usage"),
    ("GET", "/members/Zed/profile", None, 404, "not_found"),
    ("PUT", "/profile", {"skills": ["a"] * 65}, 400, "usage"),
    ("PUT", "/profile", {"picture": "x" * 40_000}, 400, "usage"),
    ("PUT", "/profile", {"abuot": "Fitter"}, 400, "usage"),
    ("PUT", "/team/name", {}, 400, "usage"),
    ("PUT", "/devices/nothing/name", {"name": "van"}, 404, "not_found"),
    ("DELETE", "/devices/nothing", None, 404, "not_found"),
    ("POST", "/leave", {}, 409, "conflict"),
    ("POST", "/recover", {"code": "RECO-VERY"}, 409, "conflict"),
    ("POST", "/recover/devices", {"code": "OTHER"}, 400, "usage"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), WRONG)
def test_wrong_requests(
    method: str, path: str, body: object, status: int, code: str, tmp_path: Path
) -> None:
    async def main() -> None:
        service = FakeService()
        before = dict(service.roster.roles), dict(service.roster.machines), service.roster.said
        async with serving(tmp_path, service) as server:
            answer = await server.ask(method, path, body)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert (service.roster.roles, service.roster.machines, service.roster.said) == before

    run(main)


def test_a_profile_keeps_what_is_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, FakeService()) as server:
            await server.ask("PUT", "/profile", {"about": "Fitter", "skills": ["pumps"]})
            answer = await server.ask("PUT", "/profile", {"about": None, "skills": []})
        assert (answer.json["about"], answer.json["skills"]) == ("Fitter", [])

    run(main)
