"""Routers on a real underlay: two labs that know each other by sockets alone, and what a lab file may not ask for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.clock import RealClock, VirtualClock
from agent.base.limited_log import AT_ONCE, INTERVAL
from agent.base.runner import RealRunner
from agent.engine.values import PingRequest
from agent.lab.lab import Lab, build_lab
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.wire.underlay import Underlay, UnderlayError
from tests.lab.conftest import router_text

LAB = """
[router.{name}]
config = "{name}.cfg"
ike = "127.0.0.1:{ike}"
nat = "127.0.0.1:{nat}"
[[peer]]
address = "192.0.2.{peer}"
behind = "{name}:FastEthernet0/0"
ike = "127.0.0.1:{peer_ike}"
nat = "127.0.0.1:{peer_nat}"
"""
MINIMAL = """
[router.east]
config = "east.cfg"
ike = "127.0.0.1:5500"
[[peer]]
address = "192.0.2.2"
behind = "east:FastEthernet0/0"
"""


def build(toml: str, clock: RealClock | VirtualClock, name: str = "east", me: int = 1, **settings: str) -> Lab:
    text = router_text(name, me, 3 - me, **settings)
    return build_lab(parse_lab_file(toml, "lab.toml"), {name: (text, f"{name}.cfg")}, clock, "lab.toml")


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def between_two_labs(work: Callable[[Lab, Lab, RealRunner], Coroutine[Any, Any, None]], **settings: str) -> None:
    """Run `work` with two labs, each with one router, and the first's runner."""
    ports = free_ports(4)
    (east, west) = (
        build(
            LAB.format(name=name, ike=ports[at], nat=ports[at + 1], peer=2 - side, peer_ike=ports[2 - at], peer_nat=ports[3 - at]),
            RealClock(),
            name,
            side + 1,
            **settings,
        )
        for side, (name, at) in enumerate((("east", 0), ("west", 2)))
    )

    async def run() -> None:
        runners = [RealRunner(lab.scheduler, lab.clock) for lab in (east, west) if isinstance(lab.clock, RealClock)]
        underlays = [underlay for lab in (east, west) for underlay in lab.underlays.values()]
        for underlay in underlays:
            underlay.open()
        for runner in runners:
            runner.start()
        try:
            await work(east, west, runners[0])
        finally:
            for runner in runners:
                runner.stop()
            for underlay in underlays:
                underlay.close()

    asyncio.run(run())


async def ping(lab: Lab, runner: RealRunner, repeat: int = 5) -> int:
    request = PingRequest(IPv4Address("10.0.2.1"), source=IPv4Address("10.0.1.1"), repeat=repeat, timeout=500_000)
    begun = lab.routers["east"].engine.begin_ping(request)
    await runner.until(lambda: begun.done)
    return begun.received


def test_two_labs_meet_by_real_sockets_and_carry_esp_in_udp() -> None:
    async def work(east: Lab, west: Lab, runner: RealRunner) -> None:
        assert await ping(east, runner) == 4
        assert await ping(east, runner) == 5
        for lab in (east, west):
            (router,) = lab.routers.values()
            (ike,) = router.monitor.vrf(None).ike_tunnels.values()
            assert (ike.facts.local_port, ike.facts.remote_port) == (4500, 4500)
            (live,) = router.router.sa_keeper.flows
            assert live.bundles[0].bundle.udp

    between_two_labs(work)


def test_a_datagram_of_a_stranger_goes_nowhere() -> None:
    async def work(east: Lab, west: Lab, runner: RealRunner) -> None:
        (underlay,) = east.underlays.values()
        underlay.arrived(500, b"x" * 28, ("127.0.0.2", 500))
        assert underlay.refused == 1
        assert east.scheduler.next_time() is None

    between_two_labs(work)


def test_a_flood_is_cut_off() -> None:
    async def work(east: Lab, west: Lab, runner: RealRunner) -> None:
        (underlay,) = east.underlays.values()
        for _ in range(3000):
            underlay.arrived(500, b"x" * 28, ("127.0.0.1", 60000))
        assert underlay.refused == 3000 - 1024

    between_two_labs(work)


