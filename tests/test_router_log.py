"""A running router's log: its start, its interfaces, its crypto maps, and changes by SNMP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.base.ike_counters import IkeCounter
from agent.base.origin import manager
from agent.config.edits import DetachCryptoMap, SetHostname
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason
from agent.mib.schema import Schema
from agent.router_service import RouterService
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.test_run_time_changes import with_service

TEXT = """\
hostname r
no service timestamps
crypto map vpn 10 ipsec-isakmp
interface Loopback0
interface Serial0/0
interface Serial0/0.1 point-to-point
 crypto map vpn
end
"""
SHUT = "%LINK-5-CHANGED: Interface {}, changed state to administratively down"
LINK = "%LINK-3-UPDOWN: Interface {}, changed state to {}"
PROTOCOL = "%LINEPROTO-5-UPDOWN: Line protocol on Interface {}, changed state to {}"


class Log:
    """The messages since the last look."""

    def __init__(self, service: RouterService) -> None:
        self._messages: list[str] = []
        service.syslog.subscribe(lambda logged: self._messages.append(str(logged.message)))

    def since(self) -> list[str]:
        messages, self._messages[:] = list(self._messages), []
        return messages


def with_log(schema: Schema, state: Path, act: Callable[[RouterService, Callable[..., None], Log], None], text: str = TEXT) -> None:
    """A router that has started, what types lines into it, and its log from the start on."""

    def started(service: RouterService, type_lines: Callable[..., None]) -> None:
        log = Log(service)
        service.listen([("127.0.0.1", 0)])
        act(service, type_lines, log)

    with_service(schema, state, started, text)


def test_a_start_is_logged(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        assert log.since() == [
            "%SYS-5-CONFIG_I: Configured from memory by console",
            "%SYS-5-RESTART: System restarted --",
            "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON",
        ]
        assert list(service.logging.buffer.lines())[2:-1] == service.node.device.description.splitlines()

    with_log(schema, tmp_path, act)


def test_a_start_without_ipsec_and_with_snmp_is_logged(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        assert log.since()[2:] == [
            "%SNMP-5-COLDSTART: SNMP agent on host r is undergoing a cold start",
            "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is OFF",
        ]

    with_log(schema, tmp_path, act, "hostname r\nsnmp-server community public RO\nend\n")


def test_interfaces_that_are_shut_down_opened_made_and_removed(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        log.since()
        type_lines("interface Loopback0", "shutdown")
        assert log.since() == [SHUT.format("Loopback0"), PROTOCOL.format("Loopback0", "down")]
        type_lines("no shutdown", "description nothing that is logged", "no shutdown")
        assert log.since() == [LINK.format("Loopback0", "up"), PROTOCOL.format("Loopback0", "up")]
        type_lines("interface Loopback1")
        assert log.since() == [PROTOCOL.format("Loopback1", "up")]
        type_lines("no interface Loopback1")
        assert log.since() == [SHUT.format("Loopback1"), PROTOCOL.format("Loopback1", "down")]

    with_log(schema, tmp_path, act)


def test_an_interface_that_logs_no_links_is_silent(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        log.since()
        type_lines("interface Loopback0", "no logging event link-status", "shutdown")
        assert log.since() == []
        type_lines("logging event link-status", "no shutdown")
        assert log.since() == [LINK.format("Loopback0", "up"), PROTOCOL.format("Loopback0", "up")]

    with_log(schema, tmp_path, act)


def test_a_sub_interface_follows_its_interface(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        log.since()
        type_lines("interface Serial0/0", "shutdown")
        assert sorted(log.since()) == sorted(
            [SHUT.format("Serial0/0"), PROTOCOL.format("Serial0/0", "down"), PROTOCOL.format("Serial0/0.1", "down")]
        )
        type_lines("interface Serial0/0.1", "shutdown")
        assert log.since() == [SHUT.format("Serial0/0.1")]

    with_log(schema, tmp_path, act)


def test_a_wire_that_is_cut_takes_link_and_protocol_down(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        log.since()
        device = service.node.device
        state = device.interface("Serial0/0")
        assert state is not None
        for up, word in ((False, "down"), (True, "up")):
            state.oper_up = up
            device.link_changed(state)
            assert log.since() == [LINK.format("Serial0/0", word), PROTOCOL.format("Serial0/0", word)]

    with_log(schema, tmp_path, act)


def test_isakmp_is_on_while_an_interface_has_a_crypto_map_or_protection(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        def isakmp() -> list[str]:
            return [each.rpartition(" ")[2] for each in log.since() if "ISAKMP_ON_OFF" in each]

        log.since()
        type_lines("interface Loopback0", "crypto map vpn")
        assert isakmp() == []
        type_lines("no crypto map", "interface Serial0/0.1", "no crypto map")
        assert isakmp() == ["OFF"]
        type_lines("crypto map vpn")
        assert isakmp() == ["ON"]
        type_lines("no crypto isakmp enable")
        assert isakmp() == ["OFF"]
        type_lines("crypto isakmp enable", "interface Serial0/0.1", "no crypto map")
        assert isakmp() == ["ON", "OFF"]
        type_lines("crypto ipsec profile p", "interface Tunnel0", "tunnel protection ipsec profile p")
        assert isakmp() == ["ON"]

    with_log(schema, tmp_path, act)


def test_a_configuration_by_snmp_is_logged_with_the_manager(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        log.since()
        service.editor.do(SetHostname("other"), manager("10.1.0.100"))
        assert log.since() == ["%SYS-5-CONFIG_I: Configured from 10.1.0.100 by snmp"]
        service.editor.do(DetachCryptoMap("Serial0/0.1", "vpn"), manager("10.1.0.100"))
        assert log.since() == ["%SYS-5-CONFIG_I: Configured from 10.1.0.100 by snmp", "%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is OFF"]

    with_log(schema, tmp_path, act)


def test_lines_of_logging_act_at_once(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        type_lines("logging buffered 20000 warnings", "logging host 127.0.0.1 transport udp port 9", "service sequence-numbers")
        assert service.logging.buffer.size == 20000
        assert [str(each.host.address) for each in service.logging.hosts()] == ["127.0.0.1"]
        type_lines("logging buffered debugging", "logging facility local1")
        assert list(service.logging.buffer.lines())[-1].startswith("0000")
        type_lines("no logging host 127.0.0.1")
        assert service.logging.hosts() == []

    with_log(schema, tmp_path, act)


def test_sessions_are_logged_from_the_line_on_and_up_to_its_no(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None], log: Log) -> None:
        assert not service.document.warnings
        monitor = service.node.monitor

        def session() -> list[str]:
            log.since()
            ike = monitor.ike_up(None, ike_facts(), PacketCounters(IkeCounter))
            tunnel = monitor.ipsec_up(ike, ipsec_facts(), bundle(), PacketCounters(IpsecCounter))
            monitor.ipsec_ended(tunnel, EndReason.NORMAL)
            monitor.ike_ended(ike, EndReason.NORMAL)
            return log.since()

        status = "%CRYPTO-5-SESSION_STATUS: Crypto session is {}. Peer 10.1.1.1:500 Id: 10.1.1.1"
        both = [status.format("UP"), status.format("DOWN")]
        assert session() == both
        type_lines("no crypto logging session")
        assert session() == []
        type_lines("crypto logging session")
        assert session() == both

    with_log(schema, tmp_path, act, TEXT.replace("end\n", "crypto logging session\nend\n"))
