"""Base room: how the processor time of this process is shared by its rooms, measured by samples.

A sample is taken each time that the process has used a fixed amount of processor time. It belongs to the module of ours that was
running, or that had called what was running. Whoever owns the process sets the timer (`agent.app`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from types import FrameType

from agent.base.clock import SECOND, Clock

INTERVAL = 20_000  # microseconds of processor time between two samples
_KEPT = 300  # seconds
_OURS = "agent."
_OTHER = ""


class ProcessorShares:
    """Samples by module: those of the last five minutes by second, and those of all time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.total: Counter[str] = Counter()
        self._seconds: deque[tuple[int, Counter[str]]] = deque(maxlen=_KEPT)

    def sample(self, frame: FrameType | None) -> None:
        """One more `INTERVAL` of processor time was used, while this frame was running."""
        module = module_of(frame)
        second = self._clock.now() // SECOND
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1][module] += 1
        self.total[module] += 1

    def shares(self, seconds: int) -> Mapping[str, float]:
        """The share of each module in the last seconds, in percent of one processor."""
        now = self._clock.now() // SECOND
        found: Counter[str] = Counter()
        for second, counted in self._seconds:
            if now - seconds < second <= now:
                found.update(counted)
        whole = min(seconds, now + 1) * SECOND
        return {module: 100 * count * INTERVAL / whole for module, count in found.items()}


def module_of(frame: FrameType | None) -> str:
    """The innermost module of ours that a frame is in, or was called by; empty if there is none."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(_OURS) and name != __name__:
            return name
        frame = frame.f_back
    return _OTHER
