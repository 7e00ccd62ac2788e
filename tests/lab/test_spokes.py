"""Spokes made by number: at their hub they are what real spokes are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.clock import Clock, RealClock, VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.origin import CONSOLE
from agent.base.runner import VirtualRunner
from agent.config.edits import Editor
from agent.config.errors import ConfigErrors
from agent.crypto import ip
from agent.engine.values import ClearIsakmp, ClearSas, ClearSessions, DestroyIke, DestroyIpsec, Request, SessionFilter
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, IpsecFailureReason
from agent.flow.records import SaRefused
from agent.lab.lab import Lab, build_lab
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.wire.wires import Quality
from agent.mib.context import Sources
from agent.mib.contexts import Contexts
from agent.mib.schema import Schema
from agent.mib.values import order_key
from tests.flow.replica import follow, shown
from tests.lab.conftest import only

SECOND = 1_000_000
HUB = """
hostname hub
ip vrf customers
 rd 1:1
 context customers
crypto isakmp policy 10
 authentication pre-share
 lifetime {ike_lifetime}
crypto keyring ours
 pre-shared-key address 0.0.0.0 0.0.0.0 key secret
crypto isakmp profile spokes
 keyring ours
{inside_vrf}
 match identity address 10.1.0.0 255.255.0.0
crypto ipsec security-association lifetime seconds {seconds}
crypto ipsec security-association lifetime kilobytes {kilobytes}
crypto ipsec transform-set ours {transforms}
crypto dynamic-map spokes 10
 set transform-set ours
{profile}
crypto map outside 10 ipsec-isakmp dynamic spokes
interface FastEthernet0/0
 ip address 10.1.0.1 255.255.0.0
 crypto map outside
interface FastEthernet0/1
{forwarding}
 ip address 10.2.0.1 255.255.255.0
ip route {vrf}10.3.0.0 255.255.0.0 FastEthernet0/0 10.1.255.254
"""
SPOKE = """
hostname spoke{number}
crypto isakmp policy 10
 authentication pre-share
crypto isakmp identity {identity}
crypto isakmp key secret address 10.1.0.1
crypto ipsec transform-set ours {transforms}
crypto map outside 10 ipsec-isakmp
 set peer 10.1.0.1
 set transform-set ours
 match address 101
interface FastEthernet0/0
 ip address {address} 255.255.0.0
 crypto map outside
interface Loopback0
 ip address {inside} 255.255.255.255
