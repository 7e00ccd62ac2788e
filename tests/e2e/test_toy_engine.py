"""An engine that is no lab, behind the port alone: its tunnels by SNMP and by the CLI, with the standard's own clients."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address
from pathlib import Path
from threading import Thread

import pytest

from agent.app import load_schema
from agent.base.clock import RealClock
from agent.config.document import load
from agent.engine.port import Engine, Node
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor
from agent.router_service import Options, RouterService, plans_of
from agent.shell.server import CliServer
from tests.e2e.conftest import AGENT, ROOT, run_tool, state_of, wait_for
from tests.e2e.traps import TrapReceiver, start_receiver
from tests.toy_engine import AGE, ToyEngine

CONFIG = """hostname toy
version 16.9
snmp-server community public RO
snmp-server community private RW
snmp-server enable traps ipsec tunnel start
snmp-server host 127.0.0.1 version 2c public udp-port {port}
end
"""


@dataclass
class Served:
    """The toy, answering."""

    state: Path
    receiver: TrapReceiver
    address: str

    def walk(self, name: str) -> dict[str, str]:
        """By name and index; enumerations as labels, octets as they are printed."""
        said = run_tool("snmpbulkwalk", "-v2c", "-c", "public", "-OQsUe", self.address, name)
        lines = (line.partition(" = ") for line in said.splitlines() if " = " in line)
        return {instance: value for instance, _, value in lines if not value.startswith("No Such")}

    def numbers(self, name: str) -> dict[str, int]:
        """A column's numbers by index."""
        return {instance.partition(".")[2]: int(value) for instance, value in self.walk(name).items()}

    def set(self, instance: str, value: str) -> str:
        """Ask for it; what is printed."""
        command = [
            "snmpset",
            "-v2c",
            "-c",
            "private",
            "-OQs",
            self.address,
            f"CISCO-IPSEC-FLOW-MONITOR-MIB::{instance}",
            "i",
            value,
        ]
        environment = {**os.environ, "MIBDIRS": str(ROOT / "mibs"), "MIBS": "ALL"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        return done.stdout + done.stderr

    def cli(self, *words: str) -> str:
        command = [*AGENT, "cli", "--state-dir", str(self.state), *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=ROOT)
        return done.stdout + done.stderr


def octets(printed: str) -> bytes:
    """Of octets as net-snmp prints them, "0A 03 00 00 "."""
    return bytes.fromhex(printed.strip('"'))


def compose(text: str) -> tuple[Node, ToyEngine]:
    """All that an engine needs to be shown: a configuration for SNMP, a monitor, a device."""
    monitor = FlowMonitor(RealClock())
    toy = ToyEngine(monitor)
    engine: Engine = toy
    return Node("toy", load(text), monitor, Device("toy", "A toy", "1.3.6.1.4.1.8072.3.2.10"), engine, datetime.now(UTC)), toy


async def serve(state: Path, text: str, ready: Callable[[str], None], done: asyncio.Event) -> None:
    node, toy = compose(text)
    service = RouterService(node, plans_of(load_schema(state, ())), Options("toy", state))
    cli = CliServer(state, "toy", {"toy": service.shown()})
    service.listen([("127.0.0.1", 0)])
    await cli.start()
    toy.begin()
    (address,) = service.agent.addresses
    ready(f"127.0.0.1:{address[1]}")
    await done.wait()
    await cli.close()
    service.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("toy")
    receiver = start_receiver(folder)
    state, loop, done = state_of(folder, mibs), asyncio.new_event_loop(), asyncio.Event()
    found: list[str] = []
    thread = Thread(target=loop.run_until_complete, args=(serve(state, CONFIG.format(port=receiver.port), found.append, done),))
    thread.start()
    try:
        wait_for(lambda: found or not thread.is_alive(), "the toy to be served")
        yield Served(state, receiver, found[0])
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.close()
        receiver.stop()


def test_the_tunnels_that_are_older_than_the_agent_have_their_age_and_sent_no_start(served: Served) -> None:
    phase_1, phase_2 = served.numbers("cikeTunActiveTime"), served.numbers("cipSecTunActiveTime")
    assert (set(phase_1), set(phase_2)) == ({"1", "2"}, {"1", "2", "3"})
    for ages in (phase_1, phase_2):
        assert ages["1"] >= 100 * AGE > ages["2"]
    served.receiver.await_names("cipSecTunnelStart", "cikeTunnelStart", "cipSecTunnelStart")
    assert [
        trap.objects.get(f"cipSecTunLifeTime.{index}") for index, trap in zip((2, 2, 3), served.receiver.traps, strict=True)
    ] == [
        "3960",
        None,
        "3960",
    ]


def test_each_of_three_selectors_has_a_row(served: Served) -> None:
    assert list(served.walk("cipSecEndPtRemoteAddr1")) == [
        f"cipSecEndPtRemoteAddr1.{index}" for index in ("1.1", "2.1", "2.2", "2.3", "3.1")
    ]
    networks = [octets(value) for value in served.walk("cipSecEndPtRemoteAddr1").values()]
    assert networks[1:4] == [bytes((10, third, 0, 0)) for third in (3, 4, 5)]
    assert set(served.walk("cipSecEndPtRemoteAddr2.2").values()) == {'"FF FF 00 00 "'}


def test_an_ikev2_tunnel_of_ipv6_shows_what_the_mib_can_say_of_it(served: Served) -> None:
    row = {name.rpartition(".")[0]: value for name, value in served.walk("cikeTunnelTable").items() if name.endswith(".2")}
    assert row["cikeTunRemoteValue"] == "2001:db8::2"
    assert octets(row["cikeTunRemoteAddr"]) == IPv6Address("2001:db8::2").packed
    assert row["cikeTunHashAlgo"] == "1"  # none: the cipher does both
    assert row["cikeTunLifeTime"] == "14400"
    unknown = {"NegoMode", "DiffHellmanGrp", "EncryptAlgo", "AuthMethod", "SaRefreshThreshold", "InOctets", "OutPkts", "InNotifys"}
    assert not {f"cikeTun{name}" for name in unknown} & set(row)
    assert octets(served.walk("cipSecEndPtLocalAddr1")["cipSecEndPtLocalAddr1.3.1"]) == IPv6Address("2001:db8:1::").packed


def test_what_one_tunnel_cannot_tell_is_in_no_sum(served: Served) -> None:
    rows, sums = served.walk("cipSecTunnelTable"), served.walk("cipSecGlobalStats")
    known = {
        name.removeprefix("cipSecTun").removesuffix(".3")
        for name in rows
        if name.endswith(".3") and ("Octe" in name or "Pkts" in name)
    }
    assert known == {"InOctets", "HcInOctets", "InPkts", "OutPkts"}
    assert {name: value for name, value in sums.items() if "Tunnels" not in name and "Fails" not in name} == {
        "cipSecGlobalInOctets.0": "643",
        "cipSecGlobalHcInOctets.0": "643",
        "cipSecGlobalInOctWraps.0": "0",
        "cipSecGlobalInPkts.0": "8",
        "cipSecGlobalOutPkts.0": "10",
    }
    # Of the failures the monitor counts by itself is known how many there were; the tunnels' own are unknown.
    assert "cipSecGlobalInAuthFails.0" not in sums
    assert sums["cipSecGlobalNoSaFails.0"] == "0"
    assert {name for name in served.walk("cikeGlobalStats") if "Octets" in name or "Pkts" in name} == set()
    assert served.walk("cikeTunInPkts") == {"cikeTunInPkts.1": "9"}


def test_what_the_engine_refuses_is_refused_to_a_manager_and_to_an_operator(served: Served) -> None:
    said = served.set("cikeTunStatus.1", "2")
    assert "noAccess" in said
    assert "This gateway is shown, and not controlled" in served.cli("clear", "crypto", "session")
    assert set(served.walk("cikeTunStatus")) == {"cikeTunStatus.1", "cikeTunStatus.2"}


def test_the_cli_shows_it_as_it_shows_a_router(served: Served) -> None:
    (line,) = (line for line in served.cli("show", "crypto", "isakmp", "sa").splitlines() if "ACTIVE" in line)
    assert line.split() == ["192.0.2.2", "192.0.2.1", "QM_IDLE", "1", "ACTIVE"]
    assert "snmp-server community public RO" in served.cli("show", "running-config")
    assert "IPSec History Window Size: 200" in served.cli("show", "crypto", "mib", "ipsec", "flowmib", "history", "tunnel", "size")
    assert "UUUUU" in served.cli("ping", "10.3.0.1")
