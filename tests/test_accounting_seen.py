"""A router's accounting as its operator sees it: `debug radius`, `debug aaa accounting`, `debug crypto isakmp aaa`, show commands.

A server of the test's own takes the records, and keeps the octets that arrive. The sessions have the values of the transcripts in
Cisco's IPsec Management Configuration Guide, so the lines are the guide's, but for identifiers, addresses and moments.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from agent.aaa.accounting.spool import LabSpool
from agent.aaa.radius.events import ServerAlive, ServerDead
from agent.aaa.radius.values import ServerName
from agent.aaa_service import LabAaa
from agent.base.clock import SECOND, VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.origin import CONSOLE
from agent.config.aaa_model import AccountingList, AccountingUpdate, RadiusServer, Secret, by_identity
from agent.config.crypto_model import CryptoMap
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, IpsecTunnel
from agent.lab.lab import Lab, build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.schema import Schema
from agent.router_service import Options, RouterService, plans_of
from agent.shell.lines import LineState
from agent.shell.session import Session
from agent.shell.terminal import Collected
from agent.syslog.debug import RADIUS_PACKETS, Debug
from tests.aaa.test_debug_radius import told, transcript
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.shell.fakes import COMMANDS

KEY = "cisco123"
TEXT = """\
version 12.4
hostname sheep
ip vrf cisco
interface FastEthernet0/0
 ip address 10.1.1.147 255.255.255.0
interface FastEthernet0/0.1
 ip vrf forwarding cisco
 ip address 10.1.2.1 255.255.255.0
end
"""
LAB = parse_lab_file('[router.r]\nconfig = "r.cfg"\n', "r.toml")


class Server:
    """A RADIUS server that takes every record (RFC 2866 §3)."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._answer)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _answer(self) -> None:
        request, client = self._socket.recvfrom(4096)
        self.requests.append(request)
        head = b"\x05" + request[1:2] + b"\x00\x14"
        self._socket.sendto(head + hashlib.md5(head + request[4:20] + KEY.encode()).digest(), client)


class Seen:
    """A router that accounts for its sessions, its server, and the lines of its debug since the last look."""

    def __init__(self, lab: Lab, service: RouterService, server: Server) -> None:
        self.lab, self.service, self.server = lab, service, server
        self._lines: list[str] = []
        service.syslog.subscribe(lambda logged: self._lines.append(str(logged.message)))

    def debug(self, *kinds: Debug) -> None:
        self.service.debugging.switch(*kinds, on=True)
        self._lines.clear()

    def since(self) -> list[str]:
        lines, self._lines[:] = list(self._lines), []
        return lines

    def session(self, octets: int = 0, packets: int = 0, **ike: Any) -> IpsecTunnel:
        """A session in VRF cisco that carries as much in both directions. Its crypto map is on FastEthernet0/0.1."""
        monitor, peer = self.service.node.monitor, IPv4Address("10.1.1.2")
        tunnel = monitor.ike_up("cisco", ike_facts(peer, **ike), PacketCounters(IkeCounter))
        facts, counters = ipsec_facts(peer, map_name="test", interface="FastEthernet0/0.1"), PacketCounters(IpsecCounter)
        session = monitor.ipsec_up(tunnel, facts, bundle()[2:], counters)
        counters.add(IpsecCounter.IN_OUTER_OCTETS, octets)
        counters.add(IpsecCounter.OUT_OCTETS, octets)
        counters.add(IpsecCounter.IN_PACKETS, packets)
        counters.add(IpsecCounter.OUT_PACKETS, packets)
        return session

    async def run_to(self, seconds: int) -> None:
        """Move the router's clock."""
        await self.lab.runner.run_to(seconds * SECOND)

    async def acknowledged(self, records: int) -> None:
        """Wait until the server's answers to so many records have come."""
        radius = self.service.aaa.radius
        while radius.statistics.totals.accounting.responses < records:
            happened = asyncio.Event()
            subscription = radius.subscribe(lambda event, happened=happened: happened.set())
            await asyncio.wait_for(happened.wait(), 20)
            subscription.close()

    async def type(self, line: str) -> str:
        terminal = Collected()
        result = await Session(self.service.shown(), terminal, COMMANDS, LineState(CONSOLE, 15)).execute(line)
        return terminal.text + result.error


