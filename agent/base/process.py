"""Base room: what this process uses of its machine."""

from __future__ import annotations

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")  # Linux: pages in all, pages resident, …


def resident_octets() -> int:
    """The memory that the process has now; where the system does not tell, the most that it has had."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
