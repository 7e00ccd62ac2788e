"""Crypto room: checks certificates (RFC 5280), and makes and checks signatures with them (RFC 2409 §5.1).

A certificate is accepted if a chain of valid certificates leads from it to an authority of ours, the authority has not revoked it,
and it names the identity that its holder claims: its subject for a distinguished name, else a subjectAltName (RFC 4945 §3.1), or
the unstructuredName and unstructuredAddress of PKCS #9 with which IOS names a router.

The signature is over the bare HASH in the padding of PKCS #1 v1.5, without the DigestInfo that names a hash algorithm.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from agent.crypto.doi import IdentificationType
from agent.crypto.payloads import Identification

_MAX_CHAIN = 8
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)
_NOT_SIGNED = (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm)

REVOCATION_CHECKS = ("crl", "none")  # where a trustpoint does not say: by a CRL, if there is one


class Fault(Enum):
    """What is wrong with a peer's certificate."""

    MISSING = "there is none"
    UNREADABLE = "it cannot be read, or its key is not one of RSA"
    AUTHORITY = "no authority of ours has issued it"
    EXPIRED = "it, or one above it, is not valid now"
    IDENTITY = "it does not name the identity that the peer claims"
    REVOKED = "its authority has revoked it"
    CRL = "whether it is revoked cannot be known"


class BadCertificateError(Exception):
    """A peer's certificate is not accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class PemError(Exception):
    """A file is not what it should be: `what` it is to a trustpoint, and what would be `right`."""

    def __init__(self, what: str, right: str) -> None:
        super().__init__(f"{what} needs {right}")
        self.what = what
        self.right = right


@dataclass(frozen=True, slots=True)
class Credential:
    """Our private key, and our certificate with those that lead from it towards the authority."""

    key: RSAPrivateKey = field(repr=False)
    certificates: tuple[x509.Certificate, ...]

    @property
    def subject(self) -> bytes:
        """Our distinguished name, as DER."""
        return self.certificates[0].subject.public_bytes()

    @property
    def issuers(self) -> tuple[bytes, ...]:
        """The distinguished names of the authorities above us, as DER."""
        return tuple(certificate.issuer.public_bytes() for certificate in self.certificates)

    def encoded(self) -> list[bytes]:
        """The certificates as DER."""
        return [certificate.public_bytes(Encoding.DER) for certificate in self.certificates]

    def valid(self, moment: datetime) -> bool:
        return _in_time(self.certificates[0], moment)

    def sign(self, octets: bytes) -> bytes:
        return self.key.sign(octets, PKCS1v15(), NoDigestInfo())


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority that we accept. `revocation` are the methods to check for revoked certificates, in order."""

    certificate: x509.Certificate
    crl: x509.CertificateRevocationList | None = None
    revocation: tuple[str, ...] = REVOCATION_CHECKS

    @property
    def name(self) -> bytes:
        """Its distinguished name, as DER."""
        return self.certificate.subject.public_bytes()


@dataclass(frozen=True, slots=True)
class Trust:
    """The accepted authorities, and the time (UTC)."""

    authorities: tuple[Authority, ...]
    moment: datetime


# --- files ---


def read_credential(key: bytes, certificates: bytes) -> Credential:
    """From PEM: a private key, and one or more certificates, ours first. Raises PemError."""
    try:
        private = load_pem_private_key(key, None)
    except _UNREADABLE:
        private = None
    if not isinstance(private, RSAPrivateKey):
        raise PemError("key", "an RSA private key in PEM, without a password")
    loaded = _read_certificates("certificate", certificates)
    if loaded[0].public_key() != private.public_key():
        raise PemError("certificate", "the certificate of the key that the trustpoint names, before any others")
    return Credential(private, loaded)


