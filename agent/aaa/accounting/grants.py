"""Aaa room: what a server's Access-Accept says for the accounting of a user.

Class goes unmodified into each accounting record (RFC 2865 §5.25). A User-Name takes the place of the one that was typed (§5.1).
Acct-Interim-Interval is the period of interim records, if the router has none (RFC 2869 §5.16).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from agent.aaa.radius.values import Reply

_SHORTEST_INTERVAL = 60  # seconds; RFC 2869 §5.16 has no shorter one
_MOST = 20_000  # log-ins that are remembered


@dataclass(frozen=True, slots=True)
class Grant:
    """What was said of one log-in. `name` is None if the server has not given another. `interval` is in seconds."""

    name: str | None = None
    classes: tuple[bytes, ...] = ()
    interval: int | None = None


NOTHING_SAID = Grant()


class Grants:
    """The grants of the latest log-ins, by the user and where the user came from."""

    def __init__(self) -> None:
        self._latest: OrderedDict[tuple[str, str], Grant] = OrderedDict()

    def add(self, user: str, remote: str, reply: Reply | None) -> None:
        """Somebody has logged in. Without a reply it was not a server who knew the user."""
        self._latest.pop((user, remote), None)
        grant = NOTHING_SAID if reply is None else _grant(reply)
        if grant != NOTHING_SAID:
            self._latest[user, remote] = grant
            if len(self._latest) > _MOST:
                self._latest.popitem(last=False)

    def of(self, user: str, remote: str) -> Grant:
        """What was said of the latest log-in of a user from a place."""
        return self._latest.get((user, remote), NOTHING_SAID)


def _grant(reply: Reply) -> Grant:
    name = next((value for value in reply.values("User-Name") if isinstance(value, str)), None)
    classes = tuple(value for value in reply.values("Class") if isinstance(value, bytes))
    intervals = (value for value in reply.values("Acct-Interim-Interval") if isinstance(value, int) and value >= _SHORTEST_INTERVAL)
    return Grant(name or None, classes, next(intervals, None))
