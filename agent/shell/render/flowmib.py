"""Shell room: `show crypto mib {isakmp | ipsec} flowmib …`: the rows of CISCO-IPSEC-FLOW-MONITOR-MIB in IOS's words.

A fact that the engine cannot know has no line. Counters show what the MIB shows: octets of IPsec as the 64-bit objects (Hc), all
others as Counter32. What the MIB's enumerations cannot say (AES, group 14) has its IOS name here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Network
from itertools import chain
from typing import TypeVar

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.base.spans import elapsed
from agent.flow.counters import CounterSource, IpsecCounter
from agent.flow.model import (
    NOT_USED,
    Endpoint,
    EndReason,
    Identity,
    IkeFacts,
    IkeFailure,
    IkeFailureReason,
    IkeHistory,
    IkeTunnel,
    IpsecFacts,
    IpsecFailure,
    IpsecFailureReason,
    IpsecHistory,
    IpsecTunnel,
    Peer,
    SaAlgorithms,
    Spi,
)
from agent.flow.rows import Rows
from agent.flow.vrf import IkeEvents, IpsecEvents, VrfFlow
from agent.shell.releases import Release

GLOBAL = "Global"  # what these commands call the global table

_BY_IPCOMP = 0  # octets that IPCOMP (RFC 3173) has compressed or expanded: no engine does it

RowT = TypeVar("RowT")
Field = tuple[str, object]  # a label and its value; None is unknown, and has no line
Fields = Iterable[Field]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: the moment, the form, and the index of one entry or None for all."""

    now: int
    release: Release
    index: int | None = None

    def among(self, rows: Rows[int, RowT]) -> Iterator[RowT]:
        """The rows that are asked for, in the order of their indexes. One that goes meanwhile is left out."""
        wanted = sorted(rows) if self.index is None else [self.index]
        return (row for index in wanted if (row := rows.get(index)) is not None)


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the commands: the entries of a VRF that are asked for, each a number of fields.

    `width` is that of the labels in the classic form, as in Cisco's guide. IOS XE has one width for all, `wide` for the sums.
    """

    entries: Callable[[VrfFlow, Asked], Iterator[Fields]]
    width: int
    wide: bool = False


_XE_WIDTH = {False: 28, True: 33}


def lines(listing: Listing, flows: Iterable[VrfFlow], asked: Asked) -> Iterator[str]:
    """The entries of VRFs, each under its name. If one entry is asked for, only the VRFs that have it.

    In IOS XE an empty line follows each entry but the last. A VRF without entries has none, because Genie's parser of tunnels
    takes no empty line before the first entry.
    """
    separated = asked.release is Release.XE
    width = _XE_WIDTH[listing.wide] if separated else listing.width
    after_entry = False
    for flow in flows:
        shown = listing.entries(flow, asked)
        first = next(shown, None)
        if first is None and asked.index is not None:
            continue
        if after_entry:
            yield ""
        yield f"vrf {GLOBAL if flow.name is None else flow.name}"
        after_entry = False
        for fields in chain([first] if first else [], shown):
            if after_entry:
                yield ""
            yield from (f"  {label + ':':<{width}} {value}" for label, value in fields if value is not None)
            after_entry = separated


# --- phase 1 ---


def _ike_global(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    def event(kind: IkeEvents) -> int | None:
        return _counter32(flow.ike_events[kind])

    def total(counter: IkeCounter) -> int | None:
        return _counter32(flow.ike_totals.value(counter, asked.now))

    yield (
        ("Active Tunnels", len(flow.ike_tunnels)),
        ("Previous Tunnels", event(IkeEvents.PREVIOUS)),
        ("In octets", total(IkeCounter.IN_OCTETS)),
        ("Out octets", total(IkeCounter.OUT_OCTETS)),
        ("In packets", total(IkeCounter.IN_PACKETS)),
        ("Out packets", total(IkeCounter.OUT_PACKETS)),
        ("In packets drop", total(IkeCounter.IN_DROPS)),
        ("Out packets drop", total(IkeCounter.OUT_DROPS)),
        ("In notifys", total(IkeCounter.IN_NOTIFYS)),
        ("Out notifys", total(IkeCounter.OUT_NOTIFYS)),
        ("In P2 exchg", total(IkeCounter.IN_P2_EXCHANGES)),
        ("Out P2 exchg", total(IkeCounter.OUT_P2_EXCHANGES)),
        ("In P2 exchg invalids", total(IkeCounter.IN_P2_INVALIDS)),
        ("Out P2 exchg invalids", total(IkeCounter.OUT_P2_INVALIDS)),
        ("In P2 exchg rejects", total(IkeCounter.IN_P2_REJECTS)),
        ("Out P2 exchg rejects", total(IkeCounter.OUT_P2_REJECTS)),
        ("In IPSEC delete", total(IkeCounter.IN_P2_SA_DELETES)),
        ("Out IPSEC delete", total(IkeCounter.OUT_P2_SA_DELETES)),
        ("SAs locally initiated", event(IkeEvents.INITIATED)),
        ("SAs locally initiated failed", event(IkeEvents.INITIATOR_FAILS)),
        ("SAs remotely initiated failed", event(IkeEvents.RESPONDER_FAILS)),
        ("System capacity failures", event(IkeEvents.CAPACITY_FAILS)),
        ("Authentication failures", event(IkeEvents.AUTHENTICATION_FAILS)),
        ("Decrypt failures", event(IkeEvents.DECRYPT_FAILS)),
        ("Hash failures", event(IkeEvents.HASH_FAILS)),
        ("Invalid SPI", event(IkeEvents.NO_SA_FAILS)),
    )


def _peers(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    rows, index = flow.peers, asked.index
    wanted = list(rows.values()) if index is None else [peer for peer in rows.values() if peer.number == index]
    return (_peer_fields(peer) for peer in wanted if rows.get(peer.key) is peer)  # one that goes meanwhile is left out


def _peer_fields(peer: Peer) -> Iterator[Field]:
    yield "Index", peer.number
    yield "Local type", identity_type(peer.key.local)
    yield "Local address", peer.local_address
    yield "Remote type", identity_type(peer.key.remote)
    yield "Remote address", peer.remote_address


def _ike_tunnels(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return (_ike_tunnel_fields(tunnel, asked.now) for tunnel in asked.among(flow.ike_tunnels))


def _ike_tunnel_fields(tunnel: IkeTunnel, now: int) -> Iterator[Field]:
    yield "Index", tunnel.index
    yield from _ike_fields(tunnel.facts, now - tunnel.start, tunnel.counters, now)


def _ike_history(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return (_ike_history_fields(row, asked.now) for row in asked.among(flow.ike_history))


def _ike_history_fields(row: IkeHistory, now: int) -> Iterator[Field]:
    yield "Reason", IKE_END[row.reason]
    yield "Index", row.index
    yield from _ike_fields(row.facts, row.active, row.counters, now)


def _ike_fields(facts: IkeFacts, active: int, counters: CounterSource, now: int) -> Iterator[Field]:
    def counted(counter: IkeCounter) -> int | None:
        return _counter32(counters.value(counter, now))

    yield "Local type", identity_type(facts.local)
    yield "Local address", facts.local_address
    yield "Remote type", identity_type(facts.remote, facts.client_group)
    yield "Remote address", facts.remote_address
    yield "Negotiation mode", "IKEv2" if facts.version == 2 else _MODES.get(facts.aggressive)
    yield "Diffie Hellman Grp", facts.group
    yield "Encryption algo", _named(facts.encryption)
    yield "Hash algo", _named(facts.hash)
    yield "Auth method", _authentication(facts)
    yield "Lifetime", facts.lifetime
    yield "Active time", elapsed(active // SECOND)
    yield "Policy priority", 0 if facts.policy is None and facts.version == 2 else facts.policy
    yield "Keepalive enabled", "Yes" if facts.keepalive else "No"
    yield "In octets", counted(IkeCounter.IN_OCTETS)
    yield "In packets", counted(IkeCounter.IN_PACKETS)
    yield "In drops", counted(IkeCounter.IN_DROPS)
    yield "In notifys", counted(IkeCounter.IN_NOTIFYS)
    yield "In P2 exchanges", counted(IkeCounter.IN_P2_EXCHANGES)
    yield "In P2 exchg invalids", counted(IkeCounter.IN_P2_INVALIDS)
    yield "In P2 exchg rejected", counted(IkeCounter.IN_P2_REJECTS)
    yield "In P2 SA delete reqs", counted(IkeCounter.IN_P2_SA_DELETES)
    yield "Out octets", counted(IkeCounter.OUT_OCTETS)
    yield "Out packets", counted(IkeCounter.OUT_PACKETS)
    yield "Out drops", counted(IkeCounter.OUT_DROPS)
    yield "Out notifys", counted(IkeCounter.OUT_NOTIFYS)
    yield "Out P2 exchgs", counted(IkeCounter.OUT_P2_EXCHANGES)
    yield "Out P2 exchg invalids", counted(IkeCounter.OUT_P2_INVALIDS)
    yield "Out P2 exchg rejects", counted(IkeCounter.OUT_P2_REJECTS)
    yield "Out P2 Sa delete requests", counted(IkeCounter.OUT_P2_SA_DELETES)


def _ike_failures(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return map(_ike_failure_fields, asked.among(flow.ike_failures))


def _ike_failure_fields(row: IkeFailure) -> Iterator[Field]:
    yield "Index", row.index
    yield "Reason", IKE_FAILURE[row.reason]
    yield "Failure time since reset", _since_reset(row.time)
    yield "Local type", identity_type(row.local)
    yield "Local value", row.local.value if row.local else None
    yield "Remote type", identity_type(row.remote)
    yield "Remote Value", row.remote.value if row.remote else None
    yield "Local Address", row.local_address
    yield "Remote Address", row.remote_address


# --- phase 2 ---


def _ipsec_global(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    totals, events, now = flow.ipsec_totals, flow.ipsec_events, asked.now

    def total(counter: IpsecCounter) -> int | None:
        return _counter32(totals.value(counter, now))

    yield (
        ("Active Tunnels", len(flow.ipsec_tunnels)),
        ("Previous Tunnels", _counter32(events[IpsecEvents.PREVIOUS])),
        ("In octets", totals.value(IpsecCounter.IN_OCTETS, now)),
        ("Out octets", totals.value(IpsecCounter.OUT_OCTETS, now)),
        ("In packets", total(IpsecCounter.IN_PACKETS)),
        ("Out packets", total(IpsecCounter.OUT_PACKETS)),
        ("Uncompressed encrypted bytes", totals.value(IpsecCounter.OUT_UNCOMP_OCTETS, now)),
        ("In packets drops", total(IpsecCounter.IN_DROPS)),
        ("Out packets drops", total(IpsecCounter.OUT_DROPS)),
        ("In replay drops", total(IpsecCounter.IN_REPLAY_DROPS)),
        ("In authentications", total(IpsecCounter.IN_AUTHS)),
        ("Out authentications", total(IpsecCounter.OUT_AUTHS)),
        ("In decrypts", total(IpsecCounter.IN_DECRYPTS)),
        ("Out encrypts", total(IpsecCounter.OUT_ENCRYPTS)),
        ("Compressed bytes", _BY_IPCOMP),
        ("Uncompressed bytes", _BY_IPCOMP),
        ("In uncompressed bytes", _BY_IPCOMP),
        ("Out uncompressed bytes", _BY_IPCOMP),
        ("In decrypt failures", total(IpsecCounter.IN_DECRYPT_FAILS)),
        ("Out encrypt failures", total(IpsecCounter.OUT_ENCRYPT_FAILS)),
        ("No SA failures", _counter32(events[IpsecEvents.NO_SA_FAILS])),
        ("Protocol use failures", _counter32(events[IpsecEvents.PROTOCOL_USE_FAILS])),
        ("System capacity failures", _counter32(events[IpsecEvents.CAPACITY_FAILS])),
        ("In authentication failures", total(IpsecCounter.IN_AUTH_FAILS)),
        ("Out authentication failures", total(IpsecCounter.OUT_AUTH_FAILS)),
    )


def _ipsec_tunnels(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return (_ipsec_tunnel_fields(tunnel, asked) for tunnel in asked.among(flow.ipsec_tunnels))


def _ipsec_tunnel_fields(tunnel: IpsecTunnel, asked: Asked) -> Iterator[Field]:
    yield "Index", tunnel.index
    yield from _ipsec_terms(tunnel.facts, asked.now - tunnel.start)
    yield "Total number of refreshes", tunnel.refreshes
    yield "Expired SA instances", tunnel.expired_sas
    yield "Current SA instances", len(tunnel.spis)
    yield from _ipsec_algorithms(tunnel.facts, asked.release)
    yield from _ipsec_counters(tunnel.counters, asked.now)


def _ipsec_history(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return (_ipsec_history_fields(row, asked) for row in asked.among(flow.ipsec_history))


def _ipsec_history_fields(row: IpsecHistory, asked: Asked) -> Iterator[Field]:
    """The SAs that a tunnel had at its end have expired with it; those of a check-pointed one are live."""
    live = row.current_sas if row.reason is EndReason.CHECKPOINT else 0
    yield "Reason", IPSEC_END[row.reason]
    yield "Index", row.index
    yield from _ipsec_terms(row.facts, row.active)
    yield "Total number of refreshes", row.refreshes
    yield "Expired SA instances", row.total_sas - live
    yield "Current SA instances", row.current_sas
    yield from _ipsec_algorithms(row.facts, asked.release)
    yield from _ipsec_counters(row.counters, asked.now)


def _ipsec_terms(facts: IpsecFacts, active: int) -> Iterator[Field]:
    yield "Local address", facts.local_address
    yield "Remote address", facts.remote_address
    yield "IPSEC keying", "IKE"
    yield "Encapsulation mode", None if facts.transport is None else 1 + facts.transport  # EncapMode: tunnel(1), transport(2)
    yield "Lifetime (KB)", facts.life_size
    yield "Lifetime (Sec)", facts.life_time
    yield "Active time", elapsed(active // SECOND)
    yield "Lifetime threshold (KB)", facts.life_size_threshold
    yield "Lifetime threshold (Sec)", facts.life_time_threshold


def _ipsec_algorithms(facts: IpsecFacts, release: Release) -> Iterator[Field]:
    """The labels of the two directions differ, as on IOS."""
    inbound, outbound = facts.inbound, facts.outbound
    yield "In SA DH group", _group(inbound)
    yield "In sa encrypt algorithm", _named(inbound.cipher)
    yield _IN_AH[release], _hmac(inbound.ah)
    yield "In SA ESP auth algo", _hmac(inbound.esp_auth)
    yield "In SA uncompress algorithm", _named(inbound.compression)
    yield "Out SA DH group", _group(outbound)
    yield "Out SA encryption algorithm", _named(outbound.cipher)
    yield "Out SA auth algorithm", _hmac(outbound.ah)
    yield "Out SA ESP auth algorithm", _hmac(outbound.esp_auth)
    yield "Out SA uncompress algorithm", _named(outbound.compression)


_IN_AH = {Release.CLASSIC: "In SA auth algorithm", Release.XE: "In SA AH auth algorithm"}


def _ipsec_counters(counters: CounterSource, now: int) -> Iterator[Field]:
    """IOS prints two of the labels a second time, after the octets of IPCOMP."""

    def counted(counter: IpsecCounter) -> int | None:
        return _counter32(counters.value(counter, now))

    uncompressed = counters.value(IpsecCounter.OUT_UNCOMP_OCTETS, now)
    yield "In octets", counters.value(IpsecCounter.IN_OCTETS, now)
    yield "Decompressed octets", counters.value(IpsecCounter.IN_DECOMP_OCTETS, now)
    yield "In packets", counted(IpsecCounter.IN_PACKETS)
    yield "In drops", counted(IpsecCounter.IN_DROPS)
    yield "In replay drops", counted(IpsecCounter.IN_REPLAY_DROPS)
    yield "In authentications", counted(IpsecCounter.IN_AUTHS)
    yield "In authentication failures", counted(IpsecCounter.IN_AUTH_FAILS)
    yield "In decrypts", counted(IpsecCounter.IN_DECRYPTS)
    yield "In decrypt failures", counted(IpsecCounter.IN_DECRYPT_FAILS)
    yield "Out octets", counters.value(IpsecCounter.OUT_OCTETS, now)
    yield "Out uncompressed octets", uncompressed
    yield "Out packets", counted(IpsecCounter.OUT_PACKETS)
    yield "Out drops", counted(IpsecCounter.OUT_DROPS)
    yield "Out authentications", counted(IpsecCounter.OUT_AUTHS)
    yield "Out authentication failures", counted(IpsecCounter.OUT_AUTH_FAILS)
    yield "Out encryptions", counted(IpsecCounter.OUT_ENCRYPTS)
    yield "Out encryption failures", counted(IpsecCounter.OUT_ENCRYPT_FAILS)
    yield "Compressed octets", _BY_IPCOMP
    yield "Decompressed octets", _BY_IPCOMP
    yield "Out uncompressed octets", uncompressed


def _endpoints(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    for tunnel in asked.among(flow.ipsec_tunnels):
        for index in range(1, tunnel.next_endpoint_index):
            pair = flow.endpoints.get((tunnel.index, index))
            if pair is not None:
                yield _endpoint_fields(tunnel.index, *pair)


def _endpoint_fields(tunnel: int, local: Endpoint, remote: Endpoint) -> Iterator[Field]:
    """The index is that of the tunnel, as on IOS."""
    yield "Index", tunnel
    yield "Local type", _ENDPOINT_KINDS[local.kind]
    yield "Local address", _endpoint_address(local)
    yield "Protocol", local.protocol
    yield "Local port", local.port
    yield "Remote type", _ENDPOINT_KINDS[remote.kind]
    yield "Remote address", _endpoint_address(remote)
    yield "Remote port", remote.port


def _endpoint_address(end: Endpoint) -> str:
    if end.kind == "address":
        return str(end.first)
    if end.kind == "subnet" and end.first.version == 6:
        return str(IPv6Network(f"{end.first}/{int(end.last).bit_count()}"))
    return f"{end.first} {end.last}"


def _spis(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return map(_spi_fields, asked.among(flow.ipsec_tunnels))


def _spi_fields(tunnel: IpsecTunnel) -> Iterator[Field]:
    yield "Tunnel Index", tunnel.index
    for spi in tunnel.spis:
        yield from _one_spi_fields(spi)


def _one_spi_fields(spi: Spi) -> Iterator[Field]:
    yield "SPI Index", spi.index
    yield "SPI Value", f"0x{spi.value:X}"
    yield "SPI Direction", "In" if spi.inbound else "Out"
    yield "SPI Protocol", spi.protocol.upper()
    yield "SPI Status", "Expiring" if spi.expiring else "Active"


def _ipsec_failures(flow: VrfFlow, asked: Asked) -> Iterator[Fields]:
    return map(_ipsec_failure_fields, asked.among(flow.ipsec_failures))


def _ipsec_failure_fields(row: IpsecFailure) -> Iterator[Field]:
    yield "Index", row.index
    yield "Reason", IPSEC_FAILURE[row.reason]
    yield "Failure time since reset", _since_reset(row.time)
    yield "Src address", row.source
    yield "Destination address", row.destination
    yield "SPI", None if row.spi is None else f"0x{row.spi:X}" if row.spi else 0


# --- values ---


def identity_type(identity: Identity | None, group: str | None = None) -> str:
    """The ID type (RFC 2407 §4.6.2.1), by the value, which is all that the monitor keeps. An unknown one is an address, as on IOS.

    `group` is the client group that names itself by an ID_KEY_ID.
    """
    if identity is None or identity.is_address:
        return "ID_IPV6_ADDR" if identity is not None and ":" in identity.value else "ID_IPV4_ADDR"
    if group is not None and identity.value == group:
        return "ID_KEY_ID"
    return next(name for form, name in _NAME_TYPES if form.search(identity.value))


# By the form of the value; the first that fits counts.
_NAME_TYPES = (
    (re.compile("="), "ID_DER_ASN1_DN"),
    (re.compile("@"), "ID_USER_FQDN"),
    (re.compile(r"^[\d.]+/\d+$"), "ID_IPV4_ADDR_SUBNET"),
    (re.compile(r"^[\da-f:]+/\d+$"), "ID_IPV6_ADDR_SUBNET"),
    (re.compile(r"^[\d.]+-[\d.]+$"), "ID_IPV4_ADDR_RANGE"),
    (re.compile(r"^[\da-f]*:[\da-f:]*-[\da-f:]+$"), "ID_IPV6_ADDR_RANGE"),
    (re.compile(""), "ID_FQDN"),
)
_MODES: dict[bool | None, str] = {False: "Main Mode", True: "Aggressive Mode"}
_AUTHENTICATIONS = {"pre-share": "psk", "rsa-sig": "rsig", "rsa-encr": "renc"}
_IKEV2_AUTHENTICATIONS = {"pre-share": "Psk", "rsa-sig": "Rsig", "ecdsa-sig": "Ecdsa", "eap": "Eap"}
_ENDPOINT_KINDS = {"address": "Single IP address", "range": "IP address range", "subnet": "Subnet"}


def _authentication(facts: IkeFacts) -> str | None:
    """One method in IKEv1; each end's own in IKEv2 ("localPskRemotePsk")."""
    if facts.version != 2:
        return _AUTHENTICATIONS.get(facts.authentication or "")
    local, remote = (_IKEV2_AUTHENTICATIONS.get(each or "") for each in (facts.local_authentication, facts.remote_authentication))
    return f"local{local}Remote{remote}" if local and remote else None


