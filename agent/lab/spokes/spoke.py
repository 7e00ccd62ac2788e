"""Lab room: one spoke by number, and what it has at its hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.flow.model import IkeTunnel, IpsecTunnel, Peer
from agent.flow.sessions import Session

Phase = type[IkeTunnel] | type[IpsecTunnel]


class NotItsOwnError(Exception):
    """What the script says is not about this spoke: it has no such tunnel, or another than the script has."""


class Spoke:
    """`first` is when it sent, or will send, the packet that its script begins with (microseconds); `peer` is its row at the hub.

    `group` is who follows the script together with it. `out_of_step` is an IKE tunnel that did not come up when the script has it:
    it expires by itself.
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
