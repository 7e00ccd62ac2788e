"""`debug`, `undebug`, `show debugging`: what they answer, and the lines that the router's log gets.

The answers and the lines of ISAKMP and IPsec are IOS's (Cisco IOS Debug Command Reference).
"""

from __future__ import annotations

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason, IpsecTunnel
from agent.flow.refusals import IkeExchange, MessageFault, PacketFault
from agent.syslog.message import Severity
from tests.flow.builders import HUB, SPOKE, bundle, ike_facts, ipsec_facts
from tests.shell.fakes import Console

ON = "Crypto IPsec Mgmt Entity debugging is on\n"


class Debugged:
    """A console and the lines that its router's log has got."""

    def __init__(self) -> None:
        self.console = Console()
        self.lines: list[str] = []
        self.console.router.syslog.subscribe(lambda entry: self.lines.extend((str(entry.message), *entry.message.more)))
        self.severities: set[Severity] = set()
        self.console.router.syslog.subscribe(lambda entry: self.severities.add(entry.message.severity))
        self.monitor = self.console.router.monitor

    def tunnel(self, initiator: bool = False) -> IpsecTunnel:
        ike = self.monitor.ike_up(None, ike_facts(initiator=initiator), PacketCounters(IkeCounter))
        facts = ipsec_facts(initiator=initiator)
        return self.monitor.ipsec_up(ike, facts, bundle()[2:], PacketCounters(IpsecCounter))


@pytest.fixture
def debugged() -> Debugged:
    return Debugged()


@pytest.mark.parametrize(
    ("words", "name", "subsystem"),
    [
        ("aaa accounting", "AAA Accounting", "General OS:"),
        ("aaa pod", "AAA POD packet processing", "General OS:"),
        ("aaa coa", "AAA CoA packet processing", "General OS:"),
        ("crypto mib", "Crypto IPsec Mgmt Entity", "Cryptographic Subsystem:"),
        ("crypto mib detail", "Crypto IPsec Mgmt Entity", "Cryptographic Subsystem:"),
        ("crypto mib error", "Crypto IPsec Mgmt Entity", "Cryptographic Subsystem:"),
        ("crypto isakmp", "Crypto ISAKMP", "Cryptographic Subsystem:"),
        ("crypto isakmp aaa", "Crypto ISAKMP AAA", "Cryptographic Subsystem:"),
        ("crypto ipsec", "Crypto IPSEC", "Cryptographic Subsystem:"),
    ],
)
@pytest.mark.parametrize("off", ["undebug", "no debug", "u"])
def test_each_kind_is_switched_on_and_off(words: str, name: str, subsystem: str, off: str) -> None:
    console = Console()
    assert console.type(f"debug {words}") == f"{name} debugging is on\n"
    assert console.type("show debugging") == f"{subsystem}\n  {name} debugging is on\n"
    assert console.type(f"{off} {words}") == f"{name} debugging is off\n"
    assert console.type("show debugging") == ""


@pytest.mark.parametrize("off", ["undebug all", "no debug all", "u all"])
def test_all_of_it_is_switched_off(off: str) -> None:
    console = Console()
    console.type("debug crypto mib detail", "debug crypto isakmp", "debug crypto mib")
    states = "  Crypto ISAKMP debugging is on\n  Crypto IPsec Mgmt Entity debugging is on\n"
    assert console.type("show debug") == "Cryptographic Subsystem:\n" + states
    assert console.type(off) == "All possible debugging has been turned off\n"
    assert console.type("show debugging") == ""


NOTHING_OF_RADIUS = {
    "Radius protocol": "off",
    "Radius protocol brief": "off",
    "Radius packet hex dump": "off",
    "Radius packet protocol": "off",
    "Radius packet retransmission": "off",
    "Radius server fail-over": "off",
}


