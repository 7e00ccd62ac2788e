"""Mib room: CISCO-IPSEC-POLICY-MAP-MIB: the policy, map and access list of each tunnel (global context only)."""

from __future__ import annotations

from collections.abc import Iterator

from agent.mib.declare import TableView


def policy_map_tables() -> Iterator[TableView]:
    """Tunnels of every VRF, by their router-wide indexes."""
    yield TableView(
        "ikePolMapTable",
        lambda context: context.router.monitor.ike_tunnels,
        lambda key, row: (key,),
        {"ikePolMapPolicyNum": lambda row, now: row.facts.policy},
    )
    yield TableView(
        "ipSecPolMapTable",
        lambda context: context.router.monitor.ipsec_tunnels,
        lambda key, row: (key,),
        {
            "ipSecPolMapCryptoMapName": lambda row, now: row.facts.map_name,
            "ipSecPolMapCryptoMapNum": lambda row, now: row.facts.map_sequence,
            "ipSecPolMapAclString": lambda row, now: row.facts.acl_name,
            "ipSecPolMapAceString": lambda row, now: row.facts.acl_entry,
        },
    )
