"""A small public key infrastructure for tests: authorities, certificates and revocation lists, all of one date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from agent.crypto.certificates import Authority, Credential, Trust

NOW = datetime(2026, 7, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
_BITS = 1024  # enough for a test, and quick


@cache
def key_of(name: str) -> rsa.RSAPrivateKey:
    """One key for each name."""
    return rsa.generate_private_key(65537, _BITS)


def subject_of(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Issuer:
    """An authority: its key and certificate, and that of the authority above it, if there is one."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    above: Issuer | None = None

    def certificate_for(
        self,
        name: str,
        alternatives: Iterable[x509.GeneralName] = (),
        begin: datetime = NOW - YEAR,
        end: datetime = NOW + YEAR,
        authority: bool = False,
        subject: x509.Name | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(self.certificate.subject, subject or subject_of(name), key_of(name).public_key())
            .serial_number(x509.random_serial_number() | 1 << 158)  # always as long
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        alternatives = list(alternatives)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def below(self, name: str) -> Issuer:
        return Issuer(key_of(name), self.certificate_for(name, authority=True), self)

    def credential(self, name: str, *alternatives: x509.GeneralName, **settings: Any) -> Credential:
        chain = [self.certificate_for(name, alternatives, **settings)]
        issuer: Issuer | None = self
        while issuer is not None and issuer.above is not None:
            chain.append(issuer.certificate)
            issuer = issuer.above
        return Credential(key_of(name), tuple(chain))

    def crl(
        self, *revoked: x509.Certificate, last: datetime = NOW - YEAR, following: datetime = NOW + YEAR
    ) -> x509.CertificateRevocationList:
        builder = x509.CertificateRevocationListBuilder(self.certificate.subject, last, following)
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, last)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256())

    def trust(self, crl: x509.CertificateRevocationList | None = None, *ways: str, moment: datetime = NOW) -> Trust:
        revocation = ways or ("crl", "none")
        return Trust((Authority(self.certificate, crl, revocation),), moment)


def root(name: str = "Root", moment: datetime = NOW) -> Issuer:
    key = key_of(name)
    certificate = (
        x509.CertificateBuilder(subject_of(name), subject_of(name), key.public_key())
        .serial_number(1)
        .not_valid_before(moment - 5 * YEAR)
        .not_valid_after(moment + 5 * YEAR)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Issuer(key, certificate)


def address(text: str) -> x509.IPAddress:
    return x509.IPAddress(IPv4Address(text))
