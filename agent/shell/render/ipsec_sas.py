"""Shell room: `show crypto ipsec sa` in its forms.

The lines are those of the Cisco IOS Security Command Reference. IOS XE has more of them: the MTU of the plain text, PFS, flags of a
pair of SAs. What is not known has no line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.engine.flows import FlowGroup, ProtectedFlow
from agent.engine.transforms import transforms_of_sa
from agent.flow.counters import Counts, IpsecCounter
from agent.flow.model import ISAKMP_PORTS, NO_GROUP, NOT_USED, Address, Endpoint, IpsecTunnel, SaAlgorithms, Spi
from agent.shell.releases import Release

_STATUS = {Release.CLASSIC: "ACTIVE", Release.XE: "ACTIVE(ACTIVE)"}
_DIRECTIONS = (True, False)
_PROTOCOLS = ("esp", "ah", "pcp")
_FIRST_FLOW = 2000  # a connection id less this is the number of the SA's flow in the crypto engine
_TUNNEL_FLAG = 0x40
_PAIR_FLAG = 0x80000000
_NO_COUNTS: Counts = (0,) * len(IpsecCounter)
# Octets of an initialization vector (RFC 2405, RFC 2451, RFC 3602, RFC 4106), and of an ICV (RFC 2403, RFC 2404, RFC 4868).
_IV_OCTETS = {"des": 8, "3des": 8, "aes": 16, "null": 0}
_AEAD_IV_OCTETS = 8
_ICV_OCTETS = {"md5": 12, "sha": 12, "sha256": 16, "sha384": 24, "sha512": 32}
_AEAD_ICV_OCTETS = 16
_IP_OCTETS, _UDP_OCTETS, _ESP_OCTETS, _AH_OCTETS, _TRAILER_OCTETS = 20, 8, 8, 12, 2


@dataclass(frozen=True, slots=True)
class Port:
    """The interface that the packets of a flow leave by, and the size of its largest IP packet."""

    name: str
    mtu: int


@dataclass(frozen=True, slots=True)
class SaScene:
    """What the lines of SAs need beside the flows. `window` is the replay window of new SAs, 0 for none.

    `ports` are by the interface that carries the map or the protection. `counted` tells a counter of a tunnel as it is to be shown.
    """

    release: Release
    now: int
    window: int
    ports: Mapping[str, Port]
    counted: Callable[[IpsecTunnel, IpsecCounter], int | None]
    detail: bool = False


# --- the forms ---


def flow_lines(groups: Iterable[FlowGroup], scene: SaScene, with_sas: bool = True) -> Iterator[str]:
    """Every flow under its interface, with its counters and, unless its identity alone is wanted, its SAs."""
    shown: str | None = None
    for group in groups:
        first = True
        for flow in group.flows:
            if first:
                first = False
                if shown != (group.interface or ""):
                    shown = group.interface or ""
                    yield f"interface: {group.interface or '(none)'}"
                yield f"    Crypto map tag: {group.map_name or '(none)'}, local addr {group.local}"
                yield ""
            yield from _identity_lines(flow, scene.release)
            yield from _count_lines(flow, scene)
            yield ""
            if with_sas:
                yield from _end_point_lines(group, flow, scene)
                yield ""
                yield from _sa_lists(flow, scene)


class SasByAddress:
    """SAs by the address that their packets go to, with its VRF, and by protocol."""

    def __init__(self) -> None:
        self.found: dict[tuple[str | None, Address], dict[str, list[Spi]]] = {}

    def add(self, tunnel: IpsecTunnel) -> None:
        vrf, facts = tunnel.peer.at.front_vrf, tunnel.facts
        ends = facts.remote_address, facts.local_address
        for spi in tunnel.spis:
            there = self.found.setdefault((vrf, ends[spi.inbound]), {})
            there.setdefault(_shown_protocol(spi), []).append(spi)


def address_lines(tunnels: SasByAddress, scene: SaScene) -> Iterator[str]:
    """`show crypto ipsec sa address`: every SA by the address that its packets go to."""
    for (vrf, address), found in tunnels.found.items():
        yield f"fvrf/address: {vrf or '(none)'}/{address}"
        for protocol in filter(found.__contains__, _PROTOCOLS):
            yield f"   protocol: {protocol.upper()}"
            for spi in found[protocol]:
                yield from _sa_lines(spi, scene)
        yield ""


def count_line(active: int, rekeying: int) -> str:
    """`show crypto ipsec sa count`: SAs that carry traffic, and those that a rekey has replaced."""
    return f"IPsec SA total: {active + rekeying}, active: {active}, rekeying: {rekeying}, unused: 0, invalid: 0"


# --- one flow ---


def _identity_lines(flow: ProtectedFlow, release: Release) -> Iterator[str]:
    yield f"   protected vrf: {flow.inside_vrf or '(none)'}"
    for local, remote in flow.pairs:
        yield f"   local  ident (addr/mask/prot/port): {_ident(local, remote)}"
        yield f"   remote ident (addr/mask/prot/port): {_ident(remote, local)}"
    yield f"   current_peer {flow.peer} port {flow.tunnel.peer.ends.remote_port if flow.tunnel else ISAKMP_PORTS[0]}"
    peers_choice = release is Release.CLASSIC and _is_open_template(flow)
    yield f"     PERMIT, flags={{{'' if peers_choice else 'origin_is_acl,'}}}"


def _is_open_template(flow: ProtectedFlow) -> bool:
    """Whether the flow is the peer's choice: it comes from a dynamic map whose template has no access list."""
    return flow.tunnel is not None and flow.tunnel.facts.template is not None and flow.tunnel.facts.acl_name is None


