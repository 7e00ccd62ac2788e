"""A log-in of a remote-access client is hashed by the worker's thread, and takes no time of a virtual clock."""

from __future__ import annotations

import asyncio

from agent.aaa.access import Access
from agent.aaa.accounting.grants import Grants
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.questions import Questions
from agent.aaa.users import Users
from agent.base.clock import SECOND
from tests.aaa.at_once import FakeServers
from tests.lab.conftest import DrivenLab
from tests.lab.remote_hub import hub_text
from tests.lab.vpn_client import VpnClient

# The password "secret" by PBKDF2: a hash takes tens of milliseconds.
USERS = """\
no username alice
username alice secret 8 $8$abcdefghijklmn$zxq.i1t5MFTrEdO/LmcBqZ0j0Vzrn0bpiW/lZiq3T0c
"""


def came_up(lab: DrivenLab) -> list[tuple[str | None, int]]:
    return [(tunnel.facts.user, tunnel.start) for tunnel in lab.hub.monitor.ike_tunnels.values()]


def connect(by_thread: bool) -> list[tuple[str | None, int]]:
    """The users of two clients that connect at the same moment, and when their tunnels came up."""

    async def run() -> list[tuple[str | None, int]]:
        lab = DrivenLab("", {"hub": hub_text() + USERS})
        worker = HashWorker()
        config, requests, runner = lab.hub.document.config, FakeServers().requests(), lab.runner
        if by_thread:
            questions = Questions(runner.hold, in_order=True)
            methods = Methods(config, Users(config, worker.matches), worker.matches, requests)
            lab.hub.engine.use_access(Access(config, methods, requests, questions.begin, Grants()))
        for address in ("192.0.2.101", "192.0.2.102"):
            VpnClient(lab, address).begin()
        await runner.run_to(3 * SECOND)
        worker.close()
        return came_up(lab)

    return asyncio.run(run())


def test_a_log_in_takes_no_time_of_a_virtual_clock() -> None:
    by_thread = connect(by_thread=True)
    assert [user for user, _ in by_thread] == ["alice", "alice"]
    assert by_thread == connect(by_thread=False)