def test_a_flood_of_strangers_is_a_few_lines_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A stranger may forge any source: the log has the first ones, and counts the rest."""
    lab = build(MINIMAL, RealClock(nanoseconds=lambda: 0))
    (underlay,) = lab.underlays.values()
    for number in range(20_000):
        underlay.arrived(500, b"x" * 28, (str(IPv4Address(0x0A000000 + number)), 500))
    assert underlay.refused == 20_000
    assert len(caplog.messages) == AT_ONCE
    lab.scheduler.run_due(INTERVAL)
    assert len(caplog.messages) == AT_ONCE + 1
    assert f"the last of {20_000 - AT_ONCE} such lines held back" in caplog.messages[-1]


def test_a_flood_of_one_peer_leaves_others_their_share() -> None:
    second = '[[peer]]\naddress = "192.0.2.3"\nbehind = "east:FastEthernet0/0"\n'
    lab = build(MINIMAL + second, RealClock())
    (underlay,) = lab.underlays.values()
    for _ in range(3000):
        underlay.arrived(500, b"x" * 28, ("192.0.2.2", 500))
    refused = underlay.refused
    underlay.arrived(500, b"x" * 28, ("192.0.2.3", 500))
    assert underlay.refused == refused


def test_what_cannot_go_in_udp_does_not_leave() -> None:
    async def work(east: Lab, west: Lab, runner: RealRunner) -> None:
        (underlay,) = east.underlays.values()
        request = PingRequest(IPv4Address("192.0.2.2"), repeat=1, timeout=100_000)  # in the clear: it is in no access list
        begun = east.routers["east"].engine.begin_ping(request)
        await runner.until(lambda: begun.done)
        assert (begun.received, underlay.refused) == (0, 1)

    between_two_labs(work)


def test_a_peer_may_come_by_another_port_as_past_a_nat() -> None:
    lab = build(MINIMAL.replace('behind = "east', 'ike = "127.0.0.1:6500"\nbehind = "east'), RealClock())
    (underlay,) = lab.underlays.values()
    (peer,) = underlay.peers
    assert [peer.port_of(("127.0.0.1", port), exactly=False) for port in (6500, 4500, 7777)] == [500, 4500, 7777]
    assert [peer.port_of(("127.0.0.1", port), exactly=True) for port in (6500, 7777)] == [500, None]
    assert peer.port_of(("127.0.0.2", 6500), exactly=False) is None


def test_where_the_file_does_not_say_a_peer_is_where_its_address_is() -> None:
    (peer,) = parse_lab_file(MINIMAL, "lab.toml").peer
    assert (peer.real_ike, peer.real_nat) == (("192.0.2.2", 500), ("192.0.2.2", 4500))


# --- what cannot be had ---


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'ike = "127.0.0.1:5500"',
            "",
            "peer[0].behind: names router east, which needs `ike`, the real address and port of its IKE",
        ),
        ('ike = "127.0.0.1:5500"', 'ike = "localhost:5500"', 'router.east.ike: needs an IPv4 address and port, such as "127'),
        ('ike = "127.0.0.1:5500"', 'ike = "127.0.0.1"', 'router.east.ike: needs an IPv4 address and port, such as "127'),
        ("[[peer]]", '[router.b]\nconfig = "b.cfg"\nnat = "127.0.0.1:1"\n[[peer]]', "router.b.nat: needs `ike` beside it"),
        ('behind = "east', 'behind = "b', "peer[0].behind: names router b, which is not in the file; there are east"),
        ('address = "192.0.2.2"', "", "peer[0].address: is missing"),
    ],
)
def test_an_error_names_its_key(old: str, new: str, problem: str) -> None:
    with pytest.raises(LabFileError) as raised:
        parse_lab_file(MINIMAL.replace(old, new), "lab.toml")
    assert str(raised.value).splitlines()[0].startswith(f"lab.toml: {problem}")


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ('address = "192.0.2.2"\nike = "127.0.0.1:1"', "address"),
        ('address = "192.0.2.3"\nike = "192.0.2.2:500"\nnat = "127.0.0.1:2"', "ike"),
        ('address = "192.0.2.3"\nike = "127.0.0.1:1"\nnat = "192.0.2.2:500"', "nat"),
    ],
)
def test_two_peers_are_not_in_one_place(other: str, key: str) -> None:
    with pytest.raises(LabFileError) as raised:
        parse_lab_file(f'{MINIMAL}[[peer]]\n{other}\nbehind = "east:FastEthernet0/0"\n', "lab.toml")
    assert str(raised.value) == f"lab.toml: peer[1].{key}: is one of peer[0], too; each peer needs its own"


def test_a_peer_does_not_have_the_routers_address() -> None:
    with pytest.raises(LabFileError, match=r"lab.toml: peer\[0\].behind: FastEthernet0/0 has that address itself"):
        build(MINIMAL.replace("192.0.2.2", "192.0.2.1"), RealClock())


def test_a_peer_is_behind_an_interface_that_is_there() -> None:
    with pytest.raises(LabFileError, match=r"peer\[0\].behind: east has no interface Serial0/0"):
        build(MINIMAL.replace("FastEthernet0/0", "Serial0/0"), RealClock())


def test_a_virtual_clock_is_refused() -> None:
    with pytest.raises(LabFileError, match=r"lab.toml: router.east.ike: a real underlay needs the real clock"):
        build(MINIMAL, VirtualClock())


def test_ah_is_refused() -> None:
    with pytest.raises(LabFileError) as raised:
        build(MINIMAL, RealClock(), transforms="ah-sha-hmac esp-des")
    assert str(raised.value) == (
        "lab.toml: router.east.ike: transform set ours of crypto map outside 10 has AH, which does not go in UDP; "
        "on a real underlay a transform set needs ESP alone"
    )


def test_ah_of_a_protected_tunnel_is_refused() -> None:
    lines = (
        "crypto ipsec transform-set bundle ah-sha-hmac esp-des\ncrypto ipsec profile vti\n set transform-set bundle\n"
        "interface Tunnel0\n ip address 10.8.0.1 255.255.255.252\n tunnel source FastEthernet0/0\n tunnel destination 192.0.2.2\n"
        " tunnel protection ipsec profile vti\n"
    )
    with pytest.raises(LabFileError, match=r"router.east.ike: transform set bundle of crypto map .* has AH"):
        build(MINIMAL, RealClock(), lines=lines)
    # A tunnel to somebody else is none of the real peer's.
    build(MINIMAL, RealClock(), lines=lines.replace("destination 192.0.2.2", "destination 192.0.2.3"))


def test_an_address_that_is_taken_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        lab = build(MINIMAL.replace("5500", str(port)), RealClock())

        async def run(underlay: Underlay) -> None:
            underlay.open()

        with pytest.raises(UnderlayError, match=f"lab.toml: router.east.ike: 127.0.0.1:{port} cannot be bound: Address already"):
            asyncio.run(run(lab.underlays["east"]))