ip route 10.2.0.0 255.255.255.0 10.1.0.1
access-list 101 permit ip host {inside} 10.2.0.0 0.0.0.255
"""
ROUTERS = """
[router.hub]
config = "hub.cfg"
[[host]]
address = "10.2.0.9"
behind = "hub:FastEthernet0/1"
"""
SPOKES = """
[[spokes]]
hub = "hub:FastEthernet0/0"
config = "spoke.cfg"
count = {count}
address = {{ first = "10.1.1.1" }}
inside = {{ first = "10.3.0.1", step = 4 }}
start = "1s"
over = "{over}us"
delay = "{delay}us"
traffic = {{ destination = "{to}", period = "{period}us", size = {size} }}
"""
DEFAULTS = {
    "ike_lifetime": "300",
    "seconds": "120",
    "kilobytes": "4608000",
    "transforms": "esp-des esp-sha-hmac",
    "identity": "address",
    "profile": "",
    "inside_vrf": "",
    "forwarding": "",
    "vrf": "",
}
IN_A_VRF = {
    "inside_vrf": " vrf customers",
    "profile": " set isakmp-profile spokes",
    "forwarding": " ip vrf forwarding customers",
    "vrf": "vrf customers ",
}
TIMES = {"count": 20, "over": 0, "delay": 0, "to": "10.2.0.9", "period": 10 * SECOND, "size": 120}


class Hub:
    """A hub with its spokes, of either make, under a virtual clock; and what a manager sees of it."""

    def __init__(self, schema: Schema, lab: Lab, clock: VirtualClock) -> None:
        self.schema, self.lab, self.clock = schema, lab, clock
        self.router = lab.routers["hub"]
        self.monitor = self.router.monitor
        config = self.router.document.config
        sources = Sources(
            schema,
            config,
            self.monitor,
            self.router.device,
            self.router.engine,
            Editor(config, lambda events: None),
            lambda name: 0,
        )
        self.contexts = Contexts(sources)
        self.runner = VirtualRunner(lab.scheduler, clock)

    def advance(self, seconds: float) -> None:
        self.runner.advance(round(seconds * SECOND))

    def walk(self) -> dict[str, bytes]:
        """Every cell of every context but SPIs, which are random."""
        return {
            f"{context}:{column.object.name}.{'.'.join(map(str, index_of(entry.key)))}": value
            for context in ("", "customers")
            for column, entry, value in self.cells(context)
            if column.object.name not in ("cipSecSpiValue", "cipSecFailSaSpi")
        }

    def cells(self, context: str) -> Iterator[Any]:
        tree = self.contexts.tree(context)
        assert tree is not None
        return tree.successors(order_key((1,)), self.clock.now())

    def sessions(self) -> list[Any]:
        """What each session says and has carried, by its remote end; ids rise in the order in which sessions came up."""
        now, found = self.clock.now(), sorted(self.monitor.sessions(), key=lambda session: int(session.peer.remote_address))
        return [
            (session.peer.ends, session.vrf, session.facts, session.start, session.totals(now), session.id) for session in found
        ]

    def sas(self) -> list[Any]:
        """When each SA began, what is left of its time, and, until others take over, what it has carried.

        A packet of the very moment at which SAs are replaced goes by the old or by the new ones.
        """
        now = self.clock.now()
        return [
            (
                tunnel.index,
                spi.index,
                spi.start,
                spi.expiring,
                spi.seconds_left(now),
                *([] if tunnel.refreshes else [spi.counted(now)]),
            )
            for tunnel in self.monitor.ipsec_tunnels.values()
            for spi in tunnel.spis
        ]

    def flow(self, vrf: str | None = None) -> Any:
        return self.monitor.vrf(vrf)


def index_of(key: bytes) -> list[int]:
    return [int.from_bytes(key[at : at + 4], "big") for at in range(0, len(key), 4)]


def spoke_text(**settings: str) -> str:
    """The spokes' configuration, its places left open."""
    text = SPOKE
    for name in ("transforms", "identity"):
        text = text.replace(f"{{{name}}}", {**DEFAULTS, **settings}[name])
    return text


def made(schema: Schema, hub_settings: dict[str, str], ceiling: int = 0, **times: Any) -> Hub:
    clock = VirtualClock()
    return Hub(schema, lab_of(clock, hub_settings, ceiling, **times), clock)


def lab_of(clock: Clock, hub_settings: dict[str, str], ceiling: int = 0, **times: Any) -> Lab:
    settings = {**DEFAULTS, **hub_settings}
    file = parse_lab_file(ROUTERS + SPOKES.format(**{**TIMES, **times}), "lab.toml")
    template = (spoke_text(**hub_settings), "spoke.cfg")
    limit = f"crypto call admission limit ipsec sa {ceiling}\n" if ceiling else ""
    lab = build_lab(file, {"hub": (HUB.format(**settings) + limit, "hub.cfg")}, clock, "lab.toml", [template])
    lab.start(lambda router, lines, key: None)
    return lab


