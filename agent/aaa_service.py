"""Connects AAA: for one router its users, its RADIUS servers and the accounting of its sessions; for a lab what its routers share.

`app.py` makes the one `LabAaa`, and owns its threads. `router_service.py` makes an `AaaService` for each router, and tells it of
changes of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Address
from itertools import count

from agent.aaa.access import Access
from agent.aaa.accounting.spool import LabSpool
from agent.aaa.cli import CliLogins
from agent.aaa.debug_isakmp import IsakmpAaaDebug
from agent.aaa.debug_radius import RadiusDebug
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods, Servers
from agent.aaa.questions import Questions, once
from agent.aaa.radius.client import RadiusClient
from agent.aaa.radius.messages import log_event
from agent.aaa.users import Users
from agent.base.outside import OutsideTraffic
from agent.base.scheduler import Timers
from agent.config.aaa_model import ServerGroup
from agent.config.events import ConfigEvent
from agent.config.model import RouterConfig
from agent.engine.port import Node
from agent.flow.records import SessionUp
from agent.syslog.debug import Debugging
from agent.syslog.syslog import Syslog

Release = Callable[[], None]


def _no_hold() -> Release:
    """For a clock that does not wait."""
    return lambda: None


class LabAaa:
    """What the routers of a lab share. `hold` has a virtual clock stand still until the returned function is called.

    `virtual`: the clock is such a one. Without a `spool` nothing is accounted for.
    """

    def __init__(self, hold: Callable[[], Release] = _no_hold, virtual: bool = False, spool: LabSpool | None = None) -> None:
        self.hold = hold
        self.spool = spool
        self.hashes = HashWorker()
        self.questions = Questions(hold, in_order=virtual)

    def close(self) -> None:
        self.questions.close()
        self.hashes.close()
        if self.spool is not None:
            self.spool.close()


class AaaService:
    """AAA of one router, from its start to its restart. `timers` are those of its clock; without them it has no interim records."""

    def __init__(
        self,
        node: Node,
        shared: LabAaa,
        outside: OutsideTraffic,
        syslog: Syslog,
        debugging: Debugging,
        timers: Timers | None = None,
    ) -> None:
        self._node = node
        self._shared = shared
        self._outside = outside
        self._timers = timers
        config, matches = node.document.config, shared.hashes.matches
        self.radius = RadiusClient(config, partial(_nas_address, config), outside)
        self.new_about = count(1).__next__  # numbers log-ins and sessions, as `debug radius` does
        users = Users(config, matches)
        servers = Servers(lambda group, request: once(partial(self.radius.ask, group, request)), self.new_about)
        methods = Methods(config, users, matches, servers)
        self.access = Access(config, methods, servers, shared.questions.begin)
        node.engine.use_access(self.access)
        self.logins = CliLogins(config, users, methods)
        self.radius.subscribe(partial(log_event, log=syslog.log))
        debugging.follow(RadiusDebug(self.radius.subscribe, syslog.log).follow)
        debugging.follow(IsakmpAaaDebug(node.monitor, self._is_accounted, syslog.log).follow)

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Follow what an edit of the configuration has changed."""

    def _is_accounted(self, session: SessionUp) -> bool:
        profile = self._node.document.config.crypto.profiles.get(session.facts.profile or "")
        return profile is not None and profile.accounting is not None

    def close(self) -> None:
        """Stop: the router restarts, or the lab ends."""
        self.access.close()
        self.radius.close()


def _nas_address(config: RouterConfig, group: ServerGroup | None) -> IPv4Address:
    """The address that a router sends to a group of servers from: that of the source interface, else its first in the VRF."""
    vrf = group.vrf if group is not None else None
    source = (group.source_interface if group is not None else None) or config.radius.source_interfaces.get(vrf)
    interfaces = [config.interfaces[source]] if source in config.interfaces else list(config.interfaces.values())
    addresses = (each.address.ip for each in interfaces if each.address is not None and each.vrf == vrf)
    return next(addresses, IPv4Address(0))
