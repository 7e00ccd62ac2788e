"""Base room: the counters of an IKE tunnel, which the protocol cores increment and the flow monitor keeps."""

from __future__ import annotations

from enum import IntEnum


class IkeCounter(IntEnum):
    """The counters of an IKE tunnel; octets are lengths of IP datagrams (cikeTunInOctets and its neighbours)."""

    IN_OCTETS = 0
    IN_PACKETS = 1
    IN_DROPS = 2
    IN_NOTIFYS = 3
    IN_P2_EXCHANGES = 4
    IN_P2_INVALIDS = 5
    IN_P2_REJECTS = 6
    IN_P2_SA_DELETES = 7
    OUT_OCTETS = 8
    OUT_PACKETS = 9
    OUT_DROPS = 10
    OUT_NOTIFYS = 11
    OUT_P2_EXCHANGES = 12
    OUT_P2_INVALIDS = 13
    OUT_P2_REJECTS = 14
    OUT_P2_SA_DELETES = 15
