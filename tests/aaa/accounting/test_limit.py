"""How many records may wait is what the router's section of the lab file says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.aaa.accounting.spool import LabSpool, Spool
from agent.app import LabService
from agent.base.clock import VirtualClock
from agent.lab.lab import build_lab
from agent.lab.labfile.reading import parse_lab_file
from agent.mib.schema import Schema
from agent.router_service import Options

LAB = '[router.few]\nconfig = "r.cfg"\naccounting_spool = 3\nsnmp = ["127.0.0.1:0"]\n[router.many]\nconfig = "r.cfg"\n'
TEXT = "aaa new-model\naaa accounting network l start-stop group radius\n"


def test_each_router_has_the_limit_of_its_section(schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[str, int] = {}
    router = LabSpool.router

    def watched(spool: LabSpool, name: str, limit: int = 0) -> Spool:
        limits[name] = limit
        return router(spool, name, limit)

    async def run() -> None:
        lab = build_lab(
            parse_lab_file(LAB, "lab.toml"), dict.fromkeys(("few", "many"), (TEXT, "r.cfg")), VirtualClock(), "lab.toml"
        )
        service = LabService(lab, schema, Options("lab", tmp_path))
        try:
            await service.start()
        finally:
            await service.stop()

    monkeypatch.setattr(LabSpool, "router", watched)
    asyncio.run(run())
    assert limits == {"few": 3, "many": 100_000}
