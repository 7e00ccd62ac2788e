"""Crypto room: whether there is a NAT between two IKE peers (RFC 3947 §3.2), and where their messages go then (§4).

Each end sends a hash of the address and port that it sends to, and one of its own. If a hash does not match the address that the
other end sees, there is a NAT between them. Then both use port 4500: the initiator changes to it, and the responder answers to the
source of the peer's messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from agent.crypto.ciphers import HASHES, RandomSource, digest
from agent.crypto.doi import ISAKMP_PORT, NAT_PORT
from agent.crypto.payloads import NatDetection
from agent.crypto.vendor import NatFlavour


@dataclass(frozen=True, slots=True)
class Ends:
    """The local and remote address and port of an ISAKMP SA's datagrams."""

    local: IPv4Address
    remote: IPv4Address
    local_port: int = ISAKMP_PORT
    remote_port: int = ISAKMP_PORT


@dataclass(frozen=True, slots=True)
class NatTraversal:
    """What the owner wants of NAT traversal. `force`: our hashes never match, so that both ends find a NAT; `ports` (local and
    remote) are those that the initiator changes to."""

    enabled: bool = True
    force: bool = False
    ports: tuple[int, int] = (NAT_PORT, NAT_PORT)

    def floated(self, ends: Ends) -> Ends:
        return replace(ends, local_port=self.ports[0], remote_port=self.ports[1])


NAT_TRAVERSAL = NatTraversal()


@dataclass(frozen=True, slots=True)
class NatSituation:
    """The result of NAT detection: which end is behind a NAT, or pretends to be."""

    flavour: NatFlavour
    local_behind: bool
    remote_behind: bool
    forced: bool = False

    @property
    def detected(self) -> bool:
        """Whether UDP encapsulation is to be used."""
        return self.local_behind or self.remote_behind or self.forced


def _hash(hash_name: str, cookies: bytes, address: IPv4Address, port: int) -> bytes:
    return digest(hash_name, cookies + address.packed + port.to_bytes(2, "big"))


def detection_payloads(
    flavour: NatFlavour, traversal: NatTraversal, ends: Ends, hash_name: str, cookies: bytes, random: RandomSource
) -> Iterable[NatDetection]:
    """Our two payloads: for the peer's address, then for ours."""
    for address, port in ((ends.remote, ends.remote_port), (ends.local, ends.local_port)):
        found = random.take(HASHES[hash_name].size) if traversal.force else _hash(hash_name, cookies, address, port)
        yield NatDetection(found, flavour.detection)


def situation(
    received: Sequence[NatDetection], flavour: NatFlavour, traversal: NatTraversal, ends: Ends, hash_name: str, cookies: bytes
) -> NatSituation | None:
    """What the peer's payloads say: the first is of our address as it knows it, any of the others of its own.

    None where there are fewer than two.
    """
    hashes = [payload.data for payload in received if payload.kind == flavour.detection]
    if len(hashes) < 2:
        return None
    ours = _hash(hash_name, cookies, ends.local, ends.local_port)
    theirs = _hash(hash_name, cookies, ends.remote, ends.remote_port)
    return NatSituation(flavour, hashes[0] != ours, theirs not in hashes[1:], traversal.force)
