"""Facts as an engine would report them, for the tests of the flow monitor and of the views."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from agent.flow.model import Endpoint, Identity, IkeFacts, IpsecFacts, SaAlgorithms
from agent.flow.monitor import NewSpi

HUB = IPv4Address("10.1.1.2")
SPOKE = IPv4Address("10.1.1.1")
INSIDE_HUB = IPv4Address("10.22.1.1")
INSIDE_SPOKE = IPv4Address("10.20.1.1")
DES_AH_SHA = SaAlgorithms(group=1, cipher="des", key_bits=56, ah="sha", esp_auth="sha")


def ike_facts(spoke: IPv4Address = SPOKE, **changed: Any) -> IkeFacts:
    """What the responder of the guide's two routers knows of its phase 1."""
    facts: dict[str, Any] = {
        "local": Identity(True, str(HUB)),
        "remote": Identity(True, str(spoke)),
        "local_address": HUB,
        "remote_address": spoke,
        "local_port": 500,
        "remote_port": 500,
        "local_name": "ipsecf-3745b",
        "remote_name": "",
        "initiator": False,
        "aggressive": False,
        "encryption": "des",
        "key_bits": 56,
        "hash": "sha",
        "group": 1,
        "lifetime": 86400,
        "policy": 1,
        "prf": "sha",
        "local_authentication": "pre-share",
        "remote_authentication": "pre-share",
        "refresh_threshold": 0,
    }
    return IkeFacts(**(facts | changed))


def ipsec_facts(spoke: IPv4Address = SPOKE, **changed: Any) -> IpsecFacts:
    """The phase 2 that follows: AH and ESP with DES between two hosts."""
    facts: dict[str, Any] = {
        "local_address": HUB,
        "remote_address": spoke,
        "transport": False,
        "life_size": 99000,
        "life_time": 5000,
        "inbound": DES_AH_SHA,
        "outbound": DES_AH_SHA,
        "local": (Endpoint("address", INSIDE_HUB, INSIDE_HUB),),
        "remote": (Endpoint("address", INSIDE_SPOKE, INSIDE_SPOKE),),
        "map_name": "vrf1-map",
        "map_sequence": 10,
        "acl_name": "101",
        "acl_entry": "permit ip host 10.22.1.1 host 10.20.1.1",
        "life_size_threshold": 64,
        "life_time_threshold": 10,
    }
    return IpsecFacts(**(facts | changed))


def bundle(first: int = 256) -> list[NewSpi]:
    """The four SAs of an AH and ESP bundle, in the order in which the guide's router lists them."""
    return [
        NewSpi(True, "ah", first),
        NewSpi(False, "ah", first + 1),
        NewSpi(True, "esp", first + 2),
        NewSpi(False, "esp", first + 3),
    ]
