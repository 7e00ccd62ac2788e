"""Lab room: a protected flow, or one in negotiation: its bundles, its counters and its row in the flow monitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from agent.base.scheduler import Timer
from agent.config.model import RouterConfig
from agent.config.protection import line_of
from agent.crypto.doi import Protocol
from agent.crypto.ike_events import Phase2Result
from agent.crypto.ike_sa import ABOUT_OVER, IkeSa
from agent.crypto.nat_traversal import Ends
from agent.crypto.payloads import Identification
from agent.crypto.sad import Bundle
from agent.crypto.spd import Flow, Selector
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import NOT_USED, Endpoint, IpsecFacts, IpsecTunnel, SaAlgorithms, Spi
from agent.flow.monitor import NewSpi
from agent.flow.sa_counts import SaCounts
from agent.lab.policy.crypto_maps import Plan
from agent.lab.policy.peer_pair import PeerPair

FlowKey = tuple[object, Selector]

# What is left of a lifetime when an SA is rekeyed, for all lifetimes.
REKEY_SECONDS = 10
REKEY_KILOBYTES = 64
PROTOCOL_NAMES = {Protocol.AH: "ah", Protocol.ESP: "esp", Protocol.IPCOMP: "ipcomp"}


@dataclass(slots=True, eq=False)
class Installed:
    """One bundle in the SAD. `active`: the outbound side may be used. `replaced`: another bundle carries the flow.

    `confirmed`: the peer has installed it, or has had time to; until then another bundle is preferred for sending. `follows`: its
    quick mode began when the other bundles of the flow were up, so both ends know that it is the newest. `rivals`: bundles that the
    peer made while we made this one, as long as we do not know on which of them the peer sends.

    `begun_at` is when the quick mode began here, `up_at` when it was done (microseconds).
    `errors_in` and `errors_out` count packets that did not pass.
    """

    bundle: Bundle
    live: LiveTunnel
    begun_at: int
    up_at: int = 0
    hard_end: int | None = None  # when its lifetime is over
    soft_end: int = 0  # octets in one direction after which it is rekeyed
    active: bool = False
    confirmed: bool = False
    replaced: bool = False
    follows: bool = False
    rivals: set[Installed] = field(default_factory=set)
    rekeying: bool = False
    spis: tuple[Spi, ...] = ()  # its rows in the monitor
    timers: list[Timer] = field(default_factory=list)
    reported: set[object] = field(default_factory=set)  # faults that have a failure row already
    errors_in: int = 0
    errors_out: int = 0

    @property
    def ours(self) -> bool:
        """Whether we made it. Then we delete it."""
        return self.bundle.result.initiator

    @property
    def gives_way(self) -> bool:
        """Whether another is better to send on. Of rivals, two routers of ours choose alike, by SPIs that both know."""
        return self.replaced or any(self._all_spis < rival._all_spis for rival in self.rivals)

    @property
    def _all_spis(self) -> list[int]:
        return sorted(spi for keys in self.bundle.result.sas for spi in (keys.inbound_spi, keys.outbound_spi))

    @property
    def inbound_spis(self) -> dict[Protocol, tuple[int, ...]]:
        return inbound_spis(self.bundle.result)

    def about_over(self, now: int) -> bool:
        """Whether its lifetime may be over at the other end, which counts from another message."""
        if self.hard_end is not None and self.hard_end - now <= ABOUT_OVER:
            return True
        return self.bundle.kilobytes > self.bundle.result.choice.kilobytes - REKEY_KILOBYTES // 2

    def sends_with(self, protocol: int, spi: int) -> bool:
        return any(keys.protocol == protocol and keys.outbound_spi == spi for keys in self.bundle.result.sas)


@dataclass(slots=True, eq=False)
class LiveTunnel:
    """A flow with a peer. It begins with the packet that triggers it, whose drop it counts. Once up, it has a row.

    `isakmp` is the ISAKMP SA that it belongs to: the one that has keyed it last, or one that the same peer has made since.
    """

    plan: Plan
    pair: PeerPair
    counters: PacketCounters = field(default_factory=lambda: PacketCounters(IpsecCounter))
    bundles: list[Installed] = field(default_factory=list)  # oldest first
    row: IpsecTunnel | None = None
    last_in: Flow | None = None  # of the last good packet; most packets are like the one before
    negotiating: bool = False
    asked_at: int = 0  # when our last quick mode began
    peer_at: int = 0  # which of the map entry's peers is being tried
    isakmp: IkeSa | None = None
    ends: Ends | None = None  # the ends of ESP in UDP, as last seen

    @property
    def flow_key(self) -> FlowKey:
        """The key that it shares with tunnels for the same selectors with another peer or port."""
        return self.plan.target.key, self.plan.selector

    @property
    def outbound(self) -> Installed | None:
        """The newest active bundle, preferably one that is confirmed.

        Of bundles that both ends made at once neither is the newest for both. One that does not give way is preferred.
        """
        best = None
        for installed in reversed(self.bundles):
            if installed.active:
                if installed.confirmed and not installed.replaced and (installed.follows or not installed.gives_way):
                    return installed
                if best is None or (installed.confirmed and not best.confirmed):
                    best = installed
        return best


def inbound_spis(result: Phase2Result) -> dict[Protocol, tuple[int, ...]]:
    """Our SPIs by protocol, for a delete (RFC 2408 §3.15)."""
    return {keys.protocol: (keys.inbound_spi,) for keys in result.sas}


@dataclass(frozen=True, slots=True, eq=False)
class BundleCounts:
    """What the SAs of one direction of a bundle have counted. A packet goes through all of them, or through none."""

    installed: Installed
    inbound: bool

    def counts(self, now: int) -> SaCounts:
        installed, bundle = self.installed, self.installed.bundle
        if self.inbound:
            return SaCounts(bundle.packets_in, bundle.octets_in, installed.errors_in)
        return SaCounts(bundle.packets_out, bundle.octets_out, installed.errors_out)


def new_spis(installed: Installed) -> tuple[NewSpi, ...]:
    """Each protocol's inbound and outbound SA, outermost protocol first."""
    ways = BundleCounts(installed, inbound=True), BundleCounts(installed, inbound=False)
    return tuple(
        NewSpi(way.inbound, PROTOCOL_NAMES[keys.protocol], keys.inbound_spi if way.inbound else keys.outbound_spi, source=way)
        for keys in installed.bundle.result.sas
        for way in ways
    )


