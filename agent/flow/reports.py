"""Flow room: what an engine tells of messages and packets. It makes records for the log, and changes no row.

A part of the flow monitor (`FlowMonitor.reports`). An engine limits how often it tells of what strangers can cause.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.base.clock import Clock
from agent.base.origin import Origin
from agent.flow.model import Address, IkeTunnel, IpsecTunnel, PeerEnds
from agent.flow.records import DefaultsUsed, FlowRecord, IkeMessagePassed, IkeMessageRefused, PacketRefused
from agent.flow.refusals import DefaultsKind, IkeExchange, InnerPacket, MessageFault, PacketFault


class Reports:
    """The verbs whose records change no row. `traced` says whether somebody asks for a record of each IKE message."""

    def __init__(self, clock: Clock, publish: Callable[[FlowRecord], None], origin: Callable[[], Origin | None]) -> None:
        self.traced = False
        self._clock = clock
        self._publish = publish
        self._origin = origin

    def message_passed(
        self,
        vrf: str | None,
        sent: bool,
        exchange: IkeExchange,
        ends: PeerEnds,
        *,
        initiator: bool,
        state: str,
        message_id: int,
        again: bool = False,
        tunnel: IkeTunnel | None = None,
    ) -> None:
        """A message of an ISAKMP SA has come or gone. Engines tell this only while `traced`. The arguments are as in the record."""
        self._publish(
            IkeMessagePassed(
                sent=sent,
                exchange=exchange,
                local_address=ends.local_address,
                remote_address=ends.remote_address,
                local_port=ends.local_port,
                remote_port=ends.remote_port,
                initiator=initiator,
                state=state,
                message_id=message_id,
                again=again,
                front_vrf=ends.front_vrf,
                index=tunnel.index if tunnel else 0,
                at=self._clock.now(),
                vrf=vrf,
            )
        )

    def message_refused(
        self,
        vrf: str | None,
        fault: MessageFault,
        local_address: Address,
        remote_address: Address,
        exchange: IkeExchange | None = None,
        tunnel: IkeTunnel | None = None,
        authentication: str | None = None,
    ) -> None:
        """A message of a peer was refused, or one to it could not be made. The engine limits how often it tells this."""
        index, now = tunnel.index if tunnel else 0, self._clock.now()
        what = fault, local_address, remote_address, exchange, index, authentication
        self._publish(IkeMessageRefused(*what, at=now, vrf=vrf, origin=self._origin()))

    def packet_refused(
        self,
        vrf: str | None,
        fault: PacketFault,
        source: Address,
        destination: Address,
        protocol: int,
        length: int,
        *,
        spi: int = 0,
        sequence: int = 0,
        tunnel: IpsecTunnel | None = None,
        inner: InnerPacket | None = None,
    ) -> None:
        """A packet to us was refused. The arguments are as in the record. The engine limits how often it tells this."""
        index = tunnel.index if tunnel else 0
        what = fault, source, destination, protocol, length, spi, sequence, index, inner
        self._publish(PacketRefused(*what, at=self._clock.now(), vrf=vrf))

    def defaults_used(self, vrf: str | None, what: DefaultsKind) -> None:
        """A negotiation uses default settings."""
        self._publish(DefaultsUsed(what, at=self._clock.now(), vrf=vrf, origin=self._origin()))