def _ident(end: Endpoint, other: Endpoint) -> str:
    """One end of a selector as IOS writes it."""
    number = end.protocol or other.protocol or 0
    mask: object = IPv4Address((1 << 32) - 1) if isinstance(end.first, IPv4Address) else 128
    first: object = end.first
    if end.kind == "subnet":
        mask = end.last if isinstance(end.last, IPv4Address) else bin(int(end.last)).count("1")
    elif end.kind == "range" and end.first != end.last:
        first = f"{end.first}-{end.last}"
    return f"({first}/{mask}/{number}/{end.port or 0})"


def _count_lines(flow: ProtectedFlow, scene: SaScene) -> Iterator[str]:
    tunnel = flow.tunnel
    counted = tuple(scene.counted(tunnel, counter) for counter in IpsecCounter) if tunnel else _NO_COUNTS
    table = _DETAILED if scene.detail else _PLAIN
    for line, *sums in (*_CARRIED, *table):
        values = [_sum(counted, each) for each in sums]
        if None not in values:
            yield f"    {line.format(*values)}"


_Sum = tuple[tuple[IpsecCounter, int], ...]  # counters, each with the factor that it is added with


def _plus(*counters: IpsecCounter) -> _Sum:
    return tuple((counter, 1) for counter in counters)


def _less(whole: IpsecCounter, *parts: IpsecCounter) -> _Sum:
    return ((whole, 1), *((counter, -1) for counter in parts))


def _sum(counted: Counts, sums: _Sum) -> int | None:
    total = 0
    for counter, factor in sums:
        value = counted[counter]
        if value is None:
            return None
        total += factor * value
    return total


