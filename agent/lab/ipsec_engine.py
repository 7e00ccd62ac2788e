"""Lab room: a router's IPsec: packets in and out by SPD and SAD (RFC 4301 §5); SAs installed, rekeyed, expired; the monitor told.

Rekeying: who made an SA replaces it when 10 seconds or 64 kilobytes of its lifetime are left, if it has carried packets; the other
end does at half of that, should nothing have come. The old SAs stay for a while, so that packets under way still find them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import NamedTuple, Protocol

from agent.config.model import RouterConfig
from agent.crypto import ip
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.ike_events import Phase2Failed, Phase2Result, QuickRequest, QuickStart, Trouble
from agent.crypto.isakmp import Identification
from agent.crypto.replay import Fault, PacketRefusedError
from agent.crypto.sad import Bundle, Sad, spi_of
from agent.crypto.spd import Flow, PolicyEntry, Selector, flow_of, lookup
from agent.flow.clock import SECOND
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, IkeTunnel, IpsecFailureReason, IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.lab.ike_policy import Link, PeerDecisions
from agent.lab.policy import Plan, Target, plan_of, policies_of, selector_of, targets, terms_of
from agent.lab.scheduler import Scheduler
from agent.lab.tunnels import Installed, LiveTunnel, facts_of, new_spis

SOFT_SECONDS = 10  # cipSecTunSaLifeTimeThreshold
SOFT_KILOBYTES = 64  # cipSecTunSaLifeSizeThreshold
OVERLAP = 30 * SECOND  # how long a replaced bundle still takes packets
_NEVER_MORE = 256  # unknown SPIs that are remembered as told


class Verdict(Enum):
    CLEAR = "clear"
    SEALED = "sealed"
    DROPPED = "dropped"


class Outcome(NamedTuple):
    """What becomes of a packet that leaves: sealed, `packet` is to go through `vrf`."""

    verdict: Verdict
    packet: ip.Packet
    vrf: str | None = None


class Negotiator(Protocol):
    """What IPsec asks of IKE."""

    def negotiate(self, live: LiveTunnel) -> None:
        """Begin a quick mode for a flow, under a phase 1 that may have to be made first."""
        ...

    def delete_sas(self, link: Link, spis: dict[IpsecProtocol, tuple[int, ...]]) -> None:
        """Tell the peer that SAs are gone, if there is a phase 1 to tell it by."""
        ...


@dataclass(frozen=True, slots=True)
class _FaultRule:
    """What a bad packet of a live SA counts in, and what its failure row says."""

    counters: tuple[IpsecCounter, ...]
    reason: IpsecFailureReason | None


_FAULTS = {
    Fault.REPLAY: _FaultRule((IpsecCounter.IN_REPLAY_DROPS,), None),
    Fault.INTEGRITY: _FaultRule((IpsecCounter.IN_DROPS, IpsecCounter.IN_AUTH_FAILS), IpsecFailureReason.IN_AUTHENTICATION),
    Fault.DECRYPT: _FaultRule((IpsecCounter.IN_DROPS, IpsecCounter.IN_DECRYPT_FAILS), IpsecFailureReason.DECRYPT),
    Fault.MALFORMED: _FaultRule((IpsecCounter.IN_DROPS,), IpsecFailureReason.PEER_ENCODING),
    Fault.POLICY: _FaultRule((IpsecCounter.IN_DROPS,), IpsecFailureReason.PROTOCOL_USE),
}
_FAILURES = {
    Trouble.PROPOSAL: IpsecFailureReason.PROPOSAL,
    Trouble.TIMEOUT: IpsecFailureReason.PEER_LOST,
    Trouble.ENCODING: IpsecFailureReason.PEER_ENCODING,
    Trouble.KEY_EXCHANGE: IpsecFailureReason.PEER_ENCODING,
}


class IpsecEngine:
    """`ike` is set once both engines exist."""

    ike: Negotiator

    def __init__(
        self,
        config: RouterConfig,
        monitor: FlowMonitor,
        scheduler: Scheduler,
        random: RandomSource,
    ) -> None:
        self.config = config
        self.sad: Sad[Installed] = Sad()
        self.lives: list[LiveTunnel] = []
        self._monitor = monitor
        self._scheduler = scheduler
        self._random = random
        self._policies: dict[str, tuple[PolicyEntry[Target], ...]] = {}
        self._by_target: dict[object, list[LiveTunnel]] = {}
        self._by_row: dict[int, LiveTunnel] = {}
        self._unknown: dict[tuple[int, int], None] = {}
        self._identification = 0
        self.reload()

    # --- policy ---

    def reload(self) -> None:
        """Read the configuration again; tunnels whose map entry is gone from its interface end."""
        self._policies = policies_of(self.config)
        known = {entry.target.key for entry in targets(self._policies.values())}
        for live in [live for live in self.lives if live.plan.target.key not in known]:
            self.end(live, EndReason.OPERATOR, tell=True)

    def target_for(self, decisions: PeerDecisions, selector: Selector) -> tuple[Target, str] | None:
        """The map entry, and its access list's line, that may protect a flow which a peer asks for."""
        link = decisions.link
        for entry in targets(self._policies.values()):
            target = entry.target
            wanted = target.entry.isakmp_profile
            if (target.front_vrf, target.local, target.inside_vrf) != (link.front_vrf, link.local, decisions.inside_vrf):
                continue
            if (target.peers or not target.dynamic) and link.remote not in target.peers:
                continue
            if wanted is not None and (decisions.profile is None or decisions.profile.name != wanted):
                continue
            rule = entry.covering(selector)
            if rule:
                return target, rule.text
        return None

    # --- outbound ---

    def protect(self, interface: str, packet: ip.Packet, vrf: str | None) -> Outcome:
        """What becomes of a packet of a VRF that is about to leave by an interface."""
        policy = self._policies.get(interface)
        if not policy:
            return Outcome(Verdict.CLEAR, packet)
        flow = flow_of(packet)
        for entry in policy:
            target = entry.target
            if target.inside_vrf != vrf:
                continue
            live = self._carrying(target, flow)
            if live is not None:
                return self._seal(live, packet)
            rule = None if target.dynamic else entry.decide(flow)
            if rule is not None:
                self._want(target, flow, rule.selector, rule.text)
                return Outcome(Verdict.DROPPED, packet)
        return Outcome(Verdict.CLEAR, packet)

    def _carrying(self, target: Target, flow: Flow) -> LiveTunnel | None:
        """The live tunnel of an entry that takes a flow: one that can send before one that is being made."""
        waiting = None
        for live in self._by_target.get(target.key, ()):
            if live.plan.selector.matches(flow):
                if live.outbound:
                    return live
                waiting = waiting or live
        return waiting

    def _want(self, target: Target, flow: Flow, selector: Selector, rule: str) -> None:
        """A packet without SAs: it is dropped, and sets off the negotiation that the next one will find done."""
        if target.entry.per_host:
            selector = _narrowed(selector, flow)
        plan = plan_of(self.config, target, selector, target.peers[0], rule)
        if plan is None:
            return
        live = self._add(LiveTunnel(plan, Link(target.front_vrf, target.local, plan.remote)))
        live.counters.add(IpsecCounter.OUT_DROPS)
        self._negotiate(live)

    def _negotiate(self, live: LiveTunnel) -> None:
        live.negotiating = True
        self.ike.negotiate(live)

    def _seal(self, live: LiveTunnel, packet: ip.Packet) -> Outcome:
        installed = live.outbound
        if installed is None:
            live.counters.add(IpsecCounter.OUT_DROPS)
            if not live.negotiating and not live.bundles:
                self._negotiate(live)
            return Outcome(Verdict.DROPPED, packet)
        bundle = installed.bundle
        self._identification = self._identification + 1 & 0xFFFF
        try:
            outer = bundle.seal(packet, live.link.local, live.link.remote, self._random, self._identification)
        except PacketRefusedError:
            live.counters.add(IpsecCounter.OUT_DROPS)
            self.end(live, EndReason.SEQUENCE_ROLLOVER, tell=True)
            return Outcome(Verdict.DROPPED, packet)
        add, length = live.counters.add, outer.length
        add(IpsecCounter.OUT_OCTETS, length)
        add(IpsecCounter.OUT_UNCOMP_OCTETS, length)
        add(IpsecCounter.OUT_PACKETS)
        add(IpsecCounter.OUT_INNER_OCTETS, packet.length)
        if bundle.authenticates:
            add(IpsecCounter.OUT_AUTHS)
        if bundle.encrypts:
            add(IpsecCounter.OUT_ENCRYPTS)
        self._check_volume(installed)
        return Outcome(Verdict.SEALED, outer, live.link.front_vrf)

    # --- inbound ---

    def must_be_protected(self, interface: str, packet: ip.Packet) -> bool:
        """Whether a packet that came in the clear is one that our policy has protected (RFC 4301 §5.2)."""
        policy = self._policies.get(interface)
        if not policy:
            return False
        flow = flow_of(packet).reversed()
        if lookup((entry for entry in policy if not entry.target.dynamic), flow):
            return True
        dynamic = (entry.target for entry in policy if entry.target.dynamic)
        return any(self._carrying(target, flow) for target in dynamic)

    def receive(self, link: Link, packet: ip.Packet) -> tuple[ip.Packet, str | None] | None:
        """Open an ESP or AH packet to us: the inner packet and the VRF that it belongs to; None: it was dropped and counted."""
        if len(packet.payload) < 12:
            return None
        spi = spi_of(packet.protocol, packet.payload)
        installed = self.sad.find(packet.protocol, spi)
        if installed is None or installed.live.link != link:
            self._unknown_spi(link, spi)
            return None
        live, bundle = installed.live, installed.bundle
        try:
            inner = bundle.open(packet)
            if not live.plan.selector.matches(flow_of(inner).reversed()):
                raise PacketRefusedError(Fault.POLICY)
        except PacketRefusedError as refused:
            self._refused(installed, refused.fault, spi)
            return None
        add = live.counters.add
        add(IpsecCounter.IN_OCTETS, inner.length)
        add(IpsecCounter.IN_DECOMP_OCTETS, inner.length)
        add(IpsecCounter.IN_PACKETS)
        add(IpsecCounter.IN_OUTER_OCTETS, packet.length)
        if bundle.authenticates:
            add(IpsecCounter.IN_AUTHS)
        if bundle.encrypts:
            add(IpsecCounter.IN_DECRYPTS)
        self._check_volume(installed)
        return inner, live.plan.target.inside_vrf

    def _refused(self, installed: Installed, fault: Fault, spi: int) -> None:
        live, rule = installed.live, _FAULTS[fault]
        for counter in rule.counters:
            live.counters.add(counter)
        if rule.reason is not None and fault not in installed.reported and live.row is not None:
            installed.reported.add(fault)
            source, destination = IPv4Address(live.link.remote), IPv4Address(live.link.local)
            self._monitor.ipsec_failed(live.row.vrf, rule.reason, source, destination, spi, live.row)

    def _unknown_spi(self, link: Link, spi: int) -> None:
        """One failure row for each SPI that we do not have; a sender that goes on is not told of again."""
        key = (link.remote, spi)
        if key in self._unknown:
            return
        self._unknown[key] = None
        if len(self._unknown) > _NEVER_MORE:
            del self._unknown[next(iter(self._unknown))]
        source, destination = IPv4Address(link.remote), IPv4Address(link.local)
        self._monitor.ipsec_failed(link.front_vrf, IpsecFailureReason.NO_SA, source, destination, spi)

    # --- negotiation ---

    def start_of(self, live: LiveTunnel) -> QuickStart:
        """The quick mode of a flow, with the terms that the configuration has now."""
        plan = live.plan
        terms = terms_of(self.config, plan.target, plan.selector, live.link.remote)
        return QuickStart(terms if terms.suites else plan.terms, plan.local_identity, plan.remote_identity, live)

    def answer(self, decisions: PeerDecisions, request: QuickRequest) -> QuickStart | None:
        """The terms for a flow that a peer asks for; None where no map entry is for it."""
        link = decisions.link
        local = request.local or Identification.of_address(IPv4Address(link.local))
        remote = request.remote or Identification.of_address(IPv4Address(link.remote))
        selector = selector_of(local, remote)
        found = self.target_for(decisions, selector) if selector else None
        if selector is None or found is None:
            return None
        target, rule = found
        terms = terms_of(self.config, target, selector, link.remote)
        live = self._same_flow(target, selector, link)
        if live is None:
            live = self._add(LiveTunnel(Plan(target, selector, link.remote, rule, terms, local, remote), link))
        return QuickStart(terms, request.local, request.remote, live)

    def new_spi(self) -> int:
        return self.sad.new_spi(self._random)

    def keyed(self, result: Phase2Result) -> None:
        """A responder's SAs: packets may come in from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        self._install(live, result)

    def up(self, result: Phase2Result, ike: IkeTunnel) -> None:
        """A quick mode has finished: its SAs carry the flow from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        if live not in self.lives:
            # The flow was ended while its quick mode was under way: the peer must not go on with it.
            self.ike.delete_sas(live.link, {keys.protocol: (keys.inbound_spi,) for keys in result.sas})
            for keys in result.sas:
                self.sad.release(keys.inbound_spi)
            return
        installed = next((found for found in live.bundles if found.bundle.result == result), None) or self._install(live, result)
        older = [found for found in live.bundles if found is not installed]
        installed.active = True
        live.negotiating = False
        new = new_spis(installed.bundle)
        if live.row is None:
            facts = facts_of(self.config, live, installed.bundle, ike.facts.group)
            live.row = self._monitor.ipsec_up(ike, facts, new, live.counters)
            self._by_row[live.row.index] = live
        else:
            self._monitor.sas_installed(live.row, new)
        installed.spis = tuple(live.row.spis[-len(new) :])
        for found in older:
            self._retire(found)
        self._schedule(installed)

    def failed(self, event: Phase2Failed, link: Link, vrf: str | None, ike: IkeTunnel | None) -> None:
        """A quick mode did not come about."""
        for spi in event.spis:
            self.sad.release(spi)
        live = event.tag if isinstance(event.tag, LiveTunnel) else None
        reason = _FAILURES.get(event.trouble, IpsecFailureReason.OTHER)
        ends = IPv4Address(link.local), IPv4Address(link.remote)
        source, destination = ends if event.initiator else ends[::-1]
        spi = event.spis[0] if event.spis else 0
        row = live.row if live else None
        self._monitor.ipsec_failed(vrf, reason, source, destination, spi, row, ike.peer if ike else None)
        if live is None:
            return
        for installed in [found for found in live.bundles if found.bundle.inbound[0].spi in event.spis]:
            self._uninstall(installed)
        if event.initiator:
            live.negotiating = False
        self._tidy(live)

    def abandon(self, live: LiveTunnel) -> None:
        """No quick mode could begin for a flow: it is as it was before."""
        live.negotiating = False
        self._tidy(live)

    def _tidy(self, live: LiveTunnel) -> None:
        if live.row is None and not live.bundles and not live.negotiating:
            self._forget(live)

    def deleted_by_peer(self, link: Link, protocol: int, spis: tuple[int, ...]) -> None:
        """The peer has deleted SAs that we send with; the other SAs of their bundles go with them."""
        for live in [live for live in self.lives if live.link == link]:
            gone = [found for found in live.bundles if any(found.sends_with(protocol, spi) for spi in spis)]
            self._drop(live, gone, EndReason.PEER_DELETE)

    # --- ends ---

    def live_of(self, row: IpsecTunnel) -> LiveTunnel | None:
        live = self._by_row.get(row.index)
        return live if live and live.row is row else None

    def matching(self, wanted: Callable[[LiveTunnel], bool]) -> list[LiveTunnel]:
        return [live for live in self.lives if wanted(live)]

    def end(self, live: LiveTunnel, reason: EndReason, tell: bool) -> None:
        """A flow is no longer protected: its SAs go, the peer is told if `tell`, its row becomes history."""
        if live not in self.lives:
            return
        for installed in list(live.bundles):
            if tell:
                self.ike.delete_sas(live.link, installed.inbound_spis)
            self._uninstall(installed)
        row, live.row = live.row, None
        self._forget(live)
        if row is not None:
            del self._by_row[row.index]
            self._monitor.ipsec_ended(row, reason)

    # --- within ---

    def _add(self, live: LiveTunnel) -> LiveTunnel:
        self.lives.append(live)
        self._by_target.setdefault(live.plan.target.key, []).append(live)
        return live

    def _forget(self, live: LiveTunnel) -> None:
        if live in self.lives:
            self.lives.remove(live)
            self._by_target[live.plan.target.key].remove(live)

    def _same_flow(self, target: Target, selector: Selector, link: Link) -> LiveTunnel | None:
        for live in self._by_target.get(target.key, ()):
            if live.link == link and live.plan.selector == selector:
                return live
        return None

    def _install(self, live: LiveTunnel, result: Phase2Result) -> Installed:
        installed = Installed(Bundle(result, self.config.crypto.replay_window), live, self._scheduler.clock.now())
        live.bundles.append(installed)
        self.sad.install(installed)
        return installed

    def _uninstall(self, installed: Installed) -> None:
        for timer in installed.timers:
            timer.cancel()
        self.sad.remove(installed)
        installed.live.bundles.remove(installed)

    def _drop(self, live: LiveTunnel, gone: list[Installed], reason: EndReason) -> None:
        """Bundles are gone; the tunnel with them if no other can carry it."""
        if not gone:
            return
        if any(found.active for found in live.bundles if found not in gone):
            for installed in gone:
                self._uninstall(installed)
                if live.row is not None and installed.spis:
                    self._monitor.sas_expired(live.row, installed.spis)
        else:
            self.end(live, reason, tell=False)

    def _schedule(self, installed: Installed) -> None:
        """A bundle's soft and hard ends by time."""
        seconds = installed.bundle.result.choice.seconds
        margin = SOFT_SECONDS * SECOND // (1 if installed.bundle.result.initiator else 2)
        end = self._scheduler.clock.now() + seconds * SECOND
        installed.timers = [
            self._scheduler.at(end - margin, lambda: self._rekey(installed)),
            self._scheduler.at(end, lambda: self._expire(installed)),
        ]

    def _check_volume(self, installed: Installed) -> None:
        limit, used = installed.bundle.result.choice.kilobytes, installed.bundle.kilobytes
        margin = SOFT_KILOBYTES if installed.bundle.result.initiator else SOFT_KILOBYTES // 2
        if used >= limit - margin and not installed.replaced:
            self._rekey(installed)
            if used >= limit:
                self._expire(installed)

    def _rekey(self, installed: Installed) -> None:
        """The soft end of a bundle: make another, if this one was of use (as on IOS, an idle flow is let go)."""
        used = installed.bundle.octets_in or installed.bundle.octets_out
        if installed.active and used and not installed.replaced and not installed.rekeying:
            installed.rekeying = True
            self._negotiate(installed.live)

    def _retire(self, installed: Installed) -> None:
        """Another bundle has taken over: this one takes late packets, then goes; who made it tells the peer."""
        if installed.replaced:
            return
        installed.replaced = True
        end = self._scheduler.clock.now() + OVERLAP
        installed.timers.append(self._scheduler.at(end, lambda: self._remove_replaced(installed)))

    def _remove_replaced(self, installed: Installed) -> None:
        if installed.bundle.result.initiator:
            self.ike.delete_sas(installed.live.link, installed.inbound_spis)
        self._drop(installed.live, [installed], EndReason.NORMAL)

    def _expire(self, installed: Installed) -> None:
        """The hard end of a bundle. Both ends count the same lifetime, so nobody is told."""
        if installed in installed.live.bundles:
            self._drop(installed.live, [installed], EndReason.NORMAL)


def _narrowed(selector: Selector, flow: Flow) -> Selector:
    """The part of a selector that is one pair of hosts (`security-association level per-host`)."""
    source, destination = type(selector.source)(flow.source), type(selector.destination)(flow.destination)
    return Selector(selector.protocol, source, destination, selector.source_ports, selector.destination_ports)
