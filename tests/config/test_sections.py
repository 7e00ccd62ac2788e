"""Sections that IOS has and the grammar does not carry out: no line of theirs reaches another section, from a file or pasted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from agent.config.command import CommandSet
from agent.config.document import Document, check, load
from agent.config.errors import ConfigErrors
from agent.config.session import Outcome, Session

Read = Callable[[str], Document]

BEFORE = "interface FastEthernet0/0\nip address 10.1.1.1 255.255.255.0\n"

# Lines that enter a configuration mode, by the Cisco IOS command references.
OPENERS = """\
router bgp 65000
router ospf 1 vrf red
router eigrp named
router rip
router isis
ipv6 router ospf 1
route-map internet permit 10
key chain keys
ip explicit-path name far
class-map match-any voice
policy-map edge
parameter-map type inspect limits
zone security inside
zone-pair security out source inside destination outside
object-group network servers
time-range office
ip access-list role-based sgt
ipv6 access-list six
mac access-list extended macs
crypto map ipv6 six 10 ipsec-isakmp
crypto map group 10 gdoi
crypto ikev2 proposal strong
crypto ikev2 policy one
crypto ikev2 keyring peers
crypto ikev2 profile site
crypto gdoi group getvpn
crypto pki server ca
crypto pki certificate map branch 10
crypto pki profile enrollment url
crypto key pubkey-chain rsa
voice-port 0/1/0
voice service voip
voice class codec 1
dial-peer voice 1 voip
telephony-service
ephone 1
ephone-dn 1 dual-line
sip-ua
gateway
controller T1 0/0/0
line 0/0/0 0/0/15
ip sla 1
ip sla monitor 1
track 1 interface FastEthernet0/1 line-protocol
event manager applet watch
archive
kron policy-list save
flow record one
flow exporter two
flow monitor three
redundancy
call-home
bfd-template single-hop fast
template port
l2vpn xconnect context one
pseudowire-class mpls
bridge-domain 10
vlan 10
spanning-tree mst configuration
ip dhcp pool lan
aaa server radius proxy
tacacs server two
aaa group server tacacs+ three
aaa accounting multicast default
ldap server four
webvpn gateway one
ip nat pool wide prefix-length 24
ip flow-top-talkers
vpdn-group 1
bba-group pppoe global
map-class frame-relay shape
mpls traffic-eng lsp attributes one
dspfarm profile 1 conference
parser view junior
appfw policy-name web
crypto map group gdoi fail-close
ip sla responder twamp
device-tracking policy trunk
nat64 map-t domain 1
mka policy strong
l2vpn evpn
transport-map type persistent webui web
monitor session 1 type erspan-source
interface NoSuchThing7
"""


def feed(session: Session, text: str) -> list[Outcome]:
    return [session.feed(line) for line in text.splitlines()]


def refused(outcomes: list[Outcome]) -> list[bool]:
    return [outcome.problem is not None or outcome.refused for outcome in outcomes]


def reported(text: str, commands: CommandSet) -> list[int]:
    return [finding.line_number for finding in check(text, "x", commands)]


@pytest.mark.parametrize("opener", OPENERS.splitlines())
def test_a_section_that_is_not_understood_keeps_its_flat_lines(commands: CommandSet, opener: str) -> None:
    text = f"{BEFORE}{opener}\nshutdown\nip address 10.9.9.9 255.255.255.0\ndescription mine\nip host after 10.0.0.1\n"
    read = load(text, "x", commands)
    interface = read.config.interfaces["FastEthernet0/0"]
    assert (str(interface.address), interface.shutdown, interface.description) == ("10.1.1.1/24", False, None)
    assert list(read.config.hosts) == ["after"]
    assert reported(text, commands) == [3, 4, 5, 6]
    assert f"\n{opener}\nshutdown\nip address 10.9.9.9 255.255.255.0\ndescription mine\n" in read.render()
    assert load(read.render(), "x", commands).render() == read.render()


@pytest.mark.parametrize("opener", OPENERS.splitlines())
def test_pasted_it_is_refused_with_its_lines_up_to_its_exit(commands: CommandSet, opener: str) -> None:
    document = Document(commands)
    session = Session(document)
    pasted = f"{BEFORE}{opener}\nshutdown\nip address 10.9.9.9 255.255.255.0\nexit\nip host after 10.0.0.1\nexit\n"
    outcomes = feed(session, pasted)
    assert refused(outcomes) == [False, False, True, True, True, False, False, False]
    assert [outcome.left for outcome in outcomes] == [False] * 7 + [True]
    interface = document.config.interfaces["FastEthernet0/0"]
    assert (str(interface.address), interface.shutdown) == ("10.1.1.1/24", False)


def test_a_crypto_map_gets_no_line_of_another_and_an_interface_none_of_a_voice_port(commands: CommandSet) -> None:
    text = (
        "crypto map V4 10 ipsec-isakmp\nset peer 192.0.2.2\nset transform-set TS\nmatch address 101\n"
        "crypto map ipv6 V6 10 ipsec-isakmp\nset peer 2001:db8::2\nset transform-set TS6\nmatch address ACL6\n"
        "interface GigabitEthernet0/0\nip address 192.0.2.1 255.255.255.0\ncrypto map V4\nvoice-port 0/1/0\nshutdown\nend\n"
    )
    pasted = Document(commands)
    outcomes = feed(Session(pasted), text)
    assert [at for at, each in enumerate(refused(outcomes), 1) if each] == [5, 6, 7, 8, 12, 13]
    assert reported(text, commands) == [5, 6, 7, 8, 12, 13]
    for config in (load(text, "x", commands).config, pasted.config):
        (entry,) = config.crypto.maps["V4"].entries
        assert (entry.match_address, entry.transform_sets) == ("101", ("TS",))
        assert [str(peer) for peer in entry.peers] == ["192.0.2.2"]
        assert not config.interfaces["GigabitEthernet0/0"].shutdown


@pytest.mark.parametrize(
    "line", ["frobnicate 7", "crypto-isakmp profile other", "ip multicast-routing", "no router rip", "frame-relay switching"]
)
def test_after_any_other_line_those_that_only_a_sub_mode_has_are_for_nobody(commands: CommandSet, line: str) -> None:
    text = f"{BEFORE}{line}\nshutdown\ncrypto map m\n ip vrf forwarding red\nlogging console\nshutdown\n"
    pasted = Document(commands)
    outcomes = feed(Session(pasted), text)
    assert refused(outcomes) == [False, False, True, True, True, True, False, True]
    assert reported(text, commands) == [3, 4, 5, 6, 8]
    for config in (load(text, "x", commands).config, pasted.config):
        interface = config.interfaces["FastEthernet0/0"]
        assert (interface.shutdown, interface.crypto_map, interface.vrf) == (False, None, None)


@pytest.mark.parametrize(
    ("section", "line", "after"),
    [
        ("interface FastEthernet0/0", "ip nat inside", "crypto map m"),
        ("interface FastEthernet0/0", "no ip proxy-arp", "crypto map m"),
        ("interface Tunnel0", "ip tcp adjust-mss 1360", "tunnel source 10.1.1.1"),
        ("crypto map m 10 ipsec-isakmp", "set ikev2-profile p", "match address 101"),
        ("ip access-list extended e", "permit ip object-group a any", "permit ip any any"),
        ("crypto isakmp profile p", "virtual-template 1", "keyring k"),
        ("line vty 0 4", "access-class 10 in", "login local"),
    ],
)
def test_a_line_that_ios_has_in_a_mode_ends_no_section(document: Read, section: str, line: str, after: str) -> None:
    read = document(f"{section}\n{line}\n!\n{after}\n")
    assert f" {after}\n" in read.render()
    assert [finding.text for finding in read.unknown] == [line]
    session = Session(Document(read.commands))
    assert refused(feed(session, f"{section}\n{line}\n{after}")) == [False, True, False]


@pytest.mark.parametrize(
    ("opener", "own"),
    [("router rip", "version 2"), ("router isis", "hostname dynamic"), ("webvpn gateway g", "hostname gw"),
     ("ephone 1", "username cisco password cisco"), ("ip traffic-export profile p", "interface FastEthernet0/1")],
)  # fmt: skip
def test_a_line_of_the_section_that_looks_global_is_the_sections(commands: CommandSet, opener: str, own: str) -> None:
    empty = Document(commands)
    feed(Session(empty), f"{opener}\n{own}\nno shutdown\n")
    assert empty.render() == Document(commands).render()
    text = f"{opener}\n{own}\nip host b 10.0.0.1\n"
    read = load(text, "x", commands)
    assert f"\n{opener}\n{own}\n" in read.render()
    assert reported(text, commands) == [1, 2]
    assert list(read.config.hosts) == ["b"]


def test_a_section_inside_an_interface_keeps_its_flat_lines(document: Read) -> None:
    read = document(
        "interface FastEthernet0/0\nip address 10.1.1.1 255.0.0.0\nservice instance 10 ethernet\nshutdown\nexit\ncrypto map m\n"
    )
    assert not read.config.interfaces["FastEthernet0/0"].shutdown
    assert read.config.interfaces["FastEthernet0/0"].crypto_map == "m"
    assert " service instance 10 ethernet\n  shutdown\n crypto map m\n" in read.render()
    assert document(read.render()).render() == read.render()


# --- exit ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "router bgp 1\n neighbor 10.1.1.1 remote-as 2\n address-family ipv4 unicast\n  neighbor 10.1.1.1 activate\n exit\nexit",
        "router bgp 1\n  neighbor 10.1.1.1 remote-as 2\n  address-family ipv4 unicast\n    network 0.0.0.0\n  exit\n  exit",
        "router bgp 1\nneighbor 10.1.1.1 remote-as 2\naddress-family ipv4 unicast\nneighbor 10.1.1.1 activate\nexit\nexit",
        "router bgp 65000\n address-family ipv4\n  neighbor 10.1.1.1 activate\n exit-address-family\nexit",
        "router eigrp x\naddress-family ipv4 autonomous-system 1\naf-interface default\nshutdown\nexit-af-interface\nexit\nexit",
        "policy-map edge\nclass voice\npriority 100\nclass class-default\nfair-queue\nexit\nexit",
        "policy-map edge\n class voice\n  priority 100\n class class-default\n  exit\nexit",
        "archive\nlog config\nlogging enable\nexit\nexit",
        "crypto ikev2 keyring k\n peer one\n  address 192.0.2.2\n  pre-shared-key x\n !\n exit\nexit",
        "some section\n with lines\nexit",
        "crypto-isakmp profile p\nvrf red\nexit",
        "crypto isakmp policy 99999\n hash md5\nexit",
        "ip sla 1\n icmp-echo 10.1.1.1\n frequency 5\nexit",
    ],
)  # fmt: skip
def test_each_exit_closes_the_innermost_refused_section(commands: CommandSet, lines: str) -> None:
    document = Document(commands)
    session = Session(document)
    keyring = "crypto keyring K{0}\n pre-shared-key address 192.0.2.{0} key k{0}\nexit\n"
    before = feed(session, keyring.format(1))
    outcomes = feed(session, lines)
    after = feed(session, keyring.format(2))
    assert not any(refused(before + after))
    assert not any(outcome.left for outcome in before + outcomes + after)
    assert list(document.config.crypto.keyrings) == ["K1", "K2"]
    assert document.render().count("\n") == Document(commands).render().count("\n") + 5
    assert session.feed("exit").left


def test_a_comment_ends_no_section_of_ios(commands: CommandSet) -> None:
    """Cloud providers' downloads have comments inside `router bgp`; their lines lose their indentation on the way."""
    text = (
        "router bgp 65000\naddress-family ipv4 unicast\nneighbor 169.254.1.1 activate\n! the prefixes\n"
        "network 0.0.0.0\nexit\nexit\n"
        "voice-port 0/1/0\n!\nshutdown\nexit\nip host after 10.0.0.1\n"
    )
    session = Session(Document(commands))
    outcomes = feed(session, text)
    assert not any(outcome.left for outcome in outcomes)
    assert [at for at, each in enumerate(refused(outcomes), 1) if each] == [1, 2, 3, 5, 8, 10]
    read = load(text, "x", commands)
    assert [(finding.line_number, finding.under) for finding in read.unknown] == [(1, 0), (2, 1), (3, 1), (5, 1), (8, 0), (10, 8)]
    assert list(read.config.hosts) == ["after"]


