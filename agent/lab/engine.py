"""Lab room: what others ask of one router's engine: destroy, clear, ping, and to take up a changed configuration.

The engine of a live gateway will offer the same. What comes of a request comes back through the flow monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.config.events import ConfigEvent
from agent.crypto.ike_events import State
from agent.flow.model import EndReason, IkeTunnel, IpsecTunnel
from agent.lab.ike_admission import IkeAdmission
from agent.lab.ike_records import IkeRecord
from agent.lab.link import Link
from agent.lab.ping import Ping, PingRequest, Probe
from agent.lab.router import Router
from agent.lab.spoke_steps import Spoke
from agent.lab.spokes import Spokes
from agent.lab.tunnels import LiveTunnel

ANY = "any"  # of a VRF filter: None is the global table


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a command is for; what is None (of a VRF: `ANY`) does not matter."""

    local: IPv4Address | None = None
    local_port: int | None = None
    remote: IPv4Address | None = None
    remote_port: int | None = None
    front_vrf: str | None = ANY
    inside_vrf: str | None = ANY
    interface: str | None = None

    def takes(self, link: Link, ports: tuple[int, int], inside_vrf: str | None, interface: str | None) -> bool:
        return (
            (self.local is None or int(self.local) == link.local)
            and (self.remote is None or int(self.remote) == link.remote)
            and self.local_port in (None, ports[0])
            and self.remote_port in (None, ports[1])
            and self.front_vrf in (ANY, link.front_vrf)
            and self.inside_vrf in (ANY, inside_vrf)
            and self.interface in (None, interface)
        )


EVERYTHING = SessionFilter()


@dataclass(frozen=True, slots=True)
class IsakmpSa:
    """A line of `show crypto isakmp sa`: source is the initiator; `index` is the tunnel's, 0 of one that is being negotiated."""

    front_vrf: str | None
    inside_vrf: str | None
    source: IPv4Address
    destination: IPv4Address
    initiator: bool
    state: str
    index: int
    waiting: int


