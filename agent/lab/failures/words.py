"""Lab room: the log's words for the causes of failures. docs/failures.md has the same words.

If only the peer knows the cause, the words are those of its message. A test produces each cause, and checks that the end where the
cause is, or which detects it, logs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agent.crypto.doi import Exchange
from agent.crypto.ike_events import Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.replay import Fault
from agent.flow.model import EndReason
from agent.lab.policy.isakmp import PeerDecisions

NO_KEY = "no usable policy: there is no key for the peer"
NO_CERTIFICATE = "no usable policy: this router has no certificate"
NO_GROUP = "no usable policy: AAA has no key for the name of the client's group or of the peer"
WRONG_PASSWORD = "a user's password is wrong"
SILENT_CLIENT = "a client does not answer"
FULL_POOL = "the pool has no address left"
FULL_GROUP = "the limit of a group's users is reached"
OTHER_KEY = "the peer's profile has another key than the one used"
OTHER_PEER = "the initiator's profile does not match the responder"
HASH_OF_KEY = "the pre-shared keys differ, in aggressive mode"
NO_ENTRY = "no map entry for the flow"
NO_PFS = "PFS is required and not offered"
OTHER_VERSION = "a message of another version, such as IKEv2"
NO_SA = "a message for an unknown ISAKMP SA"
NO_SPI = "an unknown SPI"
IKE_LIMIT = ("the limit of IKE SAs is reached at the responder", "the limit of IKE SAs is reached at the initiator")
CEILING = ("the limit of IPsec SAs is reached at the responder", "the limit of IPsec SAs is reached at the initiator")

# For a failed phase 1: as responder, as initiator.
SET_UPS: Mapping[Trouble, tuple[str, str]] = MappingProxyType(
    {
        Trouble.PROPOSAL: ("no common ISAKMP policy",) * 2,
        Trouble.AUTHENTICATION: ("the pre-shared keys differ",) * 2,
        Trouble.UNANSWERED: ("no method of the list of logins has an answer",) * 2,
        Trouble.HASH: ("the pre-shared keys differ",) * 2,
        Trouble.SIGNATURE: ("the signature is not that of the peer's certificate",) * 2,
        Trouble.CERTIFICATE_MISSING: ("the peer sends no certificate",) * 2,
        Trouble.CERTIFICATE_ENCODING: ("the peer's certificate cannot be read",) * 2,
        Trouble.CERTIFICATE_AUTHORITY: ("the peer's certificate is not from a known authority",) * 2,
        Trouble.CERTIFICATE_EXPIRED: ("the peer's certificate has expired",) * 2,
        Trouble.CERTIFICATE_IDENTITY: ("the peer's certificate names another identity",) * 2,
        Trouble.CERTIFICATE_REVOKED: ("the peer's certificate is revoked",) * 2,
        Trouble.CRL: ("there is no current revocation list",) * 2,
        Trouble.LOCAL_CERTIFICATE: ("our own certificate has expired",) * 2,
        Trouble.DISABLED: ("aggressive mode is disabled at the responder",) * 2,
        Trouble.DECRYPT: ("a message of the set-up is malformed",) * 2,
        Trouble.ENCODING: ("a message of the set-up is malformed",) * 2,
        Trouble.KEY_EXCHANGE: ("an invalid Diffie-Hellman public value",) * 2,
        Trouble.TIMEOUT: ("the initiator stops answering", "the peer never answers"),
        Trouble.CAPACITY: (FULL_POOL,) * 2,
        Trouble.REFUSED: ("the peer refuses the set-up",) * 2,
        Trouble.PEER_DELETED: ("the peer ends the set-up",) * 2,
        Trouble.GIVEN_UP: ("the set-up is cleared",) * 2,
        Trouble.ENGINE: ("the crypto engine has failed before phase 1",) * 2,
        Trouble.ENCRYPT: ("the crypto engine has failed before phase 1",) * 2,
    }
)
# For a message to a live ISAKMP SA.
MESSAGES: Mapping[Trouble, str] = MappingProxyType(
    {
        Trouble.DECRYPT: "a message that does not decrypt",
        Trouble.HASH: "a message whose HASH is wrong",
        Trouble.AUTHENTICATION: "an error notification in the clear",
    }
)
# For a failed quick mode: as responder, as initiator.
QUICK_MODES: Mapping[Trouble, tuple[str, str]] = MappingProxyType(
    {
        Trouble.PROPOSAL: ("no common transform set", f"no common transform set, {NO_ENTRY}, or another refusal by the peer"),
        Trouble.CAPACITY: CEILING,
        Trouble.TIMEOUT: ("the peer does not answer a quick mode",) * 2,
        Trouble.GIVEN_UP: ("the quick mode is cleared",) * 2,
        Trouble.PEER_DELETED: ("the peer ends the ISAKMP SA during a quick mode",) * 2,
        Trouble.ENCRYPT: ("the crypto engine cannot encrypt the first message of a quick mode",) * 2,
        Trouble.ENGINE: ("the crypto engine fails during a quick mode",) * 2,
    }
)
PACKETS: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.INTEGRITY: "packets whose integrity check fails",
        Fault.DECRYPT: "packets that do not decrypt",
        Fault.MALFORMED: "truncated packets",
        Fault.POLICY: "packets that do not match the SA's selectors",
        Fault.NOT_ENCRYPTED: "the crypto engine fails: packets out, encrypted",
        Fault.NOT_SIGNED: "the crypto engine fails: packets out, authenticated only",
        Fault.NOT_DECRYPTED: "the crypto engine fails: packets in, encrypted",
        Fault.NOT_VERIFIED: "the crypto engine fails: packets in, authenticated only",
    }
)
ENDS: Mapping[EndReason, str] = MappingProxyType(
    {
        EndReason.NORMAL: "its lifetime is over",
        EndReason.OPERATOR: "ended here: an operator clears the session, or the configuration has changed",
        EndReason.PEER_DELETE: "ended by the peer",
        EndReason.PEER_LOST: "the peer is lost (dead peer detection), or starts again (INITIAL-CONTACT)",
        EndReason.LOCAL_FAILURE: "the crypto engine fails, or the router is switched off",
        EndReason.SEQUENCE_ROLLOVER: "sequence numbers are used up",
        EndReason.UNKNOWN_TO_PEER: f"the peer reports {NO_SPI}",
        EndReason.OTHER: "the router is switched off",
    }
)


def of_set_up(trouble: Trouble, sa: IkeSa, decisions: PeerDecisions) -> str:
    """Why a phase 1 failed."""
    words = SET_UPS[trouble][sa.initiator]
    if trouble is Trouble.PROPOSAL and sa.initiator and not decisions.policies(None):
        wanted = {policy.authentication for policy in decisions.isakmp_policies()}
        return NO_KEY if "pre-share" in wanted else NO_CERTIFICATE
    if trouble is Trouble.PROPOSAL and decisions.has_asked_in_vain and not decisions.policies(sa.remote_identity):
        return NO_GROUP
    if trouble is Trouble.HASH and sa.exchange is Exchange.AGGRESSIVE:
        return HASH_OF_KEY
    client = decisions.client
    if client is not None:  # it is authenticated: its login or its configuration has failed
        full = FULL_POOL if client.user else FULL_GROUP
        of_client = {Trouble.AUTHENTICATION: WRONG_PASSWORD, Trouble.TIMEOUT: SILENT_CLIENT, Trouble.CAPACITY: full}
        return of_client.get(trouble, words)
    if trouble is Trouble.AUTHENTICATION and sa.remote_identity is not None:
        return OTHER_PEER if sa.initiator else OTHER_KEY
    return words


def of_quick_mode(trouble: Trouble, initiator: bool, known: bool, pfs: bool) -> str:
    """Why a quick mode failed. `known`: there is a map entry for the flow; `pfs`: it requires PFS."""
    words = QUICK_MODES.get(trouble, (f"the quick mode fails: {trouble.value}",) * 2)[initiator]
    if trouble is Trouble.PROPOSAL and not initiator:
        return NO_ENTRY if not known else f"{words}, or {NO_PFS}" if pfs else words
    return words