def _named(algorithm: str | None) -> str | None:
    return "None" if algorithm == NOT_USED else algorithm


def _hmac(algorithm: str | None) -> str | None:
    """IOS has one list of names for the hashes of ESP and AH."""
    return f"ESP_HMAC_{algorithm.upper()}" if algorithm not in (None, NOT_USED) else _named(algorithm)


def _group(algorithms: SaAlgorithms) -> object:
    return "None" if algorithms.group == 0 else algorithms.group


def _counter32(value: int | None) -> int | None:
    return None if value is None else value & 0xFFFFFFFF


def _since_reset(time: int) -> str:
    return elapsed(max(0, time) // SECOND)


IKE_END = {
    EndReason.OTHER: "other",
    EndReason.NORMAL: "normal",
    EndReason.OPERATOR: "operation request",
    EndReason.PEER_DELETE: "peer delete request",
    EndReason.PEER_LOST: "peer lost",
    EndReason.LOCAL_FAILURE: "local failure",
    EndReason.CHECKPOINT: "check point request",
}
IPSEC_END = {
    EndReason.OTHER: "Other",
    EndReason.LOCAL_FAILURE: "Other",
    EndReason.UNKNOWN_TO_PEER: "Other",
    EndReason.NORMAL: "Normal",
    EndReason.OPERATOR: "Operation request",
    EndReason.PEER_DELETE: "Peer delete request",
    EndReason.PEER_LOST: "Peer lost",
    EndReason.SEQUENCE_ROLLOVER: "Sequence number rollover",
    EndReason.CHECKPOINT: "Check point request",
}
IKE_FAILURE = {reason: reason.value for reason in IkeFailureReason} | {
    IkeFailureReason.OPERATOR: "operation request",
    IkeFailureReason.NO_SA: "non-existent SA",
    IkeFailureReason.CRL: "CRL failure",
}
IPSEC_FAILURE = {reason: reason.value.capitalize() for reason in IpsecFailureReason} | {
    IpsecFailureReason.OPERATOR: "Operation request",
    IpsecFailureReason.NO_SA: "Non-existent SA",
    IpsecFailureReason.SEQUENCE_ROLLOVER: "Sequence number rollover",
}

IKE_LISTINGS = {
    "failure": Listing(_ike_failures, 20),
    "global": Listing(_ike_global, 20, wide=True),
    "history": Listing(_ike_history, 0),
    "peer": Listing(_peers, 0),
    "tunnel": Listing(_ike_tunnels, 0),
}
IPSEC_LISTINGS = {
    "endpoint": Listing(_endpoints, 0),
    "failure": Listing(_ipsec_failures, 0),
    "global": Listing(_ipsec_global, 30, wide=True),
    "history": Listing(_ipsec_history, 28),
    "spi": Listing(_spis, 18),
    "tunnel": Listing(_ipsec_tunnels, 22),
}
