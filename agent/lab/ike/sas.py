"""Lab room: the ISAKMP SAs of one router, found by cookies, by peer or by tunnel.

An SA that is over is remembered for a while, so that late copies of its messages are recognised.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.base.multimap import Multimap
from agent.crypto.isakmp import COOKIE_LENGTH, NO_COOKIE, Header
from agent.crypto.states import State
from agent.flow.model import IkeTunnel
from agent.lab.ike.records import IkeRecord
from agent.lab.policy.peer_pair import PeerPair

_MAX_OVER = 1000  # SAs that are over but remembered
_Key = tuple[PeerPair, bytes]


class IkeSas:
    """The SAs that are established or in negotiation, oldest first; and those that are over."""

    def __init__(self) -> None:
        self._live: dict[_Key, IkeRecord] = {}
        self._over: dict[_Key, IkeRecord] = {}
        self._by_cookie: Multimap[bytes, IkeRecord] = Multimap()  # the initiator's cookie; live SAs alone, as all below
        self._by_peer: Multimap[PeerPair, IkeRecord] = Multimap()
        self._by_remote: Multimap[int, IkeRecord] = Multimap()  # by the peer's address alone
        self._by_tunnel: dict[int, IkeRecord] = {}
        self._half_open: dict[IkeRecord, None] = {}  # those that are being negotiated, oldest first
        self._half_open_with: Multimap[tuple[str | None, int], IkeRecord] = (
            Multimap()
        )  # the same by front-door VRF and peer address

    def __len__(self) -> int:
        """The number of SAs that are established or in negotiation."""
        return len(self._live)

    def __iter__(self) -> Iterator[IkeRecord]:
        """As they are now."""
        return iter(list(self._live.values()))

    @property
    def over(self) -> list[IkeRecord]:
        """Those that are remembered."""
        return list(self._over.values())

    # --- finding ---

    def find(self, pair: PeerPair, header: Header) -> IkeRecord | None:
        """The SA of a datagram. Behind a NAT the peer's address may have changed since the SA was made (RFC 3947 §6)."""
        key = (pair, header.initiator_cookie)
        record = self._live.get(key) or self._over.get(key)
        if record is not None:
            return None if _is_foreign(record, header) else record
        if header.responder_cookie == NO_COOKIE:
            return None
        return next((each for each in self._by_cookie.of(header.initiator_cookie) if _has_moved(each, pair, header)), None)

    def begun_by(self, pair: PeerPair, initiator_cookie: bytes) -> IkeRecord | None:
        """The live SA of a peer for a datagram of which only the first octets are readable."""
        return self._live.get((pair, initiator_cookie))

    def of_peer(self, pair: PeerPair) -> list[IkeRecord]:
        """The SAs with one peer, oldest first."""
        return self._by_peer.of(pair)

    def at(self, remote: int) -> list[IkeRecord]:
        """The SAs with a remote address, through any VRF."""
        return self._by_remote.of(remote)

    def newest(self, pair: PeerPair) -> IkeRecord | None:
        """The newest established SA with a peer."""
        return next((record for record in self._by_peer.newest_first(pair) if record.sa.up), None)

    def holding(self, pair: PeerPair, keyed_by: bytes, since: int) -> list[IkeRecord]:
        """The SAs under which a peer looks for IPsec SAs: the one that has keyed them while it is up, else the newest.

        If the peer has authenticated again since, it may hold them under the new ISAKMP SA, although the old one still exists.
        strongSwan does, and looks for them under no other. So that ISAKMP SA is included.
        """
        newest = self.newest(pair)
        keeper = self.of_cookies(keyed_by)
        if keeper is None or not keeper.sa.up:
            return [newest] if newest else []
        anew = newest is not None and newest.tunnel is not None and not newest.sa.initiator and newest.tunnel.start > since
        return [keeper, newest] if anew and newest is not None and newest is not keeper else [keeper]

    def usable(self, pair: PeerPair, profile: str | None) -> IkeRecord | None:
        """An SA with a peer, of a profile if one is given: the newest that is established, else one in negotiation."""
        found = None
        for record in self._by_peer.newest_first(pair):
            has = record.decisions.profile.name if record.decisions.profile else None
            if profile is not None and has not in (None, profile):
                continue
            if record.sa.up and (profile is None or has == profile):
                return record
            if record.negotiating:
                found = found or record
        return found

    def half_open(self, pair: PeerPair | None = None) -> Iterator[IkeRecord]:
        """The SAs in negotiation, oldest first; with a pair, those with its peer's address."""
        return iter(self._half_open) if pair is None else self._half_open_with.oldest_first(_address_of(pair))

    def count_half_open(self, pair: PeerPair | None = None) -> int:
        """How many those are."""
        return len(self._half_open) if pair is None else self._half_open_with.count(_address_of(pair))

    def of_cookies(self, cookies: bytes) -> IkeRecord | None:
        """The live one of both cookies."""
        return next((each for each in self._by_cookie.of(cookies[:COOKIE_LENGTH]) if each.sa.cookies == cookies), None)

    def of_same_peer(self, record: IkeRecord) -> list[IkeRecord]:
        """The SAs with the same peer as an established one, itself included, oldest first.

        Behind a NAT, addresses and ports may now belong to another peer. So the identity must be the same, too, and for a
        remote-access client its user and assigned address.
        """
        return [each for each in self._by_peer.of(record.pair) if each is record or (each.sa.up and each.peer == record.peer)]

    def of_tunnel(self, tunnel: IkeTunnel) -> IkeRecord | None:
        record = self._by_tunnel.get(tunnel.index)
        return record if record and record.tunnel is tunnel else None

    # --- keeping ---

    def keep(self, record: IkeRecord) -> None:
        """Keep a new SA that has a cookie. It changes nothing if the SA is kept already, or over."""
        key = _key_of(record)
        if record.sa.state is not State.DEAD and key not in self._live:
            self._live[key] = record
            self._by_cookie.add(record.sa.initiator_cookie, record)
            self._by_peer.add(record.pair, record)
            self._by_remote.add(record.pair.remote, record)
            self._half_open[record] = None
            self._half_open_with.add(_address_of(record.pair), record)

    def came_up(self, record: IkeRecord, tunnel: IkeTunnel) -> None:
        record.tunnel = tunnel
        self._by_tunnel[tunnel.index] = record
        self._no_longer_half_open(record)

    def went_down(self, record: IkeRecord) -> IkeTunnel | None:
        """The SA is no longer a tunnel; returns the tunnel that it was, if any."""
        tunnel, record.tunnel = record.tunnel, None
        if tunnel is not None:
            record.former = tunnel
            self._by_tunnel.pop(tunnel.index, None)
        return tunnel

    def rename(self, record: IkeRecord, pair: PeerPair) -> None:
        """Distinguish its peer by another port from now on."""
        if record.pair == pair:
            return
        if self._live.get(_key_of(record)) is record:
            self._by_peer.discard(record.pair, record)
            self._by_peer.add(pair, record)
            self._by_remote.discard(record.pair.remote, record)
            self._by_remote.add(pair.remote, record)
        record.pair = pair

    def finish(self, record: IkeRecord) -> None:
        """The SA is over. It is remembered until the core has forgotten it."""
        key = _key_of(record)
        if self._live.get(key) is record:
            del self._live[key]
            self._by_cookie.discard(record.sa.initiator_cookie, record)
            self._by_peer.discard(record.pair, record)
            self._by_remote.discard(record.pair.remote, record)
            self._no_longer_half_open(record)
        if record.sa.forgotten:
            if self._over.get(key) is record:
                del self._over[key]
            return
        if record.sa.initiator_cookie == NO_COOKIE:
            record.sa.forget()  # nothing was ever sent
            return
        self._over[key] = record
        if len(self._over) > _MAX_OVER:
            oldest = self._over.pop(next(iter(self._over)))
            if oldest.timer:
                oldest.timer.cancel()
            oldest.sa.forget()

    def clear(self) -> list[IkeRecord]:
        """Forget all SAs, and return them, including those that were over."""
        gone = [*self._live.values(), *self._over.values()]
        indexes = (self._live, self._over, self._by_cookie, self._by_peer, self._by_remote, self._half_open, self._half_open_with)
        for index in indexes:
            index.clear()
        return gone

    def _no_longer_half_open(self, record: IkeRecord) -> None:
        self._half_open.pop(record, None)
        self._half_open_with.discard(_address_of(record.pair), record)


def _key_of(record: IkeRecord) -> _Key:
    return record.pair._replace(port=0), record.sa.initiator_cookie


def _address_of(pair: PeerPair) -> tuple[str | None, int]:
    """A peer by its address, without its port and our address."""
    return pair.front_vrf, pair.remote


def _has_moved(record: IkeRecord, pair: PeerPair, header: Header) -> bool:
    """Whether a datagram of an SA behind a NAT comes from another address."""
    sa = record.sa
    same = (sa.initiator_cookie, sa.responder_cookie) == (header.initiator_cookie, header.responder_cookie)
    return same and record.pair[:2] == pair[:2] and sa.nat is not None and sa.nat.detected


def _is_foreign(record: IkeRecord, header: Header) -> bool:
    """Whether a message names another responder cookie than the SA's."""
    ours = record.sa.responder_cookie
    return NO_COOKIE not in (header.responder_cookie, ours) and header.responder_cookie != ours
