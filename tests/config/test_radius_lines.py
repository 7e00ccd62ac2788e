"""RADIUS servers and their groups, by the Cisco IOS Security Command Reference and Cisco's YANG model (Cisco-IOS-XE-aaa)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.config.aaa_model import (
    DeadCriteria,
    DynamicAuthor,
    DynamicAuthorClient,
    RadiusConfig,
    RadiusServer,
    Secret,
    ServerGroup,
    ServerReference,
    by_identity,
)
from agent.config.commands import build
from agent.config.document import Document, load
from agent.config.session import Outcome, Session

A1, A2, SIX = IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2"), IPv6Address("2001:db8::1")


def typed(*lines: str, config: str = "") -> tuple[Document, list[Outcome]]:
    """The document once lines are typed, and what each did."""
    document = load(config)
    session = Session(document)
    return document, [session.feed(line, typed=True) for line in lines]


def radius_of(*lines: str, config: str = "") -> RadiusConfig:
    document, outcomes = typed(*lines, config=config)
    assert [(outcome.problem, outcome.refused) for outcome in outcomes] == [(None, False)] * len(lines)
    again = load(document.render())
    assert (again.config.radius, again.render()) == (document.config.radius, document.render())
    return document.config.radius


def undo(document: Document, *lines: str) -> None:
    session = Session(document)
    for line in lines:
        session.feed(line, typed=True)


@pytest.mark.parametrize(
    ("line", "server", "shown"),
    [
        ("10.1.1.1", RadiusServer(A1), "10.1.1.1 auth-port 1645 acct-port 1646"),
        (
            "10.1.1.1 acct-port 1813 auth-port 1812",
            RadiusServer(A1, auth_port=1812, acct_port=1813),
            "10.1.1.1 auth-port 1812 acct-port 1813",
        ),
        (
            "10.1.1.1 auth-port 0 timeout 1000 retransmit 0 key two words",
            RadiusServer(A1, auth_port=0, timeout=1000, retransmit=0, key=Secret("two words")),
            "10.1.1.1 auth-port 0 acct-port 1646 timeout 1000 retransmit 0 key two words",
        ),
        (
            "2001:db8::1 key 7 0822455D0A16",
            RadiusServer(SIX, key=Secret("0822455D0A16", 7)),
            "2001:DB8::1 auth-port 1645 acct-port 1646 key 7 0822455D0A16",
        ),
        ("ipv6 2001:db8::1 timeout 2", RadiusServer(SIX, timeout=2), "2001:DB8::1 auth-port 1645 acct-port 1646 timeout 2"),
        (
            "10.1.1.1 test username timeout idle-time 5 timeout 4 non-standard alias 10.1.1.9 key 0 7 words",
            RadiusServer(
                A1, timeout=4, key=Secret("7 words"), options="test username timeout idle-time 5 non-standard alias 10.1.1.9"
            ),
            "10.1.1.1 auth-port 1645 acct-port 1646 timeout 4 test username timeout idle-time 5 non-standard alias 10.1.1.9"
            " key 0 7 words",
        ),
        (
            "10.1.1.1 timeout 3 alias timeout username",
            RadiusServer(A1, timeout=3, options="alias timeout username"),
            "10.1.1.1 auth-port 1645 acct-port 1646 timeout 3 alias timeout username",
        ),
        (
            "10.1.1.1 backoff exponential max-delay 120 backoff-retry 50",
            RadiusServer(A1, options="backoff exponential max-delay 120 backoff-retry 50"),
            "10.1.1.1 auth-port 1645 acct-port 1646 backoff exponential max-delay 120 backoff-retry 50",
        ),
    ],
)
def test_a_host(line: str, server: RadiusServer, shown: str) -> None:
    document, _ = typed(f"radius-server host {line}")
    assert document.config.radius.hosts == by_identity([server])
    assert f"\nradius-server host {shown}\n" in document.render()
    assert radius_of(f"radius-server host {line}").hosts == by_identity([server])


def test_a_host_is_its_address_and_both_ports() -> None:
    lines = [
        "radius-server host 10.1.1.1 key one",
        "radius-server host 10.1.1.1 auth-port 1812 acct-port 1813 key two",
        "radius-server host 10.1.1.2",
        "radius-server host 10.1.1.1 timeout 9",  # the first one again
    ]
    document, _ = typed(*lines)
    first, second, third = RadiusServer(A1, timeout=9), RadiusServer(A1, "", 1812, 1813, key=Secret("two")), RadiusServer(A2)
    assert document.config.radius.hosts == by_identity([first, second, third])
    undo(document, "no radius-server host 10.1.1.1 auth-port 1812 acct-port 1813")
    assert document.config.radius.hosts == by_identity([first, third])
    undo(document, "no radius-server host 10.1.1.1")
    assert document.config.radius.hosts == by_identity([third])


def test_a_host_by_name_is_that_of_ip_host() -> None:
    document, outcomes = typed("radius-server host aaa1", "radius-server host aaa2", config="ip host aaa1 10.1.1.1\n")
    assert document.config.radius.hosts == by_identity([RadiusServer(A1)])
    assert outcomes[0].output == ('Translating "aaa1"...domain server (255.255.255.255) [OK]',)
    assert outcomes[1].refused
    read = load("radius-server host aaa1\nradius-server host aaa2\nip host aaa1 10.1.1.1\n")
    assert read.config.radius.hosts == by_identity([RadiusServer(A1), RadiusServer(None, host="aaa2")])
    assert "radius-server host aaa2 auth-port 1645 acct-port 1646\n" in read.render()


def test_names_of_servers_in_every_place_are_looked_up() -> None:
    text = (
        "radius server s\n address ipv4 aaa1\naaa group server radius g\n server aaa1\n server-private aaa1\n"
        "aaa server radius dynamic-author\n client aaa1\nip host aaa1 10.1.1.1\n"
    )
    radius = load(text).config.radius
    assert radius.servers["s"].address == A1
    assert [member.address for member in radius.groups["g"].members] == [A1, A1]
    assert radius.dynamic_author == DynamicAuthor(by_identity([DynamicAuthorClient(A1)]))


def test_a_named_server() -> None:
    lines = [
        "radius server s",
        "address ipv4 10.1.1.1 auth-port 1812 acct-port 1813",
        "timeout 7",
        "retransmit 2",
        "key 7 0822455D0A16",
        "automate-tester username probe idle-time 3",
    ]
    document, _ = typed(*lines)
    server = RadiusServer(A1, "s", 1812, 1813, 7, 2, Secret("0822455D0A16", 7))
    assert document.config.radius.servers == {"s": server}
    assert (
        "radius server s\n address ipv4 10.1.1.1 auth-port 1812 acct-port 1813\n timeout 7\n retransmit 2\n"
        " automate-tester username probe idle-time 3\n key 7 0822455D0A16\n"
    ) in document.render()
    undo(document, "radius server s", "no address", "no timeout", "no retransmit", "no key", "no automate-tester")
    assert document.config.radius.servers == {"s": RadiusServer(None, "s")}
    undo(document, "radius server s", "address ipv6 2001:DB8::1")
    assert " address ipv6 2001:DB8::1 auth-port 1645 acct-port 1646\n" in document.render()
    undo(document, "no radius server s")
    assert document.config.radius.servers == {}


def test_a_group_asks_its_members_in_the_order_of_its_lines() -> None:
    radius = radius_of(
        "aaa group server radius g",
        "server-private 10.1.1.2 timeout 3 key k",
        "server name s",
        "server 10.1.1.1 auth-port 1812 acct-port 1813",
        "server 10.1.1.1",
        "server-private 10.1.1.2 key other",  # the first one again
        "deadtime 0",
        "ip radius source-interface Loopback0",
    )
    assert radius.groups == {
        "g": ServerGroup(
            "g",
            by_identity(
                (
                    RadiusServer(A2, key=Secret("other")),
                    ServerReference("s"),
                    ServerReference("", A1, 1812, 1813),
                    ServerReference("", A1),
                )
            ),
            deadtime=0,
            source_interface="Loopback0",
        )
    }


@pytest.mark.parametrize("name", ["radius", "local", "none", "if-authenticated"])
def test_a_group_has_no_name_of_a_method(name: str) -> None:
    """The command reference has the words that cannot be used as the group's name."""
    document, [outcome] = typed(f"aaa group server radius {name}")
    assert outcome.problem is not None
    assert outcome.problem.column == len("aaa group server radius ")
    assert document.config.radius.groups == {}


