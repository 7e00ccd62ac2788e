"""A hub for remote-access clients, for tests, and what they ask of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.crypto.ike_events import Login
from agent.flow.model import IkeFailureReason
from tests.crypto.pki import NOW

HUB = """
hostname hub
aaa new-model
aaa authentication login users {users}
aaa authorization network groups {groups}
username alice password secret
username carol secret 5 $1$28772684$iEwNOgGugqO9.bIz5sk8k/
{policy}
crypto isakmp keepalive 10 periodic
crypto isakmp client configuration group road
 key groupkey
 dns 10.0.0.53
 domain example.com
 pool clients
 acl 150
{group_lines}
{profile}
crypto ipsec transform-set strong esp-3des esp-sha-hmac
crypto dynamic-map remotes 1
 set transform-set strong
{template}
 reverse-route
{map_lines}
crypto map outside 10 ipsec-isakmp dynamic remotes
interface Loopback0
 ip address 10.0.0.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 crypto map outside
ip route 0.0.0.0 0.0.0.0 192.0.2.254
ip local pool clients 10.9.0.1 10.9.0.{last}
access-list 150 permit ip 10.0.0.0 0.0.0.255 any
"""
POLICY = """crypto isakmp policy 10
 encryption 3des
 authentication pre-share
 group 2"""
SIGNED_POLICY = """crypto pki trustpoint ours
 revocation-check none
crypto isakmp policy 10
 encryption 3des
 group 2"""
DATE = f"date = {NOW:%Y-%m-%dT%H:%M:%S}Z\n"
PROFILE = """crypto isakmp profile road
 match identity group road
 client authentication list users
 isakmp authorization list groups
 client configuration address {way}"""
MAP_LINES = """crypto map outside client authentication list users
crypto map outside isakmp authorization list groups
crypto map outside client configuration address respond"""
DEFAULTS = {
    "users": "local",
    "groups": "local",
    "policy": POLICY,
    "group_lines": "",
    "profile": PROFILE.format(way="respond"),
    "template": " set isakmp-profile road",
    "map_lines": "",
    "last": "3",
}
ALICE = Login("alice", "secret")

MakeHub = Callable[..., Any]


def hub_text(**settings: str) -> str:
    return HUB.format(**{**DEFAULTS, **settings})


def reasons(lab: Any) -> list[IkeFailureReason]:
    return [failure.reason for failure in lab.flow("hub").ike_failures.values()]


def clients(lab: Any) -> int:
    return len(lab.hub.router.ike.clients)
