"""Aaa room: the RADIUS client of one router: sockets and timers around the cores of this package (RFC 2865, RFC 2866, RFC 5080)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address

from agent.aaa.radius.events import RadiusEvent
from agent.aaa.radius.values import Reply, Request
from agent.base.bus import Bus, Subscription
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import ServerGroup
from agent.config.model import RouterConfig

NasAddress = Callable[[ServerGroup | None], IPv4Address]


class RadiusClient:
    """Asks groups of servers. It is made within a running event loop, and follows the configuration at each `apply`."""

    def __init__(self, config: RouterConfig, nas_address: NasAddress, outside: OutsideTraffic) -> None:
        """`nas_address` gives the address that the router sends to a group from; None is the group of every server."""
        self._config = config
        self._nas_address = nas_address
        self._outside = outside
        self._events: Bus[RadiusEvent] = Bus()

    def ask(self, group: str, request: Request, answered: Callable[[Reply | None], None]) -> None:
        """Ask the servers of a group, one after another, until one answers.

        `answered` is called once, later and not from within this call: with the reply, or with None if no server answered, or none
        can be asked. An Access-Request that no packet can carry (its password is too long, say) is answered by an Access-Reject.
        """
        asyncio.get_running_loop().call_soon(answered, None)

    def subscribe(self, listener: Callable[[RadiusEvent], None]) -> Subscription:
        """Give a listener every event from now on."""
        return self._events.subscribe(listener)

    def apply(self) -> None:
        """Follow the configuration. What is asked of a server that is gone is asked of the next one."""

    def close(self) -> None:
        """Stop. What is not answered stays so: no `answered` is called any more."""
