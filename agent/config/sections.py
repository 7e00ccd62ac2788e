"""Config room: sections and lines that IOS has and the grammar does not: where they begin, and their lines.

The tables follow the Cisco IOS command references: a command is a section where its page says that it enters a configuration mode.
Nothing here has an effect. The tables say only where a line belongs, so that no line reaches another section.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.config.grammar import Grammar, Match, SyntaxProblem


@dataclass(frozen=True, slots=True)
class Opener:
    """A line that begins a section.

    `inner` are the lines that begin a section inside it. `own` are lines of the section that a global command could be taken for:
    there they are the section's.
    """

    pattern: str
    inner: tuple[Opener, ...] = ()
    own: tuple[str, ...] = ()


def _plain(*patterns: str) -> tuple[Opener, ...]:
    return tuple(Opener(pattern) for pattern in patterns)


_EIGRP_FAMILY = _plain("af-interface <name:line>", "sf-interface <name:line>", "topology <name:line>")
_ROUTER = (
    Opener("address-family <family:line>", _EIGRP_FAMILY),
    Opener("service-family <family:line>", _EIGRP_FAMILY),
    *_plain("template {peer-policy|peer-session} <name:word>", "eid-table <table:line>", "instance-id <number:line>"),
    *_plain("locator-set <name:line>", "site <name:line>", "dynamic-eid <name:line>"),
)
_CLASS = Opener("class <name:line>", _plain("police <rate:line>"))
_USERNAME = ("username <name:line>",)

# Sections that begin at the global level.
GLOBAL_OPENERS: tuple[Opener, ...] = (
    # Routing: the IP routing command references.
    Opener("router <protocol:line>", _ROUTER, own=("version {1|2}", "hostname dynamic")),
    Opener("ipv6 router <protocol:line>", _ROUTER),
    Opener("key chain <name:line>", _plain("key <number:int(0-2147483647)>")),
    *_plain("route-map <name:line>", "ip policy-list <name:line>", "ip explicit-path {name|identifier} <name:line>"),
    *_plain("ip extcommunity-list {standard|expanded} <name:word>", "bfd-template {single-hop|multi-hop} <name:line>"),
    *_plain("oer {border|master}", "oer-map <name:line>", "pfr {border|master}", "pfr-map <name:line>"),
    *_plain("mpls traffic-eng lsp attributes <name:line>", "segment-routing <kind:line>", "ip rsvp policy local <name:line>"),
    *_plain("ipx router <protocol:line>", "ipx access-list {extended|sap|standard|summary} <name:line>"),
    *_plain("ip mobile router", "ipv6 mobile home-agent", "domain <name:line>"),
    # Addresses and names: IP addressing services.
    Opener("ip dhcp pool <name:line>", _plain("class <name:line>")),
    *_plain("ip dhcp class <name:line>", "ipv6 dhcp pool <name:line>", "ipv6 dhcp guard policy <name:line>"),
    *_plain("ip dns {view|view-list} <name:line>", "ip nat pool <name:word> {netmask|prefix-length} <rest:line>"),
    Opener("ip ddns update method <name:line>", _plain("http", "ddns")),
    *_plain("ipv6 nd {raguard|inspection} policy <name:line>", "device-tracking policy <name:line>"),
    *_plain("nat64 {map-e|map-t} domain <number:line>"),
    *_plain("ipv6 {snooping|source-guard|destination-guard|prefix-guard} policy <name:line>"),
    # Policy: quality of service, firewall, access lists.
    Opener("policy-map <name:line>", (_CLASS,)),
    *_plain(
        "class-map <name:line>", "table-map <name:line>", "map-class {atm|dialer|frame-relay} <name:line>", "map-list <name:line>"
    ),
    *_plain("parameter-map <name:line>", "zone security <name:line>", "zone-pair security <name:line>", "time-range <name:line>"),
    Opener("appfw policy-name <name:line>", _plain("application <name:line>")),
    *_plain(
        "object-group <kind:line>", "ip access-list {extended|fqdn|role-based|standard} <name:line>", "ipv6 access-list <name:word>"
    ),
    *_plain("ipv6 access-list role-based <name:line>", "mac access-list <name:line>", "arp access-list <name:line>"),
    *_plain("vlan access-map <name:line>", "ip ips {signature-category|signature-definition}", "ip host-list <name:line>"),
    *_plain("ip nbar {attribute-map|attribute-set} <name:line>", "ip igmp profile <number:line>"),
    Opener("ip traffic-export profile <name:line>", own=("interface <name:line>",)),
    *_plain("ip slb {dfp|firewallfarm|map|probe|serverfarm|vserver} <name:line>"),
    # Security: AAA, IPsec, PKI.
    *_plain("aaa group server <name:line>", "aaa attribute list <name:line>", "aaa cache profile <name:line>"),
    *_plain("aaa server radius {dynamic-author|policy-device|proxy}"),
    *_plain(
        "aaa accounting {auth-proxy|connection|dot1x|exec|identity|multicast|network|resource|system"
        "|commands <level:int(0-15)>} <list:word>"
    ),
    *_plain("radius server <name:line>", "tacacs server <name:line>", "ldap {attribute-map|server} <name:line>"),
    *_plain(
        "radius-server attribute list <name:line>",
        "eap profile <name:line>",
        "mka policy <name:line>",
        "identity {policy|profile} <name:line>",
    ),
    Opener("dot1x credentials <name:line>", own=_USERNAME),
    *_plain(
        "parser view <name:line>", "device-sensor filter-list <name:line>", "service-template <name:line>", "template <name:line>"
    ),
    *_plain(
        "crypto map ipv6 <name:word> <number:int(1-65535)> [<kind:line>]",
        "crypto map <name:word> <number:int(1-65535)> <kind:line>",
        "crypto map <name:word> gdoi fail-close",
    ),
    *_plain("crypto dynamic-map <name:line>", "crypto keyring <name:line>", "crypto identity <name:line>"),
    *_plain("crypto isakmp {policy|profile|peer} <name:line>", "crypto isakmp client configuration <name:line>"),
    Opener("crypto ikev2 keyring <name:line>", _plain("peer <name:line>")),
    *_plain("crypto ikev2 {proposal|policy|profile|name-mangler} <name:line>", "crypto ikev2 authorization policy <name:line>"),
    *_plain("crypto ikev2 client flexvpn <name:line>", "crypto ikev2 cluster"),
    Opener("crypto {gdoi|gkm} group <name:line>", (Opener("server local", _plain("sa ipsec <number:line>", "redundancy")),)),
    Opener("crypto ipsec client ezvpn <name:line>", own=_USERNAME),
    *_plain("crypto ipsec {profile|transform-set} <name:line>", "crypto ssl {policy|profile|proposal} <name:line>"),
    *_plain("crypto ssl authorization policy <name:line>", "crypto tls-tunnel <name:line>", "crypto ca identity <name:line>"),
    *_plain("crypto {ca|pki} {trustpoint|server} <name:line>", "crypto {ca|pki} certificate {chain|map} <name:line>"),
    *_plain(
        "crypto {ca|pki} profile enrollment <name:line>",
        "crypto pki trustpool policy",
        "crypto provisioning {petitioner|registrar}",
    ),
    Opener("crypto key pubkey-chain rsa", _plain("addressed-key <name:line>", "named-key <name:line>")),
    Opener("webvpn gateway <name:line>", own=("hostname <name:line>",)),
    *_plain("webvpn context <name:line>"),
    # Virtual routing and forwarding, interfaces, lines.
    *_plain(
        "ip vrf <name:line>", "vrf definition <name:line>", "interface <name:line>", "line <number:line>", "controller <name:line>"
    ),
    *_plain("control-plane <kind:line>", "dot11 ssid <name:line>", "transceiver type all", "vc-class atm <name:line>"),
    # Wide-area and layer 2.
    Opener("vpdn-group <name:line>", _plain("accept-dialin", "accept-dialout", "request-dialin", "request-dialout")),
    *_plain("vpdn-template <name:line>", "l2tp-class <name:line>", "pseudowire-class <name:line>", "bba-group <kind:line>"),
    *_plain("l2 vfi <name:line>", "l2vpn [evpn]", "l2vpn {evpn|vfi|xconnect} <name:line>", "bridge-domain <number:line>"),
    *_plain("vlan <number:word>", "vlan configuration <number:line>", "spanning-tree mst configuration"),
    Opener("ethernet cfm domain <name:line>", _plain("service <name:line>")),
    *_plain("ethernet evc <name:line>", "ethernet ring g8032 <name:line>", "ptp clock <kind:line>", "lane database <name:line>"),
    # Voice.
    *_plain(
        "voice-port <name:line>",
        "voice-card <number:line>",
        "dial-peer {data|voice} <name:line>",
        "dial-peer cor {custom|list <name:word>}",
    ),
    Opener("voice service <kind:line>", _plain("sip", "h323", "stun", "ip address trusted list")),
    Opener("voice register pool <number:line>", own=_USERNAME),
    *_plain("voice register {dialplan|dn|global|session-server|template} [<number:line>]", "voice class <kind:line>"),
    *_plain("voice {translation-profile|translation-rule|source-group|enum-match-table|hunt-group|moh-group} <name:line>"),
    *_plain(
        "voice {logout-profile|user-profile|lpcor} <name:line>", "voice {cause-code|mlpp}", "voice emergency response <kind:line>"
    ),
    *_plain("telephony-service", "call-manager-fallback", "sip-ua", "gateway", "presence", "credentials", "gw-accounting aaa"),
    Opener("ephone <number:int(1-9999)>", own=_USERNAME),
    *_plain("ephone-dn <number:line>", "ephone-hunt <number:line>", "ephone-template <number:line>"),
    *_plain(
        "ephone-dn-template <number:line>",
        "ephone-type <name:line>",
        "dspfarm profile <number:line>",
        "sccp ccm group <number:line>",
    ),
    *_plain(
        "mgcp profile <name:line>",
        "trunk group <name:line>",
        "translation-rule <number:int(1-2147483647)>",
        "settlement <number:line>",
    ),
    *_plain(
        "stcapp feature <kind:line>",
        "media {class|profile} <name:line>",
        "call filter match-list <number:line>",
        "rlm group <number:line>",
    ),
    Opener("application", _plain("service <name:line>", "package <name:line>", "global", "monitor")),
    # Management: IP SLAs, tracking, embedded event manager, NetFlow, archive.
    *_plain("ip sla <number:int(1-2147483647)>", "ip sla monitor <number:int(1-2147483647)>", "rtr <number:int(1-2147483647)>"),
    *_plain(
        "ip sla auto {endpoint-list|group|schedule|template} <name:line>", "ip sla ethernet-monitor <number:int(1-2147483647)>"
    ),
    *_plain(
        "track <number:int(1-1000)> [<kind:line>]", "event manager applet <name:line>", "kron {occurrence|policy-list} <name:line>"
    ),
    Opener("archive", _plain("log config")),
    Opener("call-home", _plain("profile <name:line>")),
    Opener(
        "redundancy",
        (Opener("application redundancy", _plain("group <number:line>", "protocol <number:line>")), *_plain("main-cpu")),
    ),
    *_plain(
        "flow {exporter|monitor|record} <name:line>", "flow-sampler-map <name:line>", "sampler <name:line>", "ip flow-top-talkers"
    ),
    *_plain("performance monitor context <name:line>", "monitor session <number:int(1-66)> type <kind:line>"),
    *_plain("ip sla {server|responder} twamp", "transport-map type <kind:line>", "pnp profile <name:line>"),
    *_plain("cns connect <name:line>", "cns template connect <name:line>", "wsma {agent|profile} <name:line>"),
    *_plain("telemetry ietf subscription <number:line>", "app-hosting appid <name:line>", "virtual-service <name:line>"),
)

# Global lines of IOS that begin no section, though an abbreviation or a name would make one of them.
_NO_OPENERS = (
    "{bfd|bridge|call|class|l2tp|map|object|policy|route|service|set|sip|table|time|virtual|vpdn} [<rest:line>]",
    "ipv6 route <rest:line>",
    "vlan {accounting|dot1q|filter|group|internal|mapping} [<rest:line>]",
    "crypto map <name:word> {client|gdoi|isakmp|isakmp-profile|local-address|redundancy} <rest:line>",
    "ip vrf {forwarding|receive|sitemap} [<rest:line>]",
)

# Sections that begin in a mode of the grammar.
_MODE_OPENERS: dict[str, tuple[Opener, ...]] = {
    "config-if": _plain("service instance <number:line>", "pvc <name:line>", "svc <name:line>"),
    "config-vrf-definition": _plain("address-family <family:line>"),
    "keyring": _plain("rsa-pubkey <name:line>"),
    "ssh-pubkey": (Opener("server <name:line>", _plain("key-string")),),
    "resource-policy": _plain("policy <name:line>", "user <name:line>"),
    "webvpn-context": _plain(
        "policy group <name:line>", "{cifs-url-list|nbns-list|port-forward|sso-server|url-list} <name:line>", "url rewrite"
    ),
}

_ENTRY = "[<number:int(1-2147483647)>] {permit|deny|remark|evaluate|dynamic} <rest:line>"
_VRF = (
    "{bgp|export|import|inter-as-hybrid|maximum|mdt|route-replicate|vnet|vpn} [<rest:line>]",
    "route-target <rest:line>",
    "description <rest:line>",
)

# Lines that IOS has in a mode of the grammar, which does not have them: they end no section.
_MODE_LINES: dict[str, tuple[str, ...]] = {
    "config-if": (
        "ip nat {enable|inside|outside}",
        "ip address {dhcp|negotiated|pool} [<rest:line>]",
        "ip {access-group|directed-broadcast|helper-address|hello-interval|hold-time"
        "|local-proxy-arp|mask-reply|mtu|nhrp} [<rest:line>]",
        "ip {proxy-arp|redirects|rip|split-horizon|summary-address|unnumbered"
        "|unreachables|verify|virtual-reassembly} [<rest:line>]",
        "ip {accounting|authentication|bandwidth-percent|load-sharing|policy|route-cache|security} [<rest:line>]",
        "ip tcp {adjust-mss|compression-connections|header-compression} [<rest:line>]",
        "ip flow {egress|ingress|monitor} [<rest:line>]",
        "ip nbar protocol-discovery [<rest:line>]",
        "ip inspect <name:word> {in|out}",
        "ip ospf {authentication|authentication-key|cost|dead-interval|hello-interval"
        "|message-digest-key|mtu-ignore|network|priority}"
        " [<rest:line>]",
        "ip ospf <number:int(1-65535)> area <rest:line>",
        "ip pim {dense-mode|dr-priority|query-interval|sparse-dense-mode|sparse-mode} [<rest:line>]",
        "ip igmp {access-group|helper-address|join-group|query-interval|static-group|version} [<rest:line>]",
        "ip rsvp bandwidth [<rest:line>]",
        "ip router isis [<rest:line>]",
        "ipv6 {address|enable|mtu|nhrp|redirects|traffic-filter|unnumbered|unreachables|verify|virtual-reassembly} [<rest:line>]",
        "ipv6 {ospf|rip} <rest:line>",
        "ipv6 router isis [<rest:line>]",
        "{cdp|lldp} {enable|receive|transmit}",
        "{bridge-group|carrier-delay|channel-group|delay|dialer-group|encapsulation|glbp"
        "|hold-queue|mac-address|max-reserved-bandwidth}"
        " <rest:line>",
        "{media-type|mop|negotiation|peer|ppp|pppoe|pppoe-client|priority-group|rate-limit|service-policy|standby|storm-control}"
        " <rest:line>",
        "{switchport|traffic-shape|tunnel|tx-ring-limit|vrrp|xconnect} [<rest:line>]",
        "dialer {enable-timeout|idle-timeout|in-band|map|persistent|pool|pool-member|remote-name|string} [<rest:line>]",
        "mpls {ip|mtu <size:int(64-65535)>|bgp forwarding}",
        "spanning-tree {bpdufilter|bpduguard|cost|guard|link-type|port-priority|portfast} [<rest:line>]",
        "zone-member security <zone:word>",
        "crypto ipsec {client ezvpn|df-bit|fragmentation} <rest:line>",
        "{bandwidth|fair-queue|keepalive|load-interval|qos pre-classify} [<rest:line>]",
        "clock {rate|source} <rest:line>",
        "crypto map <name:word> redundancy <rest:line>",
        "bfd interval <rest:line>",
        "logging event <rest:line>",
        "snmp trap <rest:line>",
        "ntp {broadcast|disable|multicast} [<rest:line>]",
        "frame-relay {class|interface-dlci|intf-type|lmi-type|map|traffic-shaping} [<rest:line>]",
    ),
    "crypto-map": (
        "set {group|identity|ikev2-profile|ip|isakmp-profile|nat|peer|pfs|reverse-route} <rest:line>",
        "set {security-association|security-policy|session-key|transform-set} <rest:line>",
        "match {address|certificate} <rest:line>",
        "qos pre-classify",
        "reverse-route <rest:line>",
    ),
    "ipsec-profile": (
        "set {identity|ikev2-profile|isakmp-profile|mixed-mode|pfs|reverse-route|security-association} [<rest:line>]",
        "set {security-policy|transform-set} <rest:line>",
        "{redundancy|responder-only} [<rest:line>]",
    ),
    "isakmp-profile": (
        "{local-address|qos-group|virtual-template} <rest:line>",
        "match {certificate|identity} <rest:line>",
        "client <rest:line>",
    ),
    "isakmp-group": (
        "{access-restrict|auto-update|backup-gateway|browser-proxy|configuration|dhcp"
        "|firewall|group-lock|include-local-lan} [<rest:line>]",
        "{max-logins|max-users|netmask|pfs|save-password|split-dns|wins} [<rest:line>]",
    ),
    "isakmp-policy": ("{authentication|encryption|group|hash|lifetime} <rest:line>",),
    "isakmp-peer": ("set aggressive-mode <rest:line>",),
    "transform-set": ("mode <rest:line>",),
    "keyring": ("{description|local-address|pre-shared-key} <rest:line>",),
    "trustpoint": (
        "{authorization|auto-enroll|chain-validation|crl|eku|enrollment|hash|ip-address"
        "|match|password|primary|regenerate} [<rest:line>]",
        "{revocation-check|root|serial-number|source|storage|subject-alt-name|subject-name|usage|vrf} [<rest:line>]",
    ),
    "config-vrf": _VRF,
    "config-vrf-definition": _VRF,
    "config-vrf-af": _VRF,
    "config-ext-nacl": (_ENTRY,),
    "config-std-nacl": (_ENTRY,),
    "config-line": (
        "{absolute-timeout|access-class|accounting|authorization|autocommand|autohangup"
        "|autoselect|databits|escape-character} <rest:line>",
        "{exec|exec-banner|flowcontrol|history|location|modem|monitor|motd-banner|no-exec"
        "|notify|parity|rotary|session-timeout} [<rest:line>]",
        "{rxspeed|session-limit|speed|terminal-type|transport|txspeed} <rest:line>",
        "login <rest:line>",
        "logging synchronous <rest:line>",
        "ipv6 access-class <rest:line>",
        "{refuse-message|vacant-message} [<rest:line>]",
    ),
    "server-group": (
        "{accounting|attribute|authorization|backoff|cache|deadtime|load-balance|server|server-private} <rest:line>",
        "ip {radius|tacacs} source-interface <rest:line>",
        "ip vrf forwarding <name:word>",
    ),
    "radius-server": ("{address|attribute|description|dtls|key|key-wrap|pac|retransmit|timeout} <rest:line>",),
    "dynamic-author": ("{client|domain|dtls|ignore|server-key|tls} <rest:line>",),
    "accounting-list": ("{action-type|group|logger} [<rest:line>]",),
    "control-plane": ("{management-interface|service-policy} <rest:line>",),
    "gatekeeper": (
        "{accounting|alias|arq|bandwidth|endpoint|gw-type-prefix|load-balance|lrq"
        "|security|server|timer|use-proxy|zone} <rest:line>",
    ),
    "webvpn-context": (
        "{aaa|default-group-policy|gateway|login-message|logo|max-users|secondary-color|title|title-color} <rest:line>",
    ),
}

_TOP = "config"


class ForeignSections:
    """Reads lines by the tables of this file. Built once, with the commands."""

    def __init__(self) -> None:
        self._grammar: Grammar[Opener | None] = Grammar()
        self._declare(_TOP, GLOBAL_OPENERS)
        self._declare_lines(_TOP, _NO_OPENERS)
        for mode, openers in _MODE_OPENERS.items():
            self._declare(mode, openers)
        for mode, lines in _MODE_LINES.items():
            self._declare_lines(f"line {mode}", lines)

    def opened_by(self, line: str) -> Opener | None:
        """The section that a line begins at the global level."""
        return self._target(_TOP, line)

    def opened_in(self, mode: str, line: str) -> Opener | None:
        """The section that a line begins in a mode of the grammar."""
        return self._target(mode, line)

    def opened_inside(self, opener: Opener, line: str) -> Opener | None:
        """The section that a line begins inside another one."""
        return self._target(_inner(opener), line)

    def owns(self, opener: Opener, line: str) -> bool:
        """Whether a line that could be a global command is the section's."""
        return self._read(_own(opener), line) is not None

    def belongs_to(self, mode: str, line: str) -> bool:
        """Whether IOS has a line, or its `no` form, in a mode of the grammar, which does not have it."""
        word, _, rest = line.strip().partition(" ")
        undone = rest if word.lower() in ("no", "default") else line
        found = [match for match in (self._read(f"line {mode}", undone), self._read(mode, line)) if match is not None]
        if not found or any(match.exact for match in found):
            return bool(found)
        spelt_out = self._read(_TOP, line)  # `zone security` is no `zone-member security`
        return spelt_out is None or not spelt_out.exact

    def _declare(self, table: str, openers: Iterable[Opener]) -> None:
        for opener in openers:
            self._grammar.declare(table, opener.pattern, opener)
            self._declare(_inner(opener), opener.inner)
            self._declare_lines(_own(opener), opener.own)

    def _declare_lines(self, table: str, patterns: Iterable[str]) -> None:
        for pattern in patterns:
            self._grammar.declare(table, pattern, None)

    def _target(self, table: str, line: str) -> Opener | None:
        found = self._read(table, line)
        return found.target if found is not None else None

    def _read(self, table: str, line: str) -> Match[Opener | None] | None:
        try:
            return self._grammar.parse(table, line)
        except SyntaxProblem:
            return None


def _inner(opener: Opener) -> str:
    return f"inner {opener.pattern}"


def _own(opener: Opener) -> str:
    return f"own {opener.pattern}"
