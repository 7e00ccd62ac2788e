"""Mib room: CISCO-IPSEC-MIB, the IKE and IPsec configuration and its crypto maps (global context only)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agent.config.crypto_model import CryptoMap, CryptoMapEntry, IsakmpPolicy
from agent.config.edits import DetachCryptoMap
from agent.config.events import (
    CryptoChanged,
    CryptoMapAdded,
    CryptoMapAttached,
    CryptoMapDeleted,
    CryptoMapDetached,
    InterfaceChanged,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
)
from agent.config.interface_names import has_medium, type_of
from agent.config.model import RouterConfig
from agent.flow.device import Device
from agent.flow.model import NO_GROUP
from agent.mib.column import ENDS_TUNNELS, Commit, SetRefusedError
from agent.mib.context import Context
from agent.mib.declare import InContext, ScalarView, TableView, computed
from agent.mib.edits import edit_commit
from agent.mib.flow_past import trap_value, trap_write
from agent.mib.terms import AUTHENTICATION, CIPHER, GROUP, IKE_HASH, IPSEC_TRAP_SCALARS, address, truth

_IDENTITY = {"address": "isakmpIdTypeADDRESS", "hostname": "isakmpIdTypeHOSTNAME"}
# The events that may change a row of these tables. An interface has its index in a row.
_CRYPTO = (
    CryptoMapAdded,
    CryptoMapDeleted,
    CryptoMapAttached,
    CryptoMapDetached,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
    CryptoChanged,
    InterfaceChanged,
)
_LARGEST_CEILING = 65535  # of cipsMaxSAs


@dataclass(frozen=True, slots=True)
class Attachment:
    """A crypto map on an interface."""

    if_index: int
    interface: str
    map_name: str


def policies(config: RouterConfig) -> Iterable[tuple[int, IsakmpPolicy]]:
    """Configured policies only: the defaults are not in the table."""
    return config.crypto.policies.items()


def static_maps(config: RouterConfig) -> Iterable[tuple[str, CryptoMap]]:
    return config.crypto.maps.items()


def dynamic_maps(config: RouterConfig) -> Iterable[tuple[str, CryptoMap]]:
    return config.crypto.dynamic_maps.items()


def static_entries(config: RouterConfig) -> Iterable[tuple[tuple[str, int], CryptoMapEntry]]:
    for crypto_map in config.crypto.maps.values():
        for entry in crypto_map.entries:
            yield (entry.name, entry.sequence), entry


def attachments(config: RouterConfig, device: Device) -> Iterable[tuple[tuple[int, str], Attachment]]:
    for state in device.interfaces.values():
        interface = config.interfaces.get(state.name)
        if interface and interface.crypto_map:
            attachment = Attachment(state.index, state.name, interface.crypto_map)
            yield (attachment.if_index, attachment.map_name), attachment


def config_scalars() -> tuple[ScalarView, ScalarView]:
    """Scalars of the configuration, and the control scalars of the notifications (of the global context)."""
    return (
        ScalarView(
            lambda context: context.router.config,
            {
                "cipsIsakmpEnabled": lambda row, now: truth(row.crypto.enabled),
                "cipsIsakmpIdentity": lambda row, now: _IDENTITY.get(row.crypto.identity, "isakmpIdTypeUNKNOWN"),
                "cipsIsakmpKeepaliveInterval": lambda row, now: row.crypto.keepalive and row.crypto.keepalive.interval,
                "cipsNumIsakmpPolicies": lambda row, now: len(row.crypto.policies),
                "cipsSALifetime": lambda row, now: row.crypto.lifetime_seconds,
                "cipsSALifesize": lambda row, now: row.crypto.lifetime_kilobytes,
                "cipsNumStaticCryptomapSets": lambda row, now: len(row.crypto.maps),
                "cipsNumCETCryptomapSets": lambda row, now: 0,  # IOS no longer has Cisco Encryption Technology
                "cipsNumDynamicCryptomapSets": lambda row, now: len(row.crypto.dynamic_maps),
                "cipsNumTEDCryptomapSets": lambda row, now: sum(_discovers(found) > 0 for found in row.crypto.maps.values()),
                # Tunnel endpoint discovery is not implemented.
                "cipsNumTEDProbesReceived": lambda row, now: 0,
                "cipsNumTEDProbesSent": lambda row, now: 0,
                "cipsNumTEDFailures": lambda row, now: 0,
                "cipsMaxSAs": lambda row, now: _ceiling(row),
                "cips3DesCapable": lambda row, now: "true",
            },
        ),
        ScalarView(
            lambda context: context.flow,
            {name: trap_value(kind) for name, kind in IPSEC_TRAP_SCALARS.items()},
            {name: trap_write(kind) for name, kind in IPSEC_TRAP_SCALARS.items()},
        ),
    )


def config_tables() -> Iterator[TableView]:
    """The tables. They follow the configuration."""

    def view(table: str, compute: Any, index: Any, columns: Any, writes: Any = None) -> TableView:
        return TableView(
            table, computed(lambda context: compute(context.router), *_CRYPTO), index, columns, writes or {}, shared=True
        )

    yield view(
        "cipsIsakmpPolicyTable",
        lambda router: policies(router.config),
        lambda key, row: (key,),
        {
            "cipsIsakmpPolEncr": lambda row, now: CIPHER.get(row.encryption),
            "cipsIsakmpPolHash": lambda row, now: IKE_HASH.get(row.hash),
            "cipsIsakmpPolAuth": lambda row, now: AUTHENTICATION.get(row.authentication),
            "cipsIsakmpPolGroup": lambda row, now: GROUP.get(row.group),
            "cipsIsakmpPolLifetime": lambda row, now: row.lifetime,
        },
    )
    yield view(
        "cipsStaticCryptomapSetTable",
        lambda router: static_maps(router.config),
        lambda key, row: (key,),
        {
            "cipsStaticCryptomapSetSize": lambda row, now: len(row.entries),
            "cipsStaticCryptomapSetNumIsakmp": lambda row, now: sum(entry.kind == "ipsec-isakmp" for entry in row.entries),
            "cipsStaticCryptomapSetNumManual": lambda row, now: sum(entry.kind == "ipsec-manual" for entry in row.entries),
            "cipsStaticCryptomapSetNumCET": lambda row, now: 0,
            "cipsStaticCryptomapSetNumDynamic": lambda row, now: sum(entry.dynamic is not None for entry in row.entries),
            "cipsStaticCryptomapSetNumDisc": lambda row, now: _discovers(row),
            "cipsStaticCryptomapSetNumSAs": InContext(lambda row, now, context: context.router.monitor.sas_of_map(row.name)),
        },
    )
    yield view(
        "cipsDynamicCryptomapSetTable",
        lambda router: dynamic_maps(router.config),
        lambda key, row: (key,),
        {
            "cipsDynamicCryptomapSetSize": lambda row, now: len(row.entries),
            "cipsDynamicCryptomapSetNumAssoc": InContext(_associated),
        },
    )
    yield view(
        "cipsStaticCryptomapTable",
        lambda router: static_entries(router.config),
        lambda key, row: key,
        {
            "cipsStaticCryptomapType": lambda row, now: _entry_type(row),
            "cipsStaticCryptomapDescr": lambda row, now: row.description or "",
            "cipsStaticCryptomapPeer": InContext(lambda row, now, context: _first_peer(context.router.config, row)),
            "cipsStaticCryptomapNumPeers": lambda row, now: len(row.peers),
            "cipsStaticCryptomapPfs": lambda row, now: GROUP.get(NO_GROUP if row.pfs_group is None else row.pfs_group),
            # 0: the entry sets none, so the global lifetime holds.
            "cipsStaticCryptomapLifetime": lambda row, now: row.lifetime_seconds or 0,
            "cipsStaticCryptomapLifesize": lambda row, now: row.lifetime_kilobytes or 0,
            "cipsStaticCryptomapLevelHost": lambda row, now: truth(row.per_host),
        },
    )
    yield view(
        "cipsCryptomapSetIfTable",
        lambda router: attachments(router.config, router.device),
        lambda key, row: key,
        {
            "cipsCryptomapSetIfVirtual": lambda row, now: truth(
                not has_medium(row.interface) or type_of(row.interface).startswith("Virtual")
            ),
            "cipsCryptomapSetIfStatus": lambda row, now: "attached",
        },
        {"cipsCryptomapSetIfStatus": _detach},
    )


def _detach(context: Context, row: Attachment, value: str) -> Commit:
    """detached takes the map off the interface, like `no crypto map`. SNMP cannot attach a map."""
    if value == "detached":
        return edit_commit(context.router.editor, DetachCryptoMap(row.interface, row.map_name), ENDS_TUNNELS)
    raise SetRefusedError("genErr" if value == "attached" else "wrongValue")


def _associated(row: CryptoMap, now: int, context: Context) -> int:
    """How many static maps have an entry of this dynamic one."""
    maps = context.router.config.crypto.maps.values()
    return sum(any(entry.dynamic == row.name for entry in found.entries) for found in maps)


def _entry_type(entry: CryptoMapEntry) -> str:
    if entry.dynamic is not None:
        return "cryptomapTypeDYNAMICDISCOVERY" if entry.discover else "cryptomapTypeDYNAMIC"
    return "cryptomapTypeMANUAL" if entry.kind == "ipsec-manual" else "cryptomapTypeISAKMP"


def _first_peer(config: RouterConfig, entry: CryptoMapEntry) -> bytes | None:
    """The peer that is tried first. It is not instantiated without a peer, or if its name is unknown."""
    if not entry.peers:
        return None
    found = config.host_address(entry.peers[0])
    return address(found) if found else None


def _discovers(crypto_map: CryptoMap) -> int:
    return sum(entry.discover for entry in crypto_map.entries)


def _ceiling(config: RouterConfig) -> int:
    limit = config.crypto.ipsec_sa_limit
    return limit if limit is not None and 1 <= limit <= _LARGEST_CEILING else 0
