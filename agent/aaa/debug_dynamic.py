"""Aaa room: the debug of dynamic authorisation (RFC 5176): `debug aaa pod`, `debug aaa coa`, and the requests in `debug radius`.

IOS calls a Disconnect-Request a packet of disconnect (POD). The lines are those of its published logs, but for that of a request
that gets no reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.aaa.radius.events import AuthorAsked
from agent.aaa.radius.packet_lines import ERROR_CAUSES, attribute_lines, authenticator_line, number_in
from agent.aaa.radius.values import Code
from agent.base.bus import Subscription
from agent.syslog.debug import RADIUS_PACKETS, Debug
from agent.syslog.message import Message, debug_line

_HEADER = 20  # octets that every packet has (RFC 2865 §3)
_ERROR_CAUSE = 101
_NAMES = {Code.DISCONNECT_REQUEST: ("POD", "POD"), Code.COA_REQUEST: ("COA", "CoA")}  # in both kinds of lines
_KINDS = {Code.DISCONNECT_REQUEST: Debug.AAA_POD, Code.COA_REQUEST: Debug.AAA_COA}
_ACKS = (Code.DISCONNECT_ACK, Code.COA_ACK)
_SHOWN = RADIUS_PACKETS | {Debug.AAA_POD, Debug.AAA_COA}


class DynamicAuthorDebug:
    """The debug of one router. It listens only while a kind of it is on."""

    def __init__(self, subscribe: Callable[[Callable[[AuthorAsked], None]], Subscription], log: Callable[[Message], None]) -> None:
        self._subscribe = subscribe
        self._log = log
        self._on: frozenset[Debug] = frozenset()
        self._subscription: Subscription | None = None

    def follow(self, on: frozenset[Debug]) -> None:
        self._on = on
        if not on & _SHOWN:
            self.close()
        elif self._subscription is None:
            self._subscription = self._subscribe(self._take)

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _take(self, event: AuthorAsked) -> None:
        for line in self._lines(event):
            self._log(debug_line(line))

    def _lines(self, event: AuthorAsked) -> Iterator[str]:
        octets = event.octets
        if len(octets) < _HEADER or octets[0] not in _NAMES:
            return
        code = Code(octets[0])
        name, kind = _NAMES[code]
        if self._on & RADIUS_PACKETS:
            yield f"RADIUS: {name} received from id {octets[1]} {event.client}, {kind} Request, len {len(octets)}"
            if Debug.RADIUS_BRIEF not in self._on:
                yield authenticator_line(octets)
                yield from attribute_lines(octets)
        if _KINDS[code] in self._on:
            yield f"{name}: {event.client.address} request queued"
            yield from _reply_lines(name, event)


def _reply_lines(name: str, event: AuthorAsked) -> Iterator[str]:
    reply = event.reply
    if reply is None:
        yield f"{name}: The request of {event.client} is dropped"
        return
    cause = number_in(reply, _ERROR_CAUSE)
    if cause is not None:
        yield f"{name}: Added NACK Error Cause: {ERROR_CAUSES.get(cause, cause)}"
    answer = "ACK" if reply[0] in _ACKS else "NAK"
    yield f"{name}: Sending {answer} from port {event.port} to {event.client.address}/{event.client.port}"