def endpoint_of(config: RouterConfig, identification: Identification) -> Endpoint:
    """One end of a flow for cipSecEndPtTable."""
    network, span = identification.network(), identification.range()
    if span is not None:
        return Endpoint("range", *span, identification.protocol, identification.port)
    assert network is not None  # other flows are not negotiated
    host = network.prefixlen == 32
    return Endpoint(
        "address" if host else "subnet",
        network.network_address,
        network.network_address if host else network.netmask,
        identification.protocol,
        identification.port,
        config.host_name(network.network_address) if host else "",
    )


def facts_of(config: RouterConfig, live: LiveTunnel, bundle: Bundle, ike_group: int | None) -> IpsecFacts:
    """The negotiated terms of a bundle."""
    plan, choice, suite = live.plan, bundle.result.choice, bundle.suite
    algorithms = SaAlgorithms(
        choice.group if choice.group is not None else ike_group,
        suite.esp_cipher or NOT_USED,
        suite.key_bits,
        suite.ah or NOT_USED,
        suite.esp_auth or NOT_USED,
    )
    return IpsecFacts(
        local_address=IPv4Address(live.pair.local),
        remote_address=IPv4Address(live.pair.remote),
        transport=choice.transport,
        life_size=choice.kilobytes,
        life_time=choice.seconds,
        inbound=algorithms,
        outbound=algorithms,
        local=(endpoint_of(config, plan.local_identity),),
        remote=(endpoint_of(config, plan.remote_identity),),
        initiator=bundle.result.initiator,
        map_name=plan.target.map_name,
        map_sequence=plan.target.sequence,
        acl_name=plan.target.entry.match_address,
        acl_entry=line_of(plan.target.entry, plan.rule),
        interface=plan.target.interface,
        life_size_threshold=REKEY_KILOBYTES,
        life_time_threshold=REKEY_SECONDS,
        transform_set=suite.name,
        pfs=choice.group is not None,
        template=f"{plan.target.entry.name}/{plan.target.entry.sequence}" if plan.target.dynamic else None,
    )
