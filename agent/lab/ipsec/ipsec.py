"""Lab room: a router's IPsec: packets out and in by SPD and SAD (RFC 4301 §5), and the flows of quick modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from ipaddress import IPv4Address
from typing import NamedTuple

from agent.base.clock import SECOND
from agent.base.scheduler import Timers
from agent.config.model import RouterConfig
from agent.crypto import ip
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import NotifyType, Protocol
from agent.crypto.engine import CryptoEngine
from agent.crypto.fragments import SMALLEST_MTU
from agent.crypto.ike_events import Phase2Failed, QuickRequest, QuickStart, RefusedError, Trouble
from agent.crypto.nat_traversal import Ends
from agent.crypto.payloads import Identification
from agent.crypto.proposals import Phase2Terms
from agent.crypto.replay import Fault, PacketRefusedError
from agent.crypto.sad import Bundle, spi_of
from agent.crypto.spd import Addresses, Flow, PolicyEntry, Selector, Spd, flow_of
from agent.crypto.udp_encapsulation import encapsulate
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, IkeTunnel, IpsecFailureReason
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import PacketFault
from agent.lab.failures import words
from agent.lab.failures.packets import PacketReports
from agent.lab.failures.reasons import IPSEC_REASONS, PACKET_RULES
from agent.lab.failures.reported import Reported
from agent.lab.ipsec.reverse_routes import VrfRoute, Way, reverse_routes
from agent.lab.ipsec.sa_keeper import Negotiator, SaKeeper
from agent.lab.ipsec.tunnels import Installed, LiveTunnel
from agent.lab.policy.crypto_maps import Plan, Target, entries_of, plan_of, policies_of, protections_of, selector_of, terms_of
from agent.lab.policy.isakmp import PeerDecisions
from agent.lab.policy.peer_pair import PeerPair

_MOST_ADDED = 160  # octets that sealing adds at most: IP, UDP, AH and ESP with their longest blocks and ICVs
_HOLD = 1 * SECOND  # after a refusal of its SAs, a flow asks again after that time


# The counters of an SA's packet, as plain numbers: octets twice, packets, octets of the other layer, authenticated, encrypted.
_OF_SEALED = tuple(
    map(
        int,
        (
            IpsecCounter.OUT_OCTETS,
            IpsecCounter.OUT_UNCOMP_OCTETS,
            IpsecCounter.OUT_PACKETS,
            IpsecCounter.OUT_INNER_OCTETS,
            IpsecCounter.OUT_AUTHS,
            IpsecCounter.OUT_ENCRYPTS,
        ),
    )
)
_OF_OPENED = tuple(
    map(
        int,
        (
            IpsecCounter.IN_OCTETS,
            IpsecCounter.IN_DECOMP_OCTETS,
            IpsecCounter.IN_PACKETS,
            IpsecCounter.IN_OUTER_OCTETS,
            IpsecCounter.IN_AUTHS,
            IpsecCounter.IN_DECRYPTS,
        ),
    )
)


class Verdict(Enum):
    CLEAR = "clear"
    SEALED = "sealed"
    DROPPED = "dropped"
    TOO_BIG = "too big"


class Outcome(NamedTuple):
    """The result for an outgoing packet: the sealed `packet` is to be routed in `vrf`.

    If it is too big after sealing, it must come again in fragments of at most `room` octets.
    """

    verdict: Verdict
    packet: ip.Packet
    vrf: str | None = None
    room: int = 0


class Ipsec:
    """The packet path; `sa_keeper` has the flows and SAs that it works with, `ike` is set once both exist."""

    ike: Negotiator

    def __init__(
        self,
        config: RouterConfig,
        monitor: FlowMonitor,
        scheduler: Timers,
        random: RandomSource,
        engine: CryptoEngine,
        sa_keeper: SaKeeper,
        mtu_to: Callable[[str | None, int], int],
    ) -> None:
        self._config = config
        self._engine = engine
        self._sa_keeper = sa_keeper
        self._monitor = monitor
        self._scheduler = scheduler
        self._random = random
        self._policies: dict[str, Spd[Target]] = {}
        self._protections: dict[str, Spd[Target]] = {}
        self._unknown = Reported()  # SPIs that are not there
        self.reports = PacketReports(monitor)
        self._identification = 0
        self._mtu_to = mtu_to  # the MTU of the way from a VRF to an address
        self.smallest_mtu = ip.LARGEST  # of all paths, so that a path is seldom looked up; the owner sets it
        self.reload()

    # --- policy ---

    def reload(self) -> None:
        """Read the configuration again. Tunnels end if their map entry is no longer on its interface."""
        self._sa_keeper.found.clear()
        self._policies = policies_of(self._config)
        self._protections = protections_of(self._config)
        known = {entry.target.key for entry in self._entries()}
        for live in [live for live in self._sa_keeper.flows if live.plan.target.key not in known]:
            self._sa_keeper.end(live, EndReason.OPERATOR, notify=True)

    def _entries(self) -> Iterator[PolicyEntry[Target]]:
        yield from entries_of(self._protections.values())
        yield from entries_of(self._policies.values())

    def reverse_routes(self, way: Way) -> list[VrfRoute]:
        """The routes of crypto maps and their SAs."""
        return reverse_routes(self._entries(), self._sa_keeper.flows, way)

    def target_for(self, decisions: PeerDecisions, selector: Selector) -> tuple[Target, str] | None:
        """The map entry, and its access list's line, that may protect a flow which a peer asks for."""
        pair = decisions.pair
        for entry in self._entries():
            target = entry.target
            wanted = target.entry.isakmp_profile
            if (target.front_vrf, target.local) != (pair.front_vrf, pair.local):
                continue
            if target.dynamic and wanted is None:
                # A template without a profile is for the peers of every profile.
                target = replace(target, inside_vrf=decisions.inside_vrf, clear_vrf=decisions.inside_vrf)
            if target.inside_vrf != decisions.inside_vrf:
                continue
            if (target.peers or not target.dynamic) and pair.remote not in target.peers:
                continue
            if wanted is not None and (decisions.profile is None or decisions.profile.name != wanted):
                continue
            rule = entry.covering(selector)
            if rule:
                return target, rule.text
        return None

    # --- outbound ---

    def protect(self, interface: str, packet: ip.Packet, vrf: str | None) -> Outcome:
        """The result for a packet of a VRF that is about to leave by an interface."""
        return self._apply(self._policies.get(interface), packet, vrf)

    def protect_gre(self, tunnel: str, packet: ip.Packet, vrf: str | None) -> Outcome:
        """The result for a GRE packet of a Tunnel interface with `tunnel protection`."""
        return self._apply(self._protections.get(tunnel), packet, vrf)

    def _apply(self, policy: Spd[Target] | None, packet: ip.Packet, vrf: str | None) -> Outcome:
        if policy is None:
            return Outcome(Verdict.CLEAR, packet)
        flow = flow_of(packet)
        key = policy, vrf, flow
        live = self._sa_keeper.found.get(key)
        if live is not None:
            return self._seal(live, packet)
        for entry in policy.entries:
            target = entry.target
            rule = entry.decide(flow) if target.dynamic or target.clear_vrf == vrf else None
            if rule is None:
                continue
            live = self._sa_keeper.carrying(target, flow, vrf)
            if live is not None:
                self._sa_keeper.remember(key, live)
                return self._seal(live, packet)
            if not target.dynamic:
                self._want(target, flow, rule.selector, rule.text)
            if target.demands and target.clear_vrf == vrf:
                return Outcome(Verdict.DROPPED, packet)
        if flow.opaque and any(entry.may_take(flow) for entry in policy.entries if entry.target.clear_vrf == vrf):
            return Outcome(Verdict.DROPPED, packet)
        return Outcome(Verdict.CLEAR, packet)

    def _want(self, target: Target, flow: Flow, selector: Selector, rule: str) -> None:
        """Drop a packet without SAs, and begin the negotiation for its flow."""
        if target.entry.per_host:
            selector = _narrowed(selector, flow)
        pairs = [PeerPair(target.front_vrf, target.local, peer) for peer in target.peers]
        at = next((at for at, pair in enumerate(pairs) if pair not in self._sa_keeper.lost_peers), 0)
        plan = plan_of(self._config, target, selector, pairs[at].remote, rule)
        if plan is None:
            return
        live = self._sa_keeper.add(LiveTunnel(plan, pairs[at], peer_at=at))
        live.counters.add(IpsecCounter.OUT_DROPS)
        self._sa_keeper.negotiate(live)

    def _seal(self, live: LiveTunnel, packet: ip.Packet) -> Outcome:
        installed = live.outbound
        if installed is None:
            live.counters.add(IpsecCounter.OUT_DROPS)
            if not live.negotiating and not live.bundles:
                self._sa_keeper.negotiate(live)
            return Outcome(Verdict.DROPPED, packet)
        bundle, ends = installed.bundle, live.ends
        remote = int(ends.remote) if ends else live.pair.remote
        inner = packet.length
        if inner > self.smallest_mtu - _MOST_ADDED and not bundle.transport:
            room = self._room(live, bundle, remote, packet)
            if room is not None:
                return Outcome(Verdict.TOO_BIG, packet, room=room)
        self._identification = self._identification + 1 & 0xFFFF
        if self._engine.failed:
            fault = Fault.NOT_ENCRYPTED if bundle.encrypts else Fault.NOT_SIGNED
            self._refused(installed, fault, bundle.outbound[0].spi, inbound=False)
            return Outcome(Verdict.DROPPED, packet)
        try:
            outer = bundle.seal(packet, live.pair.local, remote, self._random, self._identification)
        except PacketRefusedError:
            live.counters.add(IpsecCounter.OUT_DROPS)
            self._sa_keeper.end(live, EndReason.SEQUENCE_ROLLOVER, notify=True)
            return Outcome(Verdict.DROPPED, packet)
        self.ike.about_to_send(live)
        if bundle.udp and ends:
            outer = encapsulate(outer, ends)
            self.ike.keepalives.sent((live.pair.front_vrf, ends))
        length = outer.length
        live.counters.add_each(_OF_SEALED, (length, length, 1, inner, bundle.authenticates, bundle.encrypts))
        self._sa_keeper.check_volume(installed)
        return Outcome(Verdict.SEALED, outer, live.pair.front_vrf)

    def _room(self, live: LiveTunnel, bundle: Bundle, remote: int, packet: ip.Packet) -> int | None:
        """The size of fragments to which a packet must be cut before sealing (IOS: `crypto ipsec fragmentation before-encryption`).

        If ports select the flow, the other end could not assign fragments, so the sealed packet is fragmented, unless DF is set.
        """
        mtu = self._mtu_to(live.pair.front_vrf, remote)
        if bundle.sealed_octets(packet.length) <= mtu:
            return None
        by_ports = live.plan.selector.without_ports() != live.plan.selector
        if by_ports and not packet.flags & ip.DONT_FRAGMENT:
            return None
        room = bundle.room(mtu)
        return room if room >= SMALLEST_MTU else None

    # --- inbound ---

    def must_be_protected(self, interface: str, packet: ip.Packet) -> bool:
        """Whether our policy protects a packet that came in the clear (RFC 4301 §5.2)."""
        policy = self._policies.get(interface)
        if policy is None:
            return False
        flow = flow_of(packet).reversed()
        taking = (entry.target for entry in policy.entries if entry.decide(flow) or entry.may_take(flow))
        return any(target.demands or self._sa_keeper.carrying(target, flow, target.clear_vrf) for target in taking)

    def protects_gre(self, tunnel: str) -> bool:
        """Whether a Tunnel interface accepts GRE from its SAs alone."""
        return tunnel in self._protections

    def receive(self, pair: PeerPair, packet: ip.Packet, ends: Ends | None = None) -> tuple[ip.Packet, str | None] | None:
        """Open an ESP or AH packet to us: the inner packet and the VRF that it belongs to; None: it was dropped and counted.

        `ends` are those that it came by where it came in UDP.
        """
        if len(packet.payload) < 12:
            raise ip.BadPacketError("no room for an SPI and a sequence number")
        if ends is not None:
            pair = pair.heard_from(ends.remote_port)
        spi = spi_of(packet.protocol, packet.payload)
        installed = self._sa_keeper.sad.find(packet.protocol, spi)
        if installed is None or not _comes_by(installed, pair, ends):
            self.reports.refused(PacketFault.NO_SA, pair.front_vrf, packet)
            self._unknown_spi(pair, packet.protocol, spi)
            return None
        live, bundle = installed.live, installed.bundle
        inner = None
        try:
            if self._engine.failed:
                raise PacketRefusedError(Fault.NOT_DECRYPTED if bundle.encrypts else Fault.NOT_VERIFIED)
            inner = bundle.open(packet)
            flow = flow_of(inner)
            if flow != live.last_in and not live.plan.selector.matches(flow.reversed()):
                raise PacketRefusedError(Fault.POLICY)
            live.last_in = flow
        except PacketRefusedError as refused:
            told = self._refused(installed, refused.fault, spi, inbound=True)
            if told is not None:
                self.reports.refused(told, live.plan.target.inside_vrf, packet, live.row, inner)
            return None
        self.ike.heard(live)
        installed.confirmed = True
        if installed.rivals:
            self._sa_keeper.chosen(installed)
        length = inner.length
        outer = packet.length + (ip.UDP_OCTETS if ends else 0)
        live.counters.add_each(_OF_OPENED, (length, length, 1, outer, bundle.authenticates, bundle.encrypts))
        self._sa_keeper.check_volume(installed)
        if ends is not None and ends != live.ends and bundle.authenticates:
            self.ike.moved(live, ends)
        return inner, live.plan.target.clear_vrf

    def _refused(self, installed: Installed, fault: Fault, spi: int, inbound: bool) -> PacketFault | None:
        """Count a packet of a live SA that does not pass. The first of each fault is reported. Returns the flow monitor's fault."""
        live, rule = installed.live, PACKET_RULES[fault]
        for counter in rule.counters:
            live.counters.add(counter)
        if inbound:
            installed.errors_in += 1
        else:
            installed.errors_out += 1
        if rule.reason is None or live.row is None:
            return rule.fault
        if fault in installed.reported:
            self._monitor.ipsec_fault(live.row.vrf, rule.reason)
        else:
            installed.reported.add(fault)
            ends = IPv4Address(live.pair.local), IPv4Address(live.pair.remote)
            source, destination = ends[::-1] if inbound else ends
            self._monitor.ipsec_failed(
                live.row.vrf, rule.reason, source, destination, spi, live.row, inbound=inbound, cause=words.PACKETS[fault]
            )
        return rule.fault

    def _unknown_spi(self, pair: PeerPair, protocol: int, spi: int) -> None:
        """Make one failure row for each unknown SPI, and send its sender one INVALID-SPI."""
        if self._unknown.is_first((pair.remote, spi)):
            source, destination = IPv4Address(pair.remote), IPv4Address(pair.local)
            self._monitor.ipsec_failed(
                pair.front_vrf,
                IpsecFailureReason.NO_SA,
                source,
                destination,
                spi,
                peer=self.ike.association_at(pair),
                inbound=True,
                ends=pair.ends,
                cause=words.NO_SPI,
            )
            notified = Protocol.AH if protocol == ip.AH else Protocol.ESP
            self.ike.unknown_spi(pair, notified, spi)
        else:
            self._monitor.ipsec_fault(pair.front_vrf, IpsecFailureReason.NO_SA)

    # --- negotiation ---

    def admits(self, live: LiveTunnel) -> bool:
        """Whether the limit of `crypto call admission limit ipsec sa` leaves room for SAs of a flow."""
        if self._wanted(live).suites:
            return True
        vrf, pair = live.plan.target.inside_vrf, live.pair
        ends, asked = (IPv4Address(pair.local), IPv4Address(pair.remote)), _asked(live)
        self._monitor.ipsec_failed(
            vrf, IpsecFailureReason.CAPACITY, *ends, ends=pair.ends, protocol=asked, cause=words.CEILING[True]
        )
        self._monitor.sa_refused(vrf)
        self.put_off(live)
        return False

    def put_off(self, live: LiveTunnel) -> None:
        """A flow gets no SAs now. It may ask again a little later."""
        self._scheduler.after(_HOLD, lambda: self._sa_keeper.abandon(live))

    def _wanted(self, live: LiveTunnel) -> Phase2Terms:
        """The terms for a flow's SAs by the present configuration, under the limit of SAs."""
        terms = terms_of(self._config, live.plan.target, live.plan.selector, live.pair.remote)
        return self._under_ceiling(terms if terms.suites else live.plan.terms, live)

    def _under_ceiling(self, terms: Phase2Terms, live: LiveTunnel | None) -> Phase2Terms:
        """The terms with only the suites that the limit leaves room for. Each protocol is two SAs. A rekey is always allowed."""
        room = self._sa_keeper.room()
        if room is None or (live and live.row):
            return terms
        return replace(terms, suites=tuple(suite for suite in terms.suites if 2 * len(suite.protocols) <= room))

    def start_of(self, live: LiveTunnel) -> QuickStart:
        """The quick mode of a flow, with the present terms of the configuration."""
        plan, live.asked_at = live.plan, self._scheduler.clock.now()
        return QuickStart(self._wanted(live), plan.local_identity, plan.remote_identity, live)

    def answer(self, decisions: PeerDecisions, request: QuickRequest) -> QuickStart | None:
        """The terms for a flow that a peer asks for; None if no map entry is for it."""
        pair = decisions.pair
        local = _of_peer(request.local, pair.local, request.translated)
        remote = _of_peer(request.remote, pair.remote, request.translated)
        selector = selector_of(local, remote)
        found = self.target_for(decisions, selector) if selector else None
        if selector is None or found is None:
            return None
        target, rule = found
        terms = terms_of(self._config, target, selector, pair.remote)
        live = self._sa_keeper.same_flow(target, selector, pair)
        allowed = self._under_ceiling(terms, live)
        if terms.suites and not allowed.suites:
            raise RefusedError(Trouble.CAPACITY, NotifyType.NO_PROPOSAL_CHOSEN)
        if live is None:
            live = self._sa_keeper.add(LiveTunnel(Plan(target, selector, pair.remote, rule, terms, local, remote), pair))
        return QuickStart(allowed, request.local, request.remote, live)

    def new_spi(self) -> int:
        return self._sa_keeper.sad.new_spi(self._random)

    def interrupted(self, event: Phase2Failed) -> None:
        """A quick mode has lost its ISAKMP SA. Ours begins again under another; the peer may do the same with its own."""
        if isinstance(event.tag, LiveTunnel):
            self._sa_keeper.forget_spis(event.tag, event.spis)
            self._sa_keeper.tidy(event.tag)

    def failed(self, event: Phase2Failed, pair: PeerPair, vrf: str | None, ike: IkeTunnel | None) -> None:
        """A quick mode has failed."""
        live = event.tag if isinstance(event.tag, LiveTunnel) else None
        reason = IPSEC_REASONS.get(event.trouble, IpsecFailureReason.OTHER)
        ends = IPv4Address(pair.local), IPv4Address(pair.remote)
        source, destination = ends if event.initiator else ends[::-1]
        spi = event.spis[0] if event.spis else 0
        row = live.row if live else None
        peer = ike.peer if ike else None
        asked = _PROTOCOLS.get(event.asked, "esp") if live is None else _asked(live)
        pfs = live is not None and live.plan.terms.group is not None
        cause = words.of_quick_mode(event.trouble, event.initiator, live is not None, pfs)
        self._monitor.ipsec_failed(
            vrf,
            reason,
            source,
            destination,
            spi,
            row,
            peer,
            inbound=not event.initiator,
            ends=pair.ends,
            protocol=asked,
            cause=cause,
        )
        if event.trouble is Trouble.CAPACITY:
            self._monitor.sa_refused(vrf)
        if live is None:
            return
        self._sa_keeper.forget_spis(live, event.spis)
        if event.initiator:
            self._sa_keeper.abandon(live)
        else:
            self._sa_keeper.tidy(live)


