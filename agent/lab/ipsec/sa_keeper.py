"""Lab room: the life of a router's SAs: installed, rekeyed, replaced, expired, deleted; the monitor told of each.

Rekeying: who made a bundle of SAs replaces it when 10 seconds or 64 kilobytes of its lifetime are left, if it has carried packets;
the other end does at half of that, should nothing have come. The old SAs stay for a while, so that packets under way still find
them, then their maker deletes them: nobody takes away what the other made, or two that rekey at once would be left with nothing.
The other end of a quick mode may install its SAs with the maker's last message only, so their maker sends by the old ones until a
packet has come by the new, or a second has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.base.clock import SECOND
from agent.base.scheduler import Scheduler
from agent.config.model import RouterConfig
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.ike_events import Phase2Result
from agent.crypto.nat_traversal import Ends
from agent.crypto.sad import KILOBYTE, Bundle, Sad
from agent.crypto.spd import Flow, Selector, Spd
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, IkeTunnel, IpsecTunnel
from agent.flow.monitor import FlowMonitor
from agent.lab.groups import Groups
from agent.lab.ipsec.nat_keepalive import NatKeepalives
from agent.lab.ipsec.reverse_routes import is_dynamic
from agent.lab.ipsec.tunnels import REKEY_KILOBYTES, REKEY_SECONDS, FlowKey, Installed, LiveTunnel, facts_of, inbound_spis, new_spis
from agent.lab.policy.crypto_maps import Target
from agent.lab.policy.peer_pair import PeerPair

OVERLAP = 30 * SECOND  # how long a replaced bundle still takes packets
_TO_INSTALL = 1 * SECOND  # how long a peer may take with our last message of a quick mode
_MOST_FOUND = 65536
_AT_ONCE = 5 * SECOND  # quick modes nearer than this may have crossed on the way


class Negotiator(Protocol):
    """What IPsec asks of IKE."""

    keepalives: NatKeepalives

    def negotiate(self, live: LiveTunnel) -> None:
        """Begin a quick mode for a flow, under a phase 1 that may have to be made first."""
        ...

    def moved(self, live: LiveTunnel, ends: Ends) -> None:
        """A flow's peer is past a NAT, and to be found elsewhere."""
        ...

    def delete_sas(self, pair: PeerPair, keyed_by: bytes, since: int, spis: dict[IpsecProtocol, tuple[int, ...]]) -> None:
        """Tell the peer that SAs, there `since` a time, are gone: under the ISAKMP SA of the cookies `keyed_by`, else another."""
        ...

    def heard(self, live: LiveTunnel) -> None:
        """A packet of a flow was authentic."""
        ...

    def unknown_spi(self, pair: PeerPair, protocol: IpsecProtocol, spi: int) -> None:
        """A peer sends with an unknown SPI."""
        ...

    def about_to_send(self, live: LiveTunnel) -> None:
        """A packet of a flow is about to go."""
        ...


