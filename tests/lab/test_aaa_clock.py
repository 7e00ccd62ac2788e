"""AAA's answers come from another thread or a server. A virtual clock waits for them, so that a run is the same every time."""

from __future__ import annotations

import asyncio
from typing import Any

from agent.aaa.access import Access
from agent.aaa.accounting.grants import Grants
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.questions import Questions
from agent.aaa.users import Users
from agent.crypto.ike_events import Login
from tests.aaa.at_once import FakeServers
from tests.lab.conftest import DrivenLab
from tests.lab.remote_hub import hub_text
from tests.lab.vpn_client import VpnClient

CAROL = Login("carol", "hashcat")  # her password is a hash of type 5, which takes a while


async def connected(lab: DrivenLab, worker: HashWorker) -> list[Any]:
    """What clients whose passwords a thread compares have got, and when, to the microsecond."""
    config, requests = lab.hub.document.config, FakeServers().requests()
    methods = Methods(config, Users(config, worker.matches), worker.matches, requests)
    questions = Questions(lab.runner.hold, in_order=True)
    lab.hub.engine.use_access(Access(config, methods, requests, questions.begin, Grants()))
    clients = [VpnClient(lab, f"192.0.2.{number}", user=CAROL) for number in (101, 102, 103)]
    for client in clients:
        client.begin()
    await lab.runner.run_to(1_000_000)
    questions.close()
    started = [(tunnel.start, tunnel.facts.responder_cookie) for tunnel in lab.hub.monitor.ike_tunnels.values()]
    return [*(client.inner for client in clients), *started]


def test_two_runs_are_the_same() -> None:
    runs = []
    for _ in range(2):
        worker = HashWorker()
        runs.append(asyncio.run(connected(DrivenLab("", {"hub": hub_text()}), worker)))
        worker.close()
    assert runs[0] == runs[1]
    assert len(runs[0]) == 6
    assert None not in runs[0]
