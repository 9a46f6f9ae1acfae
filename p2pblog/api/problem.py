"""Errors as problem+json (RFC 9457), and the one table from an error's class to its status.

`code`, `hint` and `exit` come from the `UserError`. What is not a `UserError` is a bug or the
disk, and is not answered: it ends the daemon. Spec: `protocol/api.md`, "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from p2pblog.errors import (
    CantWrite,
    Conflict,
    DaemonUnreachable,
    Exit,
    NotAllowed,
    NotFound,
    NotSetUp,
    SearchDamaged,
    UsageError,
    UserError,
    WaitRanOut,
)

CONTENT_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[UserError], HTTPStatus]] = {
    UsageError: HTTPStatus.BAD_REQUEST,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotSetUp: HTTPStatus.CONFLICT,
    Conflict: HTTPStatus.CONFLICT,
    DaemonUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    WaitRanOut: HTTPStatus.GATEWAY_TIMEOUT,
    SearchDamaged: HTTPStatus.UNPROCESSABLE_ENTITY,
    CantWrite: HTTPStatus.INSUFFICIENT_STORAGE,
    UserError: HTTPStatus.UNPROCESSABLE_ENTITY,
}

_CODES: Final[Mapping[HTTPStatus, tuple[str, Exit]]] = {
    HTTPStatus.BAD_REQUEST: ("usage", Exit.USAGE),
    HTTPStatus.UNAUTHORIZED: ("token_needed", Exit.NOT_ALLOWED),
    HTTPStatus.FORBIDDEN: ("not_allowed", Exit.NOT_ALLOWED),
    HTTPStatus.NOT_FOUND: ("no_route", Exit.USAGE),
    HTTPStatus.METHOD_NOT_ALLOWED: ("wrong_method", Exit.USAGE),
    HTTPStatus.REQUEST_TIMEOUT: ("timed_out", Exit.TIMED_OUT),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", Exit.USAGE),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("wrong_media_type", Exit.USAGE),
    HTTPStatus.MISDIRECTED_REQUEST: ("wrong_host", Exit.NOT_ALLOWED),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ("head_too_large", Exit.USAGE),
    HTTPStatus.NOT_IMPLEMENTED: ("not_supported", Exit.USAGE),
    HTTPStatus.SERVICE_UNAVAILABLE: ("busy", Exit.UNREACHABLE),
}


class Refusal(UserError):
    """A request that HTTP's own rules, or ours for the doors, refuse with `status`."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        hint: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code, self.exit_code = _CODES[status]
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Problem:
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    exit: int


def status_of(error: UserError) -> HTTPStatus:
    """The HTTP status of an error: its own, or that of its nearest class in the table."""
    if isinstance(error, Refusal):
        return error.status
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def problem_of(error: UserError) -> Problem:
    """What the client reads about `error`."""
    status = status_of(error)
    return Problem(
        type="about:blank",
        title=status.phrase,
        status=int(status),
        detail=error.message,
        code=error.code,
        hint=error.hint,
        exit=int(error.exit_code),
    )
