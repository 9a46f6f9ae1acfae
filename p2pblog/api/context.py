"""What a handler works with: the node, the clock, and what its door knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from p2pblog.api.fields import JsonObject
from p2pblog.node.service import Service


class Scope(StrEnum):
    """What a token allows. `admin` allows all; `post` does not include `read`."""

    READ = "read"
    POST = "post"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Api:
    """The node as the handlers of one door see it.

    `now` is the wall clock in ms. `start_token` is empty on doors that have none. `document` is
    the OpenAPI document.
    """

    service: Service
    now: Callable[[], int]
    document: JsonObject
    start_token: str = ""
