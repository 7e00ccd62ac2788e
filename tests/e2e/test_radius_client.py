"""The RADIUS client against FreeRADIUS: each kind of request and answer, over IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from hashlib import md5
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from agent.aaa.radius.client import RadiusClient
from agent.aaa.radius.events import Discarded, RadiusEvent, Refused
from agent.aaa.radius.values import NAS_IP_ADDRESS, Attribute, Code, Reply, Request
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import RadiusServer, Secret, by_identity
from agent.config.model import RouterConfig
from agent.engine.access import ChapResponse
from tests.e2e.freeradius import FreeRadius, RadiusUser

USERS = (
    RadiusUser("alice", "wonderland", reply=("Framed-IP-Address = 10.3.0.7", 'Cisco-AVPair += "shell:priv-lvl=15"')),
    RadiusUser("bob", "builder", challenge="Which colour?", answer="blue"),
    RadiusUser(
        "staff",
        "cisco",
        reply=(
            'Tunnel-Password:0 = "a group key of more than sixteen octets"',
            'Cisco-AVPair += "ipsec:addr-pool=p1"',
            "Service-Type = Outbound-User",
            'Cisco-AVPair += "ipsec:default-domain=example.com"',
        ),
    ),
)


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FreeRadius]:
    made = FreeRadius(tmp_path / "radius", users=USERS, addresses=(request.param,))
    made.start()
    yield made
    made.stop()


def log_in(user: str, proof: str | ChapResponse, *more: Attribute) -> Request:
    return Request(Code.ACCESS_REQUEST, (Attribute("User-Name", user), NAS_IP_ADDRESS, *more), 1, proof)


def ask(
    server: FreeRadius,
    *requests: Request,
    secret: str | None = None,
    timeout: int = 30,
    hear: Callable[[RadiusEvent], None] | None = None,
) -> list[Reply | None]:
    """The answers to requests that are sent at once."""

    async def run() -> list[Reply | None]:
        config = RouterConfig()
        config.radius.key = Secret(secret or server.secret)
        address = ip_address(server.addresses[0])
        config.radius.hosts = by_identity(
            [RadiusServer(address, auth_port=server.auth, acct_port=server.acct, timeout=timeout, retransmit=0)]
        )
        client = RadiusClient(config, lambda group: IPv4Address("10.1.1.147"), OutsideTraffic(logging.getLogger(__name__)))
        if hear is not None:
            client.subscribe(hear)
        futures = [asyncio.get_running_loop().create_future() for _ in requests]
        for request, future in zip(requests, futures, strict=True):
            client.ask("radius", request, future.set_result)
        replies = await asyncio.wait_for(asyncio.gather(*futures), 60)
        client.close()
        return list(replies)

    return asyncio.run(run())


def codes(replies: list[Reply | None]) -> list[Code | None]:
    return [None if reply is None else reply.code for reply in replies]


def test_passwords_and_chap(server: FreeRadius) -> None:
    def chap(password: str) -> ChapResponse:
        return ChapResponse(
            7, b"sixteen octets!!", md5(b"\x07" + password.encode() + b"sixteen octets!!").digest()
        )  # RFC 1994 §4.1

    replies = ask(
        server,
        log_in("alice", "wonderland"),
        log_in("alice", "wonder"),
        log_in("alice", chap("wonderland")),
        log_in("alice", chap("wonder")),
        log_in("eve", "x" * 128),
    )
    accept, reject = Code.ACCESS_ACCEPT, Code.ACCESS_REJECT
    assert codes(replies) == [accept, reject, accept, reject, reject]
    assert replies[0] is not None
    assert list(replies[0].values("Framed-IP-Address")) == ["10.3.0.7"]
    assert list(replies[0].values("Cisco-AVPair")) == ["shell:priv-lvl=15"]
    assert {packet["User-Password"] for packet in server.accesses() if "User-Password" in packet} == {
        "wonderland",
        "wonder",
        "x" * 128,
    }
    assert {packet["NAS-IP-Address"] for packet in server.accesses()} == {"10.1.1.147"}


def test_a_challenge(server: FreeRadius) -> None:
    (challenge,) = ask(server, log_in("bob", "builder"))
    assert challenge is not None
    assert challenge.code is Code.ACCESS_CHALLENGE
    assert list(challenge.values("Reply-Message")) == ["Which colour?"]
    (state,) = challenge.values("State")
    assert codes(ask(server, log_in("bob", "blue", Attribute("State", state)))) == [Code.ACCESS_ACCEPT]
    assert codes(ask(server, log_in("bob", "red", Attribute("State", state)))) == [Code.ACCESS_REJECT]


def test_a_group(server: FreeRadius) -> None:
    (group,) = ask(server, log_in("staff", "cisco", Attribute("Service-Type", 5)))
    assert group is not None
    assert [tuple(each) for each in group.attributes if each.name not in ("Message-Authenticator", "Proxy-State")] == [
        ("Tunnel-Password", "a group key of more than sixteen octets"),
        ("Cisco-AVPair", "ipsec:addr-pool=p1"),
        ("Service-Type", 5),
        ("Cisco-AVPair", "ipsec:default-domain=example.com"),
    ]


def test_records_arrive_with_their_attributes_in_order(server: FreeRadius) -> None:
    attributes = (
        Attribute("Acct-Session-Id", "00000001"),
        Attribute("Cisco-AVPair", "vrf-id=cisco"),
        Attribute("Framed-IP-Address", "10.13.13.1"),
        Attribute("Cisco-AVPair", "connect-progress=No Progress"),
        Attribute("Acct-Status-Type", 1),
        Attribute("Cisco-NAS-Port", "FastEthernet0/0.1"),
        Attribute("Acct-Delay-Time", 0),
    )
    replies = ask(server, *(Request(Code.ACCOUNTING_REQUEST, attributes, about) for about in range(600)))
    assert codes(replies) == [Code.ACCOUNTING_RESPONSE] * 600
    records = server.await_records(600)
    assert len(records) == 600
    names = [name for name in records[0].names if name in {attribute.name for attribute in attributes}]
    assert names == [attribute.name for attribute in attributes]
    assert records[0].pairs == {"vrf-id": "cisco", "connect-progress": "No Progress"}


def test_answers_without_a_message_authenticator_are_refused(tmp_path: Path) -> None:
    server = FreeRadius(tmp_path / "radius", users=USERS, authenticates=False)
    server.start()
    try:
        events: list[RadiusEvent] = []
        assert codes(ask(server, log_in("alice", "wonderland"), log_in("alice", "no"), timeout=2, hear=events.append)) == [
            None,
            None,
        ]
        assert [event.reason for event in events if isinstance(event, Refused)] == [Discarded.NO_MESSAGE_AUTHENTICATOR] * 2
    finally:
        server.stop()


def test_a_wrong_secret_is_no_answer(server: FreeRadius) -> None:
    assert codes(ask(server, log_in("alice", "wonderland"), secret="other", timeout=1)) == [None]
    assert server.accesses() == []
