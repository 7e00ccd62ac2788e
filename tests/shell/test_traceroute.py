"""traceroute, in the form of the router's release."""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.engine.values import PingRequest, Probe, ProbeOutcome
from tests.shell.fakes import CONFIG, TIMEOUT, Console

TARGET, BETWEEN = IPv4Address("10.22.1.1"), IPv4Address("10.1.1.2")


class Way:
    """An engine's ping: one router, then nobody, then the target."""

    def __init__(self, console: Console) -> None:
        self.requests: list[PingRequest] = []
        console.engine.ping = self.ping  # type: ignore[method-assign, assignment]

    async def ping(self, request: PingRequest, on_probe: object) -> None:
        self.requests.append(request)
        expired, reply = Probe(ProbeOutcome.EXPIRED, 4000, BETWEEN), Probe(ProbeOutcome.REPLY, 8000, TARGET)
        for probe in {1: [expired] * 3, 2: [TIMEOUT] * 3}.get(request.hops, [reply, TIMEOUT, reply]):
            on_probe(probe)  # type: ignore[operator]


def test_each_time_to_live_has_a_line() -> None:
    console = Console()
    way = Way(console)
    assert console.type("traceroute 10.22.1.1 source lo1").splitlines() == [
        "Type escape sequence to abort.",
        "Tracing the route to 10.22.1.1",
        "",
        "  1 hub (10.1.1.2) 4 msec 4 msec 4 msec",
        "  2  *  *  * ",
        "  3 10.22.1.1 8 msec *  8 msec",
    ]
    assert [request.hops for request in way.requests] == [1, 2, 3]
    assert way.requests[0] == PingRequest(TARGET, None, IPv4Address("10.20.1.1"), 3, 28, 3_000_000, 1)


def test_ios_xe_has_a_line_about_vrfs() -> None:
    console = Console(CONFIG.replace("version 12.4", "version 16.9"))
    Way(console)
    assert console.type("traceroute 10.22.1.1 ttl 3 3").splitlines()[2:] == [
        "VRF info: (vrf in name/id, vrf out name/id)",
        "  3 10.22.1.1 8 msec *  8 msec",
    ]


def test_it_ends_at_the_greatest_time_to_live() -> None:
    console = Console()
    way = Way(console)
    console.type("traceroute vrf red 10.22.1.1 ttl 1 2 probe 1 timeout 9")
    assert [(request.vrf, request.repeat, request.timeout, request.hops) for request in way.requests] == [
        ("red", 1, 9_000_000, 1),
        ("red", 1, 9_000_000, 2),
    ]
    assert console.result("traceroute vrf blue 10.1.1.1").error == "% VRF blue does not exist\n"
