"""Configure mode: sub-modes, carets, IOS's words, and the events of each line."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from agent.config.command import CommandSet
from agent.config.crypto_model import IsakmpPolicy
from agent.config.document import Document, load
from agent.config.events import (
    ConfigEvent,
    CryptoChanged,
    CryptoMapAdded,
    CryptoMapAttached,
    CryptoMapDeleted,
    CryptoMapDetached,
    HistorySizeSet,
    HostnameSet,
    InterfaceChanged,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
    RoutingChanged,
    SnmpChanged,
    TrapTypesSet,
    VrfChanged,
)
from agent.config.line_model import settings_of
from agent.config.session import Session

Feed = Callable[..., list[ConfigEvent]]


@pytest.fixture
def session(hub: Document) -> Session:
    return Session(hub)


@pytest.fixture
def feed(session: Session) -> Feed:
    """Types lines, none of which may be refused; returns the events of the last."""

    def typed(*lines: str) -> list[ConfigEvent]:
        events: list[ConfigEvent] = []
        for line in lines:
            outcome = session.feed(line)
            assert outcome.problem is None, line
            assert not outcome.refused, outcome.output
            events = list(outcome.events)
        return events

    return typed


# --- modes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("interface FastEthernet 1/0", "(config-if)#"),
        ("int s1/2.1", "(config-subif)#"),
        ("ip vrf red", "(config-vrf)#"),
        ("vrf definition blue", "(config-vrf)#"),
        ("crypto isakmp policy 5", "(config-isakmp)#"),
        ("crypto keyring k", "(conf-keyring)#"),
        ("crypto isakmp profile p", "(conf-isa-prof)#"),
        ("crypto isakmp peer address 10.2.2.9", "(config-isakmp-peer)#"),
        ("crypto ipsec transform t esp-aes esp-sha-hmac", "(cfg-crypto-trans)#"),
        ("crypto ipsec profile p", "(ipsec-profile)#"),
        ("crypto map m 10 ipsec-isakmp", "(config-crypto-map)#"),
        ("crypto map vrf1-1 10", "(config-crypto-map)#"),
        ("crypto dynamic-map d 10", "(config-crypto-map)#"),
        ("crypto map m 20 ipsec-isakmp dynamic d", "(config)#"),
        ("ip access-list standard s", "(config-std-nacl)#"),
        ("ip access-list extended e", "(config-ext-nacl)#"),
        ("line vty 0 4", "(config-line)#"),
        ("hostname x", "(config)#"),
    ],
)
def test_each_section_has_its_prompt(session: Session, feed: Feed, line: str, prompt: str) -> None:
    feed(line)
    assert session.prompt_suffix == prompt


def test_a_global_command_leaves_a_sub_mode(session: Session, feed: Feed) -> None:
    feed("crypto isakmp policy 7", "hash md5", "crypto isakmp policy 8", "group 2")
    assert session.prompt_suffix == "(config-isakmp)#"
    feed("no ip http server")
    assert session.prompt_suffix == "(config)#"


def test_exit_goes_up_and_end_goes_out(session: Session, feed: Feed) -> None:
    feed("vrf definition blue", "address-family ipv4")
    assert session.prompt_suffix == "(config-vrf-af)#"
    feed("exit")
    assert session.prompt_suffix == "(config-vrf)#"
    feed("exit")
    assert not session.feed("hostname a").left
    assert session.feed("exit").left
    feed("interface Tunnel0")
    assert session.feed("end").left
    assert session.prompt_suffix == "(config)#"


def test_a_refused_line_leaves_the_mode_as_it_was(session: Session, feed: Feed) -> None:
    feed("crypto isakmp policy 7")
    assert session.feed("frobnicate").problem is not None
    assert session.prompt_suffix == "(config-isakmp)#"


def test_the_text_of_a_refused_banner_is_no_command(hub: Document, session: Session) -> None:
    hostname, pasted = hub.config.hostname, ["banner config-save ^C", "hostname evil", "exit", "^C"]
    outcomes = [session.feed(line) for line in pasted]
    assert [bool(outcome.problem) for outcome in outcomes] == [False, False, False, True]
    assert (hub.config.hostname, session.prompt_suffix) == (hostname, "(config)#")
    assert not any(outcome.left for outcome in outcomes)


def test_what_stands_under_a_refused_line_is_not_for_the_section_before_it(hub: Document, session: Session) -> None:
    before = hub.render()
    pasted = (
        "interface FastEthernet0/0\nobject-group network n\n !\n host 10.1.1.1\n shutdown\ncrypto isakmp policy 99999\n shutdown"
    )
    outcomes = [session.feed(line) for line in pasted.splitlines()]
    assert [outcome.problem is None for outcome in outcomes] == [True, False, True, False, False, False, False]
    assert hub.render() == before
    assert session.feed("shutdown").problem is not None
    assert session.feed("interface FastEthernet0/0").problem is None
    assert session.feed("shutdown").problem is None


def test_each_refused_line_of_a_paste_is_marked_at_its_own_mistake(session: Session) -> None:
    """As IOS marks it, whatever was refused before it."""
    pasted = ("logging trap 9", "service sequence-numbers foo", "logging facility local8", " logging trap debugging x", "hostname")
    problems = [session.feed(line).problem for line in pasted]
    assert [(problem.kind, problem.column) for problem in problems if problem is not None] == [
        ("invalid", len("logging trap ")),
        ("invalid", len("service sequence-numbers ")),
        ("invalid", len("logging facility ")),
        ("invalid", len(" logging trap debugging ")),
        ("incomplete", len("hostname")),
    ]


def test_do_hands_the_rest_of_the_line_on(hub: Document) -> None:
    asked: list[str] = []

    def run(command: str) -> list[str]:
        asked.append(command)
        return ["10:00:00"]

    session = Session(hub, run)
    session.feed("interface Tunnel0")
    assert session.feed("do show clock").output == ("10:00:00",)
    assert asked == ["show clock"]
    assert session.prompt_suffix == "(config-if)#"


def test_a_section_removed_by_another_session_is_left(hub: Document, session: Session, feed: Feed) -> None:
    feed("crypto isakmp policy 7")
    Session(hub).feed("no crypto isakmp policy 7")
    assert session.feed("hash md5").problem is not None
    assert session.prompt_suffix == "(config)#"
    assert 7 not in hub.config.crypto.policies


# --- log-in sequences of programs ----------------------------------------------------------------------------------------


def test_what_unicon_types_is_accepted(session: Session, feed: Feed) -> None:
    feed("no logging console", "line console 0", "exec-timeout 0", "line vty 0 4", "exec-timeout 0")
    assert session.feed("end").left


def test_a_banner_is_a_text_between_delimiters_and_written_with_those_of_ios(hub: Document, session: Session, feed: Feed) -> None:
    feed("interface FastEthernet0/0", "banner motd #", "hostname evil", " two  blanks", "#")
    assert hub.config.banners == {"motd": "\nhostname evil\n two  blanks\n"}
    assert session.prompt_suffix == "(config)#"
    assert "banner motd ^C\nhostname evil\n two  blanks\n^C\n!\n" in hub.render()
    feed("banner login x Ask x", "no banner motd")
    assert hub.config.banners == {"login": " Ask "}


def test_the_lines_of_a_line_hold_for_its_numbers(hub: Document, session: Session, feed: Feed) -> None:
    feed("line vty 0 4", "exec-timeout 5", "privilege level 15", "history size 50", "line vty 3 7", "exec-timeout 0 30")
    feed("no logging synchronous", "no motd-banner")
    assert settings_of(hub.config.lines, "vty", 0).idle_seconds == 300
    assert settings_of(hub.config.lines, "vty", 4).idle_seconds == 30
    assert settings_of(hub.config.lines, "vty", 4).privilege == 15
    assert settings_of(hub.config.lines, "vty", 9).idle_seconds == settings_of({}, "con", 0).idle_seconds == 600
    assert "line vty 3 7\n exec-timeout 0 30\n no motd-banner\n" in hub.render()
    feed("no exec-timeout")
    assert settings_of(hub.config.lines, "vty", 3).idle_seconds is None
    feed("default exec-timeout", "no line vty 3 7")
    assert settings_of(hub.config.lines, "vty", 7) == settings_of({}, "vty", 7)
    assert session.feed("line vty 4 0").problem is not None


def test_console_lines_are_written_as_ios_writes_them(hub: Document, feed: Feed) -> None:
    feed("line console 0", "exec-timeout 0")
    assert "line con 0\n exec-timeout 0 0\n" in hub.render()
    assert hub.render().count("line con 0") == 1


# --- IOS's words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("crypto mib ipsec flowmib history tunnel size 0", 45),
        ("crypto mib ipsec flowmib history tunnel size 65536", 45),
        ("crypto mib ipsec flowmib history failure size many", 46),
        ("crypto iakmp policy 1", 7),
        ("crypto-isakmp profile x", 0),
        ("crypto isakmp policy 10001", 21),
        ("snmp-server packetsize 100", 23),
        ("snmp-server community c RX RO", 27),
        ("ip route 10.0.0.0 255.0.255.0 10.1.1.1", 18),
        ("interface Nothing0", 10),
        ("snmp-server host nobody.example.com public", 17),
    ],
)
def test_a_wrong_word_gets_ioss_caret_and_changes_nothing(hub: Document, session: Session, line: str, column: int) -> None:
    before = hub.render()
    outcome = session.feed(line)
    assert outcome.problem is not None
    assert outcome.problem.render(12) == [" " * (12 + column) + "^", "% Invalid input detected at '^' marker.", ""]
    assert outcome.events == ()
    assert hub.render() == before


def test_a_size_without_number_is_incomplete(session: Session) -> None:
    problem = session.feed("crypto mib ipsec flowmib history tunnel size").problem
    assert problem is not None
    assert problem.render(10)[0] == "% Incomplete command."


def test_a_description_has_at_most_80_characters(session: Session, feed: Feed) -> None:
    feed("crypto isakmp peer address 10.2.2.9", "description " + "x" * 80)
    assert session.feed("description " + "x" * 81).problem is not None


def test_an_incomplete_map_is_noted_once(session: Session) -> None:
    note = ("% NOTE: This new crypto map will remain disabled until a peer", "and a valid access list have been configured.")
    assert session.feed("crypto map testmap 10 ipsec-isakmp").output == note
    assert session.feed("crypto map testmap 10 ipsec-isakmp").output == ()
    assert session.feed("crypto map testmap 20 ipsec-isakmp dynamic d").output == ()


def test_a_new_entry_needs_its_kind(session: Session, hub: Document) -> None:
    outcome = session.feed("crypto map testmap 10")
    assert outcome.refused
    assert outcome.output == ("% Incomplete command.",)
    assert "testmap" not in hub.config.crypto.maps


def test_a_trap_host_is_resolved_by_ip_host_lines(hub: Document, session: Session, feed: Feed) -> None:
    feed("ip name-server 172.16.0.1", "ip host nms1.example.com 192.0.2.7")
    outcome = session.feed("snmp-server host nms1.example.com public ipsec isakmp")
    assert outcome.output == ('Translating "nms1.example.com"...domain server (172.16.0.1) [OK]',)
    assert hub.config.snmp.hosts["192.0.2.7", None, "public", 162].types == ("ipsec", "isakmp")


def test_joining_a_vrf_takes_the_address_away(hub: Document, session: Session, feed: Feed) -> None:
    feed("interface FastEthernet0/0")
    outcome = session.feed("ip vrf forwarding vrf1")
    assert outcome.output == ("% Interface FastEthernet0/0 IP address 10.1.38.25 removed due to enabling VRF vrf1",)
    assert hub.config.interfaces["FastEthernet0/0"].address is None
    assert session.feed("ip vrf forwarding vrf1").output == ()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["interface Fa0/0", "ip vrf forwarding nowhere"], "% VRF nowhere not configured."),
        (["no interface FastEthernet0/0"], "% Removal of physical interfaces is not permitted"),
        (["interface Fa0/0", "no ip address 10.9.9.9 255.0.0.0"], "% Invalid address"),
        (["no ip route 10.99.0.0 255.255.0.0 10.1.1.1"], "%No matching route to delete"),
        (["crypto map vrf1-1 10 ipsec-manual"], "Attempt to change the type of an existing crypto map entry is not allowed."),
    ],
)
def test_what_ios_refuses_in_words(hub: Document, session: Session, lines: list[str], words: str) -> None:
    for line in lines[:-1]:
        session.feed(line)
    before = hub.render()
    outcome = session.feed(lines[-1])
    assert outcome.refused
    assert outcome.output == (words,)
    assert hub.render() == before


def test_help_lists_the_sub_modes_words(session: Session, feed: Feed) -> None:
    feed("crypto isakmp policy 7")
    words = [word for word, _ in session.help_at("")]
    assert words == ["authentication", "default", "do", "encryption", "end", "exit", "group", "hash", "lifetime", "no"]
    assert [word for word, _ in session.help_at("no ")] == ["authentication", "encryption", "group", "hash", "lifetime"]
    assert [word for word, _ in session.help_at("lifetime ")] == ["<60-86400>"]
    assert session.complete("auth") == "authentication "
    assert session.complete("no snmp-server en") == "no snmp-server enable "


# --- events --------------------------------------------------------------------------------------------------------------


def test_a_map_entry_is_added_changed_and_deleted(hub: Document, feed: Feed) -> None:
    [added] = feed("crypto map new 10 ipsec-isakmp")
    assert isinstance(added, CryptoMapAdded)
    assert (added.entry.name, added.entry.sequence) == ("new", 10)
    assert feed("set peer 10.1.1.1") == [CryptoChanged()]
    assert feed("set peer 10.1.1.1") == []
    feed("match address 101", "set transform-set tset")
    entry = hub.config.crypto.maps["new"].entries[0]
    assert entry.complete
    assert feed("no crypto map new 10") == [CryptoMapDeleted(entry)]
    assert "new" not in hub.config.crypto.maps


def test_removing_a_map_deletes_each_entry(feed: Feed) -> None:
    feed("crypto map vrf1-1 20 ipsec-isakmp", "crypto map vrf1-1 5 ipsec-isakmp dynamic d")
    events = feed("no crypto map vrf1-1")
    assert [event.entry.sequence for event in events if isinstance(event, CryptoMapDeleted)] == [5, 10, 20]
    assert len(events) == 3


def test_what_is_said_of_a_whole_map_is_no_entry(hub: Document, feed: Feed) -> None:
    assert feed("crypto map world client accounting list acc") == [CryptoChanged()]
    assert hub.config.crypto.maps["world"].entries == ()
    assert feed("no crypto map world client accounting list") == [CryptoChanged()]
    assert "world" not in hub.config.crypto.maps


def test_a_map_is_detached_attached_and_exchanged(feed: Feed) -> None:
    name = "Serial1/2.1"
    assert feed(f"interface {name}", "no crypto map") == [CryptoMapDetached("vrf1-1", name)]
    assert feed("no crypto map") == []
    assert feed("crypto map vrf1-1") == [CryptoMapAttached("vrf1-1", name)]
    assert feed("crypto map vrf1-1") == []
    assert feed("crypto map vrf2-1") == [CryptoMapDetached("vrf1-1", name), CryptoMapAttached("vrf2-1", name)]
    assert feed("no crypto map vrf1-1") == []


def test_a_policy_is_added_at_its_line_and_changed_after(feed: Feed) -> None:
    assert feed("crypto isakmp policy 30") == [IsakmpPolicyAdded(IsakmpPolicy(30))]
    assert feed("encryption aes 256") == [CryptoChanged()]
    assert feed("crypto isakmp policy 30") == []
    assert feed("no crypto isakmp policy 30") == [IsakmpPolicyDeleted(IsakmpPolicy(30, encryption="aes", key_bits=256))]


def test_history_sizes_are_told_even_when_unchanged(hub: Document, feed: Feed) -> None:
    for _ in range(2):
        assert feed("crypto mib ipsec flowmib history tunnel size 130") == [HistorySizeSet(failure=False, size=130)]
    assert feed("crypto mib ipsec flowmib history failure size 140") == [HistorySizeSet(failure=True, size=140)]
    assert feed("no crypto mib ipsec flowmib history tunnel size") == [HistorySizeSet(failure=False, size=200)]
    assert "history tunnel" not in hub.render()


CRYPTOMAP = {"ipsec cryptomap add", "ipsec cryptomap delete", "ipsec cryptomap attach", "ipsec cryptomap detach"}
TUNNEL = {"ipsec tunnel start", "ipsec tunnel stop"}
ISAKMP = {"isakmp policy add", "isakmp policy delete", "isakmp tunnel start", "isakmp tunnel stop"}


@pytest.mark.parametrize(
    ("types", "leaves"),
    [
        ("ipsec cryptomap add", {"ipsec cryptomap add"}),
        ("ipsec cryptomap", CRYPTOMAP),
        ("ipsec", CRYPTOMAP | TUNNEL | {"ipsec too-many-sas"}),
        ("ipsec isakmp", CRYPTOMAP | TUNNEL | {"ipsec too-many-sas"} | ISAKMP),
        ("isakmp tunnel stop policy", {"isakmp tunnel stop", "isakmp policy add", "isakmp policy delete"}),
        ("ipsec cryptomap add delete tunnel", {"ipsec cryptomap add", "ipsec cryptomap delete"} | TUNNEL),
        ("tty config", {"tty", "config"}),
        ("snmp linkup coldstart", {"snmp linkup", "snmp coldstart"}),
    ],
)
def test_trap_types_are_spelt_out_into_their_leaves(hub: Document, feed: Feed, types: str, leaves: set[str]) -> None:
    hub.config.snmp.traps.clear()
    assert feed(f"snmp-server enable traps {types}") == [TrapTypesSet(frozenset(leaves), enabled=True)]
    assert hub.config.snmp.traps == leaves
    assert feed(f"no snmp-server enable traps {types}") == [TrapTypesSet(frozenset(leaves), enabled=False)]
    assert hub.config.snmp.traps == set()


def test_turning_off_what_is_on_by_default_is_remembered(hub: Document, feed: Feed, commands: CommandSet) -> None:
    feed("no snmp-server enable traps ipsec tunnel start")
    assert hub.config.snmp.traps_disabled == {"ipsec tunnel start"}
    assert "\nno snmp-server enable traps ipsec tunnel start\n" in hub.render()
    assert load(hub.render(), "x", commands).config.snmp.traps_disabled == {"ipsec tunnel start"}
    feed("snmp-server enable traps ipsec")
    assert hub.config.snmp.traps_disabled == set()


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (["hostname other"], [HostnameSet("other")]),
        (["hostname ipsecf-3745b"], []),
        (["snmp-server community public RO"], [SnmpChanged()]),
        (["no snmp-server community abc1"], [SnmpChanged()]),
        (["ip vrf red"], [VrfChanged("red")]),
        (["ip vrf vrf1", "context other"], [VrfChanged("vrf1")]),
        (["interface Tunnel0"], [InterfaceChanged("Tunnel0")]),
        (["interface Fa0/0", "shutdown"], [InterfaceChanged("FastEthernet0/0")]),
        (["ip route 0.0.0.0 0.0.0.0 10.1.38.1"], [RoutingChanged()]),
        (["access-list 101 permit icmp any any"], [RoutingChanged()]),
        (["no access-list 101"], [RoutingChanged()]),
        (["crypto isakmp key secret address 10.1.1.77"], [CryptoChanged()]),
        (["crypto keyring vrf1-1", "no pre-shared-key address 10.1.1.1 255.255.255.0"], [CryptoChanged()]),
        (["crypto ipsec transform-set t esp-aes 256 esp-sha256-hmac"], [CryptoChanged()]),
        (["crypto ipsec security-association lifetime seconds 3600"], [CryptoChanged()]),
        (["crypto dynamic-map d 10"], [CryptoChanged()]),
        (["no crypto isakmp default policy"], [CryptoChanged()]),
        (["default crypto isakmp default policy"], []),
        (["ntp server 10.1.1.1"], []),
        (["! a comment"], []),
    ],
)
def test_each_line_tells_what_it_changed(feed: Feed, lines: list[str], events: list[ConfigEvent]) -> None:
    assert feed(*lines) == events


def test_removing_a_vrf_frees_its_interfaces(hub: Document, feed: Feed) -> None:
    events = feed("no ip vrf vrf1")
    assert VrfChanged("vrf1") in events
    assert InterfaceChanged("Serial1/2.1") in events
    assert hub.config.interfaces["Serial1/2.1"].address is None
    assert {route.vrf for route in hub.config.routes} == {None, "vrf2"}


def test_removing_an_interface_takes_its_map_off(feed: Feed) -> None:
    assert feed("no interface Serial1/2.1") == [CryptoMapDetached("vrf1-1", "Serial1/2.1"), InterfaceChanged("Serial1/2.1")]


# --- no and default ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_up", "undo"),
    [
        (["crypto isakmp policy 1", "encryption 3des"], "no encryption"),
        (["crypto isakmp policy 1", "group 5"], "default group"),
        (["crypto isakmp policy 1", "lifetime 600"], "no lifetime 600"),
        (["logging console warnings"], "no logging console"),
        (["interface Fa0/0", "description words of mine"], "no description"),
        (["interface Serial1/1", "no shutdown"], "shutdown"),
        (["crypto isakmp keepalive 10 3 periodic"], "no crypto isakmp keepalive"),
        (
            ["crypto ipsec security-association replay window-size 128"],
            "no crypto ipsec security-association replay window-size",
        ),
        (["crypto map vrf1-1 10", "set pfs group2"], "no set pfs"),
        (["crypto map vrf1-1 10", "set security-association lifetime seconds 600"], "no set security-association lifetime seconds"),
        (["snmp-server contact somebody"], "no snmp-server contact"),
        (
            ["snmp-server host 10.9.9.9 version 2c public udp-port 1162"],
            "no snmp-server host 10.9.9.9 version 2c public udp-port 1162",
        ),
        (["snmp-server view v iso included", "snmp-server view v ifEntry.*.7 excluded"], "no snmp-server view v"),
        (["snmp-server user u g v3 auth sha passwords1"], "no snmp-server user u g v3"),
        (["access-list 20 permit 10.0.0.0 0.255.255.255"], "no access-list 20"),
        (["ip access-list extended e"], "no ip access-list extended e"),
        (["username bob privilege 15 secret 5 $1$x"], "no username bob"),
        (["ip domain lookup"], "no ip domain lookup"),
        (["interface Serial1/0", "keepalive"], "no keepalive"),
        (["aaa accounting update periodic 5"], "no aaa accounting update"),
        (["line con 0", "exec-timeout 5 30"], "exec-timeout 0 0"),
    ],
)
def test_the_no_form_undoes(hub: Document, feed: Feed, set_up: list[str], undo: str) -> None:
    feed("no logging console")
    before = hub.render()
    feed(*set_up)
    if undo not in ("no snmp-server user u g v3",):
        assert hub.render() != before
    feed(undo)
    assert hub.render() == before


def test_the_default_form_of_what_is_on_turns_it_on(hub: Document, feed: Feed) -> None:
    feed("default logging console", "default ip domain lookup")
    assert hub.config.logging.console.on
    assert hub.config.domain_lookup


def test_an_interface_is_set_to_its_defaults(session: Session, hub: Document, feed: Feed) -> None:
    """Its map is taken off, and IOS says what it did."""
    outcome = session.feed("default interface s1/2.1")
    assert outcome.output == ("Building configuration...", "", "Interface Serial1/2.1 set to default configuration")
    assert [type(event) for event in outcome.events] == [CryptoMapDetached, InterfaceChanged]
    assert "interface Serial1/2.1 point-to-point\n no ip address\n!" in hub.render()


def test_an_access_list_grows_at_its_end_and_named_ones_by_number(hub: Document, feed: Feed) -> None:
    feed("access-list 101 permit udp 10.0.0.5 0.0.0.255 gt 1023 any eq isakmp log", "access-list 101 remark that was it")
    assert [line for line in hub.render().splitlines() if line.startswith("access-list 101")] == [
        "access-list 101 permit ip host 10.22.1.1 host 10.20.1.1",
        "access-list 101 permit udp 10.0.0.0 0.0.0.255 gt 1023 any eq isakmp log",
        "access-list 101 remark that was it",
    ]
    feed("ip access-list extended e", "permit ip any any", "5 deny 47 host 10.0.0.1 any", "permit tcp any any range ftp telnet")
    entries = hub.config.access_lists["e"].entries
    assert [(entry.sequence, entry.text) for entry in entries] == [
        (5, "deny gre host 10.0.0.1 any"),
        (10, "permit ip any any"),
        (20, "permit tcp any any range ftp telnet"),
    ]
    feed("no 10", "no deny 47 host 10.0.0.1 any")
    assert [entry.sequence for entry in hub.config.access_lists["e"].entries] == [20]
    assert entries[0].source.matches(IPv4Address("10.0.0.1"))


@pytest.mark.parametrize("opening", ["access-list 120 ", "ip access-list extended e\n", "ip access-list extended e\n10 "])
def test_an_access_list_that_is_pasted_again_doubles_no_remark(commands: CommandSet, opening: str) -> None:
    enter, _, number = opening.rpartition("\n")
    lines = ["remark ---", "permit ip any host 10.0.0.1", "remark ---", "remark two", "deny ip any host 10.0.0.2", "remark the end"]
    numbers = [10, 10, 20, 20, 20, 30] if number.startswith("10") else [number.strip()] * 6
    document = Document(commands)
    rendered = set()
    for _ in range(3):
        session = Session(document)
        for line in [*([enter] if enter else []), *(f"{at} {line}".strip() for at, line in zip(numbers, lines, strict=True))]:
            assert session.feed(line).problem is None, line
        rendered.add(document.render())
    (text,) = rendered
    assert [line.partition("remark ")[2] for line in text.splitlines() if "remark" in line] == ["---", "---", "two", "the end"]
