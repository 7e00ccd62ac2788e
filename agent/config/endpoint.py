"""Config room: the SNMP endpoint of one router's configuration (`agent.snmp.endpoint.Endpoint`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.config.events import ConfigEvent, HostnameSet, HostsChanged, InterfaceChanged, RoutingChanged, SnmpChanged, VrfChanged
from agent.config.model import AccessList, RouterConfig
from agent.config.snmp_model import SnmpConfig

_ALWAYS = (SnmpChanged, VrfChanged, RoutingChanged, HostnameSet)  # RoutingChanged: for access lists


@dataclass(frozen=True, slots=True)
class RouterEndpoint:
    """The endpoint of one router. It always shows the present configuration. `is_changed_by` says which events change it."""

    config: RouterConfig

    @property
    def name(self) -> str:
        return self.config.hostname

    @property
    def snmp(self) -> SnmpConfig:
        return self.config.snmp

    @property
    def contexts(self) -> tuple[str, ...]:
        return self.config.contexts()

    def context_of(self, vrf: str | None) -> str | None:
        return self.config.context_of(vrf)

    @property
    def access_lists(self) -> Mapping[str, AccessList]:
        return self.config.access_lists

    @property
    def hosts(self) -> Mapping[str, IPv4Address]:
        return self.config.hosts

    @property
    def trap_source(self) -> IPv4Address | None:
        interface = self.config.interfaces.get(self.config.snmp.trap_source or "")
        return interface.address.ip if interface is not None and interface.address is not None else None

    def is_changed_by(self, event: ConfigEvent) -> bool:
        """Whether an event changes the endpoint."""
        snmp = self.config.snmp
        if isinstance(event, InterfaceChanged):
            return event.name == snmp.trap_source
        if isinstance(event, HostsChanged):
            return any(isinstance(host.address, str) for host in snmp.hosts.values())
        return isinstance(event, _ALWAYS)
