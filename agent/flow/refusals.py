"""Flow room: what was wrong with a message or a packet that was refused.

Not each of them is a failure of the failure tables: a replayed packet only counts. The messages of syslog need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.flow.model import Address


class IkeExchange(Enum):
    """The kind of exchange that a message is of (RFC 2408 §3.1, RFC 2409 §5)."""

    MAIN = "main"
    AGGRESSIVE = "aggressive"
    QUICK = "quick"
    TRANSACTION = "transaction"
    INFORMATIONAL = "informational"


class MessageFault(Enum):
    """Why an IKE message was refused, or could not be made."""

    MALFORMED = "malformed"  # not decodable, or decrypted to nonsense
    PROPOSAL = "no acceptable proposal"
    REFUSED = "refused"  # understood, and not accepted for another reason
    NOT_AUTHENTIC = "not authentic"  # its proof of identity fails
    CERTIFICATE = "certificate not valid"
    CRL = "revocation unknown"
    DISABLED = "aggressive mode disabled"
    IN_THE_CLEAR = "in the clear"  # it should have been encrypted
    NO_SA = "no sa"
    NOT_DECRYPTED = "not decrypted"  # our crypto engine has failed
    NOT_ENCRYPTED = "not encrypted"  # the same, of a message of ours


class PacketFault(Enum):
    """Why a packet was refused."""

    NO_SA = "no sa"
    REPLAYED = "replayed or late"
    NOT_AUTHENTIC = "not authentic"
    BAD_LENGTH = "bad length"
    WRONG_FLOW = "not of the flow"  # the packet inside is not of the SA's flow
    NOT_PROTECTED = "not protected"  # it came in the clear, and policy wants it protected


class DefaultsKind(Enum):
    """Settings that stand where the configuration has none of the kind."""

    ISAKMP_POLICIES = "isakmp policies"
    TRANSFORM_SETS = "transform sets"


@dataclass(frozen=True, slots=True)
class InnerPacket:
    """The addresses and the protocol of a packet that was inside a protected one."""

    source: Address
    destination: Address
    protocol: int
