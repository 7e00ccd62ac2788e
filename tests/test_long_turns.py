"""A turn of the event loop may take seconds of the processor's time. The signals that come meanwhile make no lines of errors."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from agent.app import LabService
from agent.base.clock import VirtualClock
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.schema import Schema
from agent.router_service import Options

LAB = '[router.r]\nconfig = "r.cfg"\nsnmp = ["127.0.0.1:0"]\n'
SIGNALS = 1_000  # more than the pipe that wakes the loop has room for


def test_many_signals_in_one_turn_of_the_loop_are_no_error(schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", faults.append)

    async def run() -> None:
        lab = build_lab(parse_lab_file(LAB, "lab.toml"), {"r": ("hostname r\n", "r.cfg")}, VirtualClock(), "lab.toml")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)  # as the command does
        service = LabService(lab, schema, Options("lab", tmp_path))
        try:
            await service.start()
            for _ in range(SIGNALS):
                os.kill(os.getpid(), signal.SIGPROF)
        finally:
            await service.stop()

    asyncio.run(run())
    assert faults == []