def test_lines_of_a_group_are_taken_back() -> None:
    document, _ = typed(
        "aaa group server radius g",
        "server name s",
        "server 10.1.1.1 auth-port 1812 acct-port 1813",
        "server 10.1.1.1",
        "server-private 10.1.1.1",
        "deadtime 5",
        "no server name s",
        "no server 10.1.1.1 auth-port 1812 acct-port 1813",
        "no deadtime",
    )
    assert document.config.radius.groups["g"] == ServerGroup("g", by_identity((ServerReference("", A1), RadiusServer(A1))))
    undo(document, "aaa group server radius g", "no server 10.1.1.1", "no server-private 10.1.1.1")
    assert document.config.radius.groups["g"].members == by_identity(())
    undo(document, "no aaa group server radius g")
    assert document.config.radius.groups == {}


def test_the_source_interface_of_the_router_is_not_that_of_the_group_before_it() -> None:
    document, _ = typed("aaa group server radius g", "server name s", "exit", "ip radius source-interface Loopback0")
    text = document.render()
    assert "aaa group server radius g\n server name s\n exit\n!\nip radius source-interface Loopback0\n" in text
    again = load(text)
    assert again.config.radius.source_interfaces == {None: "Loopback0"}
    assert again.config.radius.groups["g"].source_interface is None
    assert again.render() == text


