"""A server that sends requests to a router, by pyrad, and a router with sessions that they may be about."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, cast

from pyrad import packet as radius
from pyrad.dictionary import Dictionary

import agent.aaa.radius
from agent.aaa.dynamic.author import DynamicAuthorServer
from agent.aaa.dynamic.router import DynamicRouter
from agent.base.clock import SECOND, VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.limited_log import LimitedLog
from agent.base.origin import Origin
from agent.config.aaa_model import DynamicAuthor, DynamicAuthorClient, Secret, by_identity
from agent.config.document import load
from agent.engine.port import Engine, Node
from agent.engine.values import ClearSessions, Refusal, Request
from agent.flow.counters import IpsecCounter, PolledCounters
from agent.flow.device import Device
from agent.flow.model import Identity
from agent.flow.monitor import FlowMonitor
from tests.flow.builders import bundle, ike_facts, ipsec_facts

DICTIONARY = Dictionary(str(Path(agent.aaa.radius.__file__).with_name("dictionary")))
SERVER = ("192.0.2.9", 40000)
KEY = "disconnect-me"
CLIENT = DynamicAuthorClient(IPv4Address(SERVER[0]), Secret(KEY))
AUTHOR = DynamicAuthor(by_identity([CLIENT]))
ROUTER = """hostname hub
ip domain name example.com
interface FastEthernet0/0
 ip address 10.1.1.2 255.255.255.0
interface FastEthernet0/1
 ip address 10.22.1.1 255.255.255.0
 ip address 10.22.2.1 255.255.255.0 secondary
"""
DISCONNECT, COA = radius.DisconnectRequest, radius.CoARequest


def request(code: int = DISCONNECT, key: str = KEY, identifier: int = 7, signed: bool = False, **values: Any) -> Any:
    """A packet of pyrad's. An attribute's name has "_" for "-"."""
    made = radius.CoAPacket(code=code, id=identifier, secret=key.encode(), dict=DICTIONARY)
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            made.AddAttribute(name.replace("_", "-"), each)
    if signed:
        made.add_message_authenticator()
    return made


@dataclass
class Ending:
    """An engine that is asked to end sessions, and notes which."""

    refuses: bool = False
    asked: list[tuple[Request, Origin | None]] = field(default_factory=list)

    def test(self, request: Request) -> Refusal | None:
        return Refusal("no") if self.refuses else None

    def do(self, request: Request, origin: Origin | None) -> bool:
        self.asked.append((request, origin))
        return True

    @property
    def ended(self) -> list[str]:
        """The remote ends of the sessions, each with its port."""
        requests = [request for request, _ in self.asked if isinstance(request, ClearSessions)]
        return [f"{request.wanted.remote}:{request.wanted.remote_port}" for request in requests]


class Router:
    """A hub with four sessions: alice from two places, bob, who is behind the NAT of one of them, and another router.

    The numbers of the sessions are 1 to 4; all but bob's are accounted for, with Acct-Session-Ids 0000000A, B and D.
    """

    def __init__(
        self, author: DynamicAuthor | None = AUTHOR, later: Callable[[Callable[[], None]], object] = lambda call: call()
    ) -> None:
        self.engine = Ending()
        document = load(ROUTER)
        document.config.radius.dynamic_author = author
        monitor = FlowMonitor(VirtualClock())
        node = Node("hub", document, monitor, Device("hub", "", "0.0"), cast(Engine, self.engine), datetime(2026, 1, 1, tzinfo=UTC))
        for user, remote, port, inner, vrf in (
            ("alice", "198.51.100.1", 4500, "10.9.0.1", None),
            ("alice", "198.51.100.2", 1024, "10.9.0.2", "red"),
            ("bob", "198.51.100.2", 1025, "10.9.0.3", None),
            (None, "198.51.100.4", 500, None, None),
        ):
            who: dict[str, Any] = {"user": user, "assigned_address": IPv4Address(inner) if inner else None}
            if user:
                who |= {"client_group": "road", "remote": Identity(False, "road")}
            else:
                who |= {"remote": Identity(True, remote)}
            ike = monitor.ike_up(
                vrf, ike_facts(IPv4Address(remote), remote_port=port, **who), PolledCounters((0,) * len(IkeCounter))
            )
            facts = ipsec_facts(IPv4Address(remote), interface="FastEthernet0/0")
            monitor.ipsec_up(ike, facts, bundle(), PolledCounters((0,) * len(IpsecCounter)))
        sessions = {session.id: session for session in monitor.sessions()}
        accounted = {"0000000A": sessions[1], "0000000B": sessions[2], "0000000D": sessions[4]}
        router = DynamicRouter(
            node,
            lambda name: [accounted[name]] if name in accounted else [],
            lambda: ["the-hub", None],
            lambda session: "bob@example.com" if session.facts.user == "bob" else None,
            later,
        )
        self.sessions, self.close = sessions, router.close
        log = LimitedLog(logging.getLogger(__name__), lambda: round(self.now * SECOND), lambda delay, call: None)
        self.server = DynamicAuthorServer(document.config, router, log)
        self.now = 0.0
        self.date = 1_000_000.0

    def receive(self, datagram: bytes, source: tuple[str, int] = SERVER) -> bytes | None:
        return self.server.received(datagram, source, self.now, self.date)

    def ask(self, asked: Any) -> Any:
        """The reply to a packet of pyrad's, which finds it genuine."""
        octets = self.receive(asked.RequestPacket())
        assert octets is not None
        reply = asked.CreateReply(packet=octets)
        assert asked.VerifyReply(reply, octets)
        return reply

    def cause(self, asked: Any) -> int | None:
        """The Error-Cause of the reply, None of an ACK."""
        reply = self.ask(asked)
        acks = (radius.DisconnectACK, radius.CoAACK)
        return None if reply.code in acks else next(iter(reply["Error-Cause"]))

    def drops(self) -> Iterator[str]:
        for reason, count in self.server.counts[SERVER[0]].dropped.items():
            yield from [reason.value] * count