@pytest.mark.parametrize(
    "line", ["ipv6 route ::/0 2001:db8::1", "crypto ikev2 dpd 10 2 on-demand", "ip sla schedule 1 life forever"]
)
def test_a_global_line_of_ios_begins_no_section(commands: CommandSet, line: str) -> None:
    assert commands.foreign.opened_by(line) is None


def test_an_exit_beyond_the_refused_sections_leaves_the_mode(commands: CommandSet) -> None:
    session = Session(Document(commands))
    feed(session, "interface Tunnel1\n ip address 10.1.1.1 255.255.255.0\n ip tcp adjust-mss 1360\n no such thing\nexit\n")
    assert session.prompt_suffix == "(config)#"
    assert session.feed("no such thing").problem is not None
    assert session.feed("exit").left


# --- typed ---------------------------------------------------------------------------------------------------------------


def test_a_line_typed_after_a_refused_one_is_read_as_ios_reads_it(hub: Document) -> None:
    session = Session(hub)
    for line in ("interface FastEthernet0/0", "frobnicate"):
        session.feed(line, typed=True)
    assert session.prompt_suffix == "(config-if)#"
    assert session.feed("  shutdown", typed=True).problem is None
    assert hub.config.interfaces["FastEthernet0/0"].shutdown
    session.feed("descripton slip", typed=True)
    session.feed("exit", typed=True)
    assert session.prompt_suffix == "(config)#"