_C = IpsecCounter
# A line, and what stands in its places. Nothing here compresses, and packets are not tagged (TrustSec).
_CARRIED: tuple[tuple[str, *tuple[_Sum, ...]], ...] = (
    (
        "#pkts encaps: {}, #pkts encrypt: {}, #pkts digest: {}",
        _plus(_C.OUT_PACKETS),
        _plus(_C.OUT_ENCRYPTS),
        _plus(_C.OUT_AUTHS),
    ),
    (
        "#pkts decaps: {}, #pkts decrypt: {}, #pkts verify: {}",
        _plus(_C.IN_PACKETS),
        _plus(_C.IN_DECRYPTS),
        _plus(_C.IN_AUTHS),
    ),
    ("#pkts compressed: 0, #pkts decompressed: 0",),
    ("#pkts not compressed: 0, #pkts compr. failed: 0",),
    ("#pkts not decompressed: 0, #pkts decompress failed: 0",),
)
_PLAIN = (("#send errors {}, #recv errors {}", _plus(_C.OUT_DROPS), _plus(_C.IN_DROPS, _C.IN_REPLAY_DROPS)),)
_DETAILED = (
    ("#pkts no sa (send) {}, #pkts invalid sa (rcv) 0", _less(_C.OUT_DROPS, _C.OUT_ENCRYPT_FAILS, _C.OUT_AUTH_FAILS)),
    (
        "#pkts encaps failed (send) {}, #pkts decaps failed (rcv) {}",
        _plus(_C.OUT_ENCRYPT_FAILS, _C.OUT_AUTH_FAILS),
        _plus(_C.IN_DECRYPT_FAILS),
    ),
    ("#pkts invalid prot (recv) 0, #pkts verify failed: {}", _plus(_C.IN_AUTH_FAILS)),
    (
        "#pkts invalid identity (recv) {}, #pkts invalid len (rcv) 0",
        _less(_C.IN_DROPS, _C.IN_DECRYPT_FAILS, _C.IN_AUTH_FAILS),
    ),
    ("#pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0",),
    ("##pkts replay failed (rcv): {}", _plus(_C.IN_REPLAY_DROPS)),
    ("#pkts tagged (send): 0, #pkts untagged (rcv): 0",),
    ("#pkts not tagged (send): 0, #pkts not untagged (rcv): 0",),
    ("#pkts internal err (send): 0, #pkts internal err (recv) 0",),
)


def _end_point_lines(group: FlowGroup, flow: ProtectedFlow, scene: SaScene) -> Iterator[str]:
    local = flow.tunnel.peer.ends.local_address if flow.tunnel else group.local
    yield f"     local crypto endpt.: {local}, remote crypto endpt.: {flow.peer}"
    port = scene.ports.get(group.interface or "")
    if port is not None:
        path = f"path mtu {port.mtu}, ip mtu {port.mtu}, ip mtu idb {port.name}"
        plain = f"plaintext mtu {_plain_mtu(flow.tunnel, port.mtu)}, " if scene.release is Release.XE else ""
        yield f"     {plain}{path}"
    current = _current_spi(flow.tunnel)
    yield f"     current outbound spi: 0x{current:X}({current})"
    if scene.release is Release.XE:
        yield f"     {_pfs(flow)}"


def _current_spi(tunnel: IpsecTunnel | None) -> int:
    """The SPI that packets leave with; 0 without one."""
    if tunnel is None:
        return 0
    outbound = [spi for spi in tunnel.spis if not spi.inbound and not spi.expiring]
    outbound.sort(key=lambda spi: (spi.protocol == "esp", spi.index))
    return outbound[-1].value if outbound else 0


def _pfs(flow: ProtectedFlow) -> str:
    if flow.tunnel is not None:
        group = flow.tunnel.facts.outbound.group if flow.tunnel.facts.pfs else None
    else:
        group = flow.protection.entry.pfs_group if flow.protection else None
    return "PFS (Y/N): N, DH group: none" if group in (None, NO_GROUP) else f"PFS (Y/N): Y, DH group: group{group}"


# --- SAs ---


def _sa_lists(flow: ProtectedFlow, scene: SaScene) -> Iterator[str]:
    spis = flow.tunnel.spis if flow.tunnel else ()
    for inbound in _DIRECTIONS:
        for protocol in _PROTOCOLS:
            yield f"     {'inbound' if inbound else 'outbound'} {protocol} sas:"
            for spi in spis:
                if spi.inbound is inbound and _shown_protocol(spi) == protocol:
                    yield from _sa_lines(spi, scene)
            yield ""


