"""Snmp room: sends notifications: to which hosts, and in which version (RFC 3413 §3.3, RFC 3584 §3.2).

Each `snmp-server host` is a target with a queue of its own (`receiver`), so that a failing host does not affect the others. The
queues are served in turn, one notification each, for a few milliseconds of each turn of the loop.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from agent.base.clock import CENTISECOND
from agent.base.outside import OutsideTraffic
from agent.base.text import octets_of
from agent.config.snmp_model import SnmpConfig, SnmpHost
from agent.mib.values import COUNTER64, number, wrap
from agent.snmp.access import Grant
from agent.snmp.ber import SEQUENCE, TRAP_V2
from agent.snmp.community_messages import NO_ERROR, v1_trap, v2_bindings, v2_notification
from agent.snmp.endpoint import Endpoint, address_of
from agent.snmp.engine import SnmpAgent
from agent.snmp.informs import AnswersFirst, CommunityRecipient, Informs, Patience, Recipient
from agent.snmp.notifications import Notification
from agent.snmp.receiver import MOST_UNANSWERED, MOST_WAITING, Receiver, Waiting
from agent.snmp.remote_engine import RemoteEngine, V3Recipient
from agent.snmp.transport import bind_udp
from agent.snmp.usm_protocols import UnusableUserError

_log = logging.getLogger(__name__)

_MODELS = {"1": "v1", "2c": "v2c"}
_UPTIME_MODULUS = 1 << 32
_REQUEST_IDS = 1 << 31
_BUDGET = 0.005  # seconds of sending in one turn of the loop


@dataclass(frozen=True, slots=True)
class _Destination:
    """One `snmp-server host` with its address resolved; `withheld`: nothing is sent there, for it is outside loopback.

    `recipients` are those of its informs, by the context that these are about.
    """

    host: SnmpHost
    address: IPv4Address
    withheld: bool
    receiver: Receiver
    recipients: dict[str, Recipient] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.address}:{self.host.port}"

    def account(self) -> Account:
        receiver = self.receiver
        queue, drops = receiver.queue, receiver.drops
        counts = len(queue), queue.limit, receiver.unanswered, receiver.delivered, drops.total
        return Account(self.host, self.address, self.withheld, *counts)


@dataclass(frozen=True, slots=True)
class Account:
    """One receiver as operators see it. `limit` is how many notifications may wait for it.

    `withheld`: nothing is sent there, for it is outside loopback.
    """

    host: SnmpHost
    address: IPv4Address
    withheld: bool
    waiting: int
    limit: int
    unanswered: int
    delivered: int
    dropped: int


class NotificationSender:
    """Sends one endpoint's notifications."""

    def __init__(
        self,
        agent: SnmpAgent,
        endpoint: Endpoint,
        now: Callable[[], int],
        outside: OutsideTraffic | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.sent = 0
        self.withheld = 0  # for hosts outside loopback, where external traffic is not allowed
        self._agent = agent
        self._loop = agent.loop
        self._endpoint = endpoint
        self._now = now
        self._outside = outside or OutsideTraffic(_log)
        self._patience = patience or Patience()
        self._informs = Informs(agent.loop.call_later, self._patience)
        self._engines: dict[tuple[IPv4Address, int], RemoteEngine] = {}  # of receivers of informs of version 3
        self._traps = secrets.randbelow(_REQUEST_IDS)  # the request-id of the last one
        self._destinations: dict[Receiver, _Destination] = {}
        self._ready: deque[Receiver] = deque()  # receivers to which something can be sent
        self._turn: asyncio.Handle | None = None
        self._turn_ends = 0.0
        self._chosen: dict[tuple[str | None, str], list[tuple[_Destination, Grant | None]]] = {}
        self._logged: set[str] = set()
        self._limited = agent.limited_log(_log)  # for lines that somebody outside can cause
        self._transports: dict[str, Any] = {}
        self.apply()

    def apply(self) -> None:
        """Follow an endpoint that has changed: hosts, communities, users, contexts."""
        snmp = self._endpoint.snmp
        self._informs.patience = self._patience.configured(snmp)
        # Notifications wait as long as an inform may by default.
        self._life = max(self._patience.life, self._informs.patience.life)
        before = {_way(each.host, each.address): receiver for receiver, each in self._destinations.items()}
        self._destinations = {}
        self._chosen.clear()
        for host in self._endpoint.snmp.hosts.values():
            address = address_of(host, self._endpoint)
            if address is None:
                self._tell(str(host.address), "snmp-server host %s: no `ip host` line gives its address", host.address)
                continue
            receiver = before.get(_way(host, address)) or Receiver(f"{address}:{host.port}")
            receiver.bound(*_bounds(snmp))
            # One outside loopback is kept in the list, for what is not sent is counted.
            withheld = self._outside.withholds(address)
            if not withheld:
                self._transport(address)  # here, so that an address that cannot be bound is reported
            self._destinations[receiver] = _Destination(host, address, withheld, receiver)
        # Notifications for a receiver that still exists are sent as it is configured now.
        self._ready.clear()
        for receiver in self._destinations:
            receiver.listed = False
            self._list(receiver)
        self._work()

    def close(self) -> None:
        """Send nothing any more."""
        self._informs.close()
        self._limited.close()
        self._ready.clear()
        if self._turn is not None:
            self._turn.cancel()

    def accounts(self) -> list[Account]:
        """Each receiver and what has become of its notifications, in the order of the configuration."""
        return [each.account() for each in self._destinations.values()]

    def wanted(self, vrf: str | None, kind: str) -> bool:
        """Whether any host takes notifications of a type of a VRF."""
        return bool(self._for(vrf, kind))

    def send(self, notifications: Iterable[Notification]) -> None:
        """Queue each notification for each host that takes it. It does not wait."""
        for notification in notifications:
            chosen = [to for to, grant in self._for(notification.vrf, notification.kind) if _permitted(grant, notification)]
            if not chosen:
                continue
            up_time = self._now() // CENTISECOND % _UPTIME_MODULUS  # of the event: the same in every copy
            waiting = Waiting(notification, up_time, v2_bindings(notification, up_time), self._loop.time() + self._life)
            for destination in chosen:
                self._take_on(waiting, destination)
        self._work()

    # --- which ---

    def _for(self, vrf: str | None, kind: str) -> list[tuple[_Destination, Grant | None]]:
        found = self._chosen.get((vrf, kind))
        if found is None:
            context = self._endpoint.context_of(vrf)
            found = self._chosen[vrf, kind] = [] if context is None else self._choose(context, kind)
        return found

    def _choose(self, context: str, kind: str) -> list[tuple[_Destination, Grant | None]]:
        """The hosts of a context that take a type, with their notify views. A v3 host's user must have a group there."""
        chosen: list[tuple[_Destination, Grant | None]] = []
        for destination in self._destinations.values():
            host = destination.host
            if not host.takes(kind):
                continue
            if host.version == "3":
                grant = self._agent.policy().user(octets_of(host.community), host.level, context)
                if grant is not None:
                    chosen.append((destination, grant))
            elif self._endpoint.snmp.community_contexts.get(host.community, "") == context:
                # A community that nothing else configures is known as a host's alone, and IOS gives it a notify view of everything.
                chosen.append((destination, self._agent.policy().community(octets_of(host.community), _MODELS[host.version], None)))
        return chosen

    # --- how ---

    def _transport(self, address: IPv4Address) -> Any:
        """The socket for a destination: a client's own, from the address that the router answers on, where that can reach it."""
        local = self._agent.local_address
        if IPv4Address(local).is_loopback and not address.is_loopback:
            local = "0.0.0.0"
        if local not in self._transports:
            transport = self._transports[local] = self._agent.add_transport(_bound(local))
            transport.fast = AnswersFirst(self._informs, self._is_receiver, transport.fast)
        return self._transports[local]

    def _take_on(self, waiting: Waiting, destination: _Destination) -> None:
        if destination.withheld:
            self.withheld += 1
            self._outside.tell("notifications", str(destination))
            self._limited.info("%s to %s is withheld: external_traffic is not set", waiting.notification.name, destination)
            return
        if destination.host.version == "1" and any(each.value[0] == COUNTER64 for each in waiting.notification.objects):
            return  # RFC 3584 §3.2: such a notification cannot be a v1 trap
        destination.receiver.queue.put(waiting)
        self._list(destination.receiver)

    # --- when ---

    def _list(self, receiver: Receiver) -> None:
        """Put a receiver in line if something can be sent to it."""
        if receiver.may_send and not receiver.listed and receiver in self._destinations:
            receiver.listed = True
            self._ready.append(receiver)

    def _work(self) -> None:
        """Send what can be sent within the budget of one turn of the loop. The rest follows in later turns."""
        if not self._ready:
            return
        if self._turn is None:
            self._turn = self._loop.call_soon(self._next_turn)
            self._turn_ends = self._loop.time() + _BUDGET
        while self._ready and (now := self._loop.time()) < self._turn_ends:
            receiver = self._ready.popleft()
            receiver.listed = False
            waiting = receiver.next(now)
            if waiting is not None:
                self._send(waiting, self._destinations[receiver])
            self._list(receiver)

    def _next_turn(self) -> None:
        self._turn = None
        self._work()

    # --- as what ---

    def _send(self, waiting: Waiting, destination: _Destination) -> None:
        host, receiver, notification = destination.host, destination.receiver, waiting.notification
        inform = host.informs and host.version != "1"
        transport = self._transport(destination.address)
        unsent = transport.unsent
        try:
            if inform:
                done = partial(self._answered, receiver)
                self._informs.send(self._recipient(destination, notification), waiting.bindings, self._way_to(destination), done)
            else:
                self._way_to(destination)(_TRAPS[host.version](self, waiting, destination))
        except UnusableUserError as unusable:
            receiver.drops.drop(f"{notification.name} cannot be sent: {unusable}")
            return
        self.sent += 1
        self._agent.counters.count("snmpOutTraps")
        if inform:
            receiver.unanswered += 1
        elif transport.unsent > unsent:
            receiver.drops.drop("the system does not take a datagram for it")
        else:
            receiver.deliver()

    def _v1_trap(self, waiting: Waiting, to: _Destination) -> bytes:
        return v1_trap(octets_of(to.host.community), waiting.notification, waiting.up_time, self._agent_address())

    def _v2c_trap(self, waiting: Waiting, to: _Destination) -> bytes:
        return v2_notification(TRAP_V2, octets_of(to.host.community), self._next_trap(), waiting.bindings)

    def _v3_trap(self, waiting: Waiting, to: _Destination) -> bytes:
        request_id = self._next_trap()
        pdu = wrap(TRAP_V2, number("Integer32", request_id) + NO_ERROR + wrap(SEQUENCE, waiting.bindings))
        context = octets_of(self._endpoint.context_of(waiting.notification.vrf) or "")
        return self._agent.v3_messages.trap(request_id, octets_of(to.host.community), to.host.level, context, pdu)

    def _next_trap(self) -> int:
        self._traps = (self._traps + 1) % _REQUEST_IDS
        return self._traps

    def _recipient(self, to: _Destination, notification: Notification) -> Recipient:
        context = self._endpoint.context_of(notification.vrf) or ""
        recipient = to.recipients.get(context)
        if recipient is None:
            name = octets_of(to.host.community)
            if to.host.version == "3":
                engine = self._engines.setdefault((to.address, to.host.port), RemoteEngine())
                head = self._agent.v3_messages.context(octets_of(context))
                recipient = V3Recipient(engine, name, to.host.level, head, self._agent.levels_at, self._loop.time)
            else:
                recipient = CommunityRecipient(name)
            to.recipients[context] = recipient
        return recipient

    def _is_receiver(self, engine_id: bytes) -> bool:
        """Whether an engine is that of a receiver of informs."""
        return any(each.engine_id == engine_id for each in self._engines.values())

    def _way_to(self, destination: _Destination) -> Callable[[bytes], None]:
        transport, address = self._transport(destination.address), (str(destination.address), destination.host.port)
        return lambda message: transport.send_message(message, address)

    def _answered(self, receiver: Receiver, problem: str | None) -> None:
        """The end of an inform."""
        receiver.unanswered -= 1
        if problem is None:
            receiver.deliver()
        else:
            receiver.drops.drop(problem)
        self._list(receiver)
        self._work()

    def _agent_address(self) -> IPv4Address:
        """RFC 3584 §3.1: the agent's IPv4 address; that of `snmp-server trap-source`, else the one that traps come from."""
        return self._endpoint.trap_source or IPv4Address(self._agent.local_address)

    def _tell(self, about: str, text: str, *values: object) -> None:
        """Log once about each destination."""
        if about not in self._logged:
            self._logged.add(about)
            _log.warning(text, *values)


_TRAPS = {"1": NotificationSender._v1_trap, "2c": NotificationSender._v2c_trap, "3": NotificationSender._v3_trap}


def _bounds(snmp: SnmpConfig) -> tuple[int, int]:
    """How many notifications may wait for one host, and how many informs be unanswered: the latter no more than could wait."""
    waiting = MOST_WAITING if snmp.queue_length is None else snmp.queue_length
    unanswered = MOST_UNANSWERED if snmp.inform_pending is None else snmp.inform_pending
    return waiting, min(unanswered, MOST_WAITING)


def _way(host: SnmpHost, address: IPv4Address) -> tuple[object, ...]:
    """The key of a receiver: a host without its types."""
    return address, host.port, host.vrf, host.community, host.version, host.level, host.informs


def _permitted(grant: Grant | None, notification: Notification) -> bool:
    """RFC 3413 §3.3: the notification's own name and those of all its objects must be in the notify view."""
    if grant is None:
        return True
    view = grant.notify
    return view is not None and view.contains(notification.oid) and all(view.contains(each.oid) for each in notification.objects)


def _bound(host: str) -> socket.socket:
    try:
        return bind_udp(host, 0)
    except OSError:
        return bind_udp("0.0.0.0", 0)
