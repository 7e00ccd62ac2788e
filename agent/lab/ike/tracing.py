"""Lab room: tells the flow monitor of each IKE message, while somebody traces them."""

from __future__ import annotations

from agent.crypto.doi import Exchange
from agent.crypto.isakmp import NO_COOKIE, Header
from agent.flow.monitor import FlowMonitor
from agent.lab.failures.reasons import EXCHANGES
from agent.lab.ike.records import IkeRecord


def trace(monitor: FlowMonitor, record: IkeRecord, header: Header, octets: bytes, sent: bool) -> None:
    """Tell of a message of an SA, before it is handled, or when it is sent."""
    try:
        exchange = EXCHANGES[Exchange(header.exchange)]
    except ValueError:
        return  # of no exchange that there is; it is refused as such
    sa, tunnel = record.sa, record.tunnel
    begins = not sent and sa.initiator_cookie == NO_COOKIE
    again = sent and any(octets == dialogue.said and dialogue.tries for dialogue in (sa.main, *sa.quick.values()))
    monitor.reports.message_passed(
        tunnel.vrf if tunnel else record.pair.front_vrf,
        sent,
        exchange,
        record.peer_ends,
        initiator=sa.initiator,
        state="" if begins else sa.state.value,
        message_id=header.message_id,
        again=again,
        tunnel=tunnel,
    )
