"""A router that restarts: what it loses, what it keeps, and that the others of its lab go on."""

from __future__ import annotations

from agent.base.clock import VirtualClock
from agent.base.runner import VirtualRunner
from agent.base.scheduler import Branch, Scheduler
from agent.config.document import load
from agent.config.startup import Startup
from agent.flow.records import FlowRecord
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from tests.lab.conftest import LINK, DrivenLab, MakePair, only, ping, router_text
from tests.lab.test_spokes import lab_of

TRAFFIC = """
[[traffic]]
source = "west:Loopback0"
destination = "east:Loopback0"
period = "1s"
"""
HOST = """
[[host]]
address = "10.7.0.9"
behind = "east:FastEthernet0/1"
"""
INSIDE = "interface FastEthernet0/1\n ip address 10.7.0.1 255.255.255.0\n"


def test_a_restart_loses_the_tunnels_and_tells_the_peer_nothing(make_pair: MakePair) -> None:
    lab = make_pair()
    assert ping(lab) == 1
    heard: list[FlowRecord] = []
    lab.west.monitor.subscribe(heard.append)
    lab.wait(10)
    lab.lab.restart("east")
    lab.wait(10)
    east = lab.flow("east")
    assert (len(east.ike_tunnels), len(east.ipsec_tunnels), len(east.ike_history), len(east.ike_failures)) == (0, 0, 0, 0)
    assert lab.ike("east", "IN_PACKETS") == 0
    assert (len(lab.flow("west").ike_tunnels), len(lab.flow("west").ipsec_tunnels)) == (1, 1)
    assert heard == []
    assert lab.leaks("east").sad == 0


