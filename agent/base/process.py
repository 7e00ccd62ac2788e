"""Base room: what this process uses of its machine."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType

_STATM = Path("/proc/self/statm")  # Linux: pages in all, pages resident, …
_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, FrameType)


def resident_octets() -> int:
    """The memory that the process has now; where the system does not tell, the most that it has had."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def held(roots: Iterable[object], most: int) -> Iterator[tuple[str, int]]:
    """Every object that roots lead to: the module of ours that it belongs to, and its octets. Code is not counted.

    An object belongs to the module of its class, or, if that is not ours, to the module of the object that leads to it. It stops
    after `most` objects.
    """
    seen: set[int] = set()
    waiting = [(root, "") for root in roots]
    while waiting and len(seen) < most:
        one, module = waiting.pop()
        if id(one) in seen or isinstance(one, _CODE):
            continue
        seen.add(id(one))
        own = type(one).__module__
        module = own if own.startswith("agent.") else module
        yield module, sys.getsizeof(one)
        waiting += [(each, module) for each in gc.get_referents(one)]