def real(schema: Schema, hub_settings: dict[str, str], **times: Any) -> Hub:
    """The same spokes as routers, which send the same packets at the same moments."""
    settings, when = {**DEFAULTS, **hub_settings}, {**TIMES, **times}
    clock = VirtualClock()
    names = [f"spoke{number}" for number in range(1, when["count"] + 1)]
    texts = {"hub": (HUB.format(**settings), "hub.cfg")}
    for number, name in enumerate(names):
        own = {"number": str(number + 1), "address": f"10.1.1.{number + 1}", "inside": f"10.3.0.{number * 4 + 1}"}
        texts[name] = (spoke_text(**hub_settings).format(**own), f"{name}.cfg")
    file = parse_lab_file(ROUTERS + "".join(f'[router.{name}]\nconfig = "{name}.cfg"\n' for name in names), "lab.toml")
    lab = build_lab(file, texts, clock, "lab.toml")
    wire = lab.routers["hub"].router.ports["FastEthernet0/0"].wire
    assert wire is not None
    wire.quality = Quality(delay=when["delay"])

    def send(name: str, source: int, sequence: int) -> None:
        echo = ip.encode_echo(ip.Echo(True, 0, sequence, bytes(when["size"] - 28)))
        lab.routers[name].router.send(ip.Packet(source, int(ip_of(when["to"])), ip.ICMP, echo), None)
        lab.scheduler.after(when["period"], partial(send, name, source, sequence + 1))

    for number, name in enumerate(names):
        born = SECOND + when["over"] * number // when["count"]
        lab.scheduler.at(born, partial(send, name, int(ip_of(f"10.3.0.{number * 4 + 1}")), 0))
    return Hub(schema, lab, clock)


def ip_of(text: str) -> int:
    return int.from_bytes(bytes(map(int, text.split("."))), "big")


# Up; after traffic; while SAs are being replaced; when they have been; without an IKE tunnel; with the next; and much later.
INSTANTS = (1.5, 46, 114, 145, 225, 310, 345, 900)


@pytest.mark.parametrize(
    ("settings", "times"),
    [
        ({}, {}),
        (IN_A_VRF, {"delay": 2000, "over": 7 * SECOND, "count": 5}),
        ({"transforms": "ah-sha-hmac esp-des esp-sha-hmac"}, {"delay": 1500, "over": SECOND, "count": 3}),
        ({"identity": "hostname"}, {"to": "10.2.0.77", "count": 2}),
        ({}, {"period": 150 * SECOND, "over": 9 * SECOND, "count": 3}),
        ({"kilobytes": "2560", "seconds": "3600", "ike_lifetime": "86400"}, {"period": 60_000, "size": 1400, "count": 1}),
    ],
    ids=["at-once", "in-a-vrf", "ah-and-esp", "by-name-and-unanswered", "idle-in-between", "by-volume"],
)
def test_spokes_made_and_real_ones_give_equal_walks(schema: Schema, settings: dict[str, str], times: dict[str, Any]) -> None:
    ours, theirs = made(schema, settings, **times), real(schema, settings, **times)
    for instant in INSTANTS[:4] if "kilobytes" in settings else INSTANTS:
        ours.advance(instant)
        theirs.advance(instant)
        walk, expected = ours.walk(), theirs.walk()
        different = {
            cell: (walk.get(cell), expected.get(cell))
            for cell in walk.keys() | expected.keys()
            if walk.get(cell) != expected.get(cell)
        }
        assert not different, f"at {instant} s"
        assert ours.sessions() == theirs.sessions()
        assert ours.sas() == theirs.sas()
    # The walks were worth comparing.
    assert len(walk) > 100
    if "kilobytes" in settings:
        assert {tunnel.refreshes for tunnel in ours.monitor.ipsec_tunnels.values()} == {1}
    else:
        assert sum(len(flow.ike_history) for flow in ours.monitor.vrfs()) == 2 * len(theirs.lab.routers) - 2