def test_dynamic_authorization() -> None:
    lines = [
        "aaa server radius dynamic-author",
        "client 10.1.1.1 server-key 7 0822455D0A16",
        "client 10.1.1.2 vrf red",
        "server-key 0 shared",
        "port 3799",
        "auth-type any",
        "ignore session-key",
        "ignore server-key",
    ]
    radius = radius_of(*lines)
    clients = (DynamicAuthorClient(A1, Secret("0822455D0A16", 7)), DynamicAuthorClient(A2, None, "red"))
    assert radius.dynamic_author == DynamicAuthor(by_identity(clients), Secret("shared"), 3799, "any", True, True)
    document, _ = typed(
        *lines,
        "no client 10.1.1.1",
        "no client 10.1.1.2 vrf red",
        "no server-key",
        "no port",
        "no auth-type",
        "no ignore session-key",
        "no ignore server-key",
    )
    assert document.config.radius.dynamic_author == DynamicAuthor()
    assert "aaa server radius dynamic-author\n" in document.render()
    undo(document, "no aaa server radius dynamic-author")
    assert document.config.radius.dynamic_author is None


@pytest.mark.parametrize(
    ("lines", "values", "shown"),
    [
        (["radius-server timeout 5", "radius-server retransmit 3"], {"timeout": 5, "retransmit": 3}, ["retransmit 3", "timeout 5"]),
        (["radius-server timeout 1000", "radius-server retransmit 0"], {"timeout": 1000, "retransmit": 0}, None),
        (["radius-server deadtime 1440"], {"deadtime": 1440}, ["deadtime 1440"]),
        (["radius-server dead-criteria time 5"], {"dead_criteria": DeadCriteria(5)}, ["dead-criteria time 5"]),
        (
            ["radius-server dead-criteria time 120 tries 100"],
            {"dead_criteria": DeadCriteria(120, 100)},
            ["dead-criteria time 120 tries 100"],
        ),
        (["radius-server key 7 0822455D0A16"], {"key": Secret("0822455D0A16", 7)}, ["key 7 0822455D0A16"]),
        (["radius-server key 0 cisco"], {"key": Secret("cisco")}, ["key cisco"]),
        (
            ["radius-server vsa send"],
            {"vsa_accounting": True, "vsa_authentication": True},
            ["vsa send accounting", "vsa send authentication"],
        ),
        (
            ["radius-server vsa send", "no radius-server vsa send authentication"],
            {"vsa_accounting": True, "vsa_authentication": False},
            ["vsa send accounting"],
        ),
        (
            ["radius-server attribute 55 include-in-acct-req"],
            {"event_timestamp": True},
            ["attribute 55 include-in-acct-req"],
        ),
        (["radius-server attribute 4 10.1.1.1"], {"nas_ip_address": A1}, ["attribute 4 10.1.1.1"]),
        (["radius-server attribute 6 on-for-login-auth"], {"service_type_on_login": True}, ["attribute 6 on-for-login-auth"]),
        (
            ["radius-server attribute 32 include-in-access-req", "radius-server attribute 32 include-in-accounting-req format %h"],
            {"nas_identifier_in_access": "", "nas_identifier_in_accounting": "%h"},
            ["attribute 32 include-in-access-req", "attribute 32 include-in-accounting-req format %h"],
        ),
        (["radius-server challenge-noecho"], {"challenge_noecho": True}, ["challenge-noecho"]),
    ],
)
def test_what_holds_for_all_servers(lines: list[str], values: dict[str, object], shown: list[str] | None) -> None:
    radius = radius_of(*lines)
    assert {name: getattr(radius, name) for name in values} == values
    document, _ = typed(*lines)
    written = [line.removeprefix("radius-server ") for line in document.render().split("\n") if line.startswith("radius-server ")]
    assert shown is None or written == shown
    undo(document, *(f"no {line}" for line in lines if not line.startswith("no ")))
    assert document.config.radius == RadiusConfig()