def with_server(
    schema: Schema,
    folder: Path,
    act: Callable[[Seen], Awaitable[None]],
    *,
    update: int | None = None,
    plan: str | None = "ipsecaaa",
) -> None:
    """A router that has started, and its server. `update` is the period of interim records in minutes, `plan` the map's list."""

    async def whole() -> None:
        loop, server = asyncio.get_running_loop(), Server()
        lab = build_lab(LAB, {"r": (TEXT, "r.cfg")}, VirtualClock(), "r.toml")
        config = lab.first.document.config
        config.aaa.new_model = True
        config.aaa.network_accounting["ipsecaaa"] = AccountingList("start-stop", ("radius",))
        config.aaa.update = AccountingUpdate(periodic=update)
        config.crypto.maps["test"] = CryptoMap("test", accounting_list=plan)
        config.radius.hosts = by_identity([RadiusServer(IPv4Address("127.0.0.1"), acct_port=server.port, key=Secret(KEY))])
        config.radius.vsa_accounting = True
        spool = LabSpool(
            folder / "spool.sqlite",
            in_loop=loop.call_soon_threadsafe,
            now=lambda: int(loop.time() * SECOND),
            later=lambda delay, call: loop.call_later(delay / SECOND, call),
            hold=lambda: lambda: None,
        )
        aaa = LabAaa(spool=spool)
        service = RouterService(lab.first, plans_of(schema), Options("lab", folder), aaa, timers=lab.first.timers)
        try:
            service.listen([("127.0.0.1", 0)])
            await act(Seen(lab, service, server))
        finally:
            service.close()
            aaa.close()
            server.close()

    asyncio.run(whole())


# --- debug radius ---

_MASKS = (
    (r"authenticator .*", "authenticator"),
    (r"^RADIUS\(\w+\)", "RADIUS(n)"),
    (r"\d+\.\d+\.\d+\.\d+(:\d+)?", "A"),
    (r" id [\d/]+", " id n"),
    (r", len \d+", ", len n"),
    (r'"0000000\d"', '"n"'),
)


def masked(lines: list[str]) -> list[str]:
    """Lines without what differs from one run to another: addresses, identifiers, authenticators."""
    for pattern, instead in _MASKS:
        lines = [re.sub(pattern, instead, line) for line in lines]
    return lines


def shown(seen: Seen) -> list[str]:
    """The lines since the last look. The guide's sessions have no isakmp-phase1-id, which its table 4 has."""
    lines = told(seen.since())
    at = next(at for at, line in enumerate(lines) if "isakmp-phase1-id=" in line)
    return masked(lines[: at - 1] + lines[at + 1 :])


def of_guide(name: str, *values: tuple[str, str]) -> list[str]:
    """The lines of a transcript, with other values."""
    text = "\n".join(transcript(name))
    for theirs, ours in values:
        assert theirs in text
        text = text.replace(theirs, ours)
    return masked(text.splitlines())


CLIENT = {"user": "username1", "client_group": "cclient", "assigned_address": IPv4Address("10.13.13.1")}