def test_a_section_of_ios_leaves_the_mode_also_where_it_is_typed(hub: Document) -> None:
    session = Session(hub)
    for line in ("interface FastEthernet0/0", "voice-port 0/1/0"):
        session.feed(line, typed=True)
    assert session.prompt_suffix == "(config)#"
    assert session.feed("shutdown", typed=True).problem is not None
    assert not hub.config.interfaces["FastEthernet0/0"].shutdown


# --- texts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "macro name PORT\nhostname evil\nexit\n@\n",
        "macro name PORT\nhostname evil\nno shutdown@\n",
        "macro auto execute EVENT {if [[ $LINKUP == YES ]]; then\nhostname evil\nfi\n}\n",
        "banner config-save #\nhostname evil\n#\n",
        "ban con %\nhostname evil\n%\n",
        "BANNER CONFIG-SAVE ^C\nhostname evil\n^C\n",
        "aaa authentication banner *\nhostname evil\n*\n",
        "aaa authentication fail-message *Failed\nhostname evil\n*\n",
        "busy-message far #\nhostname evil\n#\n",
        "login-string far #\nhostname evil\n#\n",
        "menu Access title ^C\nhostname evil\n^C\n",
        "menu Access prompt /\nhostname evil\n/\n",
        "ip auth-proxy auth-proxy-banner http ^C\nhostname evil\n^C\n",
        "ip admission auth-proxy-banner telnet ^C\nhostname evil\n^C\n",
        "line vty 0 4\n refuse-message ^C\nhostname evil\n^C\n login local\n",
        "line 2\n vacant-message #\nhostname evil\nexit\n#\n login local\n",
        "parameter-map type webauth guests\n banner text ^C\nhostname evil\n^C\n",
        "crypto pki certificate chain ca\n certificate ca 01\n  30820252 308201BB\n  quit\n",
    ],
)
def test_no_line_of_a_text_is_a_command(commands: CommandSet, text: str) -> None:
    read = load(f"hostname good\n{text}ip host b 10.0.0.1\n", "x", commands)
    assert read.config.hostname == "good"
    assert list(read.config.hosts) == ["b"]
    assert f"\n{text}" in read.render()
    assert load(read.render(), "x", commands).render() == read.render()
    pasted = Document(commands)
    outcomes = feed(Session(pasted), f"hostname good\n{text}ip host b 10.0.0.1\n")
    assert pasted.config.hostname == "good"
    assert list(pasted.config.hosts) == ["b"]
    assert not any(outcome.left for outcome in outcomes)