def test_a_monitor_that_is_fed_by_the_records_of_spokes_shows_the_same(schema: Schema) -> None:
    """Through rekeys, expiry, and an operator who ends tunnels."""
    hub = made(schema, IN_A_VRF, count=3, over=2 * SECOND, delay=2000)
    replica = follow(hub.monitor, hub.clock, (200, 200))
    replica.vrf("customers")
    for instant in (3, 46, 114, 145, 225, 310, 345, 900):
        hub.advance(instant)
        if instant in (46, 225):
            hub.router.engine.do(DestroyIpsec(next(iter(hub.monitor.ipsec_tunnels))), CONSOLE)
            hub.router.engine.do(DestroyIke(max(hub.monitor.ike_tunnels)), CONSOLE)
        now = hub.clock.now()
        assert shown(replica, now, counters=False) == shown(hub.monitor, now, counters=False)
        hub.monitor.report_counters()
        assert shown(replica, now, counters=True) == shown(hub.monitor, now, counters=True)
    assert len(hub.flow("customers").ike_history) > 6


def test_each_spoke_has_the_description_of_its_own_peer_line(schema: Schema) -> None:
    text = {"profile": "crypto isakmp peer address 10.1.1.1\n description first site\n!\ncrypto dynamic-map spokes 10"}
    hub = made(schema, text, count=2)
    hub.advance(2)
    assert [facts.description for _, _, facts, *_ in hub.sessions()] == ["first site", ""]


# --- what an operator does ---


def adds_up(hub: Hub) -> None:
    """All globals are the sums of what there is and what ended; and no SPI is held that is not shown."""
    now, flow = hub.clock.now(), hub.flow()
    for totals, live, past, kind in (
        (flow.ike_totals, flow.ike_tunnels, flow.ike_history, IkeCounter),
        (flow.ipsec_totals, flow.ipsec_tunnels, flow.ipsec_history, IpsecCounter),
    ):
        rows = [*live.values(), *past.values()]
        for counter in kind:
            assert totals.value(counter, now) == sum(row.counters.value(counter, now) for row in rows)
    shown = {spi.value for tunnel in flow.ipsec_tunnels.values() for spi in tunnel.spis if spi.inbound}
    assert hub.router.router.sa_keeper.sad._reserved == shown


def test_clearing_sessions_ends_them_and_the_next_packets_bring_them_back(schema: Schema) -> None:
    hub, theirs = made(schema, {}, count=3, over=3 * SECOND), real(schema, {}, count=3, over=3 * SECOND)
    for each in (hub, theirs):
        each.advance(25)
        each.router.engine.do(ClearSessions(), CONSOLE)
        each.advance(26)
        flow = each.flow()
        assert (len(flow.ike_tunnels), len(flow.ipsec_tunnels), len(flow.peers)) == (0, 0, 0)
        assert {row.reason for row in (*flow.ike_history.values(), *flow.ipsec_history.values())} == {EndReason.OPERATOR}
        assert (len(flow.ike_failures), len(flow.ipsec_failures)) == (3, 3)
        each.advance(100)
    assert hub.walk() == theirs.walk()
    hub.advance(800)
    adds_up(hub)


def test_what_befalls_one_spoke_does_not_keep_the_others_waiting(schema: Schema) -> None:
    hub = made(schema, {}, count=4, over=4 * SECOND)
    for instant in (95, 105, 107.5, 250, 420):
        hub.advance(instant)
        for _ in range(2):
            second = hub.flow().ipsec_tunnels
            tunnel = next((tunnel for tunnel in second.values() if str(tunnel.facts.remote_address) == "10.1.1.2"), None)
            if tunnel is not None:
                hub.router.engine.do(DestroyIpsec(tunnel.index), CONSOLE)
    hub.advance(425)
    others = [tunnel for tunnel in hub.flow().ipsec_tunnels.values() if str(tunnel.facts.remote_address) != "10.1.1.2"]
    # 120 seconds less 10 each time, from 1, 3 and 4 seconds on.
    assert [(tunnel.index, tunnel.refreshes) for tunnel in others] == [(1, 3), (3, 3), (4, 3)]
    adds_up(hub)