def test_a_start(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.debug(*RADIUS_PACKETS)
        seen.session(**CLIENT)
        await seen.acknowledged(1)
        assert shown(seen) == of_guide("start")

    with_server(schema, tmp_path, act)


def test_an_update(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.session(octets=608, packets=4)
        await seen.acknowledged(1)
        seen.debug(*RADIUS_PACKETS)
        await seen.run_to(109)
        await seen.acknowledged(2)
        assert shown(seen) == of_guide("update", ("Acct-Session-Time [46] 6 109", "Acct-Session-Time [46] 6 60"))

    with_server(schema, tmp_path, act, update=1)


def test_a_stop(schema: Schema, tmp_path: Path) -> None:
    """It tells the true reason, where the guide's has none."""

    async def act(seen: Seen) -> None:
        tunnel = seen.session(octets=152608, packets=1004)
        await seen.acknowledged(1)
        await seen.run_to(709)
        seen.debug(*RADIUS_PACKETS)
        seen.service.node.monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
        await seen.acknowledged(2)
        assert shown(seen) == of_guide(
            "stop",
            ("none [0]", "admin-reset [6]"),
            ("[26] 32", "[26] 45"),
            ('[1] 26 "disc-cause-ext=No Reason"', '[1] 39 "disc-cause-ext=Local Admin Disconnect"'),
        )

    with_server(schema, tmp_path, act)


def test_the_lines_are_those_of_the_octets_on_the_wire(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.debug(Debug.RADIUS_ACCOUNTING)
        seen.session(**CLIENT)
        await seen.acknowledged(1)
        lines, (request,) = seen.since(), seen.server.requests
        assert (
            f"RADIUS(00000001): Send Accounting-Request to 127.0.0.1:{seen.server.port} id {request[1]}, len {len(request)}"
            in lines
        )
        assert f"RADIUS:  authenticator {request[4:12].hex(' ').upper()} - {request[12:20].hex(' ').upper()}" in lines
        lengths = [int(found[1]) for line in lines if (found := re.match(r"RADIUS:  \w[A-Za-z, -]*\[\d+\] +(\d+)", line))]
        assert sum(lengths) == len(request) - 20

    with_server(schema, tmp_path, act)


# --- debug aaa accounting, debug crypto isakmp aaa ---


def test_debug_of_accounting(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.debug(Debug.AAA_ACCOUNTING)
        tunnel = seen.session()
        await seen.acknowledged(1)
        seen.service.node.monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
        await seen.acknowledged(2)
        assert seen.since() == [
            "AAA/ACCT/EVENT/(00000001): NET UP",
            "AAA/ACCT/NET(00000001): Queueing record is START",
            "AAA/ACCT/NET(00000001): START protocol reply PASS",
            "AAA/ACCT/EVENT/(00000001): NET DOWN",
            "AAA/ACCT/NET(00000001): Queueing record is STOP",
            "AAA/ACCT/NET(00000001): STOP protocol reply PASS",
        ]

    with_server(schema, tmp_path, act)


def test_debug_of_isakmp_and_aaa(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.debug(Debug.ISAKMP_AAA)
        seen.session(**CLIENT)
        assert seen.since()[-2:] == [
            "ISAKMP AAA: Adding Client Attributes to Accounting Record",
            "ISAKMP AAA: Accounting Started",
        ]

    with_server(schema, tmp_path, act)


@pytest.mark.parametrize("plan", [None, "undefined"])
def test_a_session_that_nothing_accounts_for(schema: Schema, tmp_path: Path, plan: str | None) -> None:
    async def act(seen: Seen) -> None:
        seen.debug(Debug.ISAKMP_AAA, Debug.AAA_ACCOUNTING, *RADIUS_PACKETS)
        seen.session()
        assert seen.since() == ["ISAKMP AAA: Accounting is not enabled"]
        assert (await seen.type("show aaa sessions")).splitlines() == ["Total sessions since last reload: 0"]

    with_server(schema, tmp_path, act, plan=plan)


# --- show commands ---


def test_what_the_show_commands_print(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        tunnel = seen.session(**CLIENT)
        await seen.acknowledged(1)
        await seen.run_to(75)
        await seen.acknowledged(2)
        assert (await seen.type("show aaa sessions")).splitlines() == [
            "Total sessions since last reload: 1",
            "Session Id: 1",
            "   Unique Id: 1",
            "   User Name: username1",
            "   IP Address: 10.13.13.1",
            "   Idle Time: 0",
            "   CT Call Handle: 0",
        ]
        accounting = (await seen.type("show accounting")).splitlines()
        assert accounting[:2] == [
            "Active Accounted actions on Interface FastEthernet0/0.1, User username1 Priv 1",
            " Task ID 1, Network Accounting record, 00:01:15 Elapsed",
        ]
        assert "Network     1        0      1       1       0" in accounting
        seen.service.node.monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
        await seen.acknowledged(3)
        servers = (await seen.type("show aaa servers")).splitlines()
        assert servers[0] == f"RADIUS: id 1, priority 1, host 127.0.0.1, auth-port 1645, acct-port {seen.server.port}"
        assert "     Account: request 3, timeouts 0" in servers
        assert "             Transaction: success 3, failure 0" in servers
        assert "     Packets with responses:          0          3          3" in await seen.type("show radius statistics")
        assert "Network     1        1      1       0       0" in await seen.type("show accounting")

    with_server(schema, tmp_path, act, update=1)


# --- the log ---


def test_the_log_tells_of_servers_whatever_is_debugged(schema: Schema, tmp_path: Path) -> None:
    async def act(seen: Seen) -> None:
        seen.since()
        name = ServerName(IPv4Address("127.0.0.1"), 1645, seen.server.port)
        for event in (ServerDead(name), ServerAlive(name)):
            seen.service.aaa.radius._events.publish(event)
        assert seen.since() == [
            f"%RADIUS-4-RADIUS_DEAD: RADIUS server 127.0.0.1:1645,{seen.server.port} is not responding.",
            f"%RADIUS-4-RADIUS_ALIVE: RADIUS server 127.0.0.1:1645,{seen.server.port} is being marked alive.",
        ]

    with_server(schema, tmp_path, act)
