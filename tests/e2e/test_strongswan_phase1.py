"""Phase 1 with strongSwan's charon, in either mode, by keys and by certificates, whoever starts; and certificates refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from agent.crypto.certificates import Credential
from tests.crypto.pki import Issuer, address, pem_key, root
from tests.e2e.strongswan import Charon, RealLab, StartRealLab
from tests.e2e.tools import wait_for

TODAY = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
ROOT = root("Real Root", TODAY)
STRANGER = root("Real Stranger", TODAY)

AGGRESSIVE = "crypto isakmp profile ours\n initiate mode aggressive\n match identity address 10.99.{number}.2\n"
SIGNED = "crypto pki trustpoint ours\n revocation-check none\n"
BY_NAME = "crypto isakmp identity dn\n"

# By router: aggressive or not, by certificates or not, whether charon starts.
WAYS = dict(
    enumerate(
        [
            (True, False, True),
            (True, False, False),
            (False, True, True),
            (False, True, False),
            (True, True, True),
            (True, True, False),
        ],
        1,
    )
)
NAMED, STRANGE, LATE, REFUSED = 11, 12, 13, 14


def credential(issuer: Issuer, number: int, side: int, end: datetime = TODAY + DAY) -> Credential:
    return issuer.credential(f"{number}.{side}", address(f"10.99.{number}.{side}"), begin=TODAY - 2 * DAY, end=end)


def settings(
    number: int, folder: Path, aggressive: bool = False, signed: bool = False, own: Credential | None = None
) -> dict[str, str]:
    lines = (AGGRESSIVE.format(number=number) if aggressive else "") + (SIGNED if signed else "")
    given = {"lines": lines, "map_lines": " set isakmp-profile ours" if aggressive else ""}
    if not signed:
        return given
    own = own or credential(ROOT, number, 1)
    (folder / "router.key").write_bytes(pem_key(own.key))
    (folder / "router.pem").write_bytes(own.certificates[0].public_bytes(Encoding.PEM))
    (folder / "ca.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    return {**given, "authentication": "rsa-sig", "trustpoint": str(folder)}


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab, tmp_path_factory: pytest.TempPathFactory) -> RealLab:
    routers = {
        number: settings(number, tmp_path_factory.mktemp("pki"), aggressive, signed)
        for number, (aggressive, signed, _) in WAYS.items()
    }
    for number in (NAMED, STRANGE, LATE, REFUSED):
        issuer = STRANGER if number == REFUSED else ROOT
        routers[number] = settings(number, tmp_path_factory.mktemp("pki"), signed=True, own=credential(issuer, number, 1))
    routers[NAMED]["lines"] += BY_NAME
    return start_real_lab(routers)


@pytest.fixture
def trusting(swan: Charon) -> Charon:
    """A charon that believes the authority."""
    with swan.session() as session:
        session.load_cert({"type": "X509", "flag": "CA", "data": ROOT.certificate.public_bytes(Encoding.PEM)})
    return swan


def signing(swan: Charon, number: int, own: Credential, named: bool = False) -> dict[str, object]:
    """The settings of a connection by certificates, of which charon has `own`."""
    with swan.session() as session:
        session.load_key({"type": "rsa", "data": pem_key(own.key)})
    theirs = f"O=Example, CN={number}.1" if named else f"10.99.{number}.1"
    ours = f"O=Example, CN={number}.2" if named else f"10.99.{number}.2"
    return {
        "local": {"auth": "pubkey", "id": ours, "certs": [own.certificates[0].public_bytes(Encoding.DER)]},
        "remote": {"auth": "pubkey", "id": theirs, "cacerts": [ROOT.certificate.public_bytes(Encoding.DER)]},
    }


def brought_up(swan: Charon, lab: RealLab, number: int, swan_starts: bool) -> None:
    if swan_starts:
        assert swan.initiate(number) is None
    else:
        # The first packet is dropped. Of an AM3 and a QM1 that wait for it, charon takes QM1 first, in vain: it comes again in 2 s.
        assert lab.ping(number) in (2, 3, 4)
        assert lab.ping(number) == 5
    assert swan.ping(number) == 5


@pytest.mark.parametrize("number", WAYS, ids=lambda number: "-".join(map(str, WAYS[number])))
def test_it_comes_up_whoever_starts(trusting: Charon, lab: RealLab, number: int) -> None:
    aggressive, signed, swan_starts = WAYS[number]
    wanted = signing(trusting, number, credential(ROOT, number, 2)) if signed else {}
    trusting.connect(number, aggressive="yes" if aggressive else "no", **wanted)
    brought_up(trusting, lab, number, swan_starts)
    (ike,) = trusting.sas(number)
    assert ike["state"] == "ESTABLISHED"
    assert lab.one(number, "cikeTunNegoMode") == ("aggressive" if aggressive else "main")
    assert lab.one(number, "cikeTunAuthMethod") == ("rsaSig" if signed else "preSharedKey")
    assert not lab.column(number, "cikeFailReason")


def test_ends_may_be_known_by_their_distinguished_names(trusting: Charon, lab: RealLab) -> None:
    trusting.connect(NAMED, **signing(trusting, NAMED, credential(ROOT, NAMED, 2), named=True))
    brought_up(trusting, lab, NAMED, swan_starts=True)
    assert lab.one(NAMED, "cikeTunRemoteValue") == f"CN={NAMED}.2,O=Example"


@pytest.mark.parametrize(("number", "issuer", "end"), [(STRANGE, STRANGER, TODAY + DAY), (LATE, ROOT, TODAY - DAY)])
def test_a_certificate_of_charon_that_is_not_believed(
    trusting: Charon, lab: RealLab, number: int, issuer: Issuer, end: datetime
) -> None:
    trusting.connect(number, **signing(trusting, number, credential(issuer, number, 2, end)))
    assert trusting.initiate(number) is not None
    assert lab.column(number, "cikeFailReason") == ["peerCertNotValid"]
    assert not lab.column(number, "cikeTunNegoMode")


def test_charon_does_not_believe_ours(trusting: Charon, lab: RealLab) -> None:
    """Its error is encrypted under keys that are agreed on, though phase 1 is not over."""
    trusting.connect(REFUSED, **signing(trusting, REFUSED, credential(ROOT, REFUSED, 2)))
    assert lab.ping(REFUSED, 1) == 0
    wait_for(lambda: lab.column(REFUSED, "cikeFailReason") == ["authFailure"], "the failure to be written down")
