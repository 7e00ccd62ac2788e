"""Mib room: what the views of one SNMP context read, and where requests go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.base.origin import Origin
from agent.config.edits import Editor
from agent.config.model import RouterConfig
from agent.engine.port import Engine
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor
from agent.flow.vrf import VrfFlow
from agent.mib.column import Commit, SetRefusedError, Undo
from agent.mib.schema import Schema


class SerialNumber:
    """snmpSetSerialNo: a TestAndIncr that coordinates SETs of several managers. All contexts of a router share it."""

    def __init__(self) -> None:
        self.value = 0

    def write(self, value: int) -> Commit:
        if value != self.value:
            raise SetRefusedError("inconsistentValue")

        def undo() -> None:
            self.value = value

        def do(origin: Origin) -> Undo:
            self.value = (value + 1) % 2147483648
            return undo

        return Commit(do)


@dataclass(frozen=True, slots=True)
class Sources:
    """One router as its views see it. `administration` is what the views of the SNMP engine itself read."""

    schema: Schema
    config: RouterConfig
    monitor: FlowMonitor
    device: Device
    engine: Engine
    editor: Editor
    snmp_count: Callable[[str], int]
    administration: Any = None
    serial: SerialNumber = field(default_factory=SerialNumber)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One VRF of a router, None the global table, with its tunnels' facts."""

    router: Sources
    flow: VrfFlow
