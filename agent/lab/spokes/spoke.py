"""Lab room: one spoke by number, with its tunnels at the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.flow.model import IkeTunnel, IpsecTunnel, Peer
from agent.flow.sessions import Session

Phase = type[IkeTunnel] | type[IpsecTunnel]


class NotItsOwnError(Exception):
    """An entry of the script does not apply to this spoke, which lacks the tunnel, or has another one."""


class Spoke:
    """One spoke. `first` is the time (microseconds) of the packet that begins its script. `peer` is its row at the hub.

    `group` are the spokes that follow the script together with it. `out_of_step` is an IKE tunnel that came up at another time than
    in the script, so it expires by itself.
    """

    __slots__ = ("first", "group", "number", "out_of_step", "peer")

    def __init__(self, number: int, first: int) -> None:
        self.number = number
        self.first = first
        self.group: object = None
        self.peer: Peer | None = None
        self.out_of_step: IkeTunnel | None = None

    @property
    def ikes(self) -> Sequence[IkeTunnel]:
        """Its IKE tunnels, oldest first."""
        return self.peer.ike_tunnels if self.peer else ()

    @property
    def ipsecs(self) -> Sequence[IpsecTunnel]:
        """Its IPsec tunnels, oldest first."""
        return tuple(self.peer.ipsec_tunnels.values()) if self.peer else ()

    def tunnel(self, phase: Phase, place: int) -> Any:
        """Its tunnel of a phase by its place among them, from 1. Raises NotItsOwnError."""
        tunnels: Sequence[Any] = self.ikes if phase is IkeTunnel else self.ipsecs
        if place > len(tunnels):
            raise NotItsOwnError
        return tunnels[place - 1]

    def empty_session(self) -> Session:
        """Its session, which has no tunnel left. Raises NotItsOwnError."""
        if self.peer is None or self.peer.session is None or self.peer.ipsec_tunnels:
            raise NotItsOwnError
        return self.peer.session
