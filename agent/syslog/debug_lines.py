"""Syslog room: the lines of `debug crypto …` for the records of the flow monitor.

Those of ISAKMP and IPsec are IOS's, as far as a record has what they say. IOS's lines about payloads and single steps are left
out, because nothing tells of these. Cisco documents no line of `debug crypto mib`; those are ours, in the MIB's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from agent.config.model import RouterConfig
from agent.engine.transforms import transforms_of_sa
from agent.flow.model import (
    Address,
    EndReason,
    IkeFailureReason,
    IpsecFacts,
    connection_of,
)
from agent.flow.monitor import FlowMonitor
from agent.flow.records import (
    FlowRecord,
    IkeFailed,
    IkeMessagePassed,
    IkeMessageRefused,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    PacketRefused,
    Sa,
    SasExpired,
    SasInstalled,
)
from agent.flow.refusals import IkeExchange, MessageFault, PacketFault
from agent.syslog.message import Message, debug_line


@dataclass(frozen=True, slots=True)
class Scene:
    """What lines are made from, beside the record."""

    config: RouterConfig
    monitor: FlowMonitor


Lines = Mapping[type[FlowRecord], Callable[[Any, Scene], Iterator[Message]]]


# --- ISAKMP ---

# Why IOS says that it deletes an SA; for every other reason it says "No reason".
_END_WORDS = {
    EndReason.NORMAL: "IKE SA Lifetime Exceeded",
    EndReason.OPERATOR: "Death by tree-walk md5",
    EndReason.PEER_LOST: "P1 errcounter exceeded (PEERS_ALIVE_TIMER)",
}
_FAILURE_WORDS = {
    IkeFailureReason.PROPOSAL: "Phase1 SA policy proposal not accepted",
    IkeFailureReason.PEER_LOST: "Death by retransmission P1",
}
_NO_REASON = "No reason"
# The state before the last message of phase 1, by mode (None of IKEv2, which has none of these) and role.
_LAST_STATES = {
    (False, True): "IKE_I_MM6",
    (False, False): "IKE_R_MM5",
    (True, True): "IKE_I_AM1",
    (True, False): "IKE_R_AM2",
}


def _role(initiator: bool) -> str:
    return "I" if initiator else "R"


def _phase1_up(record: IkeTunnelStarted, scene: Scene) -> Iterator[Message]:
    facts, name = record.facts, f"ISAKMP:({record.index})"
    yield debug_line(f"{name}:SA authentication status:", "        authenticated")
    yield debug_line(f"{name}:SA has been authenticated with {facts.remote_address}")
    yield debug_line(f"{name}:Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE")
    if facts.aggressive is not None:
        yield debug_line(f"{name}:Old State = {_LAST_STATES[facts.aggressive, facts.initiator]}  New State = IKE_P1_COMPLETE")


def _shown(state: str) -> str:
    """A state as IOS prints it. It fills up QM_IDLE alone, and an SA that is over has no state."""
    return _SHOWN.get(state, state)


_SHOWN = {"QM_IDLE": "QM_IDLE      ", "DEAD": "MM_NO_STATE"}


def _deleting(connection: int, reason: str, initiator: bool, state: str, peer: Address | None) -> Message:
    why = f'deleting SA reason "{reason}" state ({_role(initiator)}) {_shown(state)}'
    return debug_line(f"ISAKMP:({connection}):{why} (peer {peer})")


# What an initiator begins with its first message, by exchange.
_BEGINNINGS = {IkeExchange.MAIN: "Main", IkeExchange.AGGRESSIVE: "Aggressive"}
_FIRST_STATES = ("MM_NO_STATE", "AG_INIT_EXCH")


def _message_passed(record: IkeMessagePassed, scene: Scene) -> Iterator[Message]:
    whose = f"({_role(record.initiator)}) {_shown(record.state)}" if record.state else "(N) NEW SA"
    if not record.sent:
        ports = f"dport {record.local_port} sport {record.remote_port} {record.front_vrf or 'Global'}"
        yield debug_line(f"ISAKMP ({record.index}): received packet from {record.remote_address} {ports} {whose}")
        return
    name = f"ISAKMP:({record.index})"
    if record.again:
        phase, which = (2, f" {record.message_id}") if record.exchange is IkeExchange.QUICK else (1, "")
        yield debug_line(f"{name}: retransmitting phase {phase} {_shown(record.state)}{which}...")
    elif record.initiator and record.state in _FIRST_STATES and record.exchange in _BEGINNINGS:
        yield debug_line(f"{name}: beginning {_BEGINNINGS[record.exchange]} Mode exchange")
    ports = f"my_port {record.local_port} peer_port {record.remote_port}"
    yield debug_line(f"{name}: sending packet to {record.remote_address} {ports} {whose}")


def _phase1_ended(record: IkeTunnelEnded, scene: Scene) -> Iterator[Message]:
    facts = record.facts
    reason = _END_WORDS.get(record.reason, _NO_REASON)
    yield _deleting(record.index, reason, facts.initiator, "QM_IDLE", facts.remote_address)


def _phase1_failed(record: IkeFailed, scene: Scene) -> Iterator[Message]:
    if record.initiator is not None:
        reason = _FAILURE_WORDS.get(record.reason, _NO_REASON)
        yield _deleting(0, reason, record.initiator, "MM_NO_STATE", record.remote_address)


def _message_refused(record: IkeMessageRefused, scene: Scene) -> Iterator[Message]:
    if record.fault is MessageFault.PROPOSAL:
        phase = 2 if record.exchange is IkeExchange.QUICK else 1
        addresses = f"(local {record.local_address} remote {record.remote_address})"
        yield debug_line(f"ISAKMP:({record.index}): phase {phase} SA policy not acceptable! {addresses}")
    elif record.fault is MessageFault.REFUSED and record.exchange is IkeExchange.INFORMATIONAL and not record.index:
        yield debug_line("ISAKMP:(0):Notify has no hash. Rejected.")


def _phase2_up(record: IpsecTunnelStarted, scene: Scene) -> Iterator[Message]:
    yield from _created(record.index, record.ike_index, record.facts, record.sas)


def _phase2_rekeyed(record: SasInstalled, scene: Scene) -> Iterator[Message]:
    tunnel = scene.monitor.ipsec_tunnels.get(record.index)
    if tunnel is not None:
        yield from _created(record.index, tunnel.ike_index, record.facts, record.sas)


def _created(tunnel: int, connection: int, facts: IpsecFacts, sas: tuple[Sa, ...]) -> Iterator[Message]:
    yield debug_line(f"ISAKMP:({connection}): Creating IPSec SAs", *_sa_lines(tunnel, facts, sas))
    last = "IKE_QM_I_QM1" if facts.initiator else "IKE_QM_R_QM2"
    yield debug_line(f"ISAKMP:({connection}):Old State = {last}  New State = IKE_QM_PHASE2_COMPLETE")


def _sa_lines(tunnel: int, facts: IpsecFacts, sas: tuple[Sa, ...]) -> Iterator[str]:
    us, peer = facts.local_address, facts.remote_address
    ours, theirs = facts.local[0].first, facts.remote[0].first
    for sa in sas:
        way, source, destination = ("inbound", peer, us) if sa.inbound else ("outbound", us, peer)
        inner, outer = (theirs, ours) if sa.inbound else (ours, theirs)
        yield f"        {way} SA from {source} to {destination} (f/i)  0/ 0"
        yield f"        (proxy {inner} to {outer})"
        yield f"        has spi 0x{sa.value:X} and conn_id {connection_of(tunnel, sa.inbound)}"
        if facts.life_time:
            yield f"        lifetime of {facts.life_time} seconds"
        if facts.life_size:
            yield f"        lifetime of {facts.life_size} kilobytes"


# --- IPsec ---

_IP_PROTOCOLS = {"esp": 50, "ah": 51, "ipcomp": 108}


def _sas(what: str, tunnel: int, facts: IpsecFacts, sas: Iterable[Sa]) -> Iterator[Message]:
    for sa in sas:
        destination, algorithms = (facts.local_address, facts.inbound) if sa.inbound else (facts.remote_address, facts.outbound)
        transforms = " ".join(transforms_of_sa(algorithms, sa.protocol))
        yield debug_line(
            f"IPSEC({what},",
            f"  (sa) sa_dest= {destination}, sa_proto= {_IP_PROTOCOLS[sa.protocol]}, ",
            f"    sa_spi= 0x{sa.value:X}({sa.value}), ",
            f"    sa_trans= {transforms} , sa_conn_id= {connection_of(tunnel, sa.inbound)}",
        )


def _sas_created(record: IpsecTunnelStarted | SasInstalled, scene: Scene) -> Iterator[Message]:
    yield from _sas("create_sa): sa created", record.index, record.facts, record.sas)


def _sas_deleted(record: IpsecTunnelEnded, scene: Scene) -> Iterator[Message]:
    yield debug_line("IPSEC(key_engine): got a queue event with 1 KMI message(s)")
    yield from _sas("delete_sa): deleting SA", record.index, record.facts, record.sas)


def _packet_refused(record: PacketRefused, scene: Scene) -> Iterator[Message]:
    if record.fault is PacketFault.WRONG_FLOW:
        yield debug_line("IPSEC(epa_des_crypt): decrypted packet failed SA identity check")


# --- the MIB ---


def _of_vrf(record: FlowRecord) -> str:
    return f"VRF {record.vrf}" if record.vrf is not None else "Global"


def _mib_ike(record: IkeTunnelStarted | IkeTunnelEnded, scene: Scene) -> Iterator[Message]:
    what = "cikeTunnelStart" if isinstance(record, IkeTunnelStarted) else "cikeTunnelStop"
    yield debug_line(f"IPSECMIB: {_of_vrf(record)}: {what}, index {record.index}, peer {record.facts.remote_address}")


def _mib_ipsec(record: IpsecTunnelStarted | IpsecTunnelEnded, scene: Scene) -> Iterator[Message]:
    what = "cipSecTunnelStart" if isinstance(record, IpsecTunnelStarted) else "cipSecTunnelStop"
    yield debug_line(f"IPSECMIB: {_of_vrf(record)}: {what}, index {record.index}, peer {record.facts.remote_address}")


def _mib_failure(record: IkeFailed | IpsecFailed, scene: Scene) -> Iterator[Message]:
    table = "cikeFailTable" if isinstance(record, IkeFailed) else "cipSecFailTable"
    yield debug_line(f"IPSECMIB: {_of_vrf(record)}: {table}: {record.reason.value}, peer {record.remote_address}")


def _mib_spis(record: IpsecTunnelStarted | SasInstalled | IpsecTunnelEnded, scene: Scene) -> Iterator[Message]:
    action = "removed from" if isinstance(record, IpsecTunnelEnded) else "added to"
    for sa in record.sas:
        way = "in" if sa.inbound else "out"
        rows = f"cipSecSpiTable, index {record.index}.{sa.index}"
        yield debug_line(f"IPSECMIB: {_of_vrf(record)}: {sa.protocol} {way} 0x{sa.value:X} {action} {rows}")


def _mib_expired(record: SasExpired, scene: Scene) -> Iterator[Message]:
    for index in record.sas:
        yield debug_line(f"IPSECMIB: {_of_vrf(record)}: an expired SA removed from cipSecSpiTable, index {record.index}.{index}")


# --- which records have lines ---

ISAKMP: Lines = MappingProxyType(
    {
        IkeTunnelStarted: _phase1_up,
        IkeTunnelEnded: _phase1_ended,
        IkeFailed: _phase1_failed,
        IkeMessagePassed: _message_passed,
        IkeMessageRefused: _message_refused,
        IpsecTunnelStarted: _phase2_up,
        SasInstalled: _phase2_rekeyed,
    }
)
IPSEC: Lines = MappingProxyType(
    {
        IpsecTunnelStarted: _sas_created,
        SasInstalled: _sas_created,
        IpsecTunnelEnded: _sas_deleted,
        PacketRefused: _packet_refused,
    }
)
MIB: Lines = MappingProxyType(
    {IkeTunnelStarted: _mib_ike, IkeTunnelEnded: _mib_ike, IpsecTunnelStarted: _mib_ipsec, IpsecTunnelEnded: _mib_ipsec}
)
MIB_DETAIL: Lines = MappingProxyType(
    {IpsecTunnelStarted: _mib_spis, SasInstalled: _mib_spis, SasExpired: _mib_expired, IpsecTunnelEnded: _mib_spis}
)
MIB_ERROR: Lines = MappingProxyType({IkeFailed: _mib_failure, IpsecFailed: _mib_failure})
