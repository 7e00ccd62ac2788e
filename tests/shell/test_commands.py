"""`clear crypto …` and the show commands of a router."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agent.base.ike_counters import IkeCounter
from agent.base.origin import CONSOLE
from agent.config.snmp_model import SnmpHost
from agent.engine.values import ANY, Admission, ClearIsakmp, ClearSas, ClearSessions, DestroyIpsec, Phase1Sa, Refusal, SessionFilter
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.shell.releases import Release, release_of
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.shell.fakes import CONFIG, Console, HostAccount

LOCAL, REMOTE = IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2")
ROWS = [
    Phase1Sa(LOCAL, REMOTE, "QM_IDLE", 1),
    Phase1Sa(IPv4Address("192.168.100.200"), IPv4Address("192.168.100.201"), "MM_NO_STATE", 0),
]


def test_clear_crypto_session_takes_its_filters_in_any_order() -> None:
    console = Console()
    assert console.type("clear crypto session") == ""
    console.type("clear crypto session remote 10.1.1.2 port 4500 local 10.1.1.1 port 500 ivrf red interface fa0/0")
    console.type("cl cry se fvrf red")
    assert console.engine.requests == [
        ClearSessions(SessionFilter()),
        ClearSessions(SessionFilter(LOCAL, 500, REMOTE, 4500, ANY, "red", "FastEthernet0/0")),
        ClearSessions(SessionFilter(front_vrf="red")),
    ]
    assert set(console.engine.origins) == {CONSOLE}


def test_clear_crypto_session_of_a_vrf_called_any_is_for_that_vrf_alone() -> None:
    console = Console()
    console.type("clear crypto session ivrf any fvrf any", "clear crypto sa vrf any")
    assert console.engine.requests == [
        ClearSessions(SessionFilter(front_vrf="any", inside_vrf="any")),
        ClearSas(SessionFilter(inside_vrf="any")),
    ]


def test_what_the_engine_refuses_is_not_done_and_said() -> None:
    console = Console()
    console.engine.refusal = Refusal("The gateway is read-only")
    assert console.type("clear crypto session") == "% The gateway is read-only\n"
    assert console.engine.requests == []


def test_clear_crypto_isakmp_says_when_there_is_no_such_connection() -> None:
    console = Console()
    console.engine.known_indexes = {7}
    assert console.type("clear crypto isakmp", "clear crypto isakmp 7") == ""
    assert "connection id 8" in console.result("clear crypto isakmp 8").error
    assert console.engine.requests == [ClearIsakmp(None), ClearIsakmp(7), ClearIsakmp(8)]


def test_clear_crypto_sa_may_name_a_peer_or_a_vrf() -> None:
    console = Console()
    console.type("clear crypto sa", "clear crypto sa peer 10.1.1.2", "clear crypto sa vrf red")
    filters = [SessionFilter(), SessionFilter(remote=REMOTE), SessionFilter(inside_vrf="red")]
    assert console.engine.requests == [ClearSas(each) for each in filters]


def test_clear_crypto_sa_has_the_other_selections_of_ios() -> None:
    """Of one crypto map, or of a peer through a front-door VRF (Cisco IOS Security Command Reference, `clear crypto sa`)."""
    console = Console()
    console.type("clear crypto sa map outside", "clear crypto sa peer vrf red 10.1.1.2")
    assert console.engine.requests == [
        ClearSas(SessionFilter(), "outside"),
        ClearSas(SessionFilter(remote=REMOTE, front_vrf="red")),
    ]


@pytest.mark.parametrize(
    ("line", "cleared"),
    [
        ("clear crypto sa entry 10.1.1.2 ah 256", True),
        ("clear crypto sa entry 10.1.1.1 ah 257", True),
        ("clear crypto sa entry 10.1.1.1 esp 259", True),
        ("clear crypto sa entry 10.1.1.1 ah 256", False),
        ("clear crypto sa entry 10.1.1.2 esp 256", False),
        ("clear crypto sa entry 10.1.1.2 ah 300", False),
    ],
)
def test_clear_crypto_sa_entry_finds_the_tunnel_of_an_sa(line: str, cleared: bool) -> None:
    """An SA is named by its destination, which is ours for an inbound one; those of the same negotiation go with it."""
    console = Console()
    monitor = console.router.monitor
    ike = monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter))
    tunnel = monitor.ipsec_up(ike, ipsec_facts(), bundle(256), PacketCounters(IpsecCounter))
    assert console.type(line) == ""
    assert console.engine.requests == ([DestroyIpsec(tunnel.index)] if cleared else [])


def test_window_sizes_are_those_of_the_global_context() -> None:
    console = Console()
    console.router.monitor.resize_windows(130, 140)
    console.router.monitor.vrf("red").resize_tunnel_windows(7)
    assert console.type("show crypto mib ipsec flowmib history tunnel size") == "IPSec History Window Size: 130\n"
    assert console.type("show crypto mib ipsec flowmib history failure size") == "IPSec Failure Window Size: 140\n"
    assert console.type("show crypto mib ipsec flowmib version") == "IPSec Flow MIB version: 1\n"


def test_show_running_config_has_ios_s_heading_and_the_size_of_what_follows() -> None:
    console = Console()
    shown = console.type("show running-config")
    heading, _, body = shown.partition("bytes\n")
    assert heading == f"Building configuration...\n\nCurrent configuration : {len(body)} "
    assert body == console.router.document.render()
    assert body.startswith("!\nversion 12.4\n")
    assert body.endswith("!\nend\n")


def test_show_crypto_isakmp_sa_in_the_classic_form() -> None:
    console = Console()
    console.engine.rows = ROWS
    assert console.type("show crypto isakmp sa") == (
        "dst             src             state          conn-id slot status\n"
        "10.1.1.2        10.1.1.1        QM_IDLE              1    0 ACTIVE\n"
        "192.168.100.201 192.168.100.200 MM_NO_STATE          0    0 ACTIVE\n"
    )


@pytest.mark.parametrize(
    ("version", "release"),
    [("12.4", Release.CLASSIC), ("15.1", Release.CLASSIC), ("15.2", Release.XE), ("16.9", Release.XE), ("9.21", Release.CLASSIC)],
)
def test_the_version_line_decides_the_form(version: str, release: Release) -> None:
    assert release_of(version) is release


def test_show_clock_is_the_router_s_time_in_its_zone() -> None:
    console = Console()
    console.clock.time = 3_456_000
    assert console.type("show clock") == "*16:00:01.456 PST Thu Feb 29 2024\n"


@pytest.mark.parametrize(
    ("seconds", "uptime"),
    [
        (59, "0 minutes"),
        (61, "1 minute"),
        (2 * 86400 + 3 * 3600, "2 days, 3 hours"),
        (8 * 86400 + 3660, "1 week, 1 day, 1 hour, 1 minute"),
    ],
)
def test_show_version_says_what_this_is_and_how_long_it_runs(seconds: int, uptime: str) -> None:
    console = Console()
    console.clock.time = seconds * 1_000_000
    shown = console.type("show version")
    assert f"\nfar uptime is {uptime}\n" in shown
    assert "ipsec-agent 9.9" in shown
    assert "12.4" in shown
    assert "A simulated router" in shown


def test_show_ip_interface_brief_lists_interfaces_in_order() -> None:
    console = Console()
    state = console.router.device.interface("FastEthernet0/0")
    assert state is not None
    state.oper_up = False
    assert console.type("show ip interface brief") == (
        "Interface                  IP-Address      OK? Method Status                Protocol\n"
        "Loopback1                  10.20.1.1       YES NVRAM  up                    up      \n"
        "FastEthernet0/0            10.1.1.1        YES NVRAM  down                  down    \n"
        "FastEthernet0/1            10.9.9.1        YES NVRAM  up                    up      \n"
        "Serial1/2                  unassigned      YES unset  administratively down down    \n"
    )


def test_show_snmp_host_says_what_became_of_the_notifications() -> None:
    """The first two lines are laid out as IOS routers do it, and as collectors that log in to them read it. The third is ours."""
    console = Console(f"{CONFIG}snmp-server community public RO\n")
    address = IPv4Address("10.2.28.1")
    informed = SnmpHost(address, "ann", informs=True, version="3", level="priv", port=163)
    trap = HostAccount(SnmpHost(address, "public", version="2c"), address, 0, 10, 0, 13, 0)
    console.hosts += [trap, replace(trap, host=informed, waiting=4, dropped=7)]
    assert console.type("show snmp host").splitlines() == [
        "Notification host: 10.2.28.1 udp-port: 162   type: trap",
        "user: public\tsecurity model: v2c",
        "queue: 0/10, 13 sent, 0 dropped",
        "",
        "Notification host: 10.2.28.1 udp-port: 163   type: inform",
        "user: ann\tsecurity model: v3 priv",
        "queue: 4/10, 0 unanswered, 13 sent, 7 dropped",
        "",
    ]


def test_show_crypto_call_admission_statistics() -> None:
    """The fields of IOS's command reference, and the limit of an address, which is ours."""
    console = Console()
    console.engine.admitted = Admission(100, 4000, 3, 2, (7, 60), (5, 1), 1, 50, 10)
    assert console.type("show crypto call admission statistics").splitlines()[3:] == [
        "System Resource Limit:         0 Max IKE SAs:   100 Max in nego:  4000",
        "Total IKE SA Count:            5 active:          3 negotiating:     2",
        "Incoming IKE Requests:        67 accepted:        7 rejected:       60",
        "Outgoing IKE Requests:         6 accepted:        5 rejected:        1",
        "Rejected IKE Requests:        61 rsrc low:        0 Active SA limit:     1",
        f"{'':52}In-neg SA limit:    50",
        f"{'':52}Address SA limit:    10",
    ]


def test_access_lists_are_shown_by_number() -> None:
    """Remarks are no entries; a standard entry's wildcard is written out (Cisco's command reference, `show access-lists`)."""
    console = Console()
    console.type("configure terminal", "ip access-list extended VPN", "10 remark branch", "10 permit ip 10.1.0.0 0.0.255.255 any")
    console.type("permit ip host 10.1.1.1 any", "access-list 9 permit 10.2.0.0 0.0.255.255", "access-list 9 permit 10.3.0.1", "end")
    text = (
        "Standard IP access list 9\n    10 permit 10.2.0.0, wildcard bits 0.0.255.255\n    20 permit 10.3.0.1\n"
        "Extended IP access list VPN\n    10 permit ip 10.1.0.0 0.0.255.255 any\n    20 permit ip host 10.1.1.1 any\n"
    )
    assert text in console.type("show access-lists")
    assert console.type("show ip access-lists VPN") == text[text.index("Extended") :]