class Engine:
    """The door to one lab router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self.spokes: list[Spokes] = []  # those that this router is the hub of

    # --- tunnels (SNMP destroy) ---

    def destroy_ike(self, tunnel: IkeTunnel) -> None:
        """Bring an IKE tunnel down, with a delete to the peer; what is not live is left alone."""
        record = self._router.ike.sas.of_tunnel(tunnel)
        if record is not None:
            self._router.ike.end(record, EndReason.OPERATOR)
        for spokes in self.spokes:
            if spoke := spokes.owner_of(tunnel):
                spokes.end(spoke, ike=True)

    def destroy_ipsec(self, tunnel: IpsecTunnel) -> None:
        """Bring an IPsec tunnel down, with deletes to the peer; what is not live is left alone."""
        live = self._router.ipsec.sas.of_tunnel(tunnel)
        if live is not None:
            self._router.ipsec.sas.end(live, EndReason.OPERATOR, tell=True)
        for spokes in self.spokes:
            if spoke := spokes.owner_of(tunnel):
                spokes.end(spoke, ipsec=True)

    # --- clear ---

    def clear_crypto_session(self, wanted: SessionFilter = EVERYTHING) -> None:
        """`clear crypto session`: the IPsec tunnels of the sessions wanted, then their IKE tunnels, set-ups under way too."""
        lives = self._router.ipsec.sas.matching(lambda live: self._takes_live(wanted, live))
        # A session has an interface by its IPsec tunnels alone; its IKE SAs are those of the same pair.
        links = {live.link for live in lives}
        records = [record for record in self._router.ike.sas if record.link in links or self._takes_record(wanted, record)]
        for live in lives:
            self._router.ipsec.sas.end(live, EndReason.OPERATOR, tell=True)
        for record in records:
            self._router.ike.end(record, EndReason.OPERATOR)
        for spokes in self.spokes:
            spokes.clear(lambda spoke: self._takes_spoke(wanted, spoke), remote=wanted.remote)

    def clear_isakmp(self, index: int | None = None) -> bool:
        """`clear crypto isakmp [N]`: IKE tunnels, by their index or all; whether there was one."""
        records = [record for record in self._router.ike.sas if index is None or (record.tunnel and record.tunnel.index == index)]
        for record in records:
            self._router.ike.end(record, EndReason.OPERATOR)
        found = [self._clear_isakmp_of(spokes, index) for spokes in self.spokes]
        return bool(records) or any(found)

    @staticmethod
    def _clear_isakmp_of(spokes: Spokes, index: int | None) -> bool:
        if index is None:
            found = any(spoke.ike() for spoke in spokes.living())
            spokes.clear(lambda spoke: spoke.ike() is not None, ipsec=False)
            return found
        spoke = spokes.owner_of_ike(index)
        if spoke:
            spokes.end(spoke, ike=True)
        return spoke is not None

    def clear_sa(self, wanted: SessionFilter = EVERYTHING) -> None:
        """`clear crypto sa [peer A|vrf V]`: IPsec tunnels; their IKE tunnels stay."""
        for live in self._router.ipsec.sas.matching(lambda live: self._takes_live(wanted, live)):
            self._router.ipsec.sas.end(live, EndReason.OPERATOR, tell=True)
        for spokes in self.spokes:
            spokes.clear(lambda spoke: self._takes_spoke(wanted, spoke), remote=wanted.remote, ike=False)

    # --- what there is ---

    def isakmp_sas(self) -> list[IsakmpSa]:
        """Phase-1 SAs, those under way too, oldest first."""
        found = []
        for record in self._router.ike.sas:
            ends = IPv4Address(record.link.local), IPv4Address(record.link.remote)
            source, destination = ends if record.sa.initiator else ends[::-1]
            found.append(
                IsakmpSa(
                    record.link.front_vrf,
                    record.decisions.inside_vrf,
                    source,
                    destination,
                    record.sa.initiator,
                    record.sa.state.value,
                    record.tunnel.index if record.tunnel else 0,
                    len(record.waiting),
                )
            )
        found += [_shown(tunnel) for spokes in self.spokes for spoke in spokes.living() if (tunnel := spoke.ike())]
        return found

    @property
    def admission(self) -> IkeAdmission:
        """Which phase 1s may begin, and what has become of those that were asked for."""
        return self._router.ike.admission

    # --- ping ---

    def ping(
        self,
        request: PingRequest,
        on_probe: Callable[[Probe], None] | None = None,
        on_done: Callable[[Ping], None] | None = None,
    ) -> Ping:
        """Begin a ping; it goes on as the lab's clock does, and says so probe by probe. It may be `stop`ped."""
        return self._router.ping(request, on_probe, on_done)

    def source_address(self, vrf: str | None, destination: IPv4Address) -> IPv4Address | None:
        """The source that a ping without one would have; None where there is no route."""
        return self._router.source_address(vrf, destination)

    # --- configuration ---

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        """The configuration has changed: interfaces, routes and crypto maps are read again.

        Tunnels of a map entry that is gone, or no longer on its interface, come down; a changed key or transform set is for the
        next negotiation, as on IOS.
        """
        self._router.reload()

    # --- within ---

    def _takes_live(self, wanted: SessionFilter, live: LiveTunnel) -> bool:
        record = next(iter(self._router.ike.sas.of_peer(live.link)), None)
        ports = _ports(record) if record else (500, 500)
        return wanted.takes(live.link, ports, live.plan.target.inside_vrf, live.plan.target.interface)

    def _takes_record(self, wanted: SessionFilter, record: IkeRecord) -> bool:
        interface = self._router.interface_of(record.link.front_vrf, record.link.local)
        return wanted.takes(record.link, _ports(record), record.decisions.inside_vrf, interface)

    def _takes_spoke(self, wanted: SessionFilter, spoke: Spoke) -> bool:
        ike, ipsec = spoke.ike(), spoke.ipsec()
        tunnel = ike or ipsec
        if tunnel is None:
            return False
        interface = ipsec.facts.interface if ipsec else None
        port = self._router.ports.get(interface or "")
        front_vrf = ike.facts.front_vrf if ike else port.vrf if port else None
        link = Link(front_vrf, int(tunnel.facts.local_address), int(tunnel.facts.remote_address))
        ports = (ike.facts.local_port, ike.facts.remote_port) if ike else (500, 500)
        return wanted.takes(link, ports, tunnel.vrf, interface or self._router.interface_of(front_vrf, link.local))


def _shown(tunnel: IkeTunnel) -> IsakmpSa:
    facts = tunnel.facts
    local, remote = IPv4Address(int(facts.local_address)), IPv4Address(int(facts.remote_address))
    source, destination = (local, remote) if facts.initiator else (remote, local)
    return IsakmpSa(facts.front_vrf, tunnel.vrf, source, destination, facts.initiator, State.QM_IDLE.value, tunnel.index, 0)


def _ports(record: IkeRecord) -> tuple[int, int]:
    return record.local_port, record.remote_port
