"""Flow room: time. A clock is the only source of it left of the views."""

from __future__ import annotations

from typing import Protocol

SECOND = 1_000_000  # microseconds
CENTISECOND = 10_000


class Clock(Protocol):
    """Whole microseconds since the router started; never falls. Whole numbers, so that equal moments are equal."""

    def now(self) -> int: ...
