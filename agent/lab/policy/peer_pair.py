"""Lab room: a pair of IKE peers, and by what a router tells one from another."""

from __future__ import annotations

from typing import NamedTuple

from agent.crypto.doi import ISAKMP_PORT, NAT_PORT


class PeerPair(NamedTuple):
    """A pair of IKE peers: addresses as numbers, and the VRF through which they reach each other.

    `port` is that of a peer past a NAT which gave it one of its own: others may have the same address.
    """

    front_vrf: str | None
    local: int
    remote: int
    port: int = 0

    def heard_from(self, port: int) -> PeerPair:
        """The pair, where the peer is past a NAT and heard from a port."""
        return self._replace(port=0 if port in (ISAKMP_PORT, NAT_PORT) else port)
