"""Mib room: the live part of CISCO-IPSEC-FLOW-MONITOR-MIB: global statistics, peers, tunnels, endpoints and SAs of one VRF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent.engine.values import DestroyIke, DestroyIpsec, Request
from agent.flow.model import PeerKey
from agent.flow.rows import Rows
from agent.flow.settings import MIB_LEVEL
from agent.flow.vrf import IkeEvents, IpsecEvents
from agent.mib.column import DESTROY_LAST, Commit, SetRefusedError, nothing_to_undo
from agent.mib.context import Context
from agent.mib.declare import ScalarView, TableView, Value, Write
from agent.mib.flow_counters import ike_counters, ipsec_counters, ipsec_global_counters
from agent.mib.terms import (
    AUTHENTICATION,
    CIPHER,
    COMPRESSION,
    ENCAPSULATION,
    ENDPOINT_KIND,
    GROUP,
    HMAC,
    IKE_HASH,
    NEGO_MODE,
    address,
    identity_type,
    identity_value,
    interval,
    representable,
    truth,
)


def peer_index(key: PeerKey) -> tuple[Any, ...]:
    """The values of cikePeerTable's INDEX objects."""
    return (
        identity_type(key.local),
        identity_value(key.local),
        identity_type(key.remote),
        identity_value(key.remote),
        key.internal,
    )


def live_scalars() -> ScalarView:
    """cipSecLevels, cikeGlobalStats, cipSecGlobalStats. The row is the VRF's flow."""

    def ike_event(event: IkeEvents) -> Value:
        return lambda row, now: row.ike_events[event]

    def ipsec_event(event: IpsecEvents) -> Value:
        return lambda row, now: row.ipsec_events[event]

    return ScalarView(
        lambda context: context.flow,
        {
            "cipSecMibLevel": lambda row, now: MIB_LEVEL,
            "cikeGlobalActiveTunnels": lambda row, now: len(row.ike_tunnels),
            "cikeGlobalPreviousTunnels": ike_event(IkeEvents.PREVIOUS),
            **ike_counters("cikeGlobal", lambda counter: lambda row, now: row.ike_totals.value(counter, now)),
            "cikeGlobalInitTunnels": ike_event(IkeEvents.INITIATED),
            "cikeGlobalInitTunnelFails": ike_event(IkeEvents.INITIATOR_FAILS),
            "cikeGlobalRespTunnelFails": ike_event(IkeEvents.RESPONDER_FAILS),
            "cikeGlobalSysCapFails": ike_event(IkeEvents.CAPACITY_FAILS),
            "cikeGlobalAuthFails": ike_event(IkeEvents.AUTHENTICATION_FAILS),
            "cikeGlobalDecryptFails": ike_event(IkeEvents.DECRYPT_FAILS),
            "cikeGlobalHashValidFails": ike_event(IkeEvents.HASH_FAILS),
            "cikeGlobalNoSaFails": ike_event(IkeEvents.NO_SA_FAILS),
            "cipSecGlobalActiveTunnels": lambda row, now: len(row.ipsec_tunnels),
            "cipSecGlobalPreviousTunnels": ipsec_event(IpsecEvents.PREVIOUS),
            **ipsec_global_counters(lambda counter: lambda row, now: row.ipsec_totals.value(counter, now)),
            "cipSecGlobalProtocolUseFails": ipsec_event(IpsecEvents.PROTOCOL_USE_FAILS),
            "cipSecGlobalNoSaFails": ipsec_event(IpsecEvents.NO_SA_FAILS),
            "cipSecGlobalSysCapFails": ipsec_event(IpsecEvents.CAPACITY_FAILS),
        },
    )


