"""`show processes`: measured, by room, under IOS's names."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from agent.base.clock import SECOND, VirtualClock
from agent.base.process import held
from agent.base.processor import INTERVAL, ProcessorShares, module_of
from agent.shell.render.processes import process_of
from tests.shell.fakes import Console


def frame_in(module: str) -> FrameType:
    """A frame of a function that another one of `module` has called."""
    space: dict[str, Callable[[Callable[[], FrameType]], FrameType]] = {}
    exec("def call(function): return function()", {"__name__": module}, space)
    return space["call"](sys._getframe)


def test_a_sample_belongs_to_the_innermost_module_of_ours() -> None:
    assert module_of(frame_in("agent.snmp.engine")) == "agent.snmp.engine"
    assert module_of(None) == ""


@pytest.mark.parametrize(
    ("module", "process"),
    [
        ("agent.crypto.main_mode", "Crypto IKMP"),
        ("agent.crypto.esp", "IPSEC key engine"),
        ("agent.lab.wire.wires", "IP Input"),
        ("agent.snmp.sender", "SNMP Traps"),
        ("agent.snmp.fast", "IP SNMP"),
        ("agent.shell.session", "Virtual Exec"),
        ("agent.app", "Per-Second Jobs"),
        ("", "Init"),
    ],
)
def test_each_module_s_work_has_a_name_of_ios(module: str, process: str) -> None:
    assert process_of(module) == process


def test_shares_are_of_the_last_seconds() -> None:
    clock = VirtualClock(0)
    shares = ProcessorShares(clock)
    clock.advance(10 * SECOND)
    for _ in range(SECOND // INTERVAL):  # a second of processor time
        shares.sample(frame_in("agent.mib.column"))
    clock.advance(12 * SECOND)
    assert shares.shares(5) == {"agent.mib.column": pytest.approx(20)}
    clock.advance(40 * SECOND)
    assert shares.shares(5) == {}
    assert shares.shares(60) == {"agent.mib.column": pytest.approx(100 / 41)}  # it has run for 41 seconds


def test_show_processes_cpu_has_a_row_for_each_process() -> None:
    console = Console()
    console.clock.time = 100 * SECOND
    for module in ("agent.lab.ike.ike", "agent.crypto.phase1", "agent.snmp.fast"):
        console.router.processor.sample(frame_in(module))
    head, columns, *rows = console.type("show processes cpu").splitlines()
    assert re.fullmatch(r"CPU utilization for five seconds: \d+%/0%; one minute: \d+%; five minutes: \d+%", head)
    assert columns == " PID Runtime(ms)     Invoked      uSecs   5Sec   1Min   5Min TTY Process "
    shown = [" ".join(row.split()[1:4]) + " " + " ".join(row.split()[8:]) for row in rows]
    assert [line for line in shown if not line.startswith("0 0 0 ")] == ["40 2 20000 Crypto IKMP", "20 1 20000 IP SNMP"]
    assert "0 0 0 Virtual Exec" in shown  # IOS lists a process that has not run yet as well


def test_show_processes_memory_counts_what_the_router_holds() -> None:
    console = Console()
    before = console.type("show processes memory").splitlines()
    console.router.document.config.snmp.location = "x" * 100_000
    after = console.type("show processes memory").splitlines()
    assert re.fullmatch(r"Processor Pool Total: +\d+ Used: +\d+ Free: +\d+", after[0])
    grown = int(after[-1].split()[0]) - int(before[-1].split()[0])
    assert grown >= 100_000
    (parser,) = (line for line in after if line.endswith(" Parser"))
    assert int(parser.split()[4]) > 100_000


def test_an_object_is_counted_once_and_code_is_not() -> None:
    shared = ["text" * 1000]
    assert list(held([shared, shared], 1000)) == [("", sys.getsizeof(shared)), ("", sys.getsizeof(shared[0]))]
    assert list(held([held, sys, int], 1000)) == []


def test_an_object_belongs_to_the_module_of_its_class_or_of_what_leads_to_it() -> None:
    shares = ProcessorShares(VirtualClock(0))
    shares.total["a module"] = 7
    modules = {module for module, _ in held([shares], 1000)}
    assert modules == {"agent.base.processor", "agent.base.clock"}
