"""Lab room: installs, rekeys, replaces, expires and deletes a router's SAs, and reports this to the monitor.

Rekeying: the initiator of a bundle replaces it when 10 seconds or 64 kilobytes of its lifetime are left, if it has carried packets.
If that does not happen, the responder does so when half as much is left. The old SAs stay for a while, for packets that are on
their way. Then the end that made them deletes them. Neither end deletes what the other made; otherwise two ends that rekey at once
would be left with nothing.

The responder of a quick mode may install its SAs only with the initiator's last message. So the initiator sends on the old SAs
until a packet has come on the new ones, or a second has passed.

Of two bundles that crossed, both stay until we know on which of them the peer sends. Peers differ in which one they take for the
newest (strongSwan's charon takes the one that it finished last). A peer that lost that one would send nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.base.clock import SECOND
from agent.base.multimap import Multimap
from agent.base.scheduler import Timers
from agent.config.defaults import DEFAULT_TRANSFORM_SET_NAMES
from agent.config.model import RouterConfig
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.ike_events import Phase2Result
from agent.crypto.nat_traversal import Ends
from agent.crypto.sad import KILOBYTE, Bundle, Sad
from agent.crypto.spd import Flow, Selector, Spd
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, IkeTunnel, IpsecTunnel, Peer
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import DefaultsKind
from agent.lab.ipsec.nat_keepalive import NatKeepalives
from agent.lab.ipsec.reverse_routes import is_dynamic
from agent.lab.ipsec.tunnels import REKEY_KILOBYTES, REKEY_SECONDS, FlowKey, Installed, LiveTunnel, facts_of, inbound_spis, new_spis
from agent.lab.policy.crypto_maps import Target
from agent.lab.policy.peer_pair import PeerPair

OVERLAP = 30 * SECOND  # how long a replaced bundle still accepts packets
_TO_INSTALL = 1 * SECOND  # how long a peer may take with our last message of a quick mode
_TO_CHOOSE = 2 * _TO_INSTALL  # after that, the bundle that a peer sends on is its choice
_MOST_FOUND = 65536
_AT_ONCE = 5 * SECOND  # two quick modes within this time may have crossed


class Negotiator(Protocol):
    """The requests of IPsec to IKE."""

    keepalives: NatKeepalives

    def negotiate(self, live: LiveTunnel) -> None:
        """Begin a quick mode for a flow. A phase 1 may have to come first."""
        ...

    def moved(self, live: LiveTunnel, ends: Ends) -> None:
        """A flow's peer, behind a NAT, has moved."""
        ...

    def delete_sas(self, pair: PeerPair, keyed_by: bytes, since: int, spis: dict[IpsecProtocol, tuple[int, ...]]) -> None:
        """Send a delete of SAs installed at `since`, under the ISAKMP SA of the cookies `keyed_by`, else under another."""
        ...

    def heard(self, live: LiveTunnel) -> None:
        """An authentic packet of a flow has come."""
        ...

    def association_at(self, pair: PeerPair) -> Peer | None:
        """The row that a pair of peers has in the table of its front VRF."""
        ...

    def unknown_spi(self, pair: PeerPair, protocol: IpsecProtocol, spi: int) -> None:
        """A peer sends with an unknown SPI."""
        ...

    def about_to_send(self, live: LiveTunnel) -> None:
        """A packet of a flow is about to be sent."""
        ...


