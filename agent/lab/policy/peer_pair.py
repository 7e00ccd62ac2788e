"""Lab room: a pair of IKE peers, as a router distinguishes them."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple

from agent.flow.model import ISAKMP_PORTS, PeerEnds


class PeerPair(NamedTuple):
    """A pair of IKE peers: addresses as numbers, and the VRF through which they reach each other.

    `port` is that of a peer behind a NAT, because others behind it have the same address.
    """

    front_vrf: str | None
    local: int
    remote: int
    port: int = 0

    def heard_from(self, port: int) -> PeerPair:
        """The pair with the port of a peer behind a NAT."""
        return self._replace(port=0 if port in ISAKMP_PORTS else port)

    @property
    def ends(self) -> PeerEnds:
        """Where the two are, as far as the pair says it."""
        addresses = IPv4Address(self.local), IPv4Address(self.remote)
        return PeerEnds(self.front_vrf, *addresses, remote_port=self.port or ISAKMP_PORTS[0])
