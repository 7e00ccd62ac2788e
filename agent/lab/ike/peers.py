"""Lab room: the places of a router's IKE peers, and which flow belongs to which peer.

A flow belongs to the ISAKMP SA that has keyed it last, or to a later one of the same peer. A peer behind a NAT is followed to the
source of its last authentic datagram (RFC 3947 §4), with all its ISAKMP SAs and flows, but without those of other peers behind that
NAT. When an ISAKMP SA ends, its flows move to another of the same peer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from agent.crypto.ike_sa import IkeSa
from agent.crypto.nat_traversal import Ends
from agent.flow.model import EndReason, Peer, PeerEnds
from agent.lab.ike.records import IkeRecord, peer_ends
from agent.lab.ike.sas import IkeSas
from agent.lab.ipsec.sa_keeper import SaKeeper
from agent.lab.ipsec.tunnels import LiveTunnel
from agent.lab.policy.clients import Client, Clients
from agent.lab.policy.peer_pair import PeerPair


class Peers:
    """`keep_open` keeps the way to a peer open where we are behind a NAT. `report_moved` tells the flow monitor where a peer is."""

    def __init__(
        self,
        sas: IkeSas,
        flows: SaKeeper,
        clients: Clients,
        keep_open: Callable[[IkeRecord], None],
        report_moved: Callable[[Peer, PeerEnds], None],
    ) -> None:
        self._sas = sas
        self._flows = flows
        self._clients = clients
        self._keep_open = keep_open
        self._report_moved = report_moved

    # --- places ---

    def moved(self, live: LiveTunnel, ends: Ends) -> None:
        """An authentic packet of a flow has come from another address or port of a peer behind a NAT."""
        sa = live.isakmp
        record = self._sas.of_cookies(sa.cookies) if sa is not None else None
        if record is not None:
            self.follow(record, ends)
        elif sa is not None:
            sa.move_to(ends)
            self._move_flows({sa}, live.pair, _pair_of(sa, live.pair), ends)
        live.ends = ends

    def follow(self, record: IkeRecord, ends: Ends) -> None:
        """Move a peer behind a NAT with its ISAKMP SAs and their flows, and no other peer."""
        old, same = record.pair, self._sas.of_same_peer(record)
        for each in same:
            each.sa.move_to(ends)
            self.learn_port(each)
            self._keep_open(each)
            if each.tunnel is not None:
                self._report_moved(each.tunnel.peer, each.peer_ends)
        self._move_flows({each.sa for each in same}, old, record.pair, ends)

    def _move_flows(self, owners: Collection[IkeSa], old: PeerPair, pair: PeerPair, ends: Ends) -> None:
        """Move the flows of some ISAKMP SAs."""
        for live in self._flows.of_peer(old):
            if live.isakmp in owners:
                live.ends = ends
                self._flows.redirect(live, pair)
                if live.row is not None:
                    self._report_moved(live.row.peer, peer_ends(pair, ends))

    def learn_port(self, record: IkeRecord) -> None:
        """Distinguish a peer behind a NAT from others with its address by its present port."""
        pair = _pair_of(record.sa, record.pair)
        self._sas.rename(record, pair)
        record.decisions.pair = pair
        if record.decisions.client:
            record.decisions.client.pair = pair

    # --- flows ---

    def take_over(self, record: IkeRecord) -> list[IkeRecord]:
        """A peer has made another ISAKMP SA. Its flows belong to that from now on, including those of ended SAs.

        A remote-access client may have moved. Its other ISAKMP SAs, which it may have lost, are returned.
        """
        for live in self._flows.of_peer(record.pair):
            if live.isakmp is not None and self._sas.of_cookies(live.isakmp.cookies) is None:
                live.isakmp = record.sa
        former = self._other_records(record)
        for each in former:
            self.follow(each, record.sa.ends)
        for each in (*self._sas.of_same_peer(record), *former):
            self._give_flows(each, record)
        return former

    def associations_of(self, record: IkeRecord) -> list[Peer] | None:
        """The rows that the peer of a new ISAKMP SA has in the flow monitor already: those of its others, then those of its flows.

        None: its ends say which, for nobody else is there.
        """
        nat = record.sa.nat
        if record.decisions.client is None and not (nat is not None and nat.remote_behind):
            return None
        others = [each.tunnel for each in (*self._sas.of_same_peer(record), *self._other_records(record))]
        flows = [live.row for live in self.flows_of({record.sa}, record.pair)]
        return list(dict.fromkeys(row.peer for row in (*reversed(others), *flows) if row is not None))

    def association_at(self, pair: PeerPair) -> Peer | None:
        """The row of the front VRF that a pair has: that of its newest ISAKMP SA, else that of a flow."""
        newest = self._sas.newest(pair)
        rows = [newest.tunnel if newest else None, *(live.row for live in self._flows.of_peer(pair))]
        return next((row.peer for row in rows if row is not None and row.vrf == pair.front_vrf), None)

    def _give_flows(self, owner: IkeRecord, successor: IkeRecord) -> None:
        """Give the flows of an ISAKMP SA to another of the same peer."""
        for live in self.flows_of({owner.sa}, owner.pair):
            live.isakmp, live.ends = successor.sa, successor.sa.ends
            self._flows.redirect(live, successor.pair)

    def _other_records(self, record: IkeRecord) -> list[IkeRecord]:
        """The other ISAKMP SAs of a remote-access client, wherever they were made."""
        client = record.decisions.client
        found = [self.record_of(each) for each in self._clients.other_records(client)] if client else []
        return [each for each in found if each is not None and each.sa.up]

    def record_of(self, client: Client) -> IkeRecord | None:
        return next((each for each in self._sas.of_peer(client.pair) if each.decisions.client is client), None)

    def release_flows(self, record: IkeRecord, reason: EndReason, notify: bool) -> None:
        """An ISAKMP SA ends. Its flows move to another of the same peer. Without one, flows of an assigned address end.

        draft-dukes-ike-mode-cfg-02, INTERNAL_IP4_ADDRESS: the address is good until the ISAKMP SA that secured the request is gone.
        """
        successors = [each for each in (*self._other_records(record), *self._sas.of_same_peer(record)) if each is not record]
        client = record.decisions.client
        if successors:
            self._give_flows(record, successors[-1])
        elif client is not None and client.address is not None:
            for live in self.flows_of({record.sa}, record.pair):
                self._flows.end(live, reason, notify=notify)

    def flows_of(self, owners: Collection[IkeSa], pair: PeerPair) -> list[LiveTunnel]:
        return [live for live in self._flows.of_peer(pair) if live.isakmp in owners]

    def pairs_of(self, record: IkeRecord) -> list[PeerPair]:
        """The places of a peer's flows. A client that has moved may name them under an earlier ISAKMP SA, too."""
        return list(dict.fromkeys((record.pair, *(each.pair for each in self._other_records(record)))))


def _pair_of(sa: IkeSa, old: PeerPair) -> PeerPair:
    """The place of an SA's peer. Behind a NAT it includes the peer's port."""
    if (sa.initiator and not old.port) or sa.nat is None or not sa.nat.remote_behind:
        return old
    return old.heard_from(sa.ends.remote_port)
