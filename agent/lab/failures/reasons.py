"""Lab room: the flow monitor's reasons for troubles of IKE and faults of packets, and what it calls refused messages and packets.

CISCO-IPSEC-FLOW-MONITOR-MIB has a table of failures for each phase, and an enumeration of reasons for each table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.crypto.doi import Exchange
from agent.crypto.ike_events import Trouble
from agent.crypto.replay import Fault
from agent.flow.counters import IpsecCounter
from agent.flow.model import IkeFailureReason, IpsecFailureReason
from agent.flow.refusals import IkeExchange, MessageFault, PacketFault

# For a failed phase 1, or for a message to a live one.
IKE_REASONS: Mapping[Trouble, IkeFailureReason] = MappingProxyType(
    {
        Trouble.PROPOSAL: IkeFailureReason.PROPOSAL,
        Trouble.AUTHENTICATION: IkeFailureReason.AUTHENTICATION,
        Trouble.UNANSWERED: IkeFailureReason.AUTHENTICATION,
        Trouble.SIGNATURE: IkeFailureReason.AUTHENTICATION,
        Trouble.HASH: IkeFailureReason.HASH_VALIDATION,
        Trouble.CERTIFICATE_MISSING: IkeFailureReason.PEER_CERTIFICATE_UNAVAILABLE,
        Trouble.CERTIFICATE_ENCODING: IkeFailureReason.PEER_CERTIFICATE_INVALID,
        Trouble.CERTIFICATE_AUTHORITY: IkeFailureReason.PEER_CERTIFICATE_INVALID,
        Trouble.CERTIFICATE_EXPIRED: IkeFailureReason.PEER_CERTIFICATE_INVALID,
        Trouble.CERTIFICATE_IDENTITY: IkeFailureReason.PEER_CERTIFICATE_INVALID,
        Trouble.CERTIFICATE_REVOKED: IkeFailureReason.CRL,
        Trouble.CRL: IkeFailureReason.CRL,
        Trouble.LOCAL_CERTIFICATE: IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED,
        Trouble.DISABLED: IkeFailureReason.OTHER,
        Trouble.DECRYPT: IkeFailureReason.ENCRYPT,  # the MIB has no other reason for a cipher that fails
        Trouble.ENCODING: IkeFailureReason.PEER_ENCODING,
        Trouble.KEY_EXCHANGE: IkeFailureReason.PEER_ENCODING,
        Trouble.TIMEOUT: IkeFailureReason.PEER_LOST,
        Trouble.CAPACITY: IkeFailureReason.CAPACITY,
        Trouble.REFUSED: IkeFailureReason.OTHER,
        Trouble.EXPIRED: IkeFailureReason.OTHER,
        Trouble.PEER_DELETED: IkeFailureReason.PEER_DELETE,
        Trouble.GIVEN_UP: IkeFailureReason.OPERATOR,
        Trouble.ENGINE: IkeFailureReason.LOCAL_FAILURE,
        Trouble.ENCRYPT: IkeFailureReason.LOCAL_FAILURE,
    }
)
# For a failed quick mode.
IPSEC_REASONS: Mapping[Trouble, IpsecFailureReason] = MappingProxyType(
    {
        Trouble.PROPOSAL: IpsecFailureReason.PROPOSAL,
        Trouble.TIMEOUT: IpsecFailureReason.PEER_LOST,
        Trouble.ENCODING: IpsecFailureReason.PEER_ENCODING,
        Trouble.KEY_EXCHANGE: IpsecFailureReason.PEER_ENCODING,
        Trouble.REFUSED: IpsecFailureReason.OTHER,
        Trouble.PEER_DELETED: IpsecFailureReason.PEER_DELETE,
        Trouble.GIVEN_UP: IpsecFailureReason.OPERATOR,
        Trouble.CAPACITY: IpsecFailureReason.CAPACITY,
        Trouble.ENGINE: IpsecFailureReason.INTERNAL,
        Trouble.ENCRYPT: IpsecFailureReason.ENCRYPT,
    }
)

EXCHANGES: Mapping[Exchange, IkeExchange] = MappingProxyType(
    {
        Exchange.MAIN: IkeExchange.MAIN,
        Exchange.AGGRESSIVE: IkeExchange.AGGRESSIVE,
        Exchange.QUICK: IkeExchange.QUICK,
        Exchange.TRANSACTION: IkeExchange.TRANSACTION,
        Exchange.INFORMATIONAL: IkeExchange.INFORMATIONAL,
    }
)
# Of a message that ends a negotiation. Every other trouble is a message that is understood and refused.
NEGOTIATION_FAULTS: Mapping[Trouble, MessageFault] = MappingProxyType(
    {
        Trouble.PROPOSAL: MessageFault.PROPOSAL,
        Trouble.AUTHENTICATION: MessageFault.NOT_AUTHENTIC,
        Trouble.HASH: MessageFault.NOT_AUTHENTIC,
        Trouble.SIGNATURE: MessageFault.NOT_AUTHENTIC,
        Trouble.CERTIFICATE_ENCODING: MessageFault.CERTIFICATE,
        Trouble.CERTIFICATE_AUTHORITY: MessageFault.CERTIFICATE,
        Trouble.CERTIFICATE_EXPIRED: MessageFault.CERTIFICATE,
        Trouble.CERTIFICATE_IDENTITY: MessageFault.CERTIFICATE,
        Trouble.CERTIFICATE_REVOKED: MessageFault.CERTIFICATE,
        Trouble.CRL: MessageFault.CRL,
        Trouble.DISABLED: MessageFault.DISABLED,
        Trouble.DECRYPT: MessageFault.MALFORMED,
        Trouble.ENCODING: MessageFault.MALFORMED,
    }
)
# Of any other message that is dropped.
DROP_FAULTS: Mapping[Trouble, MessageFault] = MappingProxyType(
    {
        Trouble.HASH: MessageFault.REFUSED,
        Trouble.DECRYPT: MessageFault.MALFORMED,
        Trouble.ENCODING: MessageFault.MALFORMED,
    }
)


@dataclass(frozen=True, slots=True)
class PacketRule:
    """The counters and the failure reason of a bad packet of a live SA. Without a reason there is no failure row.

    `fault` is what the flow monitor calls it, None if only the counters and the row tell of it.
    """

    counters: tuple[IpsecCounter, ...]
    reason: IpsecFailureReason | None
    fault: PacketFault | None = None


PACKET_RULES: Mapping[Fault, PacketRule] = MappingProxyType(
    {
        Fault.REPLAY: PacketRule((IpsecCounter.IN_REPLAY_DROPS,), None, PacketFault.REPLAYED),
        Fault.INTEGRITY: PacketRule(
            (IpsecCounter.IN_DROPS, IpsecCounter.IN_AUTH_FAILS), IpsecFailureReason.IN_AUTHENTICATION, PacketFault.NOT_AUTHENTIC
        ),
        Fault.DECRYPT: PacketRule((IpsecCounter.IN_DROPS, IpsecCounter.IN_DECRYPT_FAILS), IpsecFailureReason.DECRYPT),
        Fault.MALFORMED: PacketRule((IpsecCounter.IN_DROPS,), IpsecFailureReason.PEER_ENCODING, PacketFault.BAD_LENGTH),
        Fault.POLICY: PacketRule((IpsecCounter.IN_DROPS,), IpsecFailureReason.PROTOCOL_USE, PacketFault.WRONG_FLOW),
        Fault.NOT_ENCRYPTED: PacketRule((IpsecCounter.OUT_DROPS, IpsecCounter.OUT_ENCRYPT_FAILS), IpsecFailureReason.ENCRYPT),
        Fault.NOT_SIGNED: PacketRule((IpsecCounter.OUT_DROPS, IpsecCounter.OUT_AUTH_FAILS), IpsecFailureReason.OUT_AUTHENTICATION),
        Fault.NOT_DECRYPTED: PacketRule((IpsecCounter.IN_DROPS, IpsecCounter.IN_DECRYPT_FAILS), IpsecFailureReason.INTERNAL),
        Fault.NOT_VERIFIED: PacketRule((IpsecCounter.IN_DROPS, IpsecCounter.IN_AUTH_FAILS), IpsecFailureReason.INTERNAL),
    }
)
