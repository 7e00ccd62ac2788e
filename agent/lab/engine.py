"""Lab room: one lab router behind the engine port (`agent.engine.port`): destroy, clear, ping, a changed configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from agent.base.implemented import CIPHERS
from agent.base.origin import Origin
from agent.config.events import (
    AaaChanged,
    ConfigEvent,
    HistorySizeSet,
    LoggingChanged,
    RsaKeyGenerated,
    RsaKeyZeroized,
    SnmpChanged,
    SnmpTextSet,
    TrapTypesSet,
)
from agent.crypto.doi import Exchange
from agent.crypto.states import State
from agent.engine.access import AccessControl
from agent.engine.sessions import Sides, ends_of
from agent.engine.values import (
    Admission,
    ClearIsakmp,
    ClearSas,
    ClearSessions,
    CryptoEngine,
    DestroyIke,
    DestroyIpsec,
    Phase1Sa,
    PingRequest,
    Probe,
    Refusal,
    Request,
    SessionEnds,
    SessionFilter,
)
from agent.flow.model import Address, EndReason, IkeFacts, IkeTunnel, IpsecTunnel, Peer, PeerEnds
from agent.lab.ike.admission import Limit
from agent.lab.ike.records import IkeRecord, facts_of
from agent.lab.ipsec.tunnels import LiveTunnel
from agent.lab.ping import Ping
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.router import Router
from agent.lab.spokes.spoke import Phase, Spoke
from agent.lab.spokes.spokes import Spokes

# Changes that an engine has nothing to do with. Without any event, everything may have changed.
_OF_OTHERS = (AaaChanged, SnmpChanged, SnmpTextSet, TrapTypesSet, HistorySizeSet, LoggingChanged, RsaKeyGenerated, RsaKeyZeroized)


class LabEngine:
    """The engine of one lab router. `until(done)` waits until `done` is true, while the lab's runner moves the time."""

    def __init__(self, router: Router, until: Callable[[Callable[[], bool]], Awaitable[None]]) -> None:
        self._router = router
        self._until = until
        self.spokes: list[Spokes] = []  # those that this router is the hub of
        self._known_sides: Sides | None = None  # of the present configuration, once somebody asks

    def test(self, request: Request) -> Refusal | None:
        """A simulated router refuses nothing."""
        return None

    def do(self, request: Request, origin: Origin | None) -> bool:
        """Carry out a request; whether there was anything to end."""
        with self._router.monitor.caused_by(origin):
            return _DO[type(request)](self, request)

    # --- tunnels (SNMP destroy) ---

    def _destroy_ike(self, request: DestroyIke) -> bool:
        tunnel = self._router.monitor.ike_tunnels.get(request.index)
        return tunnel is not None and self._end_ike(tunnel)

    def _end_ike(self, tunnel: IkeTunnel) -> bool:
        record = self._router.ike.sas.of_tunnel(tunnel)
        if record is not None:
            self._router.ike.end(record, EndReason.OPERATOR)
        owned = [(spokes, spoke) for spokes in self.spokes if (spoke := spokes.owner_of(tunnel))]
        for spokes, spoke in owned:
            spokes.end([spoke], IkeTunnel)
        return record is not None or bool(owned)

    def _destroy_ipsec(self, request: DestroyIpsec) -> bool:
        tunnel = self._router.monitor.ipsec_tunnels.get(request.index)
        if tunnel is None:
            return False
        live = self._router.sa_keeper.of_tunnel(tunnel)
        if live is not None:
            self._router.sa_keeper.end(live, EndReason.OPERATOR, notify=True)
        owned = [(spokes, spoke) for spokes in self.spokes if (spoke := spokes.owner_of(tunnel))]
        for spokes, spoke in owned:
            spokes.end([spoke], IpsecTunnel)
        return live is not None or bool(owned)

    # --- clear ---

    def _clear_sessions(self, request: ClearSessions) -> bool:
        """Unfinished set-ups end, too."""
        wanted = request.wanted
        flows = self._router.sa_keeper.matching(lambda live: wanted.takes(self._ends_of_live(live)))
        interfaces = {live.pair: live.plan.target.interface for live in flows}
        records = [record for record in self._router.ike.sas if self._is_wanted(record, wanted, interfaces)]
        for live in flows:
            self._router.sa_keeper.end(live, EndReason.OPERATOR, notify=True)
        for record in records:
            self._router.ike.end(record, EndReason.OPERATOR)
        self._clear_spokes(wanted, IkeTunnel, IpsecTunnel)
        return bool(flows or records)

    def _is_wanted(self, record: IkeRecord, wanted: SessionFilter, interfaces: Mapping[PeerPair, str]) -> bool:
        """Whether a filter selects an IKE SA, which has the interface of its pair's IPsec tunnels that the filter has selected.

        Before its inside VRF is known, it belongs to any session of its pair.
        """
        interface = interfaces.get(record.pair)
        unknown = interface is not None and not record.decisions.settled
        return unknown or wanted.takes(self._ends_of_record(record, interface))

    def _clear_sas(self, request: ClearSas) -> bool:
        wanted, name = request.wanted, request.map_name
        flows = self._router.sa_keeper.matching(
            lambda live: name in (None, live.plan.target.map_name) and wanted.takes(self._ends_of_live(live))
        )
        for live in flows:
            self._router.sa_keeper.end(live, EndReason.OPERATOR, notify=True)
        self._clear_spokes(wanted, IpsecTunnel, map_name=name)
        return bool(flows)

    def _clear_spokes(self, wanted: SessionFilter, *phases: Phase, map_name: str | None = None) -> None:
        def takes(spoke: Spoke) -> bool:
            peer = spoke.peer
            if peer is None or not wanted.takes(self._ends_of(peer, peer.ends, peer.vrf)):
                return False
            return map_name is None or any(tunnel.facts.map_name == map_name for tunnel in spoke.ipsecs)

        for spokes in self.spokes:
            spokes.clear(takes, wanted.remote, *phases)

    def _clear_isakmp(self, request: ClearIsakmp) -> bool:
        if request.index is not None:
            return self._destroy_ike(DestroyIke(request.index))
        records = list(self._router.ike.sas)
        for record in records:
            self._router.ike.end(record, EndReason.OPERATOR)
        found = bool(records)
        for spokes in self.spokes:
            found = found or any(spoke.ikes for spoke in spokes.living())
            spokes.clear(lambda spoke: bool(spoke.ikes), None, IkeTunnel)
        return found

    # --- what there is ---

    def phase1_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        """Those of spokes by number come last."""
        sas = self._router.ike.sas
        over = [record for record in sas.over if remote is None or record.pair.remote == int(remote)]
        for record in (*over, *(sas if remote is None else sas.at(int(remote)))):
            yield self._shown_record(record)
        for spokes in self.spokes:
            for spoke in spokes.living() if remote is None else spokes.living_at(remote):
                yield from map(_shown_tunnel, spoke.ikes[-1:])

    def negotiating_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        """Spokes by number have none."""
        sas = self._router.ike.sas
        records = list(sas.half_open()) if remote is None else sas.at(int(remote))
        return (self._shown_record(record) for record in records if record.negotiating)

    def admission(self) -> Admission:
        """The counts of IKE's call admission control."""
        found = self._router.ike.admission
        return Admission(
            most_sas=found.most_sas,
            most_negotiating=found.most_in_negotiation,
            active=found.active,
            negotiating=found.negotiating,
            incoming=(found.incoming.accepted, found.incoming.rejected),
            outgoing=(found.outgoing.accepted, found.outgoing.rejected),
            rejected_at_sas=found.refused_by[Limit.SAS],
            rejected_at_negotiating=found.refused_by[Limit.IN_NEGOTIATION],
            rejected_at_address=found.refused_by[Limit.ADDRESS],
        )

    def crypto_engine(self) -> CryptoEngine:
        return CryptoEngine(not self._router.crypto_engine.failed, CIPHERS)

    # --- ping ---

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        """Send the probes one after another, by the lab's clock."""
        ping = self.begin_ping(request, on_probe)
        try:
            await self._until(lambda: ping.done)
        finally:
            ping.stop()

    def begin_ping(
        self,
        request: PingRequest,
        on_probe: Callable[[Probe], None] | None = None,
        on_done: Callable[[Ping], None] | None = None,
    ) -> Ping:
        """Begin a ping; it goes on as the lab's clock does, and says so probe by probe. It may be `stop`ped."""
        return self._router.ping(request, on_probe, on_done)

    # --- AAA ---

    def use_access(self, access: AccessControl) -> None:
        """Whom to ask about remote-access clients."""
        self._router.ike.use_access(access)

    # --- configuration ---

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        """The configuration has changed: interfaces, routes and crypto maps are read again.

        Tunnels of a map entry that has gone, or is no longer on its interface, end. A changed key or transform set is used in the
        next negotiation, as on IOS.
        """
        followed = tuple(events)
        if followed and all(isinstance(event, _OF_OTHERS) for event in followed):
            return
        self._router.reload()
        self._known_sides = None

    # --- within ---

    @property
    def _sides(self) -> Sides:
        if self._known_sides is None:
            self._known_sides = Sides(self._router.config)
            for _ in self._known_sides.read():
                pass  # a request is carried out at once
        return self._known_sides

    def _shown_record(self, record: IkeRecord) -> Phase1Sa:
        """IOS shows an SA that is over as one without a state, for as long as it is remembered."""
        sa, over = record.sa, record.sa.state is State.DEAD
        aggressive = sa.exchange is Exchange.AGGRESSIVE
        state = (State.AG_NO_STATE if aggressive else State.MM_NO_STATE) if over else sa.state
        tunnel = record.tunnel or record.former
        facts = facts_of(self._router.config, record) if tunnel is None and sa.terms.agreed is not None else None
        inside = record.decisions.inside_vrf
        return _shown(record.peer_ends, sa.initiator, state, inside, len(record.waiting), tunnel, facts, over)

    def _ends_of_live(self, live: LiveTunnel) -> SessionEnds:
        record = next(iter(self._router.ike.sas.of_peer(live.pair)), None)
        ends, target = record.peer_ends if record else live.pair.ends, live.plan.target
        return self._ends_of(live.row.peer if live.row else None, ends, target.inside_vrf, target.interface)

    def _ends_of_record(self, record: IkeRecord, interface: str | None = None) -> SessionEnds:
        peer = record.tunnel.peer if record.tunnel else None
        return self._ends_of(peer, record.peer_ends, record.decisions.inside_vrf, interface)

    def _ends_of(self, peer: Peer | None, ends: PeerEnds, inside_vrf: str | None, interface: str | None = None) -> SessionEnds:
        """Those of the session that an association has up. Of one that has none they are given, but for the interface perhaps."""
        if peer is not None and peer.session is not None:
            return ends_of(peer.session)
        ends = peer.ends if peer else ends
        return SessionEnds(ends, inside_vrf, interface or self._sides.interface_of(ends))


