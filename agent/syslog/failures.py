"""Syslog room: the messages of refused IKE messages and IPsec packets (IOS's facility CRYPTO).

Two tables say which messages a fault has, with severity and mnemonic. The engine limits how often it tells of faults.
docs/failures.md says which of the texts were compared with those of IOS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from agent.flow.model import Endpoint, connection_of
from agent.flow.monitor import FlowMonitor
from agent.flow.records import DefaultsUsed, IkeMessageRefused, IkeTunnelEnded, PacketRefused
from agent.flow.refusals import DefaultsKind, MessageFault, PacketFault
from agent.syslog.message import Message, Severity

FACILITY = "CRYPTO"
RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True)
class Form(Generic[RecordT]):
    """One message: `text` makes its text of a record. It gives None where the record lacks what the message is about."""

    severity: Severity
    mnemonic: str
    text: Callable[[RecordT, FlowMonitor], str | None]


# --- IKE ---


def _mode_failure(record: IkeMessageRefused, monitor: FlowMonitor) -> str | None:
    if record.exchange is None:
        return None
    return f"Processing of {record.exchange.value.capitalize()} mode failed with peer at {record.remote_address}"


def _authentication(record: IkeMessageRefused, monitor: FlowMonitor) -> str | None:
    method = _METHODS.get(record.authentication or "")
    return None if method is None else f"Authentication method {method} failed with host {record.remote_address}"


# RFC 2409 appendix A.
_METHODS = {"pre-share": 1, "rsa-sig": 3, "rsa-encr": 4}

_MODE_FAILURE = Form(Severity.INFORMATIONAL, "IKMP_MODE_FAILURE", _mode_failure)
_IKE: Mapping[MessageFault, tuple[Form[IkeMessageRefused], ...]] = MappingProxyType(
    {
        MessageFault.MALFORMED: (
            Form(
                Severity.WARNINGS,
                "IKMP_BAD_MESSAGE",
                lambda record, _: f"IKE message from {record.remote_address} failed its sanity check or is malformed",
            ),
        ),
        MessageFault.PROPOSAL: (_MODE_FAILURE,),
        MessageFault.REFUSED: (_MODE_FAILURE,),
        MessageFault.NOT_AUTHENTIC: (Form(Severity.INFORMATIONAL, "IKMP_AUTH_FAIL", _authentication), _MODE_FAILURE),
        MessageFault.CERTIFICATE: (
            Form(
                Severity.NOTIFICATIONS,
                "IKMP_INVAL_CERT",
                lambda record, _: f"Certificate received from {record.remote_address} is bad: certificate invalid",
            ),
            _MODE_FAILURE,
        ),
        MessageFault.CRL: (
            Form(
                Severity.NOTIFICATIONS,
                "IKMP_INVAL_CERT",
                lambda record, _: f"Certificate received from {record.remote_address} is bad: CA request failed!",
            ),
            _MODE_FAILURE,
        ),
        MessageFault.DISABLED: (
            Form(
                Severity.NOTIFICATIONS,
                "IKMP_AG_MODE_DISABLED",
                lambda record, _: "Unable to initiate or respond to Aggressive Mode while disabled",
            ),
        ),
        MessageFault.IN_THE_CLEAR: (
            Form(
                Severity.INFORMATIONAL,
                "IKMP_NOT_ENCRYPTED",
                lambda record, _: f"IKE packet from {record.remote_address} was not encrypted and it should've been.",
            ),
        ),
        MessageFault.NO_SA: (
            Form(
                Severity.WARNINGS,
                "IKMP_NO_SA",
                lambda record, _: f"IKE message from {record.remote_address} has no SA and is not an initialization offer",
            ),
        ),
        MessageFault.NOT_DECRYPTED: (
            Form(
                Severity.INFORMATIONAL,
                "IKMP_CRYPT_FAILURE",
                lambda record, _: f"IKE (connection id {record.index}) unable to decrypt packet",
            ),
        ),
        MessageFault.NOT_ENCRYPTED: (
            Form(
                Severity.INFORMATIONAL,
                "IKMP_CRYPT_FAILURE",
                lambda record, _: f"IKE (connection id {record.index}) unable to encrypt packet",
            ),
        ),
    }
)


# --- packets ---


def _replayed(record: PacketRefused, monitor: FlowMonitor) -> str:
    connection = connection_of(record.index, inbound=True)
    return f"decrypt: replay check failed connection id={connection}, sequence number={record.sequence}"


def _not_authentic(record: PacketRefused, monitor: FlowMonitor) -> str:
    connection = connection_of(record.index, inbound=True)
    ends = f"local={record.destination} remote={record.source}"
    return f"decrypt: mac verify failed for connection id={connection} {ends} spi={record.spi:08X} seqno={record.sequence:08X}"


def _no_sa(record: PacketRefused, monitor: FlowMonitor) -> str:
    spi = f"spi=0x{record.spi:X}({record.spi})"
    whose = f"destaddr={record.destination}, prot={record.protocol}, {spi}, srcaddr={record.source}"
    return f"decaps: rec'd IPSEC packet has invalid spi for {whose}"


def _bad_length(record: PacketRefused, monitor: FlowMonitor) -> str:
    name = _PROTOCOLS.get(record.protocol, "ip")
    return f"decapsulate: packet has bad {name} length destadr={record.destination}, prot={record.protocol}, len={record.length}"


_PROTOCOLS = {50: "esp", 51: "ah"}


def _wrong_flow(record: PacketRefused, monitor: FlowMonitor) -> str | None:
    inner, tunnel = record.inner, monitor.ipsec_tunnels.get(record.index)
    if inner is None or tunnel is None:
        return None
    facts = tunnel.facts
    local, remote = _proxy(facts.local), _proxy(facts.remote)
    packet = f"(ip) dest_addr= {inner.destination}, src_addr= {inner.source}, prot= {inner.protocol}"
    identity = f"(ident) local={facts.local_address}, remote={facts.remote_address}, local_proxy={local}, remote_proxy={remote}"
    return f"identity doesn't match negotiated identity {packet} {identity}"


def _proxy(endpoints: tuple[Endpoint, ...]) -> str:
    """The first selector of an end, as address, mask, protocol and port."""
    end = endpoints[0]
    mask = "255.255.255.255" if end.kind == "address" else end.last
    return f"{end.first}/{mask}/{end.protocol or 0}/{end.port or 0}"


def _not_protected(record: PacketRefused, monitor: FlowMonitor) -> str:
    addresses = f"vrf/dest_addr= {record.vrf or ''}/{record.destination}, src_addr= {record.source}"
    return f"Rec'd packet not an IPSEC packet. (ip) {addresses}, prot= {record.protocol}"


_PACKETS: Mapping[PacketFault, Form[PacketRefused]] = MappingProxyType(
    {
        PacketFault.NO_SA: Form(Severity.WARNINGS, "RECVD_PKT_INV_SPI", _no_sa),
        PacketFault.REPLAYED: Form(Severity.WARNINGS, "PKT_REPLAY_ERR", _replayed),
        PacketFault.NOT_AUTHENTIC: Form(Severity.WARNINGS, "RECVD_PKT_MAC_ERR", _not_authentic),
        PacketFault.BAD_LENGTH: Form(Severity.WARNINGS, "RECVD_PKT_MSG_LEN_ERR", _bad_length),
        PacketFault.WRONG_FLOW: Form(Severity.WARNINGS, "RECVD_PKT_INV_IDENTITY", _wrong_flow),
        PacketFault.NOT_PROTECTED: Form(Severity.WARNINGS, "RECVD_PKT_NOT_IPSEC", _not_protected),
    }
)


# --- what else there is ---


def _left_alone(record: IkeTunnelEnded, monitor: FlowMonitor) -> str:
    address = record.facts.remote_address
    clear = f"Do 'clear crypto sa peer {address}'"
    return f"IKE SA manually deleted. {clear} to manually clear IPSec SA's covered by this IKE SA."


_MANUAL_DELETE = Form(Severity.INFORMATIONAL, "ISAKMP_MANUAL_DELETE", _left_alone)
_DEFAULTS: Mapping[DefaultsKind, Form[DefaultsUsed]] = MappingProxyType(
    {
        DefaultsKind.ISAKMP_POLICIES: Form(
            Severity.INFORMATIONAL, "IKMP_POLICY_DEFAULT", lambda record, _: "Using ISAKMP Default policies"
        ),
        DefaultsKind.TRANSFORM_SETS: Form(
            Severity.NOTIFICATIONS, "IPSEC_DEFAULT_TRANSFORM", lambda record, _: "Using Default IPsec transform-set"
        ),
    }
)


def _made(form: Form[RecordT], record: RecordT, monitor: FlowMonitor) -> Iterator[Message]:
    text = form.text(record, monitor)
    if text is not None:
        yield Message(FACILITY, form.severity, form.mnemonic, text)


def of_message(record: IkeMessageRefused, monitor: FlowMonitor) -> Iterator[Message]:
    """The messages of a refused IKE message."""
    for form in _IKE[record.fault]:
        yield from _made(form, record, monitor)


def of_packet(record: PacketRefused, monitor: FlowMonitor) -> Iterator[Message]:
    """The message of a refused packet."""
    yield from _made(_PACKETS[record.fault], record, monitor)


def of_defaults(record: DefaultsUsed, monitor: FlowMonitor) -> Iterator[Message]:
    """The message of a negotiation with default settings."""
    yield from _made(_DEFAULTS[record.what], record, monitor)


def of_deleted(record: IkeTunnelEnded, monitor: FlowMonitor) -> Iterator[Message]:
    """The message of an IKE SA that an operator has deleted (`of_deleted` is for those alone), and that leaves IPsec SAs behind."""
    peer = monitor.vrf(record.vrf).peers.get(record.peer)
    if peer is not None and peer.ipsec_tunnels:
        yield from _made(_MANUAL_DELETE, record, monitor)