def test_source_interfaces_by_vrf() -> None:
    document, _ = typed("ip radius source-interface Loopback0", "ip radius source-interface Fa0/0 vrf red")
    assert document.config.radius.source_interfaces == {None: "Loopback0", "red": "FastEthernet0/0"}
    assert "ip radius source-interface Loopback0\nip radius source-interface FastEthernet0/0 vrf red\n" in document.render()
    undo(document, "no ip radius source-interface")
    assert document.config.radius.source_interfaces == {"red": "FastEthernet0/0"}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("radius-server timeout 0", "0"),
        ("radius-server timeout 1001", "1001"),
        ("radius-server retransmit 101", "101"),
        ("radius-server deadtime 0", "0"),
        ("radius-server deadtime 1441", "1441"),
        ("radius-server dead-criteria time 121", "121"),
        ("radius-server dead-criteria tries 0", "0"),
        ("radius-server host 10.1.1.1 auth-port 65536", "65536"),
        ("radius-server host 10.1.1.1 timeout 0", "0"),
        ("radius-server host 2001:db8::1::2", "2001:db8::1::2"),
    ],
)
def test_values_out_of_range_are_refused_where_they_stand(line: str, wrong: str) -> None:
    document, [outcome] = typed(line)
    assert outcome.problem is not None
    assert (outcome.problem.kind, outcome.problem.column) == ("invalid", line.rindex(wrong))
    assert document.config.radius == RadiusConfig()


@pytest.mark.parametrize(
    "line",
    [
        "radius-server attribute 8 include-in-access-req",
        "radius-server attribute 25 access-request include",
        "radius-server attribute 31 mac format ietf upper-case",
        "radius-server attribute 31 send nas-port-detail mac-only",
        "radius-server attribute 44 include-in-access-req",
        "radius-server attribute 44 include-in-access-req vrf red",
        "radius-server attribute 69 clear",
        "radius-server attribute nas-port format d",
        "radius-server authorization permit missing Service-Type",
        "radius-server backoff exponential max-delay 2",
        "radius-server directed-request restricted",
        "radius-server load-balance method least-outstanding batch-size 25",
        "radius-server optional-passwords",
        "radius-server retry method reorder",
        "radius-server source-ports extended",
        "radius-server source-ports 1645 1646",
        "radius-server source-ports 1645-1646",
        "radius-server domain-stripping right-to-left prefix-delimiter / delimiter @# vrf red",
        "radius-server domain-stripping strip-suffix example.com",
        "radius-server vsa send accounting 3gpp2",
        "radius-server throttle accounting 10 access 20",
        "radius-server transaction max-tries 9",
        "radius-server unique-ident 5",
        "radius-server vsa send cisco-nas-port",
        "radius-server vsa disallow unknown",
        "ipv6 radius source-interface Loopback0",
    ],
)
def test_what_has_no_effect_is_kept_as_it_is_written(line: str) -> None:
    document = load(f"{line}\n")
    assert document.unknown == ()
    assert f"\n{line}\n" in document.render()
    assert document.config.radius == RadiusConfig()
    undo(document, f"no {line}")
    assert line not in document.render()