def test_the_routers_own_clock_begins_at_0_and_its_date_goes_on(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.wait(100)
    before = lab.east.epoch
    lab.lab.restart("east")
    assert lab.east.monitor.clock.now() == 0
    lab.wait(5)
    assert (lab.east.monitor.clock.now(), lab.west.monitor.clock.now()) == (5_000_000, 105_000_000)
    assert (lab.east.epoch - before).total_seconds() == 100


def test_tunnels_come_up_again_and_their_lifetimes_count_from_the_routers_own_clock(make_pair: MakePair) -> None:
    lab = make_pair(seconds="300")
    lab.wait(50)
    lab.lab.restart("east")
    assert ping(lab, repeat=3) == 2
    tunnel = only(lab.flow("east").ipsec_tunnels)
    assert tunnel.start < 10_000_000
    lab.wait(320)
    assert only(lab.flow("east").ipsec_tunnels).refreshes + only(lab.flow("west").ipsec_tunnels).refreshes > 0
    assert ping(lab, repeat=2) == 2


def test_the_peer_finds_out_by_itself(make_pair: MakePair) -> None:
    """RFC 3706: only a peer that asks finds out that the other end has restarted."""
    lab = make_pair(lines="crypto isakmp keepalive 10 3 periodic")
    assert ping(lab) == 1
    lab.lab.restart("east")
    lab.wait(60)
    assert len(lab.flow("west").ike_tunnels) == 0


def test_the_router_starts_with_what_was_saved_and_loses_the_rest(make_pair: MakePair) -> None:
    lab = make_pair()
    lab.configure("east", "interface Loopback5", "ip address 10.5.5.5 255.255.255.255")
    lab.lab.slots["east"].startup.save(lab.east.document)
    lab.configure("east", "interface Loopback6", "ip address 10.6.6.6 255.255.255.255")
    lab.lab.restart("east")
    assert "Loopback5" in lab.east.document.config.interfaces
    assert "Loopback6" not in lab.east.document.config.interfaces
    assert [state.name for state in lab.east.device.interfaces.values()] == ["Loopback0", "FastEthernet0/0", "Loopback5"]


def test_traffic_and_hosts_stay_joined_to_the_router(make_lab: type[DrivenLab], make_pair: MakePair) -> None:
    lab = make_pair(LINK + TRAFFIC + HOST, east={"lines": INSIDE}).start()
    lab.wait(10)
    lab.lab.restart("east")
    lab.lab.restart("west")
    lab.wait(10)
    assert lab.ipsec("east", "IN_PACKETS") > 5
    assert lab.ping("east", "10.7.0.9") == 5


def test_a_router_that_restarts_without_an_interface_has_its_cable_back_when_it_is_configured_again(make_pair: MakePair) -> None:
    lab = make_pair(HOST + LINK, east={"lines": INSIDE})
    lab.lab.slots["east"].startup.erase()
    lab.lab.restart("east")
    assert list(lab.east.document.config.interfaces) == []
    lab.configure("east", "interface FastEthernet0/0", "ip address 192.0.2.1 255.255.255.0")
    lab.configure("east", "interface FastEthernet0/1", "ip address 10.7.0.1 255.255.255.0")
    assert lab.ping("east", "192.0.2.2") == 5
    assert lab.ping("east", "10.7.0.9") == 5


def test_a_ping_under_way_ends(make_pair: MakePair) -> None:
    lab = make_pair()
    under_way = lab.start_ping("east", "10.99.9.9", repeat=100)
    lab.wait(3)
    lab.lab.restart("east")
    assert under_way.done


def test_spokes_by_number_begin_as_at_the_start_of_the_lab() -> None:
    clock = VirtualClock()
    lab = DrivenLab.__new__(DrivenLab)
    lab.lab, lab.clock = lab_of(clock, {}), clock
    assert isinstance(lab.lab.runner, VirtualRunner)
    lab.runner = lab.lab.runner
    lab.wait(120)
    count = len(lab.flow("hub").ike_tunnels)
    assert count
    lab.lab.restart("hub")
    assert len(lab.flow("hub").ike_tunnels) == 0
    lab.wait(120)
    assert len(lab.flow("hub").ike_tunnels) == count
    assert all(0 <= tunnel.start <= 120_000_000 for tunnel in lab.flow("hub").ike_tunnels.values())


def test_callbacks_of_a_branch_that_is_closed_never_come() -> None:
    clock, came = VirtualClock(), list[str]()
    scheduler = Scheduler(clock)
    scheduler.at(30, lambda: came.append("the scheduler's"))
    branch = Branch(scheduler, 10)
    clock.advance(10)
    branch.at(5, lambda: came.append("in time"))
    assert branch.at(20, lambda: came.append("late")).time == 20
    clock.advance(15)
    scheduler.run_due(15)
    branch.close()
    branch.after(1, lambda: came.append("after the end"))
    clock.advance(100)
    scheduler.run_due(100)
    assert came == ["in time", "the scheduler's"]


def test_a_saved_configuration_may_lack_what_the_lab_file_names() -> None:
    """An operator may have removed an interface and saved that: the lab starts, and the cable waits."""
    lab_file = parse_lab_file(LINK + TRAFFIC + HOST + '[router.east]\nconfig = "e"\n[router.west]\nconfig = "w"\n', "lab.toml")
    texts = {"east": (router_text("east", 1, 2) + INSIDE, "e"), "west": (router_text("west", 2, 1), "w")}
    startups = {name: Startup(name, text) for name, text in texts.items()}
    startups["east"].save(load("hostname bare\n"))
    clock = VirtualClock()
    lab = DrivenLab.__new__(DrivenLab)
    lab.lab, lab.clock = build_lab(lab_file, texts, clock, "lab.toml", startups=startups), clock
    assert isinstance(lab.lab.runner, VirtualRunner)
    lab.runner = lab.lab.runner
    assert lab.east.document.config.hostname == "bare"
    lab.configure("east", "interface FastEthernet0/0", "ip address 192.0.2.1 255.255.255.0")
    lab.configure("east", "interface FastEthernet0/1", "ip address 10.7.0.1 255.255.255.0")
    assert (lab.ping("east", "192.0.2.2"), lab.ping("east", "10.7.0.9")) == (5, 5)
