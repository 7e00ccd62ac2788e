"""Certificates: which are believed, what is wrong with the others, and what is signed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.crypto.certificates import (
    BadCertificateError,
    Credential,
    Fault,
    PemError,
    Trust,
    distinguished_name,
    read_authority,
    read_credential,
    signed,
    verify,
)
from agent.crypto.doi import IdentificationType
from agent.crypto.payloads import Identification
from tests.crypto.pki import NOW, YEAR, address, key_of, pem_key, root, subject_of

ROOT = root()
PEER = Identification(IdentificationType.IPV4_ADDR, bytes((192, 0, 2, 1)), 17, 500)
OWN = ROOT.credential("router", address("192.0.2.1"))
DAY = timedelta(days=1)


def fault(credential: Credential, trust: Trust, peer: Identification = PEER) -> Fault | None:
    try:
        assert verify(credential.encoded(), peer, trust) == credential.key.public_key()
    except BadCertificateError as error:
        return error.fault
    return None


# --- who is believed ---


def test_a_certificate_of_our_authority_is_believed() -> None:
    assert fault(OWN, ROOT.trust()) is None


@pytest.mark.parametrize(("moment", "expected"), [(NOW - YEAR, None), (NOW + YEAR, None), (NOW - YEAR - DAY, Fault.EXPIRED)])
def test_a_certificate_is_valid_from_its_first_to_its_last_moment(moment: datetime, expected: Fault | None) -> None:
    assert fault(OWN, ROOT.trust(moment=moment)) is expected


def test_an_authority_that_has_expired_vouches_for_nobody() -> None:
    late = ROOT.credential("router", address("192.0.2.1"), end=NOW + 9 * YEAR)
    assert fault(late, ROOT.trust(moment=NOW + 6 * YEAR)) is Fault.EXPIRED


def test_authorities_between_come_with_the_certificate_in_any_order() -> None:
    deep = ROOT.below("Middle").below("Lower").credential("router", address("192.0.2.1"))
    own, *between = deep.encoded()
    verify([own, *between], PEER, ROOT.trust())
    verify([own, *reversed(between)], PEER, ROOT.trust())
    with pytest.raises(BadCertificateError):
        verify([own], PEER, ROOT.trust())


def test_who_is_no_authority_cannot_issue() -> None:
    leaf = ROOT.certificate_for("Router")
    below = type(ROOT)(key_of("Router"), leaf, ROOT).credential("router", address("192.0.2.1"))
    assert fault(below, ROOT.trust()) is Fault.AUTHORITY


def test_another_authority_of_the_same_name_is_not_ours() -> None:
    impostor = type(ROOT)(key_of("impostor"), ROOT.certificate)
    assert fault(impostor.credential("router", address("192.0.2.1")), ROOT.trust()) is Fault.AUTHORITY


def test_nobody_is_believed_without_an_authority() -> None:
    assert fault(OWN, Trust((), NOW)) is Fault.AUTHORITY


@pytest.mark.parametrize("presented", [[], [b""], [b"\x30\x82\x01\x00" + bytes(40)]])
def test_what_is_no_certificate(presented: list[bytes]) -> None:
    with pytest.raises(BadCertificateError) as raised:
        verify(presented, PEER, ROOT.trust())
    assert raised.value.fault is (Fault.UNREADABLE if presented else Fault.MISSING)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_certificate_is_never_believed(place: int, change: int) -> None:
    octets = bytearray(OWN.encoded()[0])
    place %= len(octets)
    # How many bits at the signature's end are not of it: the library takes other numbers where those bits are zero.
    assume(place != len(octets) - len(OWN.certificates[0].signature) - 1)
    octets[place] ^= change
    with pytest.raises(BadCertificateError):
        verify([bytes(octets)], PEER, ROOT.trust())


# --- revocation ---


@pytest.mark.parametrize(
    ("ways", "listed", "given_list", "expected"),
    [
        (("crl",), False, True, None),
        (("crl",), True, True, Fault.REVOKED),
        (("crl",), False, False, Fault.CRL),
        (("crl", "none"), False, False, None),
        (("crl", "none"), True, True, Fault.REVOKED),
        (("none",), True, True, None),
        (("ocsp", "crl"), True, True, Fault.REVOKED),
        (("ocsp",), False, True, Fault.CRL),
        (("ocsp", "none"), True, True, None),
    ],
)
def test_ways_to_look_for_revoked_certificates(
    ways: tuple[str, ...], listed: bool, given_list: bool, expected: Fault | None
) -> None:
    crl = ROOT.crl(*OWN.certificates) if listed else ROOT.crl(ROOT.certificate_for("other"))
    assert fault(OWN, ROOT.trust(crl if given_list else None, *ways)) is expected


@pytest.mark.parametrize("times", [{"following": NOW - DAY}, {"last": NOW + DAY}], ids=["old", "of the future"])
def test_a_list_that_is_not_current_says_nothing(times: dict[str, Any]) -> None:
    crl = ROOT.crl(**times)
    assert fault(OWN, ROOT.trust(crl, "crl")) is Fault.CRL
    assert fault(OWN, ROOT.trust(crl, "crl", "none")) is None


def test_of_whom_authorities_between_have_revoked_nothing_is_known() -> None:
    own = ROOT.below("Middle").credential("router", address("192.0.2.1"))
    crl = ROOT.crl(ROOT.certificate_for("other"))
    assert fault(own, ROOT.trust(crl, "crl")) is Fault.CRL
    assert fault(own, ROOT.trust(crl, "crl", "none")) is None


# --- identities ---


def identity(kind: IdentificationType, data: bytes) -> Identification:
    return Identification(kind, data, 17, 500)


@pytest.mark.parametrize(
    ("alternative", "peer", "believed"),
    [
        (x509.DNSName("vpn.example"), identity(IdentificationType.FQDN, b"VPN.example"), True),
        (x509.DNSName("vpn.example"), identity(IdentificationType.FQDN, b"vpn.example.net"), False),
        (x509.RFC822Name("me@vpn.example"), identity(IdentificationType.USER_FQDN, b"me@vpn.example"), True),
        (x509.RFC822Name("me@vpn.example"), identity(IdentificationType.FQDN, b"me@vpn.example"), False),
        (address("192.0.2.1"), identity(IdentificationType.IPV4_ADDR, bytes((192, 0, 2, 2))), False),
        (address("192.0.2.1"), identity(IdentificationType.IPV4_ADDR, b"x"), False),
        (x509.DNSName("vpn.example"), identity(IdentificationType.KEY_ID, b"vpn.example"), False),
    ],
)
def test_an_identity_must_be_in_the_certificate(alternative: x509.GeneralName, peer: Identification, believed: bool) -> None:
    own = ROOT.credential("router", alternative)
    assert fault(own, ROOT.trust(), peer) is (None if believed else Fault.IDENTITY)


def test_a_certificate_without_other_names_has_its_subject_alone() -> None:
    own = ROOT.credential("router")
    assert fault(own, ROOT.trust(), identity(IdentificationType.DER_ASN1_DN, own.subject)) is None
    assert fault(own, ROOT.trust(), identity(IdentificationType.DER_ASN1_DN, subject_of("x").public_bytes())) is Fault.IDENTITY
    assert fault(own, ROOT.trust(), identity(IdentificationType.FQDN, b"router")) is Fault.IDENTITY


@pytest.mark.parametrize("oid", ["2.5.4.3", "1.2.840.113549.1.9.2", "0.9.2342.19200300.100.1.25"])
def test_a_name_is_read_from_its_octets(oid: str) -> None:
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), "Ünï" if oid == "2.5.4.3" else "vpn")])
    assert distinguished_name(name.public_bytes()) == name


def test_the_kind_of_a_string_does_not_matter() -> None:
    name = subject_of("router").public_bytes()
    assert b"\x0c" in name
    assert distinguished_name(name.replace(b"\x0c\x07Example", b"\x13\x07Example")) == subject_of("router")


@given(st.binary(max_size=60))
def test_what_is_no_name_is_none(octets: bytes) -> None:
    found = distinguished_name(b"\x30" + bytes((len(octets),)) + octets)
    assert found is None or isinstance(found, x509.Name)


def test_unstructured_names_of_ios_count() -> None:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.UNSTRUCTURED_NAME, "hub.example"),
            x509.NameAttribute(x509.ObjectIdentifier("1.2.840.113549.1.9.8"), "192.0.2.1"),
        ]
    )
    own = Credential(key_of("hub"), (ROOT.certificate_for("hub", subject=subject),))
    assert fault(own, ROOT.trust(), identity(IdentificationType.FQDN, b"hub.example")) is None
    assert fault(own, ROOT.trust(), PEER) is None


# --- signatures ---


@pytest.mark.parametrize("octets", [bytes(16), bytes(20), bytes(64)])
def test_what_is_signed_is_the_bare_hash(octets: bytes) -> None:
    """PKCS #1 type 1: 00 01 ff … ff 00 and the hash itself, with no DigestInfo around it."""
    signature = OWN.sign(octets)
    numbers = OWN.key.public_key().public_numbers()
    opened = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(len(signature), "big")
    assert opened == b"\0\1" + b"\xff" * (len(signature) - len(octets) - 3) + b"\0" + octets
    assert signed(OWN.key.public_key(), octets, signature)
    assert not signed(OWN.key.public_key(), octets + b"x", signature)
    assert not signed(OWN.key.public_key(), octets, signature[:-1])
    assert not signed(key_of("another").public_key(), octets, signature)