# As the flow monitor names them.
_PROTOCOLS: dict[int | None, str] = {Protocol.AH: "ah", Protocol.ESP: "esp"}


def _asked(live: LiveTunnel) -> str:
    """The protocol of a flow's SAs: ESP if it is a bundle."""
    suites = live.plan.terms.suites
    return "ah" if suites and suites[0].protocols == (Protocol.AH,) else "esp"


def _comes_by(installed: Installed, pair: PeerPair, ends: Ends | None) -> bool:
    """Whether a packet came between the addresses of its SA. In UDP the peer's address may have changed."""
    if installed.bundle.udp:
        return ends is not None and installed.live.pair[:2] == pair[:2]
    return ends is None and installed.live.pair == pair


def _of_peer(asked: Identification | None, address: int, translated: bool) -> Identification:
    """One end of a flow: as asked for; the peer itself where nothing is, and where a NAT stands between its address and ours."""
    if asked is None:
        return Identification.of_address(IPv4Address(address))
    return Identification.of_address(IPv4Address(address), asked.protocol, asked.port) if translated else asked


def _narrowed(selector: Selector, flow: Flow) -> Selector:
    """The part of a selector that is one pair of hosts (`security-association level per-host`)."""
    source, destination = Addresses(flow.source), Addresses(flow.destination)
    return Selector(selector.protocol, source, destination, selector.source_ports, selector.destination_ports)
