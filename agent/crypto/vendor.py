"""Crypto room: vendor IDs (RFC 2408 §3.16): what each end can do beyond RFC 2409, and which kind of NAT traversal both know.

A vendor ID is an octet string that its inventor chose, for the most part the MD5 of a name. What is not known here means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.crypto.doi import EncapsulationMode, PayloadType
from agent.crypto.payloads import Vendor


@dataclass(frozen=True, slots=True)
class NatFlavour:
    """One specification of NAT traversal: what it is announced by, and the numbers that it gives to payloads and modes."""

    name: str
    vendor: Vendor
    detection: int = PayloadType.NAT_DETECTION
    tunnel: int = EncapsulationMode.UDP_TUNNEL
    transport: int = EncapsulationMode.UDP_TRANSPORT


def _draft(name: str, octets: str) -> NatFlavour:
    """The drafts took numbers of the private range (draft-ietf-ipsec-nat-t-ike-02 §3.2, §5.1)."""
    return NatFlavour(
        name,
        Vendor(bytes.fromhex(octets)),
        PayloadType.NAT_DETECTION_DRAFT,
        EncapsulationMode.UDP_TUNNEL_DRAFT,
        EncapsulationMode.UDP_TRANSPORT_DRAFT,
    )


# Best first.
NAT_FLAVOURS = (
    NatFlavour("RFC 3947", Vendor(bytes.fromhex("4a131c81070358455c5728f20e95452f"))),
    _draft("draft-ietf-ipsec-nat-t-ike-03", "7d9419a65310ca6f2c179d9215529d56"),
    _draft("draft-ietf-ipsec-nat-t-ike-02\n", "90cb80913ebb696e086381b5ec427b1f"),  # with the line's end in the hash
    _draft("draft-ietf-ipsec-nat-t-ike-02", "cd60464335df21f87cfdb2fc68b6a448"),
)

DPD = Vendor(bytes.fromhex("afcad71368a1f1c96b8696fc77570100"))  # RFC 3706 §5.1; the last two octets are its version
XAUTH = Vendor(bytes.fromhex("09002689dfd6b712"))
UNITY = Vendor(bytes.fromhex("12f5f28c457168a9702d9fe274cc0100"))

CAPABILITIES = (UNITY, DPD, XAUTH)


@dataclass(frozen=True, slots=True)
class PeerTraits:
    """What a peer has announced so far. `nat` is the best kind of NAT traversal that it and we know."""

    dpd: bool = False
    xauth: bool = False
    unity: bool = False
    nat: NatFlavour | None = None

    def and_also(self, vendors: Sequence[Vendor]) -> PeerTraits:
        """With what another message of the peer announces."""
        if not vendors:
            return self
        return PeerTraits(
            self.dpd or DPD in vendors,
            self.xauth or XAUTH in vendors,
            self.unity or UNITY in vendors,
            self.nat or next((flavour for flavour in NAT_FLAVOURS if flavour.vendor in vendors), None),
        )


def nat_offer(enabled: bool) -> Iterable[Vendor]:
    """What an initiator announces of NAT traversal: every kind that it knows, best first."""
    return (flavour.vendor for flavour in NAT_FLAVOURS) if enabled else ()


def nat_answer(enabled: bool, peer: PeerTraits) -> Iterable[Vendor]:
    """What a responder announces: the kind that is to be used, alone."""
    return (peer.nat.vendor,) if enabled and peer.nat else ()