def _shown_protocol(spi: Spi) -> str:
    return "pcp" if spi.protocol == "ipcomp" else spi.protocol


def _sa_lines(spi: Spi, scene: SaScene) -> Iterator[str]:
    facts = spi.facts
    algorithms = facts.inbound if spi.inbound else facts.outbound
    yield f"      spi: 0x{spi.value:X}({spi.value})"
    transforms = transforms_of_sa(algorithms, spi.protocol)
    if transforms:
        yield f"        transform: {' '.join(transforms)} ,"
    if facts.transport is not None:
        udp = " UDP-Encaps" if _is_udp(spi.tunnel) else ""
        yield f"        in use settings ={{{'Transport' if facts.transport else 'Tunnel'}{udp}, }}"
    yield f"        {_connection(spi, scene)}"
    timing = _timing(spi, scene.now)
    if timing:
        yield f"        sa timing: remaining key lifetime {timing}"
    iv = _iv_octets(algorithms) if spi.protocol == "esp" else None
    if iv is not None:
        yield f"        IV size: {iv} bytes"
    window = f"  replay window size: {scene.window}" if scene.detail and scene.window and scene.release is Release.XE else ""
    yield f"        replay detection support: {'Y' if scene.window else 'N'}{window}"
    yield f"        Status: {_STATUS[scene.release]}"


def _is_udp(tunnel: IpsecTunnel) -> bool:
    """Whether ESP goes in UDP: the ends have left port 500 (RFC 3948)."""
    return tunnel.peer.ends.local_port == ISAKMP_PORTS[1]


def _connection(spi: Spi, scene: SaScene) -> str:
    number = spi.connection
    flags = _PAIR_FLAG | (0 if spi.facts.transport else _TUNNEL_FLAG)
    pair = f", sibling_flags {flags:08X}" if scene.release is Release.XE else ""
    return f"conn id: {number}, flow_id: SW:{number - _FIRST_FLOW}{pair}, crypto map: {spi.facts.map_name or '(none)'}"


def _timing(spi: Spi, now: int) -> str:
    seconds, kilobytes = spi.seconds_left(now), spi.kilobytes_left(now)
    left = [(unit, value) for unit, value in (("k", kilobytes), ("sec", seconds)) if value is not None]
    return f"({'/'.join(unit for unit, _ in left)}): ({'/'.join(str(value) for _, value in left)})" if left else ""


def _is_aead(algorithms: SaAlgorithms) -> bool:
    return algorithms.cipher is not None and algorithms.cipher.startswith(("aes-", "chacha"))


def _iv_octets(algorithms: SaAlgorithms) -> int | None:
    return _AEAD_IV_OCTETS if _is_aead(algorithms) else _IV_OCTETS.get(algorithms.cipher or "")


def _plain_mtu(tunnel: IpsecTunnel | None, path: int) -> int:
    """The largest packet that fits the path once it is sealed (RFC 4303 §2, RFC 4302 §2)."""
    if tunnel is None:
        return path
    facts = tunnel.facts
    algorithms = facts.outbound
    room = path - _IP_OCTETS - (_UDP_OCTETS if _is_udp(tunnel) else 0)
    if algorithms.ah not in (None, NOT_USED):
        room -= _AH_OCTETS + _ICV_OCTETS.get(algorithms.ah or "", 0)
    if facts.protocol == "esp":
        iv = _iv_octets(algorithms) or 0
        icv = _AEAD_ICV_OCTETS if _is_aead(algorithms) else _ICV_OCTETS.get(algorithms.esp_auth or "", 0)
        room -= _ESP_OCTETS + iv + icv
        block = 4 if _is_aead(algorithms) or not iv else iv
        room -= room % block + _TRAILER_OCTETS
    return room + (_IP_OCTETS if facts.transport else 0)
