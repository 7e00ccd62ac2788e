"""Aaa room: `debug radius [accounting | authentication | brief | failover | retransmit]`: lines of what really passes.

The lines of a packet are made from its octets (`radius/packet_lines.py`). Accounting has the lines of Cisco's guide, log-ins those
that IOS has for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from agent.aaa.radius.events import Discarded, NoResponse, RadiusEvent, Received, Refused, Sent, Withheld
from agent.aaa.radius.packet_lines import attribute_lines, authenticator_line, number_in
from agent.aaa.radius.values import Code
from agent.base.bus import Subscription
from agent.syslog.debug import RADIUS, RADIUS_PACKETS, Debug
from agent.syslog.message import Message, debug_line

_NAS_PORT, _STATUS_TYPE, _STARTED = 5, 40, (2, 3)  # Stop and Interim-Update: their session has begun

# What `debug radius` calls packets by their codes.
_NAMES = {
    Code.ACCESS_REQUEST: "Access-Request",
    Code.ACCESS_ACCEPT: "Access-Accept",
    Code.ACCESS_REJECT: "Access-Reject",
    Code.ACCOUNTING_REQUEST: "Accounting-Request",
    Code.ACCOUNTING_RESPONSE: "Accounting-response",
    Code.ACCESS_CHALLENGE: "Access-Challenge",
}
_ACCOUNTING = (Code.ACCOUNTING_REQUEST, Code.ACCOUNTING_RESPONSE)

# Why a datagram is discarded. IOS has the first three lines; its words for the others are not known.
_REASONS: Mapping[Discarded, str] = MappingProxyType(
    {
        Discarded.AUTHENTICATOR: "response-authenticator decrypt fail, pak len {length}",
        Discarded.MESSAGE_AUTHENTICATOR: "message-authenticator decrypt fail, pak len {length}",
        Discarded.UNKNOWN: "Response for non-existent request ident",
        Discarded.NO_MESSAGE_AUTHENTICATOR: "response has no Message-Authenticator, pak len {length}",
        Discarded.PROXY_STATE: "response has a Proxy-State that was not sent, pak len {length}",
        Discarded.MALFORMED: "response is malformed, pak len {length}",
        Discarded.CODE: "response does not answer this kind of request",
        Discarded.SOURCE: "response is not from a configured server",
    }
)
_NOT_AUTHENTIC = (Discarded.AUTHENTICATOR, Discarded.MESSAGE_AUTHENTICATOR)


def _name(code: int) -> str:
    try:
        return _NAMES[Code(code)]
    except (KeyError, ValueError):
        return f"code {code}"


def _session(about: int) -> str:
    return f"RADIUS({about:08X}):"


# --- in full ---


def _request_lines(event: Sent) -> Iterator[str]:
    """A packet that goes to a server for the first time."""
    code, session = event.octets[0], _session(event.about)
    begins = code == Code.ACCOUNTING_REQUEST and number_in(event.octets, _STATUS_TYPE) not in _STARTED
    if not begins:
        if code == Code.ACCOUNTING_REQUEST:
            yield f"{session} Using existing nas_port {number_in(event.octets, _NAS_PORT) or 0}"
        yield f"{session} Config NAS IP: {event.nas_address}"
    yield f"{session} sending"
    yield f"{session} Send {_name(code)} to {event.server} id {event.octets[1]}, len {len(event.octets)}"
    yield authenticator_line(event.octets)
    yield from attribute_lines(event.octets)


def _answer_lines(event: Received) -> Iterator[str]:
    where = f"id {event.source}/{event.octets[1]}"
    yield f"RADIUS: Received from {where} {event.server}, {_name(event.octets[0])}, len {len(event.octets)}"
    yield authenticator_line(event.octets)
    yield from attribute_lines(event.octets)
    if event.octets[0] not in _ACCOUNTING:
        yield f"{_session(event.about)} Received from {where}"


def _refused_lines(event: Refused) -> Iterator[str]:
    octets = event.octets
    if len(octets) > 1:
        yield f"RADIUS: Received from id {event.source}/{octets[1]} {event.server}, {_name(octets[0])}, len {len(octets)}"
    else:
        yield f"RADIUS: Received from {event.server}, len {len(octets)}"
    yield f"RADIUS: {_REASONS[event.reason].format(length=len(octets))}"
    if event.reason in _NOT_AUTHENTIC:
        yield f"RADIUS: Response ({octets[1]}) failed decrypt"


def _moved(how: str, event: Sent) -> str:
    return f"RADIUS: {how} to ({event.name}) for id {event.source}/{event.octets[1]}"


# --- in brief ---


def _brief_lines(event: Sent | Received | Refused | NoResponse) -> Iterator[str]:
    if isinstance(event, NoResponse):
        if not event.more:
            yield "RADIUS: Tried all servers."
            yield f"RADIUS: No response for id {event.identifier}"
    elif isinstance(event, Refused):
        yield from _refused_lines(event)
    elif isinstance(event, Sent) and event.attempt > 1:
        yield f"RADIUS: Retransmit id {event.octets[1]}"
    else:
        # IOS has the port of a call where we have "unknown": a session of IPsec has no port.
        what = "Initial Transmit unknown" if isinstance(event, Sent) else "Received from"
        yield f"RADIUS: {what} id {event.octets[1]} {event.server}, {_name(event.octets[0])}, len {len(event.octets)}"


def _kind_of(event: Sent | Received | Refused | NoResponse) -> frozenset[Debug]:
    """The kinds of packets that an event is about: both, if nothing in it tells."""
    code = event.code if isinstance(event, NoResponse) else event.octets[0] if event.octets else 0
    if code in _ACCOUNTING:
        return frozenset({Debug.RADIUS_ACCOUNTING})
    return frozenset({Debug.RADIUS_AUTHENTICATION}) if code in _NAMES else RADIUS_PACKETS


class RadiusDebug:
    """The debug of one router's RADIUS client. It listens to the client only while a kind of it is on."""

    def __init__(self, subscribe: Callable[[Callable[[RadiusEvent], None]], Subscription], log: Callable[[Message], None]) -> None:
        self._subscribe = subscribe
        self._log = log
        self._on: frozenset[Debug] = frozenset()
        self._subscription: Subscription | None = None
        self._failing_over: set[int] = set()  # requests that no server has answered yet, and that go to a next one

    def follow(self, on: frozenset[Debug]) -> None:
        """Print the lines of these kinds from now on."""
        self._on = on & RADIUS
        if self._on and self._subscription is None:
            self._subscription = self._subscribe(self._take)
        elif not self._on:
            self.close()

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._failing_over.clear()

    def _take(self, event: RadiusEvent) -> None:
        if isinstance(event, Withheld):
            self._log(debug_line(f"RADIUS: Nothing is sent to {event.server}: it is outside loopback"))
        elif isinstance(event, Sent | Received | Refused | NoResponse):
            shown = self._on & _kind_of(event)
            if not shown:
                lines = self._moves(event)
            elif Debug.RADIUS_BRIEF in self._on:
                lines = _brief_lines(event)
            else:
                lines = self._full_lines(event)
            for line in lines:
                self._log(debug_line(line))

    def _full_lines(self, event: Sent | Received | Refused | NoResponse) -> Iterator[str]:
        if isinstance(event, Received):
            yield from _answer_lines(event)
        elif isinstance(event, Refused):
            yield from _refused_lines(event)
        elif isinstance(event, Sent):
            if event.attempt > 1:
                yield from self._again(event)
                return
            if event.about in self._failing_over:
                self._failing_over.discard(event.about)
                yield _moved("Fail-over", event)
            yield from _request_lines(event)
        else:
            yield from self._gone(event)

    def _moves(self, event: Sent | Received | Refused | NoResponse) -> Iterator[str]:
        """The lines of `debug radius retransmit` and `failover`, where those of whole packets are off."""
        if isinstance(event, Sent):
            if event.attempt > 1 and Debug.RADIUS_RETRANSMIT in self._on:
                yield from self._again(event)
            elif event.attempt == 1 and event.about in self._failing_over:
                self._failing_over.discard(event.about)
                yield _moved("Fail-over", event)
        elif isinstance(event, NoResponse) and Debug.RADIUS_FAILOVER in self._on:
            yield from self._gone(event)

    def _again(self, event: Sent) -> Iterator[str]:
        yield f"{_session(event.about)} Request timed out!"
        yield _moved("Retransmit", event)

    def _gone(self, event: NoResponse) -> Iterator[str]:
        yield f"{_session(event.about)} Request timed out!"
        if event.more:
            self._failing_over.add(event.about)
        else:
            yield f"RADIUS: No response from ({event.name}) for id {event.source}/{event.identifier}"
            yield "RADIUS: No response from server"
