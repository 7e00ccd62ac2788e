"""Snmp room: pysnmp's message processing models with their parsing corrected (RFC 3412 §7, RFC 3416 §3)."""

from __future__ import annotations

from typing import Any

from pyasn1.type import namedtype
from pysnmp.proto import errind, error, rfc1901, rfc1902, rfc1905
from pysnmp.proto.mpmod.rfc2576 import SnmpV1MessageProcessingModel, SnmpV2cMessageProcessingModel
from pysnmp.proto.mpmod.rfc3412 import ScopedPDU, ScopedPduData, SNMPv3Message, SnmpV3MessageProcessingModel

from agent.snmp.counters import SnmpCounters


def _with(spec: Any, **changed: Any) -> Any:
    """A message type's components with some of them of another type."""
    return namedtype.NamedTypes(
        *(namedtype.NamedType(each.name, changed.get(each.name.replace("-", "_"), each.asn1Object)) for each in spec.namedTypes)
    )


class _Bulk(rfc1905.GetBulkRequestPDU):
    """pysnmp takes a negative number here for a parse error; RFC 3416 §4.2.3 takes it for 0."""

    componentType = _with(  # noqa: N815 - pyasn1's interface
        rfc1905.BulkPDU.componentType, non_repeaters=rfc1902.Integer32(), max_repetitions=rfc1902.Integer32()
    )


class _Pdus(rfc1905.PDUs):
    componentType = _with(rfc1905.PDUs.componentType, get_bulk_request=_Bulk())  # noqa: N815 - pyasn1's interface


class _MessageV2c(rfc1901.Message):
    componentType = _with(rfc1901.Message.componentType, data=_Pdus())  # noqa: N815 - pyasn1's interface


class _ScopedPdu(ScopedPDU):
    componentType = _with(ScopedPDU.componentType, data=_Pdus())  # noqa: N815 - pyasn1's interface


class _ScopedPduData(ScopedPduData):
    componentType = _with(ScopedPduData.componentType, plaintext=_ScopedPdu())  # noqa: N815 - pyasn1's interface


class _MessageV3(SNMPv3Message):
    componentType = _with(SNMPv3Message.componentType, msgData=_ScopedPduData())  # noqa: N815 - pyasn1's interface


class _Mended:
    """The common part of the three: counts parse errors that pysnmp does not count, and forgets messages without an answer."""

    counters: SnmpCounters
    _cache: Any

    def forget_unanswered(self) -> None:
        """Forget unanswered requests, which pysnmp would keep for five minutes. Called after each message."""
        cache = self._cache
        if cache._Cache__stateReferenceIndex:
            cache._Cache__stateReferenceIndex.clear()
            for waiting in cache._Cache__expirationQueue.values():
                waiting.pop("stateReference", None)

    def prepare_data_elements(self, *arguments: Any) -> Any:
        try:
            return super().prepare_data_elements(*arguments)  # type: ignore[misc]  # of pysnmp's class that this is mixed into
        except error.StatusInformation as status:
            if status.get("errorIndication") == errind.parseError:
                self.counters.count("snmpInASNParseErrs")
            raise


class MessagesV1(_Mended, SnmpV1MessageProcessingModel):
    """SNMPv1 messages."""


class MessagesV2c(_Mended, SnmpV2cMessageProcessingModel):
    """SNMPv2c messages."""

    SNMP_MSG_SPEC = _MessageV2c


class MessagesV3(_Mended, SnmpV3MessageProcessingModel):
    """SNMPv3 messages."""

    SNMP_MSG_SPEC = _MessageV3

    def prepare_data_elements(self, engine: Any, domain: Any, address: Any, whole: Any) -> Any:
        """As pysnmp does it, but a Report that nobody waits for leaves no note of the engine that it names."""
        engines = self._SnmpV3MessageProcessingModel__engineIdCache
        sender = domain, address
        is_known = sender in engines
        try:
            return super().prepare_data_elements(engine, domain, address, whole)
        except error.StatusInformation as status:
            if not is_known and sender in engines and "sendPduHandle" not in status:
                del engines[sender]
                expiring = self._SnmpV3MessageProcessingModel__engineIdCacheExpQueue
                for tick in [tick for tick, senders in expiring.items() if sender in senders]:
                    expiring[tick].remove(sender)
            raise


def message_models(counters: SnmpCounters) -> dict[int, Any]:
    """The message processing models by msgVersion."""
    models: dict[int, Any] = {0: MessagesV1(), 1: MessagesV2c(), 3: MessagesV3()}
    for model in models.values():
        model.counters = counters
    return models
