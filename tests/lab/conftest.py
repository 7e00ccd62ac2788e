"""Labs for tests: two routers, east and west, on one wire, under a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from agent.base.clock import VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.runner import VirtualRunner
from agent.config.session import Session
from agent.engine.values import PingRequest
from agent.flow.counters import IpsecCounter
from agent.lab.lab import Lab, build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.lab.ping import Ping
from agent.lab.policy.trustpoints import Trustpoints
from agent.lab.router import Router
from tests.lab.access import FakeAccess
from tests.lab.remote_hub import MakeHub, hub_text

# {me} and {peer} are 1 and 2, or 2 and 1. Each router has a loopback to talk from, 10.0.me.1.
ROUTER = """
hostname {name}
crypto isakmp policy 10
 authentication pre-share
 encryption {encryption}
 group {group}
 lifetime {ike_lifetime}
crypto isakmp key {key} address 192.0.2.{peer}
crypto ipsec security-association lifetime seconds {seconds}
crypto ipsec security-association lifetime kilobytes {kilobytes}
crypto ipsec transform-set ours {transforms}
 mode {mode}
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.{peer}
 set transform-set ours
 match address 101
{map_lines}
interface Loopback0
 ip address 10.0.{me}.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.{me} 255.255.255.0
 crypto map outside
ip route 10.0.{peer}.0 255.255.255.0 192.0.2.{peer}
access-list 101 permit ip {flow}
{lines}
"""

DEFAULTS = {
    "encryption": "des",
    "group": "1",
    "ike_lifetime": "86400",
    "key": "secret",
    "seconds": "3600",
    "kilobytes": "4608000",
    "transforms": "esp-des esp-sha-hmac",
    "mode": "tunnel",
    "map_lines": "",
    "flow": "10.0.{me}.0 0.0.0.255 10.0.{peer}.0 0.0.0.255",
    "lines": "",
}

LINK = """
[[link]]
ends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]
delay = "1ms"
"""


def router_text(name: str, me: int, peer: int, **settings: str) -> str:
    values = {**DEFAULTS, **settings}
    values = {key: value.replace("{me}", str(me)).replace("{peer}", str(peer)) for key, value in values.items()}
    return ROUTER.format(name=name, me=me, peer=peer, **values)


class DrivenLab:
    """A lab with its runner, and shorthand for what tests do with it."""

    def __init__(self, toml: str, texts: dict[str, str], trustpoints: Mapping[str, Trustpoints] | None = None) -> None:
        self.clock = VirtualClock()
        routers = "".join(f'[router.{name}]\nconfig = "{name}.cfg"\n' for name in texts)
        lab_file = parse_lab_file(toml + routers, "test.toml")
        files = {name: (text, f"{name}.cfg") for name, text in texts.items()}
        self.lab: Lab = build_lab(lab_file, files, self.clock, "test.toml", trustpoints=trustpoints or {})
        self.runner = VirtualRunner(self.lab.scheduler, self.clock)
        self.access = {name: FakeAccess(router.document.config) for name, router in self.lab.routers.items()}
        for name, access in self.access.items():
            self.lab.routers[name].engine.use_access(access)

    def start(self) -> DrivenLab:
        """Begin the file's timeline and traffic; lines of the timeline configure."""
        self.lab.start(lambda router, lines, key: self.configure(router.name, *lines))
        return self

    def configure(self, name: str, *lines: str) -> None:
        """Type configuration lines."""
        router = self.lab.routers[name]
        session = Session(router.document)
        for line in lines:
            outcome = session.feed(line)
            assert outcome.problem is None, line
            router.engine.config_changed(outcome.events)

    def __getattr__(self, name: str) -> Any:
        return self.lab.routers[name]

    def router(self, name: str) -> Router:
        return self.lab.routers[name].router

    def flow(self, name: str, vrf: str | None = None) -> Any:
        return self.lab.routers[name].monitor.vrf(vrf)

    def start_ping(self, name: str, destination: str, source: str | None = None, repeat: int = 5, **settings: Any) -> Ping:
        from_ = IPv4Address(source) if source else None
        request = PingRequest(IPv4Address(destination), source=from_, repeat=repeat, **settings)
        return self.lab.routers[name].engine.begin_ping(request)

    def ping(self, name: str, destination: str, source: str | None = None, repeat: int = 5, **settings: Any) -> int:
        """How many of the probes came back."""
        ping = self.start_ping(name, destination, source, repeat, **settings)
        self.wait_for(ping)
        return ping.received

    def wait_for(self, *pings: Ping) -> None:
        while not all(ping.done for ping in pings):
            assert self.runner.step()

    def wait(self, seconds: float) -> None:
        self.runner.advance(self.clock.now() + int(seconds * 1_000_000))

    def ike(self, name: str, counter: str, vrf: str | None = None) -> int:
        return int(self.flow(name, vrf).ike_totals.value(IkeCounter[counter], self.clock.now()))

    def ipsec(self, name: str, counter: str, vrf: str | None = None) -> int:
        return int(self.flow(name, vrf).ipsec_totals.value(IpsecCounter[counter], self.clock.now()))

    def leaks(self, name: str) -> SimpleNamespace:
        """What a router's engine still holds."""
        router = self.lab.routers[name].router
        return SimpleNamespace(sad=len(router.sa_keeper.sad), flows=len(router.sa_keeper.flows), records=len(list(router.ike.sas)))


MakePair = Callable[..., DrivenLab]


def ping(lab: DrivenLab, repeat: int = 2, by: str = "east") -> int:
    """From one router of a pair to the other, by the addresses that their access lists have."""
    ends = ("10.0.2.1", "10.0.1.1") if by == "east" else ("10.0.1.1", "10.0.2.1")
    return lab.ping(by, *ends, repeat=repeat)


def only(rows: Any) -> Any:
    (row,) = rows.values()
    return row


@pytest.fixture
def make_pair() -> MakePair:
    """east (1) and west (2): settings for both, or for one of them by `east={…}`."""

    def make(
        link: str = LINK,
        east: dict[str, str] | None = None,
        west: dict[str, str] | None = None,
        trustpoints: Mapping[str, Trustpoints] | None = None,
        **both: str,
    ) -> DrivenLab:
        texts = {
            "east": router_text("east", 1, 2, **{**both, **(east or {})}),
            "west": router_text("west", 2, 1, **{**both, **(west or {})}),
        }
        return DrivenLab(link, texts, trustpoints)

    return make


@pytest.fixture
def make_lab() -> Callable[..., DrivenLab]:
    return DrivenLab


@pytest.fixture
def make_hub() -> MakeHub:
    """A hub for remote-access clients: settings of `remote_hub.DEFAULTS`."""
    return lambda **settings: DrivenLab("", {"hub": hub_text(**settings)})
