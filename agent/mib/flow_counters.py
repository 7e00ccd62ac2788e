"""Mib room: the counters of CISCO-IPSEC-FLOW-MONITOR-MIB, one list for the live, the history and the global objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter
from agent.mib.declare import RowCounter, Value

_IKE = {
    "InOctets": IkeCounter.IN_OCTETS,
    "InPkts": IkeCounter.IN_PACKETS,
    "InDropPkts": IkeCounter.IN_DROPS,
    "InNotifys": IkeCounter.IN_NOTIFYS,
    "InP2Exchgs": IkeCounter.IN_P2_EXCHANGES,
    "InP2ExchgInvalids": IkeCounter.IN_P2_INVALIDS,
    "InP2ExchgRejects": IkeCounter.IN_P2_REJECTS,
    "InP2SaDelRequests": IkeCounter.IN_P2_SA_DELETES,
    "OutOctets": IkeCounter.OUT_OCTETS,
    "OutPkts": IkeCounter.OUT_PACKETS,
    "OutDropPkts": IkeCounter.OUT_DROPS,
    "OutNotifys": IkeCounter.OUT_NOTIFYS,
    "OutP2Exchgs": IkeCounter.OUT_P2_EXCHANGES,
    "OutP2ExchgInvalids": IkeCounter.OUT_P2_INVALIDS,
    "OutP2ExchgRejects": IkeCounter.OUT_P2_REJECTS,
    "OutP2SaDelRequests": IkeCounter.OUT_P2_SA_DELETES,
}
# Octets have three objects: 32 bits, 64 bits (Hc), and the number of wraps of the first.
_IPSEC_OCTETS = {
    ("In", "Oct"): IpsecCounter.IN_OCTETS,
    ("In", "DecompOct"): IpsecCounter.IN_DECOMP_OCTETS,
    ("Out", "Oct"): IpsecCounter.OUT_OCTETS,
    ("Out", "UncompOct"): IpsecCounter.OUT_UNCOMP_OCTETS,
}
_IPSEC = {
    "InPkts": IpsecCounter.IN_PACKETS,
    "InDropPkts": IpsecCounter.IN_DROPS,
    "InReplayDropPkts": IpsecCounter.IN_REPLAY_DROPS,
    "InAuths": IpsecCounter.IN_AUTHS,
    "InAuthFails": IpsecCounter.IN_AUTH_FAILS,
    "InDecrypts": IpsecCounter.IN_DECRYPTS,
    "InDecryptFails": IpsecCounter.IN_DECRYPT_FAILS,
    "OutPkts": IpsecCounter.OUT_PACKETS,
    "OutDropPkts": IpsecCounter.OUT_DROPS,
    "OutAuths": IpsecCounter.OUT_AUTHS,
    "OutAuthFails": IpsecCounter.OUT_AUTH_FAILS,
    "OutEncrypts": IpsecCounter.OUT_ENCRYPTS,
    "OutEncryptFails": IpsecCounter.OUT_ENCRYPT_FAILS,
}
# cipSecGlobalStats says "Drops" where the tunnel tables say "DropPkts".
_IPSEC_GLOBAL_NAMES = {"InDropPkts": "InDrops", "InReplayDropPkts": "InReplayDrops", "OutDropPkts": "OutDrops"}

Read = Callable[[int], Value]


def ike_counters(prefix: str, read: Read = RowCounter) -> dict[str, Value]:
    """The sixteen IKE counters under names that begin with `prefix`."""
    return {prefix + name: read(counter) for name, counter in _IKE.items()}


def ipsec_counters(prefix: str, read: Read = RowCounter, names: dict[str, str] | None = None) -> dict[str, Value]:
    """The IPsec counters, octets in their three forms."""
    columns = {prefix + (names or {}).get(name, name): read(counter) for name, counter in _IPSEC.items()}
    for (direction, stem), counter in _IPSEC_OCTETS.items():
        true = read(counter)
        columns[f"{prefix}{direction}{stem}ets"] = true
        columns[f"{prefix}Hc{direction}{stem}ets"] = true
        columns[f"{prefix}{direction}{stem}Wraps"] = _wraps(true)
    return columns


def ipsec_global_counters(read: Read) -> dict[str, Value]:
    return ipsec_counters("cipSecGlobal", read, _IPSEC_GLOBAL_NAMES)


def _wraps(true: Value) -> Value:
    def wraps(row: Any, now: int) -> int | None:
        count = true(row, now)
        return None if count is None else count >> 32

    return wraps
