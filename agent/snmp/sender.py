"""Snmp room: notifications on their way: which hosts get one, and as what (RFC 3413 §3.3, RFC 3584 §3.2).

Each `snmp-server host` is a target of its own, so that one which fails hides nothing from the others.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c

from agent.config.model import RouterConfig
from agent.config.snmp_model import SnmpHost
from agent.flow.clock import CENTISECOND
from agent.mib.values import COUNTER64
from agent.snmp.access import LEVELS, Grant
from agent.snmp.engine import SnmpAgent, trap_source_address
from agent.snmp.notifications import Notification
from agent.snmp.originator import Originator, Patience, Target
from agent.snmp.transport import bind_udp
from agent.snmp.wire import pysnmp_value

_log = logging.getLogger(__name__)

_MODELS = {"1": "v1", "2c": "v2c"}
_UPTIME_MODULUS = 1 << 32
_MOST_PENDING = 1000  # informs that wait for an answer: beyond that the receiver is as good as gone


@dataclass(frozen=True, slots=True)
class _Destination:
    """One `snmp-server host` with its address resolved; without a target nothing is sent there."""

    host: SnmpHost
    address: IPv4Address
    target: Target | None

    def __str__(self) -> str:
        return f"{self.address}:{self.host.port}"


class NotificationSender:
    """Sends one router's notifications. `apply` follows a changed configuration."""

    def __init__(
        self,
        agent: SnmpAgent,
        config: RouterConfig,
        now: Callable[[], int],
        external_traffic: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self.sent = 0
        self.withheld = 0  # for hosts outside loopback, where external traffic is not allowed
        self.informs_lost = 0
        self._agent = agent
        self._config = config
        self._now = now
        self._external_traffic = external_traffic
        self._originator = Originator(agent.engine, patience or Patience())
        self._destinations: list[_Destination] = []
        self._chosen: dict[tuple[str | None, str], list[tuple[_Destination, Grant | None]]] = {}
        self._told: set[str] = set()
        self._pending = 0
        self._transports: dict[str, Any] = {}
        self.apply(config)

    def apply(self, config: RouterConfig) -> None:
        """Follow a changed configuration: hosts, communities, users, contexts."""
        self._config = config
        self._destinations = []
        self._chosen.clear()
        for host in config.snmp.hosts.values():
            address = self._resolved(host)
            if address is None:
                self._tell(str(host.address), "snmp-server host %s: no `ip host` line gives its address", host.address)
            elif not address.is_loopback and not self._external_traffic:
                # Kept in the list, for what is not sent is counted.
                self._destinations.append(_Destination(host, address, None))
            else:
                self._destinations.append(_Destination(host, address, self._target(host, address)))

    def wanted(self, vrf: str | None, kind: str) -> bool:
        """Whether any host takes notifications of a type of a VRF."""
        return bool(self._for(vrf, kind))

    def send(self, notifications: Iterable[Notification]) -> None:
        """Send each notification to each host that takes it, and wait for none."""
        for notification in notifications:
            up_time = rfc1902.TimeTicks(self._now() // CENTISECOND % _UPTIME_MODULUS)  # of the event: the same in every copy
            for destination, grant in self._for(notification.vrf, notification.kind):
                if _permitted(grant, notification):
                    self._send(notification, up_time, destination)

    # --- which ---

    def _for(self, vrf: str | None, kind: str) -> list[tuple[_Destination, Grant | None]]:
        found = self._chosen.get((vrf, kind))
        if found is None:
            context = self._config.context_of(vrf)
            found = self._chosen[vrf, kind] = [] if context is None else self._choose(context, kind)
        return found

    def _choose(self, context: str, kind: str) -> list[tuple[_Destination, Grant | None]]:
        """The hosts of a context that take a type, with what they may be told. A v3 host's user must have a group there."""
        chosen: list[tuple[_Destination, Grant | None]] = []
        for destination in self._destinations:
            host = destination.host
            if host.types and kind not in host.types:
                continue
            if host.version == "3":
                grant = self._agent.policy().user(host.community.encode(), host.level, context)
                if grant is not None:
                    chosen.append((destination, grant))
            elif self._config.snmp.community_contexts.get(host.community, "") == context:
                # A community that nothing else configures is known as a host's alone, and IOS gives it a notify view of everything.
                chosen.append((destination, self._agent.policy().community(host.community.encode(), _MODELS[host.version], None)))
        return chosen

    def _resolved(self, host: SnmpHost) -> IPv4Address | None:
        return host.address if isinstance(host.address, IPv4Address) else self._config.hosts.get(host.address)

    # --- how ---

    def _target(self, host: SnmpHost, address: IPv4Address) -> Target:
        transport = self._transport(address)
        level = LEVELS[host.level] if host.version == "3" else LEVELS["noauth"]
        return Target(transport.domain, transport.ADDRESS_TYPE((str(address), host.port)), host.version, host.community, level)

    def _transport(self, address: IPv4Address) -> Any:
        """The socket for a destination: a client's own, from the address that the router answers on, where that can reach it."""
        local = self._local()
        if IPv4Address(local).is_loopback and not address.is_loopback:
            local = "0.0.0.0"
        if local not in self._transports:
            self._transports[local] = self._agent.add_transport(_bound(local))
        return self._transports[local]

    def _send(self, notification: Notification, up_time: Any, destination: _Destination) -> None:
        host = destination.host
        if destination.target is None:
            self.withheld += 1
            self._tell(str(destination), "notifications to %s are not sent: it is outside loopback", destination)
            return
        version_1 = host.version == "1"
        if version_1 and any(each.value[0] == COUNTER64 for each in notification.objects):
            return  # RFC 3584 §3.2: such a notification cannot be a v1 trap
        bindings = [
            (v2c.apiTrapPDU.sysUpTime, up_time),
            (v2c.apiTrapPDU.snmpTrapOID, rfc1902.ObjectIdentifier(notification.oid)),
            *((each.oid, pysnmp_value(each.value)) for each in notification.objects),
        ]
        if version_1:
            # pysnmp takes the agent address from here, and leaves the binding out.
            bindings.append((v2c.apiTrapPDU.snmpTrapAddress, rfc1902.IpAddress(str(self._agent_address()))))
        inform = host.informs and not version_1
        if inform and self._pending >= _MOST_PENDING:
            self.informs_lost += 1
            return
        pdu = v2c.InformRequestPDU() if inform else v2c.SNMPv2TrapPDU()
        v2c.apiPDU.set_defaults(pdu)
        v2c.apiPDU.set_varbinds(pdu, bindings)
        context = self._config.context_of(notification.vrf) or ""
        try:
            self._originator.send(destination.target, context, pdu, partial(self._answered, destination, notification.name))
        except PySnmpError as error:
            self._tell(str(destination), "notifications to %s cannot be sent: %s", destination, error)
            return
        self.sent += 1
        self._pending += inform
        self._agent.counters.count("snmpOutTraps")

    def _answered(self, destination: _Destination, name: str, problem: Any) -> None:
        """The end of an inform."""
        self._pending -= 1
        if problem is not None:
            self.informs_lost += 1
            _log.warning("%s to %s was given up: %s", name, destination, problem)

    def _agent_address(self) -> IPv4Address:
        """RFC 3584 §3.1: the agent's IPv4 address; that of `snmp-server trap-source`, else the one that traps come from."""
        return trap_source_address(self._config) or IPv4Address(self._local())

    def _local(self) -> str:
        """The IPv4 address that the router answers on, where it has one."""
        return next((host for host, _ in self._agent.addresses if ":" not in host), "0.0.0.0")

    def _tell(self, about: str, text: str, *values: object) -> None:
        """Log once about each destination."""
        if about not in self._told:
            self._told.add(about)
            _log.warning(text, *values)


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
