"""What an attack is: a name, a line of what it tries, a bound of memory with its reason."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tests.hostile.attacker import Aim


class Attack(ABC):
    """`memory`: MB by which the victim may grow meanwhile."""

    name: ClassVar[str]
    memory: ClassVar[float]

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def tries(cls) -> str:
        """What it tries, in a line."""
        return (cls.__doc__ or "").splitlines()[0]

    def prepare(self, aim: Aim) -> None:
        """Whatever takes long, before the time runs."""
        del aim

    @abstractmethod
    async def run(self, aim: Aim) -> None:
        """Until the time is over."""
