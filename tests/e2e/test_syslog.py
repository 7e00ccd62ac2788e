"""A router's messages as rsyslogd receives them, by UDP and TCP: its sessions, and what happens to the router itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Lab, wait_for
from tests.e2e.rsyslog import Rsyslog

HUB, FAR = "ipsecf-3745b", "ipsecf-3745a"
DATE = r"\*[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{3}: "
UPTIME = r"\d\d:\d\d:\d\d: "
SESSION = "%CRYPTO-5-SESSION_STATUS: Crypto session is"


@pytest.fixture
def rsyslog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rsyslog]:
    receiver = Rsyslog(tmp_path_factory.mktemp("rsyslog"))
    receiver.start()
    yield receiver
    receiver.stop()


def to(rsyslog: Rsyslog) -> dict[str, Callable[[str], str]]:
    """Both routers log their sessions to rsyslogd. The hub knows one of its peers by a description."""
    hub = (
        "crypto isakmp peer address 10.1.1.1 vrf vrf1",
        " description connection from site A",
        f"logging host 127.0.0.1 transport udp port {rsyslog.udp}",
        f"logging host 127.0.0.1 transport tcp port {rsyslog.tcp}",
    )
    far = ("logging origin-id string far", f"logging host 127.0.0.1 transport udp port {rsyslog.udp}")

    def adding(lines: tuple[str, ...]) -> Callable[[str], str]:
        added = "\n".join(["", "crypto logging session", *lines, "end"])
        return lambda text: text.replace("\nend", added)

    return {f"{HUB}.cfg": adding(hub), f"{FAR}.cfg": adding(far)}


def configure(lab: Lab, *lines: str, router: str = HUB) -> None:
    done = lab.cli(router=router, stdin="\n".join(["configure terminal", *lines, "end", ""]))
    assert done.returncode == 0, done.stdout + done.stderr


def shown(lab: Lab) -> str:
    return lab.cli("show", "logging", router=HUB).stdout


def test_rsyslog_receives_a_router_s_messages_by_udp_and_tcp(start_lab: Callable[..., Lab], rsyslog: Rsyslog) -> None:
    lab = start_lab(to(rsyslog))
    sessions_come_up_and_go(lab, rsyslog)
    the_router_is_configured(lab, rsyslog)
    a_set_up_fails(lab, rsyslog)
    the_server_is_away_and_comes_back(lab, rsyslog)


def sessions_come_up_and_go(lab: Lab, rsyslog: Rsyslog) -> None:
    """In the form of Cisco's guide: with and without VRFs, and with and without a description."""
    for by in ("udp", "tcp"):
        assert re.fullmatch(rf"<189>\d+: {UPTIME}%SYS-5-RESTART: System restarted --", rsyslog.await_line(by, "RESTART"))
    lab.ping()
    lab.ping("10.22.2.1", "10.20.2.1")
    assert lab.cli("clear", "crypto", "session", router=HUB).returncode == 0
    for by in ("udp", "tcp"):
        for state in ("UP", "DOWN"):
            for peer, rest in (
                ("10.1.1.1:500", "fvrf=vrf1 ivrf=vrf1 Description: connection from site A Id: 10.1.1.1"),
                ("10.1.2.1:500", "fvrf=vrf2 ivrf=vrf2 Id: 10.1.2.1"),
            ):
                text = f"{SESSION} {state}. Peer {peer}"
                line = rsyslog.await_line(by, text)
                assert re.fullmatch(rf"<189>\d+: {UPTIME}{re.escape(f'{text} {rest}')}", line), line
    for state in ("UP", "DOWN"):
        text = f"{SESSION} {state}. Peer 10.1.1.2:500"
        line = rsyslog.await_line("udp", text)
        assert re.fullmatch(rf"<189>\d+: far: {UPTIME}{re.escape(f'{text} Id: 10.1.1.2')}", line), line


def a_set_up_fails(lab: Lab, rsyslog: Rsyslog) -> None:
    """Another key at the far router: each end logs what it makes of the other's message, at the severity of that."""
    configure(lab, "no crypto isakmp key vrf1-1 address 10.1.1.2", "crypto isakmp key other address 10.1.1.2", router=FAR)
    assert lab.cli("ping", "10.22.1.1", "source", "10.20.1.1", "repeat", "1", "timeout", "1", router=FAR).returncode == 0
    malformed = "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from 10.1.1.1 failed its sanity check or is malformed"
    for by in ("udp", "tcp"):
        line = rsyslog.await_line(by, malformed)
        assert re.fullmatch(rf"<188>\d+: {HUB}: {DATE}{re.escape(malformed)}", line), line
    refused = "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Informational mode failed with peer at 10.1.1.2"
    line = rsyslog.await_line("udp", refused)
    assert re.fullmatch(rf"<190>\d+: far: {UPTIME}{re.escape(refused)}", line), line


def the_router_is_configured(lab: Lab, rsyslog: Rsyslog) -> None:
    configure(lab, "service timestamps log datetime msec", "logging origin-id hostname", "interface Loopback77", "shutdown")
    for by in ("udp", "tcp"):
        for text in (
            "%LINEPROTO-5-UPDOWN: Line protocol on Interface Loopback77, changed state to up",
            "%LINK-5-CHANGED: Interface Loopback77, changed state to administratively down",
            "%LINEPROTO-5-UPDOWN: Line protocol on Interface Loopback77, changed state to down",
            "%SYS-5-CONFIG_I: Configured from console by console",
        ):
            line = rsyslog.await_line(by, text)
            assert re.fullmatch(rf"<189>\d+: {HUB}: {DATE}{re.escape(text)}", line), line


def the_server_is_away_and_comes_back(lab: Lab, rsyslog: Rsyslog) -> None:
    rsyslog.stop()
    wait_for(lambda: "LOGGINGHOST_FAIL" in shown(lab), "the lost connection")
    configure(lab, "interface Loopback78")
    assert f"(tcp port {rsyslog.tcp}, audit disabled,\n              link down)," in shown(lab)
    rsyslog.start()
    rsyslog.await_line("tcp", f"Logging to host 127.0.0.1 port {rsyslog.tcp} started - reconnection")
    assert "changed state to up" in rsyslog.await_line("tcp", "Loopback78")
    assert not [line for line in rsyslog.lines("udp") if "Loopback78" in line]
    assert shown(lab).startswith("Syslog logging: enabled (0 messages dropped")
    numbers = [int(found[1]) for line in rsyslog.lines("tcp") if (found := re.match(r"<\d+>(\d+): ", line))]
    assert numbers == list(range(1, len(numbers) + 1))  # over TCP nothing is lost, and all is in order