class SaKeeper:
    """The flows of one router that have SAs or are getting them. `ike` is set when both exist."""

    ike: Negotiator

    def __init__(self, config: RouterConfig, monitor: FlowMonitor, scheduler: Timers, routes_changed: Callable[[], None]) -> None:
        self.sad: Sad[Installed] = Sad()
        self.flows: dict[LiveTunnel, None] = {}  # in the order in which they began
        # By policy, VRF and flow: the tunnel that was found to carry it. A change of flows, SAs or policies empties it.
        self.found: dict[tuple[Spd[Target], str | None, Flow], LiveTunnel] = {}
        self.lost_peers: set[PeerPair] = set()  # by dead peer detection; the others of a map entry are tried first
        self._config = config
        self._monitor = monitor
        self._scheduler = scheduler
        self._routes_changed = routes_changed
        self._by_target: Multimap[object, LiveTunnel] = Multimap()
        self._by_pair: Multimap[PeerPair, LiveTunnel] = Multimap()
        self._by_flow: Multimap[FlowKey, LiveTunnel] = Multimap()
        self._by_row: dict[int, LiveTunnel] = {}

    # --- finding ---

    def of_tunnel(self, row: IpsecTunnel) -> LiveTunnel | None:
        live = self._by_row.get(row.index)
        return live if live and live.row is row else None

    def matching(self, wanted: Callable[[LiveTunnel], bool]) -> list[LiveTunnel]:
        return [live for live in self.flows if wanted(live)]

    def of_peer(self, pair: PeerPair) -> list[LiveTunnel]:
        return self._by_pair.of(pair)

    def carrying(self, target: Target, flow: Flow, vrf: str | None) -> LiveTunnel | None:
        """The live tunnel of an entry for a flow of a VRF. One that can send comes before one in negotiation.

        Of several for the same selectors it is the one with the newest SAs, because a peer that has crashed and come back by
        another port has no others.
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
        """Remember it for the next look-up."""
        if len(self.found) >= _MOST_FOUND:
            self.found.clear()
        self.found[key] = live

    def same_flow(self, target: Target, selector: Selector, pair: PeerPair) -> LiveTunnel | None:
        for live in self._by_pair.of(pair):
            if live.plan.target.key == target.key and live.plan.selector == selector:
                return live
        return None

    def room(self) -> int | None:
        """How many more SAs `crypto call admission limit ipsec sa` allows; None without a limit. An SPI of ours is two SAs."""
        limit = self._config.crypto.ipsec_sa_limit
        return limit - 2 * self.sad.spis if limit else None

    # --- beginnings ---

    def add(self, live: LiveTunnel) -> LiveTunnel:
        self.found.clear()
        self.flows[live] = None
        self._by_target.add(live.plan.target.key, live)
        self._by_pair.add(live.pair, live)
        self._by_flow.add(live.flow_key, live)
        return live

    def redirect(self, live: LiveTunnel, pair: PeerPair) -> None:
        """A flow's peer has changed or moved."""
        if live.pair == pair:
            return
        if live in self.flows:
            self._by_pair.discard(live.pair, live)
            self._by_pair.add(pair, live)
        live.pair = pair

    def negotiate(self, live: LiveTunnel) -> None:
        live.negotiating = True
        self.ike.negotiate(live)

    def keyed(self, result: Phase2Result) -> None:
        """Install a responder's SAs: packets may come in from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        self._install(live, result)

    def up(self, result: Phase2Result, ike: IkeTunnel) -> None:
        """A quick mode has finished. Its SAs carry the flow from now on."""
        live = result.tag
        assert isinstance(live, LiveTunnel)
        if live not in self.flows:
            # The flow was ended during its quick mode: the peer must not use the SAs.
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
            if found.active and not found.replaced:
                self._choose(found, installed)
        self._report_up(live, installed, ike)
        self._supersede(live)

    def _report_up(self, live: LiveTunnel, installed: Installed, ike: IkeTunnel) -> None:
        """Report a new bundle and those that it replaces, and the use of a default transform set."""
        self._report_bundle(live, installed, ike)
        if live.row is not None and installed.bundle.suite.name in DEFAULT_TRANSFORM_SET_NAMES:
            self._monitor.reports.defaults_used(live.row.vrf, DefaultsKind.TRANSFORM_SETS)

    def _report_bundle(self, live: LiveTunnel, installed: Installed, ike: IkeTunnel) -> None:
        new, facts = new_spis(installed), facts_of(self._config, live, installed.bundle, ike.facts.group)
        if live.row is None:
            live.row = self._monitor.ipsec_up(ike, facts, new, live.counters)
            installed.spis = tuple(live.row.spis)
            self._by_row[live.row.index] = live
            self._routes_may_change(live)
            return
        replaced = [spi for found in live.bundles if found.replaced for spi in found.spis]
        installed.spis = self._monitor.sas_installed(live.row, new, facts, replaced)

    def forget_spis(self, live: LiveTunnel, spis: tuple[int, ...]) -> None:
        """Forget the SPIs of a failed quick mode, and the SAs installed for it."""
        for spi in spis:
            self.sad.release(spi)
        for installed in [found for found in live.bundles if found.bundle.inbound[0].spi in spis]:
            self._uninstall(installed)

    def abandon(self, live: LiveTunnel) -> None:
        """End our quick mode: the flow is as before."""
        live.negotiating = False
        self.tidy(live)

    def tidy(self, live: LiveTunnel) -> None:
        """Forget a flow without SAs and without a negotiation."""
        if live.row is None and not live.bundles and not live.negotiating:
            self._forget(live)

    # --- ends ---

    def end(self, live: LiveTunnel, reason: EndReason, notify: bool) -> None:
        """End the protection of a flow: its SAs end, with a delete if `notify`, and its row becomes history."""
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
        """The peer has lost the SAs of a flow, except those keyed by the ISAKMP SA with the cookies `kept`.

        An unfinished quick mode that is `keying` the flow continues; it makes another tunnel.
        """
        self._drop(live, [found for found in live.bundles if found.bundle.result.cookies != kept], EndReason.PEER_LOST)
        if keying and live not in self.flows:
            live.counters = PacketCounters(IpsecCounter)
            self.add(live)

    def lose_everything(self) -> None:
        """End all SAs of every flow, also those in negotiation, without deletes."""
        for live in list(self.flows):
            live.negotiating = False
            self.end(live, EndReason.LOCAL_FAILURE, notify=False)
        self.sad.clear()

    def deleted_by_peer(self, pair: PeerPair, protocol: int, spis: tuple[int, ...]) -> None:
        """The peer has deleted SAs that we send with; the other SAs of their bundles go with them.

        A delete shortly before the end of a lifetime counts as expiry.
        """
        now = self._scheduler.clock.now()
        for live in self.of_peer(pair):
            gone = [found for found in live.bundles if any(found.sends_with(protocol, spi) for spi in spis)]
            over = all(found.about_over(now) for found in gone)
            self._drop(live, gone, EndReason.NORMAL if over else EndReason.PEER_DELETE)

    def unknown_to_peer(self, pair: PeerPair, protocol: int, spi: int) -> None:
        """The peer does not have an SA that we send with, so its bundle is useless."""
        for live in self.of_peer(pair):
            gone = [found for found in live.bundles if found.sends_with(protocol, spi)]
            self._drop(live, gone, EndReason.UNKNOWN_TO_PEER)

    # --- lifetimes ---

    def check_volume(self, installed: Installed) -> None:
        """Check a bundle's soft and hard limits by volume after a packet."""
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
        """Schedule a bundle's soft and hard limits by time."""
        seconds = installed.bundle.result.choice.seconds
        margin = REKEY_SECONDS * SECOND // (1 if installed.ours else 2)
        end = self._scheduler.clock.now() + seconds * SECOND
        installed.hard_end = end
        installed.timers = [
            self._scheduler.at(end - margin, lambda: self._rekey(installed)),
            self._scheduler.at(end, lambda: self._expire(installed)),
        ]

    def _rekey(self, installed: Installed) -> None:
        """The soft limit of a bundle: rekey if it has carried packets (as on IOS, SAs of an idle flow expire)."""
        used = installed.bundle.octets_in or installed.bundle.octets_out
        if installed.active and used and not installed.gives_way and not installed.rekeying:
            installed.rekeying = True
            self.negotiate(installed.live)

    def _choose(self, older: Installed, newer: Installed) -> None:
        """Two bundles carry one flow: the older is replaced. Of two that were made at once the peer's traffic chooses."""
        if older.ours == newer.ours or newer.begun_at - older.up_at > _AT_ONCE:
            self._retire(older)
        else:
            older.rivals.add(newer)
            newer.rivals.add(older)

    def chosen(self, installed: Installed) -> None:
        """A packet has come on one of several bundles that were made at once.

        The peer sends on that bundle, unless the packet was still on its way when the last of them was up.
        """
        losers = list(installed.rivals)
        up_at = max(found.up_at for found in (installed, *losers))
        if self._scheduler.clock.now() - up_at < _TO_CHOOSE:
            return
        for loser in losers:
            self._retire(loser)
        if installed.live.row is not None:
            spis = [spi for loser in losers for spi in loser.spis]
            self._monitor.sas_retired(installed.live.row, spis, installed.spis[0].facts)

    def _supersede(self, live: LiveTunnel) -> None:
        """The peer has come back from another place. Its other SAs for the same selectors are released."""
        for other in self._by_flow.of(live.flow_key):
            for installed in other.bundles if other is not live else ():
                installed.replaced = True
                if other.row is not None:
                    self._monitor.sas_retired(other.row, installed.spis)

    def _retire(self, installed: Installed) -> None:
        """Another bundle has taken over. This one accepts late packets for a while. Then the end that made it sends a delete."""
        if installed.replaced:
            return
        installed.replaced = True
        _end_rivalry(installed)
        if installed.ours:
            end = self._scheduler.clock.now() + OVERLAP
            installed.timers.append(self._scheduler.at(end, lambda: self._remove_replaced(installed)))

    def _remove_replaced(self, installed: Installed) -> None:
        self._send_delete(installed)
        self._drop(installed.live, [installed], EndReason.NORMAL)

    def _expire(self, installed: Installed) -> None:
        """The hard limit of a bundle. The peer may count a longer lifetime, so it gets a delete."""
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
            self._by_pair.discard(live.pair, live)
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
        _end_rivalry(installed)
        self.sad.remove(installed)
        installed.live.bundles.remove(installed)

    def _drop(self, live: LiveTunnel, gone: list[Installed], reason: EndReason) -> None:
        """Remove bundles, and the tunnel if it has no other bundle."""
        if not gone:
            return
        if any(found.active for found in live.bundles if found not in gone):
            for installed in gone:
                self._uninstall(installed)
                if live.row is not None and installed.spis:
                    self._monitor.sas_expired(live.row, installed.spis)
        else:
            self.end(live, reason, notify=False)


def _end_rivalry(installed: Installed) -> None:
    for rival in installed.rivals:
        rival.rivals.discard(installed)
    installed.rivals.clear()


def _confirm(installed: Installed) -> None:
    installed.confirmed = True
