"""The LAN of network namespaces, and the mark of tests that need it."""

import pytest

from examples.office.lan import Lan, unavailable

__all__ = ["Lan", "needs_lan"]

_reason = unavailable()
needs_lan = pytest.mark.skipif(bool(_reason), reason=_reason)