def read_authority(ca: bytes, crl: bytes | None) -> Authority:
    """From PEM: the certificate of an authority, and its list of revoked certificates. Raises PemError."""
    certificate = _read_certificates("ca", ca)[0]
    if not _may_issue(certificate):
        raise PemError("ca", "the certificate of an authority (CA:TRUE)")
    if crl is None:
        return Authority(certificate)
    try:
        revoked = x509.load_pem_x509_crl(crl)
    except _UNREADABLE:
        raise PemError("crl", "a certificate revocation list in PEM") from None
    if not _signed_list(revoked, certificate):
        raise PemError("crl", "a list that the authority has signed")
    return Authority(certificate, revoked)


def _read_certificates(what: str, octets: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(_readable(certificate) for certificate in x509.load_pem_x509_certificates(octets))
    except _UNREADABLE:
        raise PemError(what, "a certificate in PEM") from None


# --- whose key it is ---


def verify(presented: Sequence[bytes], peer: Identification, trust: Trust) -> RSAPublicKey:
    """The key of a peer, by the certificates that it has sent (DER, its own first). Raises BadCertificateError."""
    if not presented:
        raise BadCertificateError(Fault.MISSING)
    try:
        certificates = [_load(octets) for octets in presented]
    except _UNREADABLE:
        raise BadCertificateError(Fault.UNREADABLE) from None
    own = certificates[0]
    key = own.public_key()
    if not isinstance(key, RSAPublicKey):
        raise BadCertificateError(Fault.UNREADABLE)
    chain, authority = _chain(own, certificates[1:], trust)
    if not all(_in_time(certificate, trust.moment) for certificate in (*chain, authority.certificate)):
        raise BadCertificateError(Fault.EXPIRED)
    for certificate in chain:
        # There are no lists of intermediate authorities, so nothing is known of their revoked certificates.
        crl = authority.crl if certificate is chain[-1] else None
        _check_revocation(certificate, crl, authority.revocation, trust.moment)
    if not _names(own, peer):
        raise BadCertificateError(Fault.IDENTITY)
    return key


def signed(key: RSAPublicKey, octets: bytes, signature: bytes) -> bool:
    """Whether a signature of RFC 2409 §5.1 is that of these octets."""
    try:
        return key.recover_data_from_signature(signature, PKCS1v15(), None) == octets
    except _NOT_SIGNED:
        return False


def _chain(own: x509.Certificate, others: Sequence[x509.Certificate], trust: Trust) -> tuple[list[x509.Certificate], Authority]:
    """The certificates from a peer's own up to the one that an authority of ours has issued, and that authority."""
    chain, between = [own], list(others)
    while len(chain) <= _MAX_CHAIN:
        authority = next((each for each in trust.authorities if _issued(chain[-1], each.certificate)), None)
        if authority is not None:
            return chain, authority
        issuer = next((each for each in between if _may_issue(each) and _issued(chain[-1], each)), None)
        if issuer is None:
            break
        between.remove(issuer)
        chain.append(issuer)
    raise BadCertificateError(Fault.AUTHORITY)


def _load(octets: bytes) -> x509.Certificate:
    with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
        return _readable(x509.load_der_x509_certificate(octets))


def _readable(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, once all that will be looked at has been: it is parsed as it is read."""
    _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key()
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except _NOT_SIGNED:
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _in_time(certificate: x509.Certificate, moment: datetime) -> bool:
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _signed_list(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # of a kind that signs nothing: TypeError
    except _NOT_SIGNED:
        return False


def _check_revocation(
    certificate: x509.Certificate, crl: x509.CertificateRevocationList | None, ways: Sequence[str], moment: datetime
) -> None:
    """Check by the first possible method. OCSP is not possible."""
    for way in ways:
        if way == "none":
            return
        if way == "crl" and crl is not None and _current(crl, moment):
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise BadCertificateError(Fault.REVOKED)
            return
    raise BadCertificateError(Fault.CRL)


def _current(crl: x509.CertificateRevocationList, moment: datetime) -> bool:
    return crl.last_update_utc <= moment and (crl.next_update_utc is None or moment <= crl.next_update_utc)


# --- identities ---


def _alternatives(certificate: x509.Certificate, kind: type[x509.GeneralName]) -> list[object]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return list(names.get_values_for_type(kind))  # type: ignore[arg-type]  # overloaded by kind


def _subject_parts(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[object]:
    return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid)]


_UNSTRUCTURED_ADDRESS = x509.ObjectIdentifier("1.2.840.113549.1.9.8")


def _names_address(certificate: x509.Certificate, data: bytes) -> bool:
    if len(data) != 4:
        return False
    address = IPv4Address(data)
    known = _alternatives(certificate, x509.IPAddress)
    return address in known or str(address) in _subject_parts(certificate, _UNSTRUCTURED_ADDRESS)


def _same_name(names: Sequence[object], data: bytes) -> bool:
    """Domain names and the domains of mail addresses do not mind their case."""
    wanted = data.decode("utf-8", "replace").lower()
    return any(isinstance(name, str) and name.lower() == wanted for name in names)


def _names_host(certificate: x509.Certificate, data: bytes) -> bool:
    known = _alternatives(certificate, x509.DNSName) + _subject_parts(certificate, NameOID.UNSTRUCTURED_NAME)
    return _same_name(known, data)


def _names_user(certificate: x509.Certificate, data: bytes) -> bool:
    return _same_name(_alternatives(certificate, x509.RFC822Name), data)


def _names_subject(certificate: x509.Certificate, data: bytes) -> bool:
    return distinguished_name(data) == certificate.subject


_NAMED_BY: Mapping[int, Callable[[x509.Certificate, bytes], bool]] = MappingProxyType(
    {
        IdentificationType.IPV4_ADDR: _names_address,
        IdentificationType.FQDN: _names_host,
        IdentificationType.USER_FQDN: _names_user,
        IdentificationType.DER_ASN1_DN: _names_subject,
    }
)


def _names(certificate: x509.Certificate, peer: Identification) -> bool:
    names = _NAMED_BY.get(peer.kind)
    return names is not None and names(certificate, peer.data)


# --- distinguished names ---

_SEQUENCE, _SET, _OBJECT_ID, _BMP_STRING = 0x30, 0x31, 0x06, 0x1E


def distinguished_name(octets: bytes) -> x509.Name | None:
    """A Name (X.501) from its DER, the kinds of its strings aside; None where it is none."""
    try:
        ((tag, body),) = _elements(octets)
        if tag != _SEQUENCE:
            return None
        return x509.Name([_relative_name(part) for kind, part in _elements(body) if kind == _SET])
    except (ValueError, IndexError):
        return None


def organizational_unit(octets: bytes) -> str | None:
    """The first OU of a Name from its DER: to IOS, the group of a client that has a certificate."""
    name = distinguished_name(octets)
    units = name.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME) if name else []
    return str(units[0].value) if units else None


def _relative_name(body: bytes) -> x509.RelativeDistinguishedName:
    attributes = []
    for _, attribute in _elements(body):
        (kind, oid), (tag, value) = _elements(attribute)
        if kind != _OBJECT_ID:
            raise ValueError
        text = value.decode("utf-16-be" if tag == _BMP_STRING else "utf-8")
        attributes.append(x509.NameAttribute(x509.ObjectIdentifier(_dotted(oid)), text))
    return x509.RelativeDistinguishedName(attributes)


def _elements(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of the elements that fill the octets (X.690 §8.1); ValueError or IndexError where they do not."""
    at = 0
    while at < len(octets):
        tag, length = octets[at], octets[at + 1]
        at += 2
        if length & 0x80:
            more = length & 0x7F
            length = int.from_bytes(octets[at : at + more], "big")
            at += more
        if at + length > len(octets):
            raise ValueError
        yield tag, octets[at : at + length]
        at += length


def _dotted(body: bytes) -> str:
    numbers = [0]
    for octet in body:
        numbers[-1] = numbers[-1] << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(0)
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:-1])))
