"""Crypto room: the authentication methods of phase 1 (RFC 2409 §5.1, §5.4), as a table: SKEYID, and the proof of an identity.

Both methods prove a HASH over the exchanged values. With a pre-shared key the HASH itself is sent. With signatures only its
signature is sent, with the certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from types import MappingProxyType

from agent.crypto.certificates import BadCertificateError, Fault, signed, verify
from agent.crypto.dialogues import Message
from agent.crypto.doi import CertificateEncoding, NotifyType
from agent.crypto.ike_events import RefusedError, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.keys import skeyid_pre_shared, skeyid_signature
from agent.crypto.payloads import Certificate, Hash, Payload, Signature

PRE_SHARED = "pre-share"
RSA_SIGNATURE = "rsa-sig"


@dataclass(frozen=True, slots=True)
class Method:
    """`skeyid` of the shared secret of Diffie-Hellman; `prove` and `check` are given the HASH that is to be proved."""

    skeyid: Callable[[IkeSa, bytes], bytes]
    prove: Callable[[IkeSa, bytes], list[Payload]]
    check: Callable[[IkeSa, Message, bytes], None]


# --- pre-shared keys ---


def _skeyid_of_key(sa: IkeSa, shared: bytes) -> bytes:
    key = sa.decisions.pre_shared_key(sa.remote_identity)
    if key is None:
        raise RefusedError(Trouble.AUTHENTICATION, NotifyType.AUTHENTICATION_FAILED)
    return skeyid_pre_shared(sa.policy().hash, key, *sa.keying.nonces)


def _prove_by_hash(sa: IkeSa, mine: bytes) -> list[Payload]:
    return [Hash(mine)]


def _check_hash(sa: IkeSa, message: Message, expected: bytes) -> None:
    if not compare_digest(expected, message.need(Hash).data):
        raise RefusedError(Trouble.HASH, NotifyType.INVALID_HASH_INFORMATION)


# --- RSA signatures ---


_REFUSALS: Mapping[Fault, tuple[Trouble, NotifyType]] = MappingProxyType(
    {
        Fault.MISSING: (Trouble.CERTIFICATE_MISSING, NotifyType.CERTIFICATE_UNAVAILABLE),
        Fault.UNREADABLE: (Trouble.CERTIFICATE_ENCODING, NotifyType.INVALID_CERT_ENCODING),
        Fault.AUTHORITY: (Trouble.CERTIFICATE_AUTHORITY, NotifyType.INVALID_CERT_AUTHORITY),
        Fault.EXPIRED: (Trouble.CERTIFICATE_EXPIRED, NotifyType.INVALID_CERTIFICATE),
        Fault.IDENTITY: (Trouble.CERTIFICATE_IDENTITY, NotifyType.INVALID_CERTIFICATE),
        Fault.REVOKED: (Trouble.CERTIFICATE_REVOKED, NotifyType.INVALID_CERTIFICATE),
        Fault.CRL: (Trouble.CRL, NotifyType.INVALID_CERTIFICATE),
    }
)


def _skeyid_of_secret(sa: IkeSa, shared: bytes) -> bytes:
    return skeyid_signature(sa.policy().hash, shared, *sa.keying.nonces)


def _prove_by_signature(sa: IkeSa, mine: bytes) -> list[Payload]:
    """Our certificate, those that lead from it to its authority, and the signature."""
    credential = sa.identities.credential
    if credential is None or not credential.valid(sa.decisions.trust(sa.remote_identity).moment):
        raise RefusedError(Trouble.LOCAL_CERTIFICATE, NotifyType.AUTHENTICATION_FAILED)
    certificates = [Certificate(certificate) for certificate in credential.encoded()]
    return [*certificates, Signature(credential.sign(mine))]


def _check_signature(sa: IkeSa, message: Message, expected: bytes) -> None:
    assert sa.remote_identity is not None
    certificates = [payload.data for payload in message.all(Certificate) if payload.encoding == CertificateEncoding.X509_SIGNATURE]
    try:
        key = verify(certificates, sa.remote_identity, sa.decisions.trust(sa.remote_identity))
    except BadCertificateError as error:
        raise RefusedError(*_REFUSALS[error.fault]) from None
    if not signed(key, expected, message.need(Signature).data):
        raise RefusedError(Trouble.SIGNATURE, NotifyType.INVALID_SIGNATURE)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        PRE_SHARED: Method(_skeyid_of_key, _prove_by_hash, _check_hash),
        RSA_SIGNATURE: Method(_skeyid_of_secret, _prove_by_signature, _check_signature),
    }
)