@pytest.mark.parametrize("request_", [ClearSessions(SessionFilter(inside_vrf="customers")), ClearSas(), ClearIsakmp()])
def test_a_request_for_many_spokes_is_done_while_a_virtual_clock_stands_still(schema: Schema, request_: Request) -> None:
    hub = made(schema, IN_A_VRF, count=70)
    hub.advance(5)
    hub.router.engine.do(request_, CONSOLE)
    flow = hub.flow("customers")
    left = {ClearSessions: (0, 0), ClearSas: (70, 0), ClearIsakmp: (0, 70)}
    assert (len(flow.ike_tunnels), len(flow.ipsec_tunnels)) == left[type(request_)]
    hub.monitor.remove_vrf("customers")
    assert ("customers" in [each.name for each in hub.monitor.vrfs()]) == bool(flow.peers)


def test_in_real_time_a_request_for_many_spokes_ends_a_few_at_a_time() -> None:
    """So that polls are answered meanwhile. All of it is the operator's."""
    now = 0
    clock = RealClock(nanoseconds=lambda: now)
    lab = lab_of(clock, {}, count=70)
    now = 5 * SECOND * 1000
    while lab.scheduler.run_due(clock.now()):
        pass
    hub = lab.routers["hub"]
    assert len(hub.monitor.ipsec_tunnels) == 70
    records: list[Any] = []
    hub.monitor.subscribe(records.append)
    hub.engine.do(ClearSessions(), CONSOLE)
    assert 0 < len(hub.monitor.ipsec_tunnels) < 70
    lab.scheduler.run_due(clock.now())
    assert not hub.monitor.ipsec_tunnels
    assert not hub.monitor.ike_tunnels
    assert {record.origin for record in records} == {CONSOLE}


@pytest.mark.parametrize("address", ["10.1.1.2", "10.1.1.99"])
def test_a_session_is_cleared_by_its_peer(schema: Schema, address: str) -> None:
    hub = made(schema, {}, count=3)
    hub.advance(5)
    hub.router.engine.do(ClearSessions(SessionFilter(remote=IPv4Address(address))), CONSOLE)
    left = {str(tunnel.facts.remote_address) for tunnel in hub.flow().ike_tunnels.values()}
    assert left == {"10.1.1.1", "10.1.1.2", "10.1.1.3"} - {address}


def test_a_destroyed_ipsec_tunnel_comes_back_under_its_ike_tunnel(schema: Schema) -> None:
    hub, theirs = made(schema, {}, count=1, delay=1000), real(schema, {}, count=1, delay=1000)
    for each in (hub, theirs):
        each.advance(25)
        row = only(each.flow().ipsec_tunnels)
        each.router.engine.do(DestroyIpsec(row.index), CONSOLE)
        each.router.engine.do(DestroyIpsec(row.index), CONSOLE)  # a second manager's: there is nothing left to do
        assert not each.flow().ipsec_tunnels
        each.advance(40)
        assert only(each.flow().ipsec_tunnels).ike_index == only(each.flow().ike_tunnels).index == 1
        each.advance(200)
    counters = [only(each.flow().ike_tunnels).counters.snapshot(0) for each in (hub, theirs)]
    assert counters[0] == counters[1]
    for each in (hub, theirs):
        each.advance(302)
        assert only(each.flow().ike_history).reason is EndReason.NORMAL
    counters = [only(each.flow().ike_history).counters.snapshot(0) for each in (hub, theirs)]
    assert counters[0] == counters[1]
    hub.advance(900)
    adds_up(hub)


def test_a_destroyed_ike_tunnel_leaves_the_ipsec_tunnel(schema: Schema) -> None:
    hub, theirs = made(schema, {}, count=1), real(schema, {}, count=1)
    for each in (hub, theirs):
        each.advance(25)
        each.router.engine.do(DestroyIke(only(each.flow().ike_tunnels).index), CONSOLE)
        tunnel = only(each.flow().ipsec_tunnels)
        assert (tunnel.ike, only(each.flow().peers).tunnel_index) == (None, 0)
        each.advance(113)
        assert (tunnel.refreshes, only(each.flow().ike_tunnels).index, tunnel.ike_index) == (1, 2, 2)
        assert only(each.flow().ike_history).reason is EndReason.OPERATOR
    hub.advance(900)
    adds_up(hub)


