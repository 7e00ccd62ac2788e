"""Snmp room: the counters of the snmp group and of the security and dispatching modules (RFC 3418, RFC 3412 §5, RFC 3414 §5).

Each router has one object. Both paths count into it. pysnmp's own counters are read from pysnmp, so that nothing is counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

_REQUESTS = {0xA0: "snmpInGetRequests", 0xA1: "snmpInGetNexts", 0xA3: "snmpInSetRequests"}  # by PDU tag; GETBULK has no counter
_SET = 0xA3


class SnmpCounters:
    """Counts by object name; `value` is what an agent shows."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._elsewhere: Callable[[str], int] = lambda name: 0

    def count(self, name: str, number: int = 1) -> None:
        self._own[name] += number

    def value(self, name: str) -> int:
        """A counter's value; 0 if nothing counts it."""
        return self._own[name] + self._elsewhere(name)

    def add_source(self, read: Callable[[str], int]) -> None:
        """Let `value` add a counter from elsewhere. `read` returns it by name, or 0 if it has none."""
        before = self._elsewhere
        self._elsewhere = lambda name: before(name) + read(name)

    def request(self, kind: int) -> None:
        """A request was understood; GETBULK has no counter."""
        counter = _REQUESTS.get(kind)
        if counter is not None:
            self._own[counter] += 1

    def variables(self, kind: int, names: int) -> None:
        """Count variables that were read or, by a SET, changed successfully (RFC 3418 snmpInTotalReqVars)."""
        self._own["snmpInTotalSetVars" if kind == _SET else "snmpInTotalReqVars"] += names
