"""What changes while a router runs: VRFs that are made and removed, and lines that an SNMP SET asks for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.base.clock import VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.origin import Origin, OriginKind, manager
from agent.config.edits import DetachCryptoMap, SetHostname
from agent.config.session import Session
from agent.flow.counters import PacketCounters
from agent.flow.model import EndReason
from agent.flow.records import FlowRecord, TrapSwitched, VrfRemoved, WindowsResized
from agent.flow.settings import TrapKind
from agent.flow.vrf import VrfFlow
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.column import Column
from agent.mib.compile import CompiledMibs
from agent.mib.schema import Schema, build_schema
from agent.mib.sources import MibError
from agent.mib.tree import Tree
from agent.router_service import Options, RouterService, plans_of
from tests.flow.builders import ike_facts

LAB = parse_lab_file('[router.r]\nconfig = "r.cfg"\n', "r.toml")
TEXT = "hostname r\nno snmp-server enable traps ipsec tunnel stop\nsnmp-server community public RO\nend\n"
MADE = ("configure terminal", "ip vrf red", " rd 1:1", " context red", "exit")


def with_service(schema: Schema, state: Path, act: Callable[[RouterService, Callable[..., None]], None], text: str = TEXT) -> None:
    """A running router, and what types lines into it."""

    async def run() -> None:
        lab = build_lab(LAB, {"r": (text, "r.cfg")}, VirtualClock(), "r.toml")
        service = RouterService(lab.first, plans_of(schema), Options("lab", state))
        session = Session(service.document)

        def type_lines(*lines: str) -> None:
            for line in lines:
                service.configured(session.feed(line).events)

        try:
            act(service, type_lines)
        finally:
            service.close()

    asyncio.run(run())


def test_a_vrf_that_is_made_has_its_context_and_the_settings_of_all(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        assert service.contexts.tree("red") is None
        type_lines(*MADE)
        assert service.contexts.tree("red") is not None
        traps = service.node.monitor.vrf("red").traps
        assert TrapKind.IPSEC_TUNNEL_START in traps
        assert TrapKind.IPSEC_TUNNEL_STOP not in traps

    with_service(schema, tmp_path, act)


def alive(*kinds: type) -> list[int]:
    """How many objects of each kind there are."""
    gc.collect()
    objects = gc.get_objects()
    return [sum(isinstance(each, kind) for each in objects) for kind in kinds]


def test_a_vrf_that_is_removed_leaves_nothing(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        type_lines(*MADE, "no ip vrf red")  # what is made once only is there now
        before = alive(VrfFlow, Tree, Column)
        type_lines(*MADE)
        assert service.contexts.tree("red") is not None
        assert alive(VrfFlow, Tree) == [before[0] + 1, before[1] + 1]
        type_lines("no ip vrf red")
        assert [flow.name for flow in service.node.monitor.vrfs()] == [None]
        assert service.contexts.tree("red") is None
        assert alive(VrfFlow, Tree, Column) == before

    with_service(schema, tmp_path, act)


def test_a_vrf_that_still_has_a_tunnel_is_kept_until_that_has_gone(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        type_lines(*MADE)
        monitor = service.node.monitor
        tunnel = monitor.ike_up("red", ike_facts(), PacketCounters(IkeCounter))
        monitor.remove_vrf("red")
        assert monitor.ike_tunnels.get(tunnel.index) is tunnel
        assert "red" in [flow.name for flow in monitor.vrfs()]

    with_service(schema, tmp_path, act)


@pytest.mark.parametrize("alive", [False, True], ids=["ended", "alive"])
def test_a_vrf_that_is_made_again_has_the_settings_of_all_though_a_tunnel_came_up_in_between(
    schema: Schema, tmp_path: Path, alive: bool
) -> None:
    """An isakmp profile may still name a VRF that was removed (`vrf red`)."""

    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        monitor = service.node.monitor
        type_lines(*MADE, "crypto mib ipsec flowmib history tunnel size 30", "no ip vrf red")
        tunnel = monitor.ike_up("red", ike_facts(), PacketCounters(IkeCounter))
        monitor.resize("red", 7, 8)
        monitor.switch_trap("red", TrapKind.IKE_NO_SA, True)
        if not alive:
            monitor.ike_ended(tunnel, EndReason.NORMAL)
        type_lines("ip vrf red", " rd 1:1", " context red")
        flow = monitor.vrf("red")
        assert flow.traps == monitor.vrf(None).traps
        assert TrapKind.IPSEC_TUNNEL_STOP not in flow.traps
        assert (flow.tunnel_window, flow.failure_window) == (30, 200)
        assert (len(flow.ike_tunnels), len(flow.ike_history)) == (int(alive), 0)
        assert service.contexts.tree("red") is not None
        monitor.switch_trap("red", TrapKind.IKE_NO_SA, True)
        type_lines(" description a line that leaves the settings as a manager made them")
        assert TrapKind.IKE_NO_SA in flow.traps

    with_service(schema, tmp_path, act)


def test_lines_about_waiting_notifications_have_their_effect_at_once(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        service.listen([("127.0.0.1", 0)])
        sender = service.sender
        assert sender is not None

        def limits() -> list[int]:
            return [host.limit for host in service.notification_hosts()]

        type_lines("configure terminal", "snmp-server host 127.0.0.1 informs version 2c public")
        default = limits()
        type_lines("snmp-server queue-length 7", "snmp-server inform retries 2")
        assert limits() == [7]
        assert sender._informs.patience.retries == 2
        type_lines("no snmp-server queue-length", "no snmp-server inform")
        assert limits() == default
        assert sender._informs.patience.retries == 3

    with_service(schema, tmp_path, act)


def test_an_edit_that_is_refused_changes_nothing_and_one_that_is_done_is_followed(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        before = service.document.render()
        for edit in (SetHostname("two words"), DetachCryptoMap("FastEthernet9/9", "outside")):
            assert service.editor.test(edit) is not None
        assert service.document.render() == before
        undo = service.editor.do(SetHostname("s"), manager("192.0.2.9"))
        assert service.node.device.name == service.endpoint.name == "s"
        service.editor.do(undo, manager("192.0.2.9"))
        assert service.node.device.name == "r"
        assert service.document.render() == before

    with_service(schema, tmp_path, act)


def test_what_a_configuration_line_causes_bears_who_typed_it(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        type_lines(*MADE)
        records: list[FlowRecord] = []
        service.node.monitor.subscribe(records.append)
        ann = Origin(OriginKind.SSH, "ann")
        session = Session(service.document, origin=ann)
        for line in (
            "crypto mib ipsec flowmib history tunnel size 5",
            "snmp-server enable traps ipsec cryptomap add",
            "no ip vrf red",
        ):
            service.configured(session.feed(line).events)
        assert {type(record) for record in records} == {WindowsResized, TrapSwitched, VrfRemoved}
        assert {record.origin for record in records} == {ann}

    with_service(schema, tmp_path, act)


def test_a_notification_host_by_name_is_found_once_its_name_has_an_address(schema: Schema, tmp_path: Path) -> None:
    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        service.listen([("127.0.0.1", 0)])
        assert service.notification_hosts() == []
        type_lines("end", "ip host nms 127.0.0.1")
        assert [str(each.address) for each in service.notification_hosts()] == ["127.0.0.1"]
        type_lines("no ip host nms")
        assert service.notification_hosts() == []

    with_service(schema, tmp_path, act, text=TEXT.replace("end\n", "snmp-server host nms public\nend\n"))


def test_modules_that_lack_what_a_notification_is_made_of_are_told_at_the_start(compiled: CompiledMibs, tmp_path: Path) -> None:
    documents = {name: dict(document) for name, document in compiled.documents.items()}
    del documents["CISCO-IPSEC-MIB"]["cipsTooManySAs"]

    def act(service: RouterService, type_lines: Callable[..., None]) -> None:
        raise AssertionError("it does not start")

    with pytest.raises(MibError, match="do not define cipsTooManySAs; take"):
        with_service(build_schema(documents), tmp_path, act)