def ike_facts_columns(prefix: str) -> dict[str, Value]:
    """Columns that the live and the history table share: the negotiated terms of phase 1 (`row.facts`)."""
    return {
        prefix + "LocalAddr": lambda row, now: address(row.facts.local_address),
        prefix + "LocalName": lambda row, now: row.facts.local_name,
        prefix + "RemoteAddr": lambda row, now: address(row.facts.remote_address),
        prefix + "RemoteName": lambda row, now: row.facts.remote_name,
        prefix + "NegoMode": lambda row, now: NEGO_MODE.get(row.facts.aggressive),
        prefix + "DiffHellmanGrp": lambda row, now: GROUP.get(row.facts.group),
        prefix + "EncryptAlgo": lambda row, now: CIPHER.get(row.facts.encryption),
        prefix + "HashAlgo": lambda row, now: IKE_HASH.get(row.facts.hash),
        prefix + "AuthMethod": lambda row, now: AUTHENTICATION.get(row.facts.authentication),
        prefix + "LifeTime": lambda row, now: representable(row.facts.lifetime),
        prefix + "TotalRefreshes": lambda row, now: row.refreshes,
    }


def ipsec_facts_columns(prefix: str) -> dict[str, Value]:
    """Columns that the live and the history table share: the negotiated terms of phase 2 (`row.facts`)."""
    columns: dict[str, Value] = {
        prefix + "LocalAddr": lambda row, now: address(row.facts.local_address),
        prefix + "RemoteAddr": lambda row, now: address(row.facts.remote_address),
        prefix + "KeyType": lambda row, now: "ike",
        prefix + "EncapMode": lambda row, now: ENCAPSULATION.get(row.facts.transport),
        prefix + "LifeSize": lambda row, now: representable(row.facts.life_size),
        prefix + "LifeTime": lambda row, now: representable(row.facts.life_time),
        prefix + "TotalRefreshes": lambda row, now: row.refreshes,
    }
    columns.update(_algorithms(prefix + "InSa", "DecompAlgo", lambda facts: facts.inbound))
    columns.update(_algorithms(prefix + "OutSa", "CompAlgo", lambda facts: facts.outbound))
    return columns


def _algorithms(prefix: str, compression: str, side: Any) -> dict[str, Value]:
    return {
        prefix + "DiffHellmanGrp": lambda row, now: GROUP.get(side(row.facts).group),
        prefix + "EncryptAlgo": lambda row, now: CIPHER.get(side(row.facts).cipher),
        prefix + "AhAuthAlgo": lambda row, now: HMAC.get(side(row.facts).ah),
        prefix + "EspAuthAlgo": lambda row, now: HMAC.get(side(row.facts).esp_auth),
        prefix + compression: lambda row, now: COMPRESSION.get(side(row.facts).compression),
    }


def endpoint_columns(prefix: str, local: Any, remote: Any) -> dict[str, Value]:
    """Columns that the live and the history table of endpoints share; `local` and `remote` take a row's two ends."""
    columns: dict[str, Value] = {}
    for side, end in (("Local", local), ("Remote", remote)):
        columns.update(_endpoint(prefix + side, end))
    return columns


def _endpoint(prefix: str, end: Any) -> dict[str, Value]:
    return {
        prefix + "Name": lambda row, now: end(row).name,
        prefix + "Type": lambda row, now: ENDPOINT_KIND[end(row).kind],
        prefix + "Addr1": lambda row, now: address(end(row).first),
        prefix + "Addr2": lambda row, now: address(end(row).last),
        prefix + "Protocol": lambda row, now: end(row).protocol,
        prefix + "Port": lambda row, now: end(row).port,
    }


