"""Shell room: `show crypto isakmp sa` and `show crypto isakmp peers`.

The lines are those of the Cisco IOS Security Command Reference: of 12.4 in the classic form, of IOS XE 16 in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from agent.base.spans import hours
from agent.config.crypto_model import IsakmpPolicy
from agent.engine.values import Phase1Sa
from agent.flow.model import Address, IkeFacts
from agent.shell.releases import Release
from agent.shell.render.sessions import capabilities, seconds_left

Sas = Callable[[], Iterable[Phase1Sa | None]]  # the SAs, as often as they are asked for; None is a pause
Lines = Iterator[str | None]

_DELETED = "ACTIVE (deleted)"
_LEGEND = (
    "Codes: C - IKE configuration mode, D - Dead Peer Detection",
    "       K - Keepalives, N - NAT-traversal",
    "       T - cTCP encapsulation, X - IKE Extended Authentication",
    "       psk - Preshared key, rsig - RSA signature",
    "       renc - RSA encryption",
)
_METHODS = MappingProxyType({"pre-share": "psk", "rsa-sig": "rsig", "rsa-encr": "renc"})


def _of_version(sas: Sas, version: int) -> Iterator[Phase1Sa | None]:
    return (sa for sa in sas() if sa is None or sa.source.version == version)


# --- the SAs ---


def sa_lines(release: Release, sas: Sas) -> Lines:
    """`show crypto isakmp sa`."""
    if release is Release.CLASSIC:
        yield from sa_slot_lines(sas)
        return
    yield "IPv4 Crypto ISAKMP SA"
    yield f"{'dst':<15} {'src':<15} {'state':<14} conn-id status"
    yield from _rows(_of_version(sas, 4), slot="")
    yield ""
    yield "IPv6 Crypto ISAKMP SA"
    yield from _rows(_of_version(sas, 6), slot="")
    yield ""


def sa_slot_lines(sas: Sas) -> Lines:
    """The same with the column of slots, which IOS XE has in `show crypto isakmp sa active` alone."""
    yield f"{'dst':<15} {'src':<15} {'state':<14} conn-id slot status"
    yield from _rows(sas(), slot=f" {0:>4}")


def _rows(sas: Iterable[Phase1Sa | None], slot: str) -> Lines:
    for sa in sas:
        if sa is None:
            yield None
        else:
            status = _DELETED if sa.deleted else sa.status
            yield f"{sa.destination!s:<15} {sa.source!s:<15} {sa.state:<14} {sa.index:>7}{slot} {status}"


def active_lines(release: Release, sas: Sas) -> Lines:
    """`show crypto isakmp sa active`, whose rows have the slot in every release."""
    if release is Release.XE:
        yield "IPv4 Crypto ISAKMP SA"
    yield from sa_slot_lines(sas)


# --- the SAs in detail ---

_CLASSIC_ROW = "{:<5} {:<15} {:<15} {:<8} {:<6} {:<4} {:<4} {:<4} {:<2} {:<8} {}"
_XE_ROW = "{:<5} {:<15} {:<15} {:<6} {:<6} {:<4} {:<6} {:<4} {:<2} {:<8} {}"
_COLUMNS = "C-id", "Local", "Remote", "I-VRF", "Status", "Encr", "Hash", "Auth", "DH", "Lifetime", "Cap."


def sa_detail_lines(release: Release, sas: Sas, now: Callable[[], int]) -> Lines:
    """`show crypto isakmp sa detail`."""
    yield from _LEGEND
    if release is Release.CLASSIC:
        yield ""
        yield _CLASSIC_ROW.format(*_COLUMNS)
        for sa in sas():
            yield None if sa is None else _detail(_CLASSIC_ROW, sa, now())
        return
    yield "IPv4 Crypto ISAKMP SA"
    yield ""
    yield _XE_ROW.format(*_COLUMNS)
    yield ""
    for version in (4, 6):
        for sa in _of_version(sas, version):
            if sa is None:
                yield None
            else:
                yield _detail(_XE_ROW, sa, now())
                yield f"       Engine-id:Conn-id =  {f'SW:{sa.index}' if sa.index else '????'}"
                yield ""
        if version == 4:
            yield "IPv6 Crypto ISAKMP SA"
            yield ""


def _detail(row: str, sa: Phase1Sa, now: int) -> str:
    """What the ends have not agreed on yet is blank. The lifetime of an SA that is not up, or not any more, is 0."""
    ends, facts = sa.ends, sa.facts
    terms: tuple[object, ...] = ("", "", "", 0)
    if facts is not None:
        method = facts.local_authentication or ""
        terms = facts.encryption or "", facts.hash or "", _METHODS.get(method, method), facts.group or 0
    left = None if facts is None or sa.start is None or sa.deleted else seconds_left(facts, sa.start, now)
    letters = capabilities(facts) if facts is not None else ""
    lifetime = "0" if left is None else hours(left)
    place = ends.local_address, ends.remote_address, sa.inside_vrf or "", sa.status
    return row.format(sa.index, *map(str, (*place, *terms)), lifetime, letters).rstrip()


# --- how many ---


@dataclass(slots=True)
class SaCount:
    """How many SAs there are, by what `show crypto isakmp sa count` tells apart."""

    active: int = 0
    negotiating: int = 0
    dead: int = 0

    def add(self, sa: Phase1Sa) -> None:
        if sa.deleted:
            self.dead += 1
        elif sa.negotiating:
            self.negotiating += 1
        else:
            self.active += 1

    def lines(self) -> Iterator[str]:
        """No SA stands by: there is no second router that would take over."""
        yield f"Active ISAKMP SA's: {self.active}"
        yield ""
        yield "Standby ISAKMP SA's: 0"
        yield ""
        yield f"Currently being negotiated ISAKMP SA's: {self.negotiating}"
        yield ""
        yield f"Dead ISAKMP SA's: {self.dead}"


# --- peers ---


@dataclass(frozen=True, slots=True)
class ShownPeer:
    """A peer that has an SA, or that `crypto isakmp peer address` names. `local` and `phase1_id` are None of one without an SA."""

    address: Address
    port: int
    local: Address | None = None
    description: str = ""
    configured: bool = False
    phase1_id: str | None = None


def peer_lines(release: Release, peers: Iterable[ShownPeer | None]) -> Lines:
    """`show crypto isakmp peers`."""
    for peer in peers:
        if peer is None:
            yield None
            continue
        local = f" Local: {peer.local}" if release is Release.XE and peer.local is not None else ""
        yield f"Peer: {peer.address} Port: {peer.port}{local}"
        if peer.description:
            yield f" Description: {peer.description}"
        if peer.configured:
            yield " flags: PEER_POLICY"
        if release is Release.XE and peer.phase1_id is not None:
            yield f" Phase1 id: {peer.phase1_id}"


# --- the terms of each peer ---

_METHOD_NAMES = MappingProxyType(
    {"pre-share": "Pre-Shared Key", "rsa-sig": "RSA-SIG", "rsa-encr": "RSA-ENCR", "ecdsa-sig": "ECDSA-SIG", "eap": "EAP"}
)
_HASH_NAMES = MappingProxyType({"md5": "MD5", "sha": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"})


@dataclass(frozen=True, slots=True)
class PeerTerms:
    """On what terms phase 1 is made with a peer: those agreed on, else those that are offered first."""

    address: Address
    version: int
    authentication: str | None
    encryption: str | None
    key_bits: int | None
    hash: str | None
    group: int | None
    lifetime: int | None
    local_id: str
    remote_id: str


def agreed_terms(address: Address, facts: IkeFacts) -> PeerTerms:
    how = facts.local_authentication, facts.encryption, facts.key_bits, facts.hash, facts.group, facts.lifetime
    return PeerTerms(address, facts.version, *how, facts.local.value, facts.remote.value)


def offered_terms(address: Address, policy: IsakmpPolicy, local_id: str) -> PeerTerms:
    how = policy.authentication, policy.encryption, policy.key_bits, policy.hash, policy.group, policy.lifetime
    return PeerTerms(address, 1, *how, local_id, str(address))


def peer_config_lines(peers: Iterable[PeerTerms | None]) -> Lines:
    """`show crypto isakmp peers config`, as IOS XE 17 prints it. A term that is not known is left out."""
    yield "ISAKMP Peers Configuration"
    first = True
    for peer in peers:
        if peer is None:
            yield None
            continue
        if not first:
            yield ""
        first = False
        yield f"Peer: {peer.address}"
        for label, value in (
            ("Key Exchange", f"IKEv{peer.version}"),
            ("Authentication Method", _METHOD_NAMES.get(peer.authentication or "", peer.authentication)),
            ("Encryption", _cipher(peer.encryption, peer.key_bits)),
            ("Hashing", _HASH_NAMES.get(peer.hash or "", peer.hash)),
            ("DH Group", f"Group {peer.group}" if peer.group else None),
            ("Lifetime", f"{peer.lifetime} seconds" if peer.lifetime is not None else None),
            ("Local ID", peer.local_id),
            ("Remote ID", peer.remote_id),
        ):
            if value is not None:
                yield f"  {label}: {value}"


def _cipher(name: str | None, bits: int | None) -> str | None:
    """A cipher with the length of its key, if keys of it have several lengths: "AES-256", "DES"."""
    if name is None:
        return None
    return f"{name.upper()}-{bits}" if bits and name not in ("des", "3des") else name.upper()


def client_lines(clients: Iterable[IkeFacts | None]) -> Lines:
    """`show crypto isakmp peers config` of classic IOS: the remote-access clients and what each was given."""
    for facts in clients:
        if facts is None:
            yield None
            continue
        told = (
            ("Client-Public-Addr", f"{facts.remote_address}:{facts.remote_port}"),
            ("Client-Assigned-Addr", facts.assigned_address),
            ("Client-Group", facts.client_group),
            ("Client-User", facts.user),
        )
        yield " ".join(f"{name}={value};" for name, value in told if value is not None)
