"""An SNMP endpoint need not be one router's one IOS text: its parts may come from several, or from none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

import pytest

from agent.config.document import load
from agent.config.endpoint import RouterEndpoint
from agent.config.events import (
    ConfigEvent,
    CryptoChanged,
    HostnameSet,
    HostsChanged,
    InterfaceChanged,
    RoutingChanged,
    SnmpChanged,
    TrapTypesSet,
    VrfChanged,
)
from agent.config.model import AccessList, AclAddress, AclEntry
from agent.config.session import Session
from agent.config.snmp_model import Community, SnmpConfig, SnmpGroup, SnmpHost, SnmpUser
from agent.snmp.access import Grant, compile_policy
from agent.snmp.endpoint import Endpoint, address_of
from agent.snmp.engine import SnmpAgent, Surroundings
from agent.snmp.identity import EngineIdentity, LocalEngine, new_engine_id
from agent.snmp.sender import NotificationSender
from tests.snmp.fakes import EVERYTHING, GET, INTERNET, SIZE, Fake, fake_tree, request, resolve, response, whole

HERE, ELSEWHERE = IPv4Address("10.1.1.1"), IPv4Address("10.2.2.2")


@dataclass(frozen=True)
class Composed:
    """An endpoint of parts."""

    name: str
    snmp: SnmpConfig
    vrfs: Mapping[str | None, str]  # their contexts
    access_lists: Mapping[str, AccessList] = field(default_factory=dict)
    hosts: Mapping[str, IPv4Address] = field(default_factory=dict)
    trap_source: IPv4Address | None = None

    @property
    def contexts(self) -> list[str]:
        return list(self.vrfs.values())

    def context_of(self, vrf: str | None) -> str | None:
        return self.vrfs.get(vrf)


def of_two_configurations() -> Endpoint:
    """The SNMP section of one file, the contexts and names of another."""
    management = load(
        "hostname nms-side\naccess-list 10 permit 10.1.1.1\nsnmp-server community cust1 RO 10\n"
        "snmp mib community-map cust1 context cust1-context\nsnmp-server community all RO\nsnmp-server host nms version 2c cust1\n"
    ).config
    gateway = load("hostname gw1\nip vrf cust1\n context cust1-context\nip host nms 127.0.0.9\n").config
    contexts = {None: "", **{vrf.name: vrf.context for vrf in gateway.vrfs.values() if vrf.context}}
    return Composed("gw1", management.snmp, contexts, management.access_lists, gateway.hosts)


def of_no_text() -> Endpoint:
    everybody = AclAddress(IPv4Address(0), IPv4Address(0xFFFFFFFF))
    only = AclEntry(True, 0, AclAddress(HERE, IPv4Address(0)), everybody)
    host = SnmpHost("nms", "cust1", version="2c")
    return Composed(
        "gw1",
        SnmpConfig(
            communities={"cust1": Community("cust1", acl="10"), "all": Community("all")},
            community_contexts={"cust1": "cust1-context"},
            users={"ann": SnmpUser("ann", "g")},
            groups={("g", "v3", "noauth", "cust1-context"): SnmpGroup("g", "v3", context="cust1-context")},
            hosts={("nms", None, "cust1", 162): host},
        ),
        {None: "", "cust1": "cust1-context"},
        {"10": AccessList("10", False, (only,))},
        {"nms": IPv4Address("127.0.0.9")},
    )


@pytest.mark.parametrize("make", [of_two_configurations, of_no_text])
def test_access_is_compiled_from_parts(make: type[Composed]) -> None:
    policy = compile_policy(make(), resolve)
    assert policy.contexts == {"", "cust1-context"}
    assert policy.community(b"all", "v2c", ELSEWHERE) == Grant("", INTERNET, None, EVERYTHING)
    assert policy.community(b"cust1", "v2c", HERE) == Grant("cust1-context", INTERNET, None, EVERYTHING)
    assert policy.community(b"cust1", "v2c", ELSEWHERE) is None
    assert policy.problems == ()


@pytest.mark.parametrize("make", [of_two_configurations, of_no_text])
def test_an_engine_answers_and_knows_its_receivers_by_parts(make: type[Composed]) -> None:
    endpoint = make()
    trees = {context: fake_tree(Fake(context)) for context in endpoint.contexts}

    async def run() -> None:
        local = LocalEngine(EngineIdentity(new_engine_id(), 1), asyncio.get_running_loop().time)
        agent = SnmpAgent(local, endpoint, Surroundings(resolve, trees.get, lambda: 0))
        sender = NotificationSender(agent, endpoint, lambda: 0)
        try:
            answer = whole(agent.fast.answer(request(GET, [SIZE], b"all"), "10.2.2.2"))
            assert answer is not None
            assert response(answer).values == ["10"]
            assert whole(agent.fast.answer(request(GET, [SIZE], b"cust1"), "10.2.2.2")) == b""
            assert [str(each.address) for each in sender.accounts()] == ["127.0.0.9"]
            assert (sender.wanted("cust1", "ipsec"), sender.wanted(None, "ipsec")) == (True, False)
        finally:
            sender.close()
            agent.close()

    asyncio.run(run())


def test_a_host_by_name_is_where_the_endpoint_says() -> None:
    endpoint = of_no_text()
    assert address_of(SnmpHost("nms", "c"), endpoint) == IPv4Address("127.0.0.9")
    assert address_of(SnmpHost("nobody", "c"), endpoint) is None
    assert address_of(SnmpHost(HERE, "c"), endpoint) == HERE


# --- of one router ---


def test_a_router_s_endpoint_follows_its_configuration() -> None:
    document = load(
        "hostname r\nip vrf red\n context red\nip vrf blue\ninterface Loopback0\n ip address 10.1.38.25 255.255.255.0\n"
    )
    endpoint, session = RouterEndpoint(document.config), Session(document)
    assert (endpoint.name, endpoint.contexts, endpoint.trap_source) == ("r", ("", "red"), None)
    assert [endpoint.context_of(vrf) for vrf in (None, "red", "blue", "green")] == ["", "red", None, None]
    for line in ("hostname s", "snmp-server trap-source Loopback0", "ip vrf blue", "context blue"):
        session.feed(line)
    assert (endpoint.name, endpoint.contexts, endpoint.trap_source) == ("s", ("", "red", "blue"), IPv4Address("10.1.38.25"))


@pytest.mark.parametrize(
    ("event", "matters"),
    [
        (SnmpChanged(), True),
        (VrfChanged("red"), True),
        (RoutingChanged(), True),
        (HostsChanged(), True),
        (HostnameSet("r"), True),
        (InterfaceChanged("Loopback0"), True),
        (InterfaceChanged("Loopback1"), False),
        (CryptoChanged(), False),
        (TrapTypesSet(frozenset(), True), False),
    ],
)
def test_an_endpoint_is_changed_by_what_it_is_made_of(event: ConfigEvent, matters: bool) -> None:
    endpoint = RouterEndpoint(load("snmp-server trap-source Loopback0\nsnmp-server host nms public\n").config)
    assert endpoint.is_changed_by(event) is matters


def test_names_of_hosts_matter_where_a_receiver_has_one() -> None:
    assert not RouterEndpoint(load("snmp-server host 127.0.0.1 public\n").config).is_changed_by(HostsChanged())
