"""Snmp room: the admission gate: who asks is settled before what is asked is looked at (RFC 3412 §4.2.1, RFC 3584 §5.2.1).

Every datagram that is not an ordinary read comes here. Its first octets say who asks: version, community and source, or engine,
user, level, digest and time. A refused request is counted, and gets what the RFCs say: nothing, or a Report. So a stranger's
datagram costs some microseconds, whatever it holds. pysnmp gets only small datagrams of known requesters.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

from agent.mib.values import OCTET_STRING
from agent.snmp.access import AccessPolicy, Grant, Source
from agent.snmp.ber import (
    DROP,
    GET,
    GET_BULK,
    GET_NEXT,
    INFORM,
    REPORT,
    RESPONSE,
    SEQUENCE,
    SET,
    TRAP_V1,
    TRAP_V2,
    VERSION_2C,
    NotRecognisedError,
    ReadPdu,
    SetPdu,
    number_at,
    request_pdu,
    value_at,
)
from agent.snmp.counters import SnmpCounters
from agent.snmp.fast_v3 import Opened, V3Messages

MODELS = ("v1", "v2c")
VERSION_3 = 3
# pysnmp takes some microseconds for each octet. So unusual encodings are accepted up to this size, in octets.
LARGEST_FOR_PYSNMP = 1500
_REQUESTS = ((GET, GET_NEXT, SET), (GET, GET_NEXT, SET, GET_BULK))  # by version
_NOTIFICATIONS = ((TRAP_V1,), (INFORM, TRAP_V2))


class Admitted(NamedTuple):
    """A request of a community that may ask. `head` is what a response repeats; without a PDU it is encoded as managers do not."""

    version: int
    grant: Grant
    head: bytes
    kind: int
    pdu: ReadPdu | SetPdu | None
    end: int  # of the PDU


class Gate:
    """Admits datagrams of one router. `refused` is called for each refused community, with source, name and model."""

    def __init__(
        self,
        policy: Callable[[], AccessPolicy],
        v3: V3Messages,
        counters: SnmpCounters,
        refused: Callable[[Source, bytes, str], None],
    ) -> None:
        self._policy = policy
        self._v3 = v3
        self._counters = counters
        self._refused = refused

    def admit(self, data: bytes, source: str, names: int) -> Admitted | Opened | bytes | None:
        """Who asks, and what, with up to `names` names and one more; octets to be sent, or DROP; None where it is for pysnmp."""
        try:
            begin, end = value_at(data, 0, SEQUENCE)
            version, at = number_at(data, begin)
            if end > len(data):
                raise NotRecognisedError
            if version == VERSION_3:
                if end < len(data):
                    raise NotRecognisedError
                return self._for_pysnmp(data, self._v3.open(data, at, names))
            if version > VERSION_2C:
                return self.drop("snmpInBadVersions")
            return self._for_pysnmp(data, self._community(data, source, version, at, end, names))
        except (IndexError, NotRecognisedError):
            return self.drop("snmpInASNParseErrs")

    def drop(self, counter: str) -> bytes:
        """Count why a datagram gets no answer."""
        self._counters.count(counter)
        return DROP

    def _community(self, data: bytes, source: str, version: int, at: int, end: int, names: int) -> Admitted | bytes | None:
        name_at, pdu_at = value_at(data, at, OCTET_STRING)
        if pdu_at >= end:
            raise NotRecognisedError
        address = ip_address(source.partition("%")[0])
        grant = self._policy().community(data[name_at:pdu_at], MODELS[version], address)
        if grant is None:
            self._refused(address, data[name_at:pdu_at], MODELS[version])
            return self.drop("snmpInBadCommunityNames")
        kind = data[pdu_at]
        if kind in _REQUESTS[version]:
            pdu = request_pdu(data, pdu_at, end, version, names) if end == len(data) else None
            return Admitted(version, grant, data[value_at(data, 0, SEQUENCE)[0] : pdu_at], kind, pdu, end)
        if kind in (RESPONSE, REPORT):
            return DROP  # to nothing that we have sent: informs keep their answers for themselves
        return self.drop("snmpUnknownPDUHandlers" if kind in _NOTIFICATIONS[version] else "snmpInASNParseErrs")

    def _for_pysnmp(self, data: bytes, found: Admitted | Opened | bytes | None) -> Admitted | Opened | bytes | None:
        """What was found, but nothing large goes to pysnmp."""
        left_to_pysnmp = found is None or (isinstance(found, Admitted) and found.pdu is None)
        if not left_to_pysnmp:
            return found
        return None if len(data) <= LARGEST_FOR_PYSNMP else self.drop("snmpInASNParseErrs")
