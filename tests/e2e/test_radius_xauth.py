"""Logins by FreeRADIUS that strongSwan's client cannot do, so one of ours does them.

It offers the XAUTH type RADIUS-CHAP: then the password is not in what the router gets, and not in what it sends to the server
(RFC 2865 §2.2). And it answers a challenge by something else than the password.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from itertools import count
from typing import Any

import pytest

from agent.aaa.access import Access
from agent.aaa.access_requests import AccessRequests
from agent.aaa.accounting.grants import Grants
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.questions import Questions, once
from agent.aaa.radius.client import RadiusClient
from agent.aaa.users import Users
from agent.base.outside import OutsideTraffic
from agent.crypto.ike_events import Login
from tests.e2e.freeradius import FreeRadius, RadiusUser
from tests.lab.conftest import DrivenLab
from tests.lab.remote_hub import hub_text
from tests.lab.vpn_client import VpnClient

USERS = [
    RadiusUser("alice", "secret", reply=("Framed-IP-Address = 10.8.0.77",)),
    RadiusUser("dave", "secret", challenge="Your code?", answer="4711"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    found = FreeRadius(tmp_path_factory.mktemp("chap") / "server", users=USERS)
    found.start()
    yield found
    found.stop()


async def log_in(server: FreeRadius, user: Login, *later: Login) -> IPv4Address | None:
    """The address that a client gets which logs in to a hub of the lab; None where it is refused."""
    lab = DrivenLab("", {"hub": hub_text(users="group radius", map_lines=server.ios())})
    config, worker = lab.hub.document.config, HashWorker()
    radius = RadiusClient(config, lambda group: IPv4Address("127.0.0.1"), OutsideTraffic(logging.getLogger(__name__), False))
    requests = AccessRequests(config.radius, lambda group, request: once(partial(radius.ask, group, request)), count(1).__next__)
    methods = Methods(config, Users(config, worker.matches), worker.matches, requests)
    questions = Questions(lab.runner.hold, in_order=True)
    lab.hub.engine.use_access(Access(config, methods, requests, questions.begin, Grants()))
    client = VpnClient(lab, "192.0.2.101", user=user, later=later)
    client.begin()
    await lab.runner.run_to(3_000_000)
    questions.close()
    radius.close()
    worker.close()
    return client.inner


def passwords(server: FreeRadius) -> list[Any]:
    return [value for packet in server.accesses() for value in packet.all("User-Password")]


@pytest.mark.parametrize(("password", "address"), [("secret", IPv4Address("10.8.0.77")), ("wrong", None)])
def test_the_server_judges_the_response(server: FreeRadius, password: str, address: IPv4Address | None) -> None:
    before = passwords(server)
    assert asyncio.run(log_in(server, Login("alice", password, chap=True))) == address
    request = server.accesses()[-1]
    assert "CHAP-Challenge" in request
    assert "CHAP-Password" in request
    assert passwords(server) == before


def test_without_it_the_password_goes_to_the_server(server: FreeRadius) -> None:
    assert asyncio.run(log_in(server, Login("alice", "secret"))) == IPv4Address("10.8.0.77")
    assert passwords(server)[-1] == "secret"


@pytest.mark.parametrize(("code", "address"), [("4711", IPv4Address("10.9.0.1")), ("secret", None)])
def test_the_answer_to_a_challenge_goes_to_the_server_with_its_state(
    server: FreeRadius, code: str, address: IPv4Address | None
) -> None:
    assert asyncio.run(log_in(server, Login("dave", "secret"), Login("dave", code))) == address
    first, second = server.accesses()[-2:]
    assert (first["User-Password"], second["User-Password"]) == ("secret", code)
    assert ("State" in first, "State" in second) == (False, True)