# --- rendering -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("interface Serial0/0\ndefault interface Serial0/1\n ip address 10.1.0.1 255.0.0.0\n", "ip address 10.1.0.1 255.0.0.0"),
        ("interface FastEthernet0/0\ndefault interface FastEthernet0/1\n ip address 10.99\n", "ip address 10.99"),
        ("crypto dynamic-map d 1\n set transform-set t\nend\n reverse-route\n", "reverse-route"),
        ("interface FastEthernet0/0\nend\nip nat inside\n", "ip nat inside"),
        ("interface FastEthernet0/0\nend\nservice instance 1 ethernet\n shutdown\n", "service instance 1 ethernet"),
        ("shutdown\ninterface FastEthernet0/0\n", "shutdown"),
        ("crypto map m\ninterface FastEthernet0/0\n", "crypto map m"),
        ("interface FastEthernet0/0\n!\nend\nfrobnicate\nshutdown\n", "shutdown"),
    ],
)  # fmt: skip
def test_a_kept_line_outside_its_section_is_rendered_where_nothing_adopts_it(commands: CommandSet, text: str, stray: str) -> None:
    read = load(text, "x", commands)
    rendered = read.render()
    again = load(rendered, "x", commands)
    assert f"\n{stray}\n" in rendered
    assert again.render() == rendered
    assert again.config == read.config
    assert [finding.text for finding in again.unknown] == [finding.text for finding in read.unknown]


def _calls(work: Callable[[], object]) -> int:
    """How many functions of Python a piece of work calls."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "section", ["interface Loopback{0}\n ip nat inside\n", "interface Loopback{0}\n shutdown\n!\nfrobnicate {0}\n"]
)
def test_rendering_costs_what_there_is(commands: CommandSet, section: str) -> None:
    few, many = (load("".join(section.format(at) for at in range(number)), "x", commands) for number in (50, 400))
    assert _calls(many.render) < 10 * _calls(few.render)


@pytest.mark.parametrize("opening", ["interface Loopback0", "aaa group server radius g"])
def test_a_line_of_a_sub_mode_without_its_value_is_no_global_line(opening: str) -> None:
    """`ip vrf forwarding` would make a VRF of that name. IOS reads a line in the mode at hand: `% Incomplete command.`"""
    document = load("")
    session = Session(document)
    session.feed(opening, typed=True)
    outcome = session.feed("ip vrf forwarding", typed=True)
    assert outcome.problem is not None
    assert outcome.problem.kind == "incomplete"
    assert document.config.vrfs == {}
    with pytest.raises(ConfigErrors, match="ip vrf forwarding"):
        load(f"{opening}\n ip vrf forwarding\n")
