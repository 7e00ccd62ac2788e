"""Snmp room: the configuration of one SNMP endpoint, from one router's IOS text or from several sources.

Access rules, users, receivers of notifications and the engine's own tables are made from it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import Protocol

from agent.config.hosts import address_of_host
from agent.config.model import AccessList
from agent.config.snmp_model import SnmpConfig, SnmpHost


class Endpoint(Protocol):
    """The present configuration of an endpoint. Code that compiles a part of it must be called when it has changed."""

    @property
    def name(self) -> str:
        """What log lines call it."""
        ...

    @property
    def snmp(self) -> SnmpConfig:
        """What its `snmp-server …` lines say."""
        ...

    @property
    def contexts(self) -> Iterable[str]:
        """Every SNMP context, "" of the global routing table first."""
        ...

    def context_of(self, vrf: str | None) -> str | None:
        """The context of a VRF, None of one that has none."""
        ...

    @property
    def access_lists(self) -> Mapping[str, AccessList]: ...

    @property
    def hosts(self) -> Mapping[str, IPv4Address]:
        """Addresses by name (`ip host`)."""
        ...

    @property
    def trap_source(self) -> IPv4Address | None:
        """The address of the interface that `snmp-server trap-source` names."""
        ...


def address_of(host: SnmpHost, endpoint: Endpoint) -> IPv4Address | None:
    """Where a receiver of notifications is; None where nothing gives the address of its name."""
    return address_of_host(host.address, endpoint.hosts)