def states(**of: str) -> str:
    return "".join(f"{name} debugging is {state}\n" for name, state in of.items())


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("radius", "Radius packet protocol"),
        ("radius brief", "Radius protocol brief"),
        ("radius retransmit", "Radius packet retransmission"),
        ("radius failover", "Radius server fail-over"),
    ],
)
def test_debug_radius_lists_what_is_on_and_what_is_not(words: str, name: str) -> None:
    """As in published logs of IOS, such as Cisco's Configuring AAA for SIP guide."""
    console = Console()
    on = {**NOTHING_OF_RADIUS, "Radius protocol": "on", name: "on"}
    if words == "radius brief":
        on["Radius packet protocol"] = "on"
    assert console.type(f"debug {words}") == states(**on)
    assert console.type("show debugging") == states(**{each: state for each, state in on.items() if state == "on"})
    assert console.type("undebug radius") == states(**NOTHING_OF_RADIUS)
    assert console.type("show debugging") == ""


def test_one_kind_of_radius_packets() -> None:
    console = Console()
    lines = console.type("debug radius accounting").splitlines()
    assert lines[3:5] == [
        "Radius packet protocol (authentication) debugging is off",
        "Radius packet protocol (accounting) debugging is on",
    ]
    assert console.type("debug radius authentication", "show debugging").splitlines()[-2:] == [
        "Radius protocol debugging is on",
        "Radius packet protocol debugging is on",
    ]
    console.type("no debug radius accounting", "debug crypto isakmp", "debug aaa accounting")
    assert console.type("show debugging").splitlines() == [
        "General OS:",
        "  AAA Accounting debugging is on",
        "Radius protocol debugging is on",
        "Radius packet protocol (authentication) debugging is on",
        "Cryptographic Subsystem:",
        "  Crypto ISAKMP debugging is on",
    ]


def test_user_exec_has_no_debug() -> None:
    console = Console(privileged=False)
    assert "% Invalid input" in console.type("debug crypto isakmp")
    assert console.type("show debugging") == ""


def test_nothing_listens_while_nothing_is_debugged(debugged: Debugged) -> None:
    bus = debugged.monitor._bus
    before = len(bus)
    debugged.console.type("debug crypto ipsec", "debug crypto isakmp")
    assert len(bus) == before + 1
    debugged.console.type("undebug crypto ipsec", "undebug all")
    assert len(bus) == before
    debugged.tunnel()
    assert debugged.lines == []


def test_isakmp_that_comes_up_and_goes(debugged: Debugged) -> None:
    debugged.console.type("debug crypto isakmp")
    tunnel = debugged.tunnel(initiator=True)
    assert debugged.severities == {Severity.DEBUGGING}
    assert debugged.lines == [
        "ISAKMP:(1):SA authentication status:",
        "        authenticated",
        f"ISAKMP:(1):SA has been authenticated with {SPOKE}",
        "ISAKMP:(1):Input = IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE",
        "ISAKMP:(1):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE",
        "ISAKMP:(1): Creating IPSec SAs",
        f"        inbound SA from {SPOKE} to {HUB} (f/i)  0/ 0",
        "        (proxy 10.20.1.1 to 10.22.1.1)",
        "        has spi 0x102 and conn_id 2001",
        "        lifetime of 5000 seconds",
        "        lifetime of 99000 kilobytes",
        f"        outbound SA from {HUB} to {SPOKE} (f/i)  0/ 0",
        "        (proxy 10.22.1.1 to 10.20.1.1)",
        "        has spi 0x103 and conn_id 2002",
        "        lifetime of 5000 seconds",
        "        lifetime of 99000 kilobytes",
        "ISAKMP:(1):Old State = IKE_QM_I_QM1  New State = IKE_QM_PHASE2_COMPLETE",
    ]
    debugged.lines.clear()
    assert tunnel.ike is not None
    debugged.monitor.ike_ended(tunnel.ike, EndReason.PEER_DELETE)
    assert debugged.lines == [f'ISAKMP:(1):deleting SA reason "No reason" state (I) QM_IDLE       (peer {SPOKE})']