@pytest.mark.parametrize(
    ("key", "plain"),
    [(Secret("cisco"), "cisco"), (Secret("0822455D0A16", 7), "cisco"), (Secret("0822455", 7), None), (Secret("AAAA", 6), None)],
)
def test_a_key_is_known_where_it_can_be(key: Secret, plain: str | None) -> None:
    assert key.plain == plain


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("radius-server key 7 nonsense", "the key is no text of type 7"),
        ("radius-server host 10.1.1.1 key 6 AAAA", "the key needs the master key of the router that wrote it"),
        ("radius server s\n key 6 AAAA", "the key needs the master key of the router that wrote it"),
        ("aaa group server radius g\n server-private 10.1.1.1 key 7 x", "the key is no text of type 7"),
        ("aaa server radius dynamic-author\n client 10.1.1.1 server-key 7 x", "the key is no text of type 7"),
        ("aaa server radius dynamic-author\n server-key 7 x", "the key is no text of type 7"),
    ],
)
def test_a_key_that_cannot_be_known_is_told(line: str, why: str) -> None:
    warnings = load(f"{line}\n").warnings
    assert [warning.message.partition(",")[0] for warning in warnings] == [why]


@pytest.mark.parametrize(
    ("place", "text", "word", "line"),
    [
        ("config", "radius-server host ", "Hostname or A.B.C.D", "IP address or name of RADIUS server"),
        ("config", "radius-server host 10.1.1.1 ", "timeout", "Time to wait for this RADIUS server to reply (overrides default)"),
        ("config", "radius-server timeout ", "<1-1000>", "Wait time (default 5 seconds)"),
        ("config", "aaa authentication login default local ", "group", "Use Server-group"),
        ("config", "aaa authentication login default local ", "enable", "Use enable password for authentication."),
        ("config", "aaa accounting network l ", "none", "No accounting."),
        ("config", "aaa accounting network l start-stop group radius ", "group", "Use Server-group"),
        ("config", "aaa authentication login ", "default", "The default list."),
        ("config", "aaa accounting network ", "WORD", "Named list (max 31 characters"),
        (
            "config",
            "aaa accounting update newinfo periodic ",
            "<1-2147483647>",
            "Periodic intervals to send accounting update records",
        ),
        ("server-group", "ip ", "vrf", "Set VPN Routing Forwarding to use with the servers"),
        ("dynamic-author", "client 10.1.1.1 ", "vrf", "Virtual Routing/Forwarding parameters"),
    ],
)
def test_help_is_that_of_the_line(place: str, text: str, word: str, line: str) -> None:
    """The words of Cisco's YANG model, and none of another command that has the same word."""
    assert dict(build().grammar.help_at(place, text))[word].startswith(line)


def test_prompts() -> None:
    session = Session(load(""))
    prompts = []
    for line in ("aaa group server radius g", "radius server s", "aaa server radius dynamic-author"):
        session.feed(line, typed=True)
        prompts.append(session.prompt_suffix)
    assert prompts == ["(config-sg-radius)#", "(config-radius-server)#", "(config-locsvr-da-radius)#"]


def test_lines_of_ios_that_are_not_understood_stay_in_their_section() -> None:
    """They are IOS's in these modes: without indentation, too, the section goes on after them."""
    text = (
        "radius server s\nkey-wrap encryption-key a message-auth-code-key b\nkey cisco\n"
        "aaa server radius dynamic-author\nclient 10.1.1.1 dtls\nport 3799\n"
        "aaa accounting network l\nlogger\naction-type start-stop\ngroup radius\n"
    )
    document = load(text)
    assert [finding.line_number for finding in document.unknown] == [2, 5, 8]
    assert document.config.radius.servers["s"].key == Secret("cisco")
    assert document.config.radius.dynamic_author == DynamicAuthor(port=3799)
    assert document.config.aaa.network_accounting["l"].groups == ("radius",)
    again = load(document.render())
    assert (again.config.radius, again.render()) == (document.config.radius, document.render())


def calls_of(done: Callable[[], object]) -> int:
    """How many functions are called, which measures the work whatever else the machine does."""
    called = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        done()
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize(
    "lines",
    [
        ("radius-server host {0} key k", "aaa group server radius g", " server {0}"),
        ("aaa group server radius g", " server-private {0}"),
        ("radius server s{0}", " address ipv4 {0}", "aaa group server radius g", " server name s{0}"),
        ("aaa server radius dynamic-author", " client {0}"),
    ],
)
def test_ten_times_as_many_lines_are_ten_times_the_work(lines: tuple[str, ...]) -> None:
    def work(count: int) -> int:
        text = "\n".join(line.format(IPv4Address(number)) for number in range(1, count) for line in lines)
        return calls_of(lambda: load(text))

    work(2)  # what is made once
    assert work(400) < 12 * work(40)
