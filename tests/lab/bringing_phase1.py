"""How the failures of aggressive mode and of certificates come about in a lab. See `bringing`.

The labs have the date of the tests' certificates. East begins, so that it is East's certificate that West looks at first; what is
done to messages in the clear is done to West's, in aggressive mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from agent.crypto import ip
from agent.crypto.certificates import Authority
from agent.crypto.isakmp import decode_header, decode_payloads
from agent.crypto.payloads import Certificate, Payload
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.policy.trustpoints import Trustpoint, Trustpoints
from tests.crypto.in_the_clear import encode_message
from tests.crypto.pki import NOW, Issuer, address, root
from tests.lab.bringing import BRINGING, Bringing, MakePair, configured, on_the_way, ping, port_of, start_ping
from tests.lab.conftest import LINK

DATED = f"date = {NOW:%Y-%m-%dT%H:%M:%S}Z\n{LINK}"
ROOT, STRANGER = root(), root("Stranger")
TRUSTPOINT = "crypto pki trustpoint ours\n"
AGGRESSIVE = "crypto isakmp profile ours\n match identity address 192.0.2.{peer}\n initiate mode aggressive\n"
BY_PROFILE = {"map_lines": " set isakmp-profile ours", "lines": AGGRESSIVE}
SIGNED = {"lines": TRUSTPOINT + "crypto isakmp policy 10\n no authentication\n"}
SIGNED_AGGRESSIVE = {"lines": SIGNED["lines"] + AGGRESSIVE, "map_lines": " set isakmp-profile ours"}
WITH_CRL = {"lines": SIGNED["lines"].replace(TRUSTPOINT, TRUSTPOINT + " revocation-check crl\n")}


def trustpoint(me: int, issuer: Issuer = ROOT, crl: Any = None, by: Issuer = ROOT, **settings: Any) -> Trustpoint:
    """Of the router that is 192.0.2.`me`; `issuer` has signed its certificate, `by` is whom it believes."""
    own = issuer.credential(f"router {me}", address(f"192.0.2.{me}"), **settings)
    return Trustpoint(Authority(by.certificate, crl), own)


EAST, WEST = trustpoint(1), trustpoint(2)


def trusting(east: Trustpoint = EAST, west: Trustpoint = WEST) -> Mapping[str, Trustpoints]:
    return {"east": {"ours": east}, "west": {"ours": west}}


def change_clear(lab: Any, name: str, change: Callable[[Payload], list[Payload]]) -> None:
    """Have the payloads of the ISAKMP messages in the clear that arrive at a router changed, each to none or some."""

    def changed(octets: bytes) -> bytes:
        packet = ip.decode(octets)
        if packet.protocol != ip.UDP:
            return octets
        datagram = ip.decode_udp(packet)
        header = decode_header(datagram.data)
        if header.encrypted:
            return octets
        payloads = [decoded.payload for decoded in decode_payloads(header.next_payload, datagram.data[28:])]
        message = encode_message(header, [new for payload in payloads for new in change(payload)])
        payload = ip.encode_udp(packet.source, packet.destination, datagram._replace(data=message))
        return packet._replace(payload=payload).encode()

    on_the_way(lab, name, changed)


def signed(cause: str, here: str = "west", **settings: Any) -> None:
    """A cause that lies in the configurations and the trustpoints."""
    configured(cause, here, **{"link": DATED, "east": SIGNED, "west": SIGNED, "trustpoints": trusting(), **settings})


def changed(cause: str, change: Callable[[Payload], list[Payload]]) -> None:
    """A cause that lies in what becomes of West's messages on their way."""

    def bring(make_pair: MakePair) -> Bringing:
        lab = make_pair(link=DATED, east=SIGNED_AGGRESSIVE, west=SIGNED_AGGRESSIVE, trustpoints=trusting())
        change_clear(lab, "east", change)
        yield lab, "east"
        ping(lab)

    BRINGING[cause] = bring


def _disabled(make_pair: MakePair) -> Bringing:
    lab = make_pair(east=BY_PROFILE, west={"lines": "crypto isakmp aggressive-mode disable\n"})
    yield lab, "west"
    start_ping(lab, 120)


def _expired(make_pair: MakePair) -> Bringing:
    """By the date of West alone."""
    soon = trustpoint(1, end=NOW + timedelta(days=1))
    lab = make_pair(link=DATED, east=SIGNED, west=SIGNED, trustpoints=trusting(east=soon))
    certificates = lab.router("west").certificates
    believed = certificates.trust
    certificates.trust = lambda name: replace(believed(name), moment=NOW + timedelta(days=2))
    yield lab, "west"
    ping(lab)


assert EAST.credential is not None
_FORGED = Trustpoint(EAST.authority, replace(EAST.credential, key=STRANGER.key))
_REVOKED = ROOT.crl(EAST.credential.certificates[0])


def _full(make_pair: MakePair, here: str) -> Any:
    """A router that may have one ISAKMP SA, and is negotiating it with somebody else."""
    lines = "crypto call admission limit ike sa 1\ncrypto isakmp key other address 192.0.2.99"
    lab = make_pair(**{here: {"lines": lines}})
    assert lab.router(here).ike._initiate(PeerPair(None, int(port_of(lab, here).address), 0xC0000263), None)
    return lab


def _full_responder(make_pair: MakePair) -> Bringing:
    lab = _full(make_pair, "west")
    yield lab, "west"
    start_ping(lab, 120)


def _full_initiator(make_pair: MakePair) -> Bringing:
    lab = _full(make_pair, "east")
    yield lab, "east"
    ping(lab)


BRINGING["the limit of IKE SAs is reached at the responder"] = _full_responder
BRINGING["the limit of IKE SAs is reached at the initiator"] = _full_initiator
configured("the pre-shared keys differ, in aggressive mode", "east", east=BY_PROFILE, west={**BY_PROFILE, "key": "another"})
BRINGING["aggressive mode is disabled at the responder"] = _disabled
BRINGING["the peer's certificate has expired"] = _expired
signed("no usable policy: this router has no certificate", "east", trustpoints={"west": {"ours": WEST}})
signed("the signature is not that of the peer's certificate", trustpoints=trusting(east=_FORGED))
signed("the peer's certificate is not from a known authority", trustpoints=trusting(east=trustpoint(1, STRANGER)))
signed("the peer's certificate names another identity", trustpoints=trusting(east=trustpoint(9)))
signed("the peer's certificate is revoked", west=WITH_CRL, trustpoints=trusting(west=trustpoint(2, crl=_REVOKED)))
signed("there is no current revocation list", west=WITH_CRL)
signed("our own certificate has expired", "east", trustpoints=trusting(east=trustpoint(1, end=NOW - timedelta(days=1))))
changed("the peer sends no certificate", lambda payload: [] if isinstance(payload, Certificate) else [payload])
changed(
    "the peer's certificate cannot be read", lambda payload: [Certificate(b"?")] if isinstance(payload, Certificate) else [payload]
)