# --- files ---

KEY = pem_key(OWN.key)
CERTIFICATE = OWN.certificates[0].public_bytes(Encoding.PEM)
CA = ROOT.certificate.public_bytes(Encoding.PEM)
CRL = ROOT.crl().public_bytes(Encoding.PEM)
_CURVE = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_files_are_read() -> None:
    credential = read_credential(KEY, CERTIFICATE + CA)
    assert credential.encoded() == [OWN.encoded()[0], ROOT.certificate.public_bytes(Encoding.DER)]
    assert read_authority(CA, CRL).crl is not None
    assert read_authority(CA, None).crl is None


@pytest.mark.parametrize("key", [b"", CERTIFICATE, _CURVE], ids=["nothing", "a certificate", "another kind of key"])
def test_a_key_that_is_none(key: bytes) -> None:
    with pytest.raises(PemError, match="key needs an RSA private key in PEM"):
        read_credential(key, CERTIFICATE)


@pytest.mark.parametrize("certificate", [b"", KEY, CA], ids=["nothing", "a key", "of another key"])
def test_a_certificate_that_is_not_the_keys(certificate: bytes) -> None:
    with pytest.raises(PemError, match="certificate needs"):
        read_credential(KEY, certificate)


@pytest.mark.parametrize(
    ("ca", "crl", "wrong"),
    [
        (b"", None, "ca needs a certificate in PEM"),
        (CERTIFICATE, None, "ca needs the certificate of an authority"),
        (CA, CA, "crl needs a certificate revocation list"),
        (CA, root("Other").crl().public_bytes(Encoding.PEM), "crl needs a list that the authority has signed"),
    ],
)
def test_an_authority_that_is_none(ca: bytes, crl: bytes | None, wrong: str) -> None:
    with pytest.raises(PemError, match=wrong):
        read_authority(ca, crl)
