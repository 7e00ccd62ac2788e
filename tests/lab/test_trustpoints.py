"""Trustpoints of the lab file: which files they name, what is wrong with one, and what a router makes of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from agent.base.clock import VirtualClock
from agent.config.document import load
from agent.crypto.certificates import Authority, Credential
from agent.lab.lab import Lab, open_lab
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.policy.trustpoints import Certificates, Trustpoint
from tests.crypto.pki import NOW, pem_key, root

ROUTER = """
hostname a
crypto pki trustpoint ours
 revocation-check crl
"""
LAB = """
date = 2026-07-01
[router.a]
config = "a.cfg"
[router.a.trustpoint.ours]
key = "a.key"
certificate = "a.pem"
ca = "ca.pem"
crl = "crl.pem"
"""
ROOT = root()
OWN = ROOT.credential("a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lab.toml").write_text(LAB)
    (tmp_path / "a.cfg").write_text(ROUTER)
    (tmp_path / "a.key").write_bytes(pem_key(OWN.key))
    (tmp_path / "a.pem").write_bytes(OWN.certificates[0].public_bytes(Encoding.PEM))
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "crl.pem").write_bytes(ROOT.crl().public_bytes(Encoding.PEM))
    return tmp_path


def opened(folder: Path) -> Lab:
    return open_lab(folder / "lab.toml", VirtualClock())


def errors(folder: Path) -> list[str]:
    with pytest.raises(LabFileError) as raised:
        opened(folder)
    return [re.sub(r"^lab\.toml:[0-9]+:", "lab.toml:", line.removeprefix(f"{folder}/")) for line in str(raised.value).splitlines()]


def test_files_are_read_from_beside_the_lab_file(folder: Path) -> None:
    lab = opened(folder)
    assert lab.first.epoch == datetime(2026, 7, 1, tzinfo=UTC)
    certificates = lab.routers["a"].router.certificates
    found = certificates.credential(None)
    assert found is not None
    assert found.encoded() == OWN.encoded()
    (authority,) = certificates.trust(None).authorities
    assert authority.crl is not None
    assert authority.revocation == ("crl",)


@pytest.mark.parametrize("what", ["key", "certificate", "ca", "crl"])
def test_a_file_that_is_not_there(folder: Path, what: str) -> None:
    name = {"key": "a.key", "certificate": "a.pem", "ca": "ca.pem", "crl": "crl.pem"}[what]
    (folder / name).unlink()
    (folder / "a.cfg").unlink()
    assert errors(folder) == [
        "lab.toml: router.a.config: a.cfg: there is no such file",
        f"lab.toml: router.a.trustpoint.ours.{what}: {name}: there is no such file",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("a.key", "key: a.key needs to be an RSA private key in PEM, without a password"),
        ("a.pem", "certificate: a.pem needs to be a certificate in PEM"),
        ("ca.pem", "ca: ca.pem needs to be a certificate in PEM"),
        ("crl.pem", "crl: crl.pem needs to be a certificate revocation list in PEM"),
    ],
)
def test_a_file_that_is_something_else(folder: Path, name: str, error: str) -> None:
    (folder / name).write_text("something else\n")
    assert errors(folder) == [f"lab.toml: router.a.trustpoint.ours.{error}"]


def test_a_trustpoint_that_the_configuration_does_not_have(folder: Path) -> None:
    (folder / "a.cfg").write_text("hostname a\n")
    assert errors(folder) == [
        "lab.toml: router.a.trustpoint.ours: is no trustpoint of a.cfg, which needs `crypto pki trustpoint ours`"
    ]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('ca = "ca.pem"\n', "", "lab.toml: router.a.trustpoint.ours.ca: is missing"),
        ('key = "a.key"\n', "", "lab.toml: router.a.trustpoint.ours: needs both of key and certificate, or neither"),
        ("crl =", "clr =", "lab.toml: router.a.trustpoint.ours.clr: is not a key; there are ca, key, certificate, crl"),
        ('"ca.pem"', "1", "lab.toml: router.a.trustpoint.ours.ca: needs text in quotes"),
    ],
)
def test_an_error_names_file_and_key(old: str, new: str, error: str) -> None:
    with pytest.raises(LabFileError) as raised:
        parse_lab_file(LAB.replace(old, new), "lab.toml")
    assert str(raised.value) == error


# --- what a router makes of them ---

OTHER = root("Other")


def certificates(text: str, **trustpoints: Trustpoint) -> Certificates:
    return Certificates(load(text, "a.cfg").config, trustpoints, lambda: NOW)


def trustpoint(of: Any = ROOT, credential: Credential | None = OWN) -> Trustpoint:
    return Trustpoint(Authority(of.certificate), credential)


TWO = "crypto pki trustpoint one\ncrypto pki trustpoint two\n revocation-check none\n"


def test_of_several_certificates_the_one_that_the_peer_can_check_is_taken() -> None:
    second = OTHER.credential("a")
    known = certificates(TWO, one=trustpoint(), two=trustpoint(OTHER, second))
    assert known.credential(None, [OTHER.certificate.subject.public_bytes()]) is second
    assert known.credential(None, []) is OWN
    assert known.credential(None, [b"somebody else"]) is OWN
    assert known.credential("two") is second
    assert known.credential("three") is None


def test_a_profile_may_narrow_trust_to_one_authority() -> None:
    known = certificates(TWO, one=trustpoint(), two=trustpoint(OTHER, None))
    assert [authority.certificate for authority in known.trust(None).authorities] == [ROOT.certificate, OTHER.certificate]
    assert [authority.certificate for authority in known.trust("two").authorities] == [OTHER.certificate]


def test_what_the_configuration_says_of_revocation_holds() -> None:
    known = certificates(TWO, one=trustpoint(), two=trustpoint())
    assert [authority.revocation for authority in known.trust(None).authorities] == [("crl", "none"), ("none",)]


def test_a_trustpoint_that_is_taken_out_of_the_configuration_is_none() -> None:
    assert certificates("hostname a\n", one=trustpoint()).credential(None) is None
    assert not certificates("hostname a\n", one=trustpoint()).trust(None).authorities