def test_isakmp_and_ipsec_sas_are_cleared_apart(schema: Schema) -> None:
    hub = made(schema, {}, count=4)
    hub.advance(5)
    engine = hub.router.engine
    assert [(sa.state, sa.index, str(sa.source)) for sa in engine.phase1_sas()][:2] == [
        ("QM_IDLE", 1, "10.1.1.1"),
        ("QM_IDLE", 2, "10.1.1.2"),
    ]
    (fourth,) = engine.phase1_sas(IPv4Address("10.1.1.4"))
    assert (fourth.index, fourth.facts, fourth.start) == (4, hub.flow().ike_tunnels[4].facts, hub.flow().ike_tunnels[4].start)
    assert list(engine.phase1_sas(IPv4Address("10.1.1.5"))) == list(engine.negotiating_sas()) == []
    assert not engine.do(ClearIsakmp(9), CONSOLE)
    assert engine.do(ClearIsakmp(3), CONSOLE)
    assert set(hub.flow().ike_tunnels) == {1, 2, 4}
    assert engine.do(ClearIsakmp(), CONSOLE)
    assert (len(hub.flow().ike_tunnels), len(hub.flow().ipsec_tunnels)) == (0, 4)
    assert not engine.do(ClearIsakmp(), CONSOLE)
    engine.do(ClearSas(), CONSOLE)
    assert not hub.flow().ipsec_tunnels
    hub.advance(20)
    assert (len(hub.flow().ike_tunnels), len(hub.flow().ipsec_tunnels)) == (4, 4)
    adds_up(hub)


def test_the_ceiling_of_sas_holds_for_spokes_too(schema: Schema) -> None:
    """Each spoke has two SAs; who has been refused asks again with each packet."""
    hub = made(schema, {}, count=5, ceiling=6)
    refused: list[Any] = []
    hub.monitor.subscribe(lambda event: refused.append(event) if isinstance(event, SaRefused) else None)
    hub.advance(15)
    flow = hub.flow()
    assert (len(flow.ike_tunnels), len(flow.ipsec_tunnels), len(refused)) == (5, 3, 4)
    assert {row.reason for row in flow.ipsec_failures.values()} == {IpsecFailureReason.CAPACITY}
    hub.router.engine.do(DestroyIpsec(next(iter(flow.ipsec_tunnels))), CONSOLE)
    hub.advance(25)
    assert len(flow.ipsec_tunnels) == 3
    adds_up(hub)