def live_tables() -> Iterator[TableView]:
    """The tables of cipSecPhaseOne and cipSecPhaseTwo."""
    yield TableView(
        "cikePeerTable",
        lambda context: context.flow.peers,
        lambda key, row: peer_index(key),
        {
            "cikePeerLocalAddr": lambda row, now: address(row.local_address),
            "cikePeerRemoteAddr": lambda row, now: address(row.remote_address),
            "cikePeerActiveTime": _active_time,
            "cikePeerActiveTunnelIndex": lambda row, now: row.tunnel_index,
        },
    )
    yield TableView(
        "cikeTunnelTable",
        lambda context: context.flow.ike_tunnels,
        lambda key, row: (key,),
        {
            "cikeTunLocalType": lambda row, now: identity_type(row.facts.local),
            "cikeTunLocalValue": lambda row, now: identity_value(row.facts.local),
            "cikeTunRemoteType": lambda row, now: identity_type(row.facts.remote),
            "cikeTunRemoteValue": lambda row, now: identity_value(row.facts.remote),
            **ike_facts_columns("cikeTun"),
            "cikeTunActiveTime": _active_time,
            "cikeTunSaRefreshThreshold": lambda row, now: representable(row.facts.refresh_threshold),
            **ike_counters("cikeTun"),
            "cikeTunStatus": lambda row, now: "active",
        },
        {"cikeTunStatus": _destroyer(DestroyIke)},
    )
    yield TableView(
        "cikePeerCorrTable",
        lambda context: context.flow.peer_links,
        lambda key, row: (*peer_index(key[0]), key[1]),
        {"cikePeerCorrIpSecTunIndex": lambda row, now: row.index},
    )
    yield TableView(
        "cipSecTunnelTable",
        lambda context: context.flow.ipsec_tunnels,
        lambda key, row: (key,),
        {
            "cipSecTunIkeTunnelIndex": lambda row, now: row.ike_index,
            "cipSecTunIkeTunnelAlive": lambda row, now: truth(row.ike is not None),
            **ipsec_facts_columns("cipSecTun"),
            "cipSecTunActiveTime": _active_time,
            "cipSecTunSaLifeSizeThreshold": lambda row, now: representable(row.facts.life_size_threshold),
            "cipSecTunSaLifeTimeThreshold": lambda row, now: representable(row.facts.life_time_threshold),
            "cipSecTunExpiredSaInstances": lambda row, now: row.expired_sas,
            "cipSecTunCurrentSaInstances": lambda row, now: len(row.spis),
            **ipsec_counters("cipSecTun"),
            "cipSecTunStatus": lambda row, now: "active",
        },
        {"cipSecTunStatus": _destroyer(DestroyIpsec)},
    )
    yield TableView(
        "cipSecEndPtTable",
        lambda context: context.flow.endpoints,
        lambda key, row: key,
        endpoint_columns("cipSecEndPt", lambda row: row[0], lambda row: row[1]),
    )
    yield TableView(
        "cipSecSpiTable",
        lambda context: context.flow.spis,
        lambda key, row: key,
        {
            "cipSecSpiDirection": lambda row, now: "in" if row.inbound else "out",
            "cipSecSpiValue": lambda row, now: row.value,
            "cipSecSpiProtocol": lambda row, now: row.protocol,
            "cipSecSpiStatus": lambda row, now: "expiring" if row.expiring else "active",
        },
    )


# The gateway statistics have a row for each media gateway. A VPN router is not one.
GATEWAY_TABLES: Mapping[str, str] = {
    "cikePhase1GWStatsTable": "a row is a media gateway, and there is none",
    "cipSecPhase2GWStatsTable": "a row is a media gateway, and there is none",
}


def gateway_tables(columns: Mapping[str, tuple[str, ...]]) -> Iterator[TableView]:
    """Both GWStats tables, which have no rows. `columns` are the accessible columns of each."""
    for table in GATEWAY_TABLES:
        nothing = dict.fromkeys(columns[table], lambda row, now: None)
        yield TableView(table, lambda context: Rows[int, Any](), lambda key, row: (key,), nothing, shared=True)


def _active_time(row: Any, now: int) -> int | None:
    return interval(now - row.start)


def _destroyer(ask: Callable[[int], Request]) -> Write:
    """TunnelStatus: destroy ends the tunnel; active changes nothing."""

    def write(context: Context, row: Any, value: str) -> Commit:
        if value != "destroy":
            return Commit(lambda origin: nothing_to_undo)
        request, engine = ask(row.index), context.router.engine
        if engine.test(request) is not None:
            raise SetRefusedError("noAccess")
        return Commit(lambda origin: None if engine.do(request, origin) else nothing_to_undo, DESTROY_LAST)

    return write