class SaKeeper:
    """The flows of one router that have SAs or are getting them. `ike` is set once both exist."""

    ike: Negotiator

    def __init__(
        self, config: RouterConfig, monitor: FlowMonitor, scheduler: Scheduler, routes_changed: Callable[[], None]
    ) -> None:
        self.sad: Sad[Installed] = Sad()
        self.flows: dict[LiveTunnel, None] = {}  # in the order in which they began
        # By policy, VRF and flow: what was found to carry it. Any change of flows, SAs or policies empties it.
        self.found: dict[tuple[Spd[Target], str | None, Flow], LiveTunnel] = {}
        self.lost_peers: set[PeerPair] = set()  # by dead peer detection: others of a map entry are tried before them
        self._config = config
        self._monitor = monitor
        self._scheduler = scheduler
        self._routes_changed = routes_changed
        self._by_target: Groups[object, LiveTunnel] = Groups()
        self._by_link: Groups[PeerPair, LiveTunnel] = Groups()
        self._by_flow: Groups[FlowKey, LiveTunnel] = Groups()
        self._by_row: dict[int, LiveTunnel] = {}

    # --- finding ---

    def of_tunnel(self, row: IpsecTunnel) -> LiveTunnel | None:
        live = self._by_row.get(row.index)
        return live if live and live.row is row else None

    def matching(self, wanted: Callable[[LiveTunnel], bool]) -> list[LiveTunnel]:
        return [live for live in self.flows if wanted(live)]

    def of_peer(self, pair: PeerPair) -> list[LiveTunnel]:
        return self._by_link.of(pair)

    def carrying(self, target: Target, flow: Flow, vrf: str | None) -> LiveTunnel | None:
        """The live tunnel of an entry that takes a flow of a VRF: one that can send before one that is being made.

        Of those for the same selectors it is the one with the newest SAs: a peer that has crashed and come back by another port has
        no others.
        """
        waiting = None
        for live in self._by_target.of(target.key):
            if live.plan.target.clear_vrf == vrf and live.plan.selector.matches(flow):
                if live.outbound:
                    return self._newest_like(live)
                waiting = waiting or live
        return waiting

    def _newest_like(self, live: LiveTunnel) -> LiveTunnel:
        found, newest = live, 0
        for other in self._by_flow.of(live.flow_key):
            outbound = other.outbound
            if outbound and outbound.up_at >= newest and other.plan.target.clear_vrf == live.plan.target.clear_vrf:
                found, newest = other, outbound.up_at
        return found

    def remember(self, key: tuple[Spd[Target], str | None, Flow], live: LiveTunnel) -> None:
        """Find it at once the next time."""
        if len(self.found) >= _MOST_FOUND:
            self.found.clear()
        self.found[key] = live

    def same_flow(self, target: Target, selector: Selector, pair: PeerPair) -> LiveTunnel | None:
        for live in self._by_link.of(pair):
            if live.plan.target.key == target.key and live.plan.selector == selector:
                return live
        return None

    # --- beginnings ---

    def add(self, live: LiveTunnel) -> LiveTunnel:
        self.found.clear()
        self.flows[live] = None
        self._by_target.add(live.plan.target.key, live)
        self._by_link.add(live.pair, live)
        self._by_flow.add(live.flow_key, live)
        return live

    def redirect(self, live: LiveTunnel, pair: PeerPair) -> None:
        """A flow's peer is another, or elsewhere."""
        if live.pair == pair:
            return
        if live in self.flows:
            self._by_link.discard(live.pair, live)
            self._by_link.add(pair, live)
        live.pair = pair

    def negotiate(self, live: LiveTunnel) -> None:
        live.negotiating = True
        self.ike.negotiate(live)

    def keyed(self, result: Phase2Result) -> None:
        """A responder's SAs: packets may come in from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        self._install(live, result)

    def up(self, result: Phase2Result, ike: IkeTunnel) -> None:
        """A quick mode has finished: its SAs carry the flow from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        if live not in self.flows:
            # The flow was ended while its quick mode was under way: the peer must not go on with it.
            self.ike.delete_sas(live.pair, result.cookies, self._scheduler.clock.now(), inbound_spis(result))
            for keys in result.sas:
                self.sad.release(keys.inbound_spi)
            return
        installed = next((found for found in live.bundles if found.bundle.result == result), None) or self._install(live, result)
        older = [found for found in live.bundles if found is not installed]
        installed.active, installed.up_at = True, self._scheduler.clock.now()
        self.found.clear()
        live.negotiating = False
        self._schedule(installed)
        if installed.ours and any(found.active for found in older):
            installed.timers.append(self._scheduler.after(_TO_INSTALL, lambda: _confirm(installed)))
        else:
            _confirm(installed)
        installed.follows = all(found.up_at <= installed.begun_at for found in older if found.active)
        for found in older:
            if found.active:
                self._choose(found, installed)
        self._report_up(live, installed, ike)
        self._supersede(live)

    def _report_up(self, live: LiveTunnel, installed: Installed, ike: IkeTunnel) -> None:
        """Tell the monitor of a new bundle, and of those that it replaces; of two made at once it may be the one that gives way."""
        new, facts = new_spis(installed), facts_of(self._config, live, installed.bundle, ike.facts.group)
        if live.row is None:
            live.row = self._monitor.ipsec_up(ike, facts, new, live.counters)
            installed.spis = tuple(live.row.spis)
            self._by_row[live.row.index] = live
            self._routes_may_change(live)
            return
        replaced = [spi for found in live.bundles if found.replaced for spi in found.spis]
        terms = live.row.facts if installed.replaced else facts
        installed.spis = self._monitor.sas_installed(live.row, new, terms, replaced)
        if installed.replaced:
            self._monitor.sas_retired(live.row, installed.spis)

    def forget_spis(self, live: LiveTunnel, spis: tuple[int, ...]) -> None:
        """SPIs of a quick mode that did not come about, and what was installed of it."""
        for spi in spis:
            self.sad.release(spi)
        for installed in [found for found in live.bundles if found.bundle.inbound[0].spi in spis]:
            self._uninstall(installed)

    def abandon(self, live: LiveTunnel) -> None:
        """No quick mode of ours is under way any more: the flow is as it was before."""
        live.negotiating = False
        self.tidy(live)

    def tidy(self, live: LiveTunnel) -> None:
        """Forget a flow that has no SAs and will get none."""
        if live.row is None and not live.bundles and not live.negotiating:
            self._forget(live)

    # --- ends ---

    def end(self, live: LiveTunnel, reason: EndReason, notify: bool) -> None:
        """A flow is no longer protected: its SAs go, the peer is told if `notify`, its row becomes history."""
        if live not in self.flows:
            return
        for installed in list(live.bundles):
            if notify:
                self._send_delete(installed)
            self._uninstall(installed)
        row, live.row = live.row, None
        self._forget(live)
        if row is not None:
            del self._by_row[row.index]
            self._monitor.ipsec_ended(row, reason)
            self._routes_may_change(live)

    def lose(self, live: LiveTunnel, kept: bytes, keying: bool) -> None:
        """The peer has lost the SAs of a flow, but for those that the ISAKMP SA with the cookies `kept` has keyed.

        A quick mode that is under way, if it is `keying` the flow anew, goes on: what comes of it is another tunnel.
        """
        self._drop(live, [found for found in live.bundles if found.bundle.result.cookies != kept], EndReason.PEER_LOST)
        if keying and live not in self.flows:
            live.counters = PacketCounters(IpsecCounter)
            self.add(live)

    def lose_everything(self) -> None:
        """Every flow loses its SAs, also those that are being negotiated, without a word to the peers."""
        for live in list(self.flows):
            live.negotiating = False
            self.end(live, EndReason.LOCAL_FAILURE, notify=False)
        self.sad.clear()

    def deleted_by_peer(self, pair: PeerPair, protocol: int, spis: tuple[int, ...]) -> None:
        """The peer has deleted SAs that we send with; the other SAs of their bundles go with them.

        A delete that comes when a lifetime is about to be over is the peer's word that it is.
        """
        now = self._scheduler.clock.now()
        for live in self.of_peer(pair):
            gone = [found for found in live.bundles if any(found.sends_with(protocol, spi) for spi in spis)]
            over = all(found.about_over(now) for found in gone)
            self._drop(live, gone, EndReason.NORMAL if over else EndReason.PEER_DELETE)

    def unknown_to_peer(self, pair: PeerPair, protocol: int, spi: int) -> None:
        """The peer does not have an SA that we send with: its bundle is of no use."""
        for live in self.of_peer(pair):
            gone = [found for found in live.bundles if found.sends_with(protocol, spi)]
            self._drop(live, gone, EndReason.UNKNOWN_TO_PEER)

    # --- lifetimes ---

    def check_volume(self, installed: Installed) -> None:
        """A packet has gone through a bundle: its soft and hard ends by volume."""
        bundle = installed.bundle
        if bundle.octets_out < installed.soft_end and bundle.octets_in < installed.soft_end:
            return
        used_up = bundle.kilobytes >= bundle.result.choice.kilobytes
        if installed.replaced:
            installed.active = installed.active and not used_up
            return
        self._rekey(installed)
        if used_up:
            self._expire(installed)

    def _schedule(self, installed: Installed) -> None:
        """A bundle's soft and hard ends by time."""
        seconds = installed.bundle.result.choice.seconds
        margin = REKEY_SECONDS * SECOND // (1 if installed.ours else 2)
        end = self._scheduler.clock.now() + seconds * SECOND
        installed.hard_end = end
        installed.timers = [
            self._scheduler.at(end - margin, lambda: self._rekey(installed)),
            self._scheduler.at(end, lambda: self._expire(installed)),
        ]

    def _rekey(self, installed: Installed) -> None:
        """The soft end of a bundle: make another, if this one was of use (as on IOS, an idle flow is let go)."""
        used = installed.bundle.octets_in or installed.bundle.octets_out
        if installed.active and used and not installed.replaced and not installed.rekeying:
            installed.rekeying = True
            self.negotiate(installed.live)

    def _choose(self, older: Installed, newer: Installed) -> None:
        """Two bundles carry one flow: the older goes; of two made at once by the two ends, the one that both find weaker."""
        if older.ours == newer.ours:
            self._retire(older)
            return
        if newer.begun_at - older.up_at > _AT_ONCE:
            self._retire(older)
        else:
            self._retire(older if older.weaker_than(newer) else newer)

    def _supersede(self, live: LiveTunnel) -> None:
        """The peer has come back elsewhere: its other SAs for the same selectors carry nothing any more, and are let go."""
        for other in self._by_flow.of(live.flow_key):
            for installed in other.bundles if other is not live else ():
                installed.replaced = True
                if other.row is not None:
                    self._monitor.sas_retired(other.row, installed.spis)

    def _retire(self, installed: Installed) -> None:
        """Another bundle has taken over: this one takes late packets, then goes. Its maker tells the peer, who waits for that."""
        if installed.replaced:
            return
        installed.replaced = True
        if installed.ours:
            end = self._scheduler.clock.now() + OVERLAP
            installed.timers.append(self._scheduler.at(end, lambda: self._remove_replaced(installed)))

    def _remove_replaced(self, installed: Installed) -> None:
        self._send_delete(installed)
        self._drop(installed.live, [installed], EndReason.NORMAL)

    def _expire(self, installed: Installed) -> None:
        """The hard end of a bundle. The peer may count longer, and would send by it until its own end: it is told."""
        if installed in installed.live.bundles:
            self._send_delete(installed)
            self._drop(installed.live, [installed], EndReason.NORMAL)

    # --- within ---

    def _routes_may_change(self, live: LiveTunnel) -> None:
        if is_dynamic(live.plan.target):
            self._routes_changed()

    def _forget(self, live: LiveTunnel) -> None:
        self.found.clear()
        if live in self.flows:
            del self.flows[live]
            self._by_target.discard(live.plan.target.key, live)
            self._by_link.discard(live.pair, live)
            self._by_flow.discard(live.flow_key, live)

    def _install(self, live: LiveTunnel, result: Phase2Result) -> Installed:
        begun = live.asked_at if result.initiator else self._scheduler.clock.now()
        installed = Installed(Bundle(result, self._config.crypto.replay_window), live, begun)
        margin = REKEY_KILOBYTES if installed.ours else REKEY_KILOBYTES // 2
        installed.soft_end = (result.choice.kilobytes - margin) * KILOBYTE
        live.bundles.append(installed)
        self.sad.install(installed)
        return installed

    def _send_delete(self, installed: Installed) -> None:
        keyed_by = installed.bundle.result.cookies
        self.ike.delete_sas(installed.live.pair, keyed_by, installed.up_at, installed.inbound_spis)

    def _uninstall(self, installed: Installed) -> None:
        for timer in installed.timers:
            timer.cancel()
        self.found.clear()
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
            self.end(live, reason, notify=False)


def _confirm(installed: Installed) -> None:
    installed.confirmed = True