# --- what a lab file may get wrong ---


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            '"hub:FastEthernet0/0"\nconfig',
            '"bub:FastEthernet0/0"\nconfig',
            "spokes[0].hub: names router bub, which is not in the file; there are hub",
        ),
        (
            '"hub:FastEthernet0/0"\nconfig',
            '"hub:Serial0/0"\nconfig',
            "spokes[0].hub: hub has no interface Serial0/0; there are FastEthernet0/0, FastEthernet0/1",
        ),
        ("count = 2", "count = 0", "spokes[0].count: needs a number of at least 1"),
        ("10.1.1.1", "10.1.1", 'spokes[0].address.first: needs an IPv4 address, such as "10.1.1.1"'),
        ("step = 4", "step = 0", "spokes[0].inside.step: needs a number of at least 1"),
        ("step = 4", "steps = 4", "spokes[0].inside.steps: is not a key; there are first, step"),
        ("step = 4", "step = 4294967295", "spokes[0].inside: 2 addresses from 10.3.0.1 on, 4294967295 apart, go past the last"),
        ('period = "10000000us"', 'period = "0s"', "spokes[0].traffic.period: needs a number above 0"),
        ("size = 120", "sise = 120", "spokes[0].traffic.sise: is not a key; there are destination, period, size"),
        ('"1s"', '"1"', 'spokes[0].start: needs a time with its unit, such as "2ms", "5s", "10m" or "1h"'),
        (
            "count = 2",
            "count = 2\nprofile = 3",
            "spokes[0].profile: is not a key; there are hub, config, count, address, inside, traffic,",
        ),
        (
            "{inside} 255",
            "{insde} 255",
            "spokes[0].config: spoke.cfg line 16: {insde} is unknown; there are {number}, {address}, {inside}",
        ),
        (
            "address {address} 255",
            "address 10.1.7.7 255",
            "spokes[0].config: spoke.cfg has no interface with {address}, which is 10.1.1.1",
        ),
        (
            "key secret address 10.1.0.1",
            "key wrong address 10.1.0.1",
            "spokes[0]: the hub and a spoke set up no tunnel: the hub has an IKE failure, authentication failure",
        ),
        ("host {inside}", "host 10.9.9.9", "spokes[0]: the hub and a spoke set up no tunnel: its traffic needs none"),
        ("host {inside} 10.2.0.0 0.0.0.255", "10.3.0.0 0.0.0.3 any", "spokes[0]: the hub and a spoke set up no tunnel: "),
    ],
)
def test_an_error_names_its_key(old: str, new: str, error: str) -> None:
    text, template = ROUTERS + SPOKES.format(**{**TIMES, "count": 2}), spoke_text()
    assert old in text + template

    def build() -> Lab:
        file = parse_lab_file(text.replace(old, new), "lab.toml")
        hub = {"hub": (HUB.format(**DEFAULTS), "hub.cfg")}
        return build_lab(file, hub, VirtualClock(), "lab.toml", [(template.replace(old, new), "spoke.cfg")])

    with pytest.raises(LabFileError) as raised:
        build()
    assert any(line.startswith(f"lab.toml: {error}") for line in str(raised.value).splitlines()), str(raised.value)


def test_spokes_that_the_hub_does_not_treat_alike_are_an_error() -> None:
    entry = (
        "\n set transform-set ours\n set peer 10.1.1.{0}\n match address 10{0}\naccess-list 10{0} permit ip any host 10.3.0.{1}\n"
    )
    maps = "".join(f"crypto map outside {number} ipsec-isakmp{entry.format(number, number * 4 - 3)}" for number in (1, 2))
    text = HUB.format(**DEFAULTS).replace("crypto map outside 10 ipsec-isakmp dynamic spokes\n", maps)
    template = spoke_text().replace("10.2.0.0 0.0.0.255\n", "any\n")
    file = parse_lab_file(ROUTERS + SPOKES.format(**{**TIMES, "count": 2}), "lab.toml")
    with pytest.raises(LabFileError, match="the first and the last differ in map sequence, acl name, acl entry"):
        build_lab(file, {"hub": (text, "hub.cfg")}, VirtualClock(), "lab.toml", [(template, "spoke.cfg")])


def test_a_wrong_line_of_the_spokes_configuration_is_told_by_its_number() -> None:
    file = parse_lab_file(ROUTERS + SPOKES.format(**{**TIMES, "count": 2}), "lab.toml")
    template = spoke_text().replace("{address} 255.255.0.0", "{address} 255.255.0.255")
    with pytest.raises(ConfigErrors, match=r"^spoke\.cfg:13: "):
        build_lab(file, {"hub": (HUB.format(**DEFAULTS), "hub.cfg")}, VirtualClock(), "lab.toml", [(template, "spoke.cfg")])


@pytest.mark.parametrize("period", [600, 3000])
def test_packets_may_be_far_between(schema: Schema, period: int) -> None:
    """What is measured in advance waits for the second packet of a spoke, however late that is."""
    hub = made(schema, {"seconds": "86400", "ike_lifetime": "86400"}, period=period * SECOND, count=2)
    hub.advance(2 * period + 60)
    flow = hub.flow()
    assert [tunnel.counters.value(IpsecCounter.IN_PACKETS, hub.clock.now()) for tunnel in flow.ipsec_tunnels.values()] == [2, 2]