def test_isakmp_that_fails(debugged: Debugged) -> None:
    debugged.console.type("debug crypto isakmp")
    debugged.monitor.reports.message_refused(None, MessageFault.PROPOSAL, HUB, SPOKE, IkeExchange.MAIN)
    debugged.monitor.ike_failed(None, IkeFailureReason.PROPOSAL, HUB, SPOKE, initiator=False)
    debugged.monitor.reports.message_refused(None, MessageFault.REFUSED, HUB, SPOKE, IkeExchange.INFORMATIONAL)
    debugged.monitor.ike_failed(None, IkeFailureReason.PEER_LOST, HUB, SPOKE, initiator=True)
    debugged.monitor.reports.message_refused(None, MessageFault.REFUSED, HUB, SPOKE, IkeExchange.QUICK)  # its hash was wrong
    debugged.monitor.reports.message_refused(None, MessageFault.PROPOSAL, HUB, SPOKE, IkeExchange.QUICK)
    assert debugged.lines == [
        f"ISAKMP:(0): phase 1 SA policy not acceptable! (local {HUB} remote {SPOKE})",
        f'ISAKMP:(0):deleting SA reason "Phase1 SA policy proposal not accepted" state (R) MM_NO_STATE (peer {SPOKE})',
        "ISAKMP:(0):Notify has no hash. Rejected.",
        f'ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer {SPOKE})',
        f"ISAKMP:(0): phase 2 SA policy not acceptable! (local {HUB} remote {SPOKE})",
    ]


def test_ipsec_sas_that_come_and_go(debugged: Debugged) -> None:
    debugged.console.type("debug crypto ipsec")
    tunnel = debugged.tunnel()
    sas = [
        [
            f"  (sa) sa_dest= {destination}, sa_proto= 50, ",
            f"    sa_spi= 0x{spi:X}({spi}), ",
            f"    sa_trans= esp-des esp-sha-hmac , sa_conn_id= {connection}",
        ]
        for destination, spi, connection in ((HUB, 258, 2001), (SPOKE, 259, 2002))
    ]
    assert debugged.lines == [line for sa in sas for line in ("IPSEC(create_sa): sa created,", *sa)]
    debugged.lines.clear()
    debugged.monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
    assert debugged.lines == [
        "IPSEC(key_engine): got a queue event with 1 KMI message(s)",
        *(line for sa in sas for line in ("IPSEC(delete_sa): deleting SA,", *sa)),
    ]


def test_a_packet_of_another_flow(debugged: Debugged) -> None:
    debugged.console.type("debug crypto ipsec")
    debugged.monitor.reports.packet_refused(None, PacketFault.WRONG_FLOW, SPOKE, HUB, 50, 100)
    assert debugged.lines == ["IPSEC(epa_des_crypt): decrypted packet failed SA identity check"]


def test_the_mib_tells_of_tunnels_rows_and_failures(debugged: Debugged) -> None:
    debugged.console.type("debug crypto mib")
    tunnel = debugged.tunnel()
    assert debugged.lines == [
        f"IPSECMIB: Global: cikeTunnelStart, index 1, peer {SPOKE}",
        f"IPSECMIB: Global: cipSecTunnelStart, index 1, peer {SPOKE}",
    ]
    debugged.lines.clear()
    debugged.console.type("undebug all", "debug crypto mib detail")
    debugged.monitor.sas_installed(tunnel, bundle(512)[2:], tunnel.facts, tunnel.spis)
    debugged.monitor.sas_expired(tunnel, tunnel.spis[:1])
    assert debugged.lines == [
        "IPSECMIB: Global: esp in 0x202 added to cipSecSpiTable, index 1.3",
        "IPSECMIB: Global: esp out 0x203 added to cipSecSpiTable, index 1.4",
        "IPSECMIB: Global: an expired SA removed from cipSecSpiTable, index 1.1",
    ]
    debugged.lines.clear()
    debugged.console.type("undebug all", "debug crypto mib error")
    debugged.monitor.ike_failed("vrf1", IkeFailureReason.AUTHENTICATION, HUB, SPOKE, initiator=False)
    debugged.monitor.ipsec_failed(None, IpsecFailureReason.PROPOSAL, SPOKE, HUB, inbound=True)
    assert debugged.lines == [
        f"IPSECMIB: VRF vrf1: cikeFailTable: authentication failure, peer {SPOKE}",
        f"IPSECMIB: Global: cipSecFailTable: proposal failure, peer {SPOKE}",
    ]
