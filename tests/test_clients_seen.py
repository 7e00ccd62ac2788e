"""`debug crypto isakmp aaa` while a remote-access client of the lab sets up its tunnel: its group, its log-in, its session."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from agent.aaa_service import LabAaa
from agent.base.clock import SECOND
from agent.crypto.ike_events import Login
from agent.mib.schema import Schema
from agent.router_service import Options, RouterService, plans_of
from agent.syslog.debug import Debug
from tests.lab.conftest import DrivenLab
from tests.lab.remote_hub import hub_text
from tests.lab.vpn_client import VpnClient

GROUP = [
    "ISAKMP/author: Author request for group road successfully sent to AAA",
    "ISAKMP AAA: Authorization of group road: PASS",
    "ISAKMP AAA: Authentication request for user alice sent to AAA",
]


@pytest.mark.parametrize(
    ("password", "address", "lines"),
    [
        (
            "secret",
            IPv4Address("10.9.0.1"),
            [*GROUP, "ISAKMP AAA: Authentication of user alice: PASS", "ISAKMP AAA: Accounting is not enabled"],
        ),
        ("wrong", None, [*GROUP, "ISAKMP AAA: Authentication of user alice: FAIL"]),
    ],
)
def test_a_client(schema: Schema, tmp_path: Path, password: str, address: IPv4Address | None, lines: list[str]) -> None:
    async def run() -> None:
        lab, said = DrivenLab("", {"hub": hub_text()}), []
        aaa = LabAaa(lab.runner.hold, virtual=True)
        service = RouterService(lab.hub, plans_of(schema), Options("lab", tmp_path), aaa, timers=lab.hub.timers)
        service.syslog.subscribe(lambda logged: said.append(str(logged.message)))
        service.debugging.switch(Debug.ISAKMP_AAA, on=True)
        client = VpnClient(lab, "192.0.2.101", user=Login("alice", password))
        client.begin()
        await lab.runner.run_to(3 * SECOND)
        service.close()
        aaa.close()
        assert client.inner == address
        assert [line for line in said if not line.startswith("%")] == lines

    asyncio.run(run())