def _shown_tunnel(tunnel: IkeTunnel) -> Phase1Sa:
    return _shown(tunnel.peer.ends, tunnel.facts.initiator, State.QM_IDLE, tunnel.vrf, tunnel=tunnel)


def _shown(
    ends: PeerEnds,
    initiator: bool,
    state: State,
    inside_vrf: str | None,
    waiting: int = 0,
    tunnel: IkeTunnel | None = None,
    facts: IkeFacts | None = None,
    deleted: bool = False,
) -> Phase1Sa:
    """`facts` are those of an SA that was never up."""
    addresses = ends.local_address, ends.remote_address
    source, destination = addresses if initiator else addresses[::-1]
    return Phase1Sa(
        source,
        destination,
        state.value,
        tunnel.index if tunnel else 0,
        front_vrf=ends.front_vrf,
        inside_vrf=inside_vrf,
        waiting=waiting,
        initiator=initiator,
        local_port=ends.local_port,
        remote_port=ends.remote_port,
        facts=tunnel.facts if tunnel else facts,
        start=tunnel.start if tunnel else None,
        deleted=deleted,
    )


_DO: Mapping[type[Request], Callable[[LabEngine, Any], bool]] = MappingProxyType(
    {
        DestroyIke: LabEngine._destroy_ike,
        DestroyIpsec: LabEngine._destroy_ipsec,
        ClearSessions: LabEngine._clear_sessions,
        ClearIsakmp: LabEngine._clear_isakmp,
        ClearSas: LabEngine._clear_sas,
    }
)
